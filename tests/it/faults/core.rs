//! The memory of the program, as a core would show it: of a sealed server nothing but code; of an open one everything,
//! so it leaves no core.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use super::found_in;
use super::sealed::{CANARIES, let_canaries_fly};
use crate::client::Client;
use crate::harness::{Home, Server, UNSEAL};

/// Everything that lies in the process's memory and can be read. Needs root, or a program that may be looked at.
fn memory(server: &Server) -> Option<Vec<u8>> {
    let maps = fs::read_to_string(format!("/proc/{}/maps", server.pid())).ok()?;
    let memory = File::open(format!("/proc/{}/mem", server.pid())).ok()?;
    let mut all = Vec::new();
    for line in maps.lines().filter(|line| !line.contains("[v")) {
        let mut parts = line.split_whitespace();
        let (range, rights) = (parts.next()?, parts.next()?);
        let (from, to) = range.split_once('-')?;
        let (from, to) = (u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?);
        if rights.starts_with("rw") {
            let start = all.len();
            all.resize(start + (to - from) as usize, 0);
            if memory.read_exact_at(&mut all[start..], from).is_err() || all[start..].iter().all(|byte| *byte == 0) {
                all.truncate(start);
            }
        }
    }
    Some(all)
}

#[test]
fn a_core_of_the_sealed_server_holds_nothing() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let_canaries_fly(&Client::with_key(&server, &key));
    match memory(&server) {
        Some(open) => {
            assert!(!found_in(&open, &CANARIES).is_empty(), "memory was not read: the open server must have known it")
        }
        None => return eprintln!("SKIPPED: this user may not read the memory of the program"),
    }
    server.stop();

    let sealed = home.serve(false);
    let client = Client::new(&sealed);
    client.get("/api/v1/records/contact").expect(503);
    client.get("/api/v1/search?q=canary").expect(503);
    let core = memory(&sealed).expect("readable as before");
    assert!(core.len() > 1 << 20 && !found_in(&core, &["aplomb"]).is_empty(), "{} bytes", core.len());
    let secrets = [&CANARIES[..], &[UNSEAL, key.as_str()]].concat();
    let found = found_in(&core, &secrets);
    assert!(found.is_empty(), "{found:?} lies in the memory of the sealed server");
}

#[test]
fn the_program_leaves_no_core() {
    let home = Home::set_up();
    let dir = home.path().join("cores");
    fs::create_dir(&dir).expect("a directory");
    let server = home.serve_with(true, |command| {
        command.current_dir(&dir);
    });
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("its limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit of cores");
    let values: Vec<&str> = core.split_whitespace().rev().take(3).collect();
    assert_eq!(values, ["bytes", "0", "0"], "{core}");
    let owner =
        std::os::unix::fs::MetadataExt::uid(&fs::metadata(format!("/proc/{}/mem", server.pid())).expect("its memory"));
    assert_eq!(owner, 0, "other processes of the user may read its memory");
}
