//! schemathesis against the running program: no 5xx, and no answer whose status, content type, headers or body the
//! OpenAPI document does not announce.

use std::path::PathBuf;
use std::process::Command;

use crate::harness::Home;

/// The version that `deploy/test` installs below `target/`.
const VERSION: &str = "4.32.5";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance";
/// These would take the key away that the run itself uses.
const LEFT_OUT: [(&str, &str); 3] =
    [("DELETE", "/api/v1/tokens/{id}"), ("DELETE", "/api/v1/users/{id}"), ("PATCH", "/api/v1/users/{id}")];
/// Asked for in seconds; `APLOMB_SCHEMATHESIS_SECONDS` asks for more or less.
const SECONDS: &str = "90";

fn program() -> Option<PathBuf> {
    let given = std::env::var_os("APLOMB_SCHEMATHESIS").map(PathBuf::from);
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    let program = given.unwrap_or_else(|| target.join(format!("schemathesis-{VERSION}/bin/schemathesis")));
    program.exists().then_some(program)
}

#[test]
fn the_document_tells_what_the_server_does() {
    let Some(program) = program() else {
        return eprintln!("SKIPPED: schemathesis {VERSION} is not below target/; deploy/test installs it from PyPI");
    };
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    assert_eq!(server.call(Some(&key), "POST", "/api/v1/sample", None).0, 201);
    let (_, document) = server.call(Some(&key), "GET", "/api/v1/openapi.json", None);
    let left_out = LEFT_OUT.map(|(method, path)| {
        let id = &document["paths"][path][method.to_lowercase()]["operationId"];
        id.as_str().unwrap_or_else(|| panic!("{method} {path} has no operationId")).to_owned()
    });
    let seconds = std::env::var("APLOMB_SCHEMATHESIS_SECONDS").unwrap_or_else(|_| SECONDS.to_owned());
    let run = || {
        let mut command = Command::new(&program);
        command.args(["run", &server.url("/api/v1/openapi.json"), "-H", &format!("Authorization: Bearer {key}")]);
        command.args(["--seed", "4711", "--workers", "1", "--continue-on-failure", "--no-color", "--warnings", "off"]);
        command.args(["--checks", CHECKS, "--max-time", &seconds]);
        command.args(left_out.iter().flat_map(|id| ["--exclude-operation-id", id]));
        let output = command.current_dir(home.path()).output().expect("schemathesis runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), said)
    };
    let (mut fine, mut said) = run();
    // Generating cases has a time limit inside schemathesis, which a busy machine can hit; a failure is not asked twice.
    // One worker: parsing on two threads at once breaks `ast.parse` of CPython 3.11 (its issue 106905).
    if !fine && !said.contains("\nFailures:") {
        (fine, said) = run();
    }
    assert!(fine, "{said}");
    assert!(said.contains("Tested:"), "{said}");
    assert_eq!(server.call(Some(&key), "GET", "/api/v1/session", None).0, 200, "the key was lost on the way:\n{said}");
    let (fine, said) = {
        server.stop();
        home.verify()
    };
    assert!(fine, "{said}");
}
