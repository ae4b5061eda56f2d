//! Runs a test once more in a process with namespaces of its own: without a route, with mounts that end with it.

use std::process::Command;

const INSIDE: &str = "APLOMB_TEST_ISOLATED";

/// Whether this is the process that [`run_in`] started.
pub fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// What the kernel lets this user have: the namespaces themselves (root), or those of a user namespace.
fn unshare(namespaces: &[&str], prepare: &str) -> Option<Command> {
    let command = |more: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(namespaces).args(more).args(["sh", "-c", &format!("{prepare} && exec \"$@\""), "sh"]);
        command
    };
    let ways: [&[&str]; 2] = [&[], &["--map-root-user"]];
    let works = |more: &&&[&str]| command(more).arg("true").output().is_ok_and(|output| output.status.success());
    ways.iter().find(works).map(|more| command(more))
}

/// Runs the test `name` in new namespaces (arguments of `unshare`), after `prepare`; false when there are none to be
/// had here.
#[track_caller]
pub fn run_in(namespaces: &[&str], prepare: &str, name: &str) -> bool {
    let Some(mut command) = unshare(namespaces, prepare) else { return false };
    let test = std::env::current_exe().expect("this test");
    let output = command.arg(test).args([name, "--exact", "--nocapture"]).env(INSIDE, "1").output();
    let output = output.expect("unshare runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{name} did not run: {said}");
    true
}
