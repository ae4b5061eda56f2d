//! Killed without warning, in another process: no row is lost, none comes twice, and a revert finishes.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;

const ROWS: u64 = 5_000;
const COMPANIES: u64 = 50;
/// The worker's directory, import and what it is to do.
const DIR: &str = "APLOMB_CRASH_DIR";

fn file() -> String {
    let mut file = String::from("id,first_name,last_name,email,company\n");
    for i in 0..ROWS {
        file.push_str(&format!("{i},First{i},Last{i},p{i}@x.example,Company {}\n", i % COMPANIES));
    }
    file
}

/// Opens the directory, says how far the import is whenever that changes, and waits to be killed.
#[test]
#[ignore = "the process that the test below starts and kills"]
fn worker() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let house = House::open_at(Path::new(&dir), House::time());
    house.start_jobs();
    let mut last = None;
    loop {
        let view = house.imports.list(&house.admin()).expect("a list").remove(0);
        let taken_back = view.revert.map_or(0, |r| r.removed);
        let now = (view.status, view.progress.done, taken_back);
        if last != Some(now) {
            println!("at {:?} {} {}", now.0, now.1, now.2);
            last = Some(now);
        }
        std::thread::yield_now();
    }
}

/// Runs the worker until what it says satisfies `until`, then kills it.
fn run(dir: &Path, until: impl Fn(&str, u64, u64) -> bool) {
    let program = std::env::current_exe().expect("the test's own program");
    let mut child: Child = Command::new(program)
        .args(["--exact", "import::tests::crash::worker", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    for line in lines.map_while(Result::ok) {
        let Some(words) = line.split_once("at ").map(|(_, w)| w.split(' ').collect::<Vec<_>>()) else { continue };
        let [status, done, taken_back] = words.as_slice() else { continue };
        let (done, taken_back) = (done.parse().unwrap_or(0), taken_back.parse().unwrap_or(0));
        if until(status, done, taken_back) {
            break;
        }
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
}

#[test]
fn killed_imports_and_reverts_come_out_right() {
    let house = House::new();
    let view = house.start("contact", "c.csv", file().as_bytes());
    house.imports.commit(&house.admin(), view.id).expect("a commit");
    let (now, dir) = house.close();
    for rows in [0, 1_000, 3_000] {
        run(dir.path(), |_, done, _| done >= rows);
    }
    let house = House::open(dir, now);
    let half = house.imports.get(&house.admin(), view.id).expect("a view");
    assert!(half.progress.done < ROWS, "killed too late to show anything");
    house.start_jobs();
    let done = house.wait(view.id);
    assert_eq!(done.status, Status::Done, "{:?}", done.error);
    let p = done.progress;
    assert_eq!((p.done, p.created, p.companies_created, p.refused), (ROWS, ROWS, COMPANIES, 0));
    let mut ids: Vec<String> = house.all("contact").iter().map(|c| at(c, "/externalIds/0")).collect();
    ids.sort();
    let mut expect: Vec<String> = (0..ROWS).map(|i| format!("file:contact:{i}")).collect();
    expect.sort();
    assert_eq!(ids, expect);
    assert_eq!(house.all("company").len() as u64, COMPANIES);
    assert_eq!(house.crm.verify(&|_| ()).expect("a look").problems, Vec::<String>::new());

    house.imports.revert(&house.admin(), view.id).expect("a revert");
    let (now, dir) = house.close();
    for records in [1, 3_000] {
        run(dir.path(), |status, _, taken_back| taken_back >= records || status == "Reverted");
    }
    let house = House::open(dir, now);
    house.start_jobs();
    let report = house.wait(view.id).revert.expect("a report");
    assert_eq!((report.removed, report.restored, report.kept), (ROWS + COMPANIES, 0, 0));
    assert!(house.all("contact").is_empty() && house.all("company").is_empty());
}
