//! `kill -9` while clients write: every acknowledged record is there afterwards and `aplomb verify` finds nothing.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::Home;

/// How often the server is killed; `APLOMB_CRASHES` asks for more.
fn rounds() -> u32 {
    std::env::var("APLOMB_CRASHES").ok().and_then(|n| n.parse().ok()).unwrap_or(5)
}

#[test]
fn no_acknowledged_write_is_lost() {
    let home = Home::set_up();
    let key = home.token();
    let written = Mutex::new(Vec::new());
    for round in 0..rounds() {
        let server = home.serve(true).ready();
        let pid = server.pid().to_string();
        let stop = Instant::now() + Duration::from_millis(200 + u64::from(round) * 37 % 400);
        std::thread::scope(|scope| {
            for client in 0..16 {
                let (server, written, key) = (&server, &written, &key);
                scope.spawn(move || {
                    for n in 0.. {
                        let body =
                            json!({"fields": {"name": {"first": "Crash", "last": format!("R{round}C{client}N{n}")}}});
                        let (status, json) = server.call(Some(key), "POST", "/api/v1/records/contact", Some(body));
                        match status {
                            201 => written.lock().expect("no panic").push(json["id"].as_str().expect("id").to_owned()),
                            0 => return,
                            other => panic!("HTTP {other}: {json}"),
                        }
                    }
                });
            }
            std::thread::sleep(stop.saturating_duration_since(Instant::now()));
            let killed = std::process::Command::new("kill").args(["-9", &pid]).status();
            assert!(killed.is_ok_and(|s| s.success()));
        });
        server.kill();
    }
    let written = written.into_inner().expect("no panic");
    assert!(written.len() >= rounds() as usize, "only {} writes were acknowledged", written.len());
    let server = home.serve(true).ready();
    for id in &written {
        let (status, _) = server.call(Some(&key), "GET", &format!("/api/v1/records/contact/{id}"), None);
        assert_eq!(status, 200, "record {id} was acknowledged and is gone");
    }
    server.kill();
    let verify = home.command("verify").output().expect("aplomb runs");
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stderr));
}
