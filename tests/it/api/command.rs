//! The command line as scripts use it: exit codes, and messages that name what is wrong once and say what to do.

use std::fs;
use std::process::{Command, Stdio};

use crate::harness::{Home, UNSEAL, program};

/// Exit code, standard output, standard error.
fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.stdin(Stdio::null()).output().expect("aplomb runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn exit_codes_and_messages() {
    let home = Home::set_up();
    let at = |name: &str| home.path().join(name).display().to_string();
    fs::write(at("key"), home.token()).unwrap();
    fs::write(at("short"), "x\n").unwrap();
    let (data, unseal, password, new) = (at("data"), at("unseal"), at("password"), at("new"));
    let with = |command: &str| format!("{command} --data {data} --unseal-file {unseal}");
    let init = |rest: &str| format!("init --data {new} --admin a@b.example {rest}");
    let remote = format!("--server http://127.0.0.1:1 --token-file {}", at("key"));
    let cases = [
        ("nonsense".to_owned(), 2, "nonsense"),
        ("serve --listen nonsense".to_owned(), 2, "--listen"),
        ("serve --tls nonsense".to_owned(), 2, "auto, off, acme"),
        (with("token --user a@b.example"), 2, "--name"),
        (with("export -o -"), 2, "--object NAME or --all"),
        (with("export -o - --object contact --all"), 2, "--all"),
        ("export -o - --object contact --server http://127.0.0.1:1".to_owned(), 2, "--token-file"),
        (format!("backup -o {} {remote}", at("x.age")), 2, "--recipient"),
        (format!("export -o - --object contact {remote}"), 1, "http://127.0.0.1:1"),
        (format!("verify --data {new} --unseal-file {unseal}"), 1, "there is no data"),
        (with(&format!("init --company A --admin a@b.example --password-file {password}")), 1, "there is data already"),
        (init(&format!("--company A --password-file {}", at("none"))), 1, "none: No such file"),
        (init(&format!("--company A --password-file {}", at("short"))), 1, "password: "),
        (init(&format!("--company A --password-file {password} --currency XXXX")), 1, "ISO 4217"),
        (with("token --user nobody@acme.example --name t"), 1, "nobody@acme.example"),
        (with("token --user admin@acme.example --name t --scope nonsense"), 1, "scope"),
        (format!("token --data {data} --unseal-file {password} --user a@b.example --name t"), 1, "does not open"),
        (format!("token --data {data} --unseal-file {} --user a@b.example --name t", at("none")), 1, "No such file"),
        (format!("verify --data {data}"), 1, "--unseal-file"),
        (with("import --object nothing none.csv"), 1, "none.csv"),
        (with("export -o - --object nothing"), 1, "object"),
        (format!("restore {} --data {new} --unseal-file {unseal}", at("key")), 1, "key: "),
        (format!("restore {} --data {data} --unseal-file {unseal}", at("key")), 1, "there is data already"),
        (with("verify"), 0, ""),
        (with("doctor"), 0, ""),
        ("--version".to_owned(), 0, ""),
    ];
    for (line, code, part) in cases {
        let mut command = Command::new(program());
        let (found, _, said) = run(command.current_dir(home.path()).args(line.split_whitespace()));
        assert_eq!(found, code, "{line}: {said}");
        assert!(said.contains(part), "{line}: {said}");
        let told = said.trim().trim_start_matches("error: ");
        let half = told.split_once(": ").map_or(told, |(_, rest)| rest);
        assert!(code != 1 || told.matches(half).count() == 1, "{line} says it twice: {said}");
    }
    assert!(!home.path().join("new").join("store.redb").exists(), "what was refused leaves nothing");
    let server = home.serve(true).ready();
    for command in ["token --user a@b.example --name t", "verify", "backup -o x.age", "export -o - --object contact"] {
        let line = with(command);
        let (code, _, said) = run(Command::new(program()).current_dir(home.path()).args(line.split_whitespace()));
        assert!(code == 1 && said.contains("--server"), "{line}: {said}");
    }
    drop(server);
}

#[test]
fn the_secret_comes_by_file_environment_credential_or_configuration() {
    let home = Home::set_up();
    let credentials = home.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("unseal"), format!("{UNSEAL}\n")).unwrap();
    let unseal = home.path().join("unseal");
    let file = format!("data = {:?}\nunseal-file = {unseal:?}\n[verify]\njson = true\n", home.data());
    fs::write(home.path().join("aplomb.toml"), file).unwrap();
    let configuration = home.path().join("aplomb.toml");
    for way in ["option", "environment", "credential", "file here", "named file"] {
        let mut command = Command::new(program());
        command.arg("verify").env("APLOMB_DATA", home.data()).env("APLOMB_JSON", "true").current_dir("/");
        match way {
            "option" => command.arg("--unseal-file").arg(&unseal),
            "environment" => command.env("APLOMB_UNSEAL_FILE", &unseal),
            "credential" => command.env("CREDENTIALS_DIRECTORY", &credentials),
            "file here" => command.current_dir(home.path()),
            _ => command.env("APLOMB_CONFIG", &configuration),
        };
        let (code, said, errors) = run(&mut command);
        assert!(code == 0 && said.contains("\"ok\":true"), "{way}: {said}{errors}");
    }
}
