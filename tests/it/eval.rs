//! `aplomb eval --csv` on a file of the user's own: the card of a yes or no, the card of an amount, and what is refused.
//! And of the suites: that sets which are missing are brought by the script of the checkout.

use std::fmt::Write;
use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::harness::program;

/// Deals of 400 days: those of many seats are worth more and are won more often; `euros` is the worth once more.
fn deals() -> String {
    let mut text = "closed,seats,source,euros,stage,worth,won\n".to_owned();
    for row in 0..400_u32 {
        let (seats, noise) = (row * 37 % 100, row * 7919 % 101);
        let worth = if seats > 60 { 9_000 } else { 1_000 } + seats * 10 + noise * 8;
        let (source, stage) = (["web", "fair"][row as usize % 2], ["new", "offer", "done"][row as usize % 3]);
        let day = format!("2025-{:02}-{:02}", 1 + row / 34, 1 + row % 28);
        let won = if seats + noise > 110 { "yes" } else { "no" };
        let euros = f64::from(worth) * 0.9;
        let worth = if row == 5 { String::new() } else { worth.to_string() };
        writeln!(text, "{day},{seats},{source},{euros},{stage},{worth},{won}").expect("text");
    }
    text
}

/// Exit code, standard output, standard error.
fn eval(text: &str, arguments: &[&str]) -> (i32, String, String) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("deals.csv");
    fs::write(&file, text).expect("a file");
    let mut command = Command::new(program());
    command.arg("eval").arg("--csv").arg(file).args(arguments).stdin(Stdio::null());
    let output = command.output().expect("aplomb runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_card_of_outcomes_and_one_of_amounts() {
    let text = deals();
    let (code, told, said) = eval(&text, &["--target", "won", "--ignore", "worth", "--ignore", "euros"]);
    assert_eq!(code, 0, "{said}");
    for words in ["400 rows, ", "of them \"yes\"", "AUC 0.8", "verdict: ", "seats"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let (code, told, said) = eval(&text, &["--target", "worth", "--time", "closed"]);
    assert_eq!(code, 0, "{said}");
    for words in [
        "399 rows, 4 features",
        "\"worth\" is an amount from 1,",
        "1 row without an amount was left out",
        "left out: \"euros\" alone tells the amount",
        "model: boosted trees, learned from 332 rows",
        "on 67 rows held out:",
        "by the median of the past",
        "80 % promised",
        "verdict: use with care: its estimates are nearly exact (R² 0.99",
        "R² by rows learned from",
        "  seats  ",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let (code, told, said) = eval(&text, &["--target", "worth", "--time", "closed", "--json"]);
    assert_eq!(code, 0, "{said}");
    let read: Json = serde_json::from_str(&told).expect("JSON");
    let card = &read["card"];
    assert_eq!(
        (&read["withoutOutcome"], &card["rows"], &card["heldOut"]["rows"]),
        (&1.into(), &399.into(), &67.into())
    );
    let number = |name: &str| card["heldOut"][name].as_f64().expect("a number");
    assert!(number("mae") < 0.5 * number("naiveMae") && number("rSquared") > 0.9, "{card}");
    assert!((0.6..=1.0).contains(&number("held")), "{card}");
    assert_eq!(
        (&card["verdict"]["grade"], &card["influences"][0]["feature"]),
        (&"useWithCare".into(), &"seats".into())
    );
}

#[test]
fn what_cannot_be_predicted_is_named_with_the_remedy() {
    let text = deals();
    let spoiled = text.replacen(",1698,", ",about 1700,", 1);
    let cases = [
        (
            &text,
            "stage",
            "column \"stage\" is neither a yes or no nor an amount: its values are \"new\", \"done\", \"offer\"",
        ),
        (&text, "stage", "(--yes VALUE)"),
        (&text, "price", "there is no column \"price\"; the columns are closed, seats"),
        (&spoiled, "worth", "has \"about 1700\" where a finite number is needed"),
    ];
    for (text, target, words) in cases {
        let (code, _, said) = eval(text, &["--target", target]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("deals.csv") && said.contains(words), "{words}: {said}");
    }
    let (code, told, said) = eval(&text, &["--target", "stage", "--yes", "done"]);
    assert!(code == 0 && told.contains("133 of them \"done\""), "{told} {said}");
}

/// A script in the place of the real one, which needs a network.
#[cfg(unix)]
#[test]
fn missing_sets_are_brought_by_the_script() {
    use std::os::unix::fs::PermissionsExt;

    let checkout = tempfile::tempdir().expect("a temporary directory");
    let run = || {
        let mut command = Command::new(program());
        command.args(["eval", "groups"]).current_dir(checkout.path()).stdin(Stdio::null());
        let output = command.output().expect("aplomb runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    };
    let (code, _, said) = run();
    assert_eq!(code, 1);
    assert!(said.contains("`deploy/eval/fetch eval-sets` of a checkout brings them"), "{said}");

    let deploy = checkout.path().join("deploy/eval");
    fs::create_dir_all(&deploy).expect("a directory");
    let script = deploy.join("fetch");
    fs::write(&script, "#!/bin/sh\necho no mirror knows them >&2; exit 3\n").expect("a script");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a script that runs");
    let (code, _, said) = run();
    assert_eq!(code, 1);
    assert!(said.contains("no mirror knows them") && said.contains("did not bring the sets"), "{said}");

    let set = r#"{"name": "pairs", "kind": "clusters", "width": 1, "count": 2,
        "values": [0.0, 0.1, 0.2, 0.3, 9.0, 9.1, 9.2, 9.3], "labels": [0, 0, 0, 0, 1, 1, 1, 1]}"#;
    fs::write(&script, format!("#!/bin/sh\nmkdir -p $1/groups\ncat > $1/groups/clusters-pairs.json <<'E'\n{set}\nE\n"))
        .expect("a script");
    let (code, told, said) = run();
    assert_eq!(code, 0, "{said}");
    assert!(told.contains("clusters-pairs"), "{told}");
    assert!(said.contains("references are not measured yet"), "{said}");
}
