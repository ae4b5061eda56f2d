//! What a thief of the disk sees: nothing. What a damaged file does: it is noticed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::harness::Home;

const CANARIES: [&str; 3] = ["Canarybird", "canary.bird@nest.example", "sings only in the dark"];

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|w| w.eq_ignore_ascii_case(needle.as_bytes()))
}

#[test]
fn nothing_readable_lies_on_the_disk_and_damage_is_noticed() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let body = json!({"fields": {"name": {"first": "Carla", "last": CANARIES[0]}, "email": [CANARIES[1]], "description": CANARIES[2]}});
    let (status, json) = server.call(Some(&key), "POST", "/api/v1/records/contact", Some(body));
    assert_eq!(status, 201, "{json}");
    let id = json["id"].as_str().expect("an id").to_owned();
    let change = json!({"fields": {"name": {"first": "Carola", "last": CANARIES[0]}}});
    assert_eq!(server.call(Some(&key), "PATCH", &format!("/api/v1/records/contact/{id}"), Some(change)).0, 200);
    let (status, found) = server.call(Some(&key), "GET", "/api/v1/search?q=canarybird&after=4", None);
    assert_eq!(status, 200, "{found}");
    let log = server.log();
    server.kill();

    let mut all = Vec::new();
    files(home.path(), &mut all);
    assert!(all.len() > 5, "there is something to look at");
    for file in &all {
        let bytes = fs::read(file).expect("a readable file");
        for canary in CANARIES {
            assert!(!contains(&bytes, canary), "{canary:?} can be read in {}", file.display());
        }
    }
    for canary in CANARIES {
        assert!(!log.contains(canary), "{canary:?} stands in the log");
    }

    let sealed = home.serve(false);
    let (status, answer) = sealed.call(Some(&key), "GET", "/api/v1/records/contact", None);
    assert_eq!((status, answer["code"].as_str()), (503, Some("sealed")), "{answer}");
    let wrong = sealed.call(None, "POST", "/api/v1/unseal", Some(json!({"secret": "not the secret at all"})));
    assert!((400..500).contains(&wrong.0), "{wrong:?}");
    let right = sealed.call(None, "POST", "/api/v1/unseal", Some(json!({"secret": crate::harness::UNSEAL})));
    assert!(right.0 < 300, "{right:?}");
    let sealed = sealed.ready();
    assert_eq!(sealed.call(Some(&key), "GET", &format!("/api/v1/records/contact/{id}"), None).0, 200);
    sealed.kill();

    damage_is_noticed(&home);
    a_damaged_index_is_rebuilt(&home, &key);
}

/// Free pages hold nothing, so not every position matters; of eight across the file some must.
fn damage_is_noticed(home: &Home) {
    let verified = || home.command("verify").output().expect("aplomb runs").status.success();
    assert!(verified());
    let store = home.data().join("store.redb");
    let whole = fs::read(&store).expect("the store");
    let written: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0).collect();
    let noticed = (1..9).filter(|n| {
        let mut bytes = whole.clone();
        bytes[written[written.len() * n / 9]] ^= 1;
        fs::write(&store, &bytes).expect("writable");
        !verified()
    });
    let noticed = noticed.count();
    fs::write(&store, &whole).expect("writable");
    assert!(noticed > 0, "no altered byte was noticed");
    assert!(verified());
}

fn a_damaged_index_is_rebuilt(home: &Home, key: &str) {
    let mut segments = Vec::new();
    files(&home.data().join("index"), &mut segments);
    assert!(!segments.is_empty());
    for file in &segments {
        let mut bytes = fs::read(file).expect("an index file");
        if let Some(byte) = bytes.last_mut() {
            *byte ^= 1;
        }
        fs::write(file, &bytes).expect("writable");
    }
    let server = home.serve(true).ready();
    let (status, found) = server.call(Some(key), "GET", "/api/v1/search?q=canarybird", None);
    assert_eq!(status, 200, "{found}");
    assert_eq!(found["results"].as_array().map(Vec::len), Some(1), "{found}");
}
