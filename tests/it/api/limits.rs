//! What is too large or too often: refused early, with the limit named and the time to wait.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::client::Client;
use crate::harness::{Home, Server};

/// Sends only the head of a request; what comes back.
fn head_only(server: &Server, key: &str, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time limit");
    write!(stream, "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n{headers}\r\n\r\n")
        .unwrap();
    let mut answer = [0; 8 << 10];
    let n = stream.read(&mut answer).expect("an answer before the body");
    String::from_utf8_lossy(&answer[..n]).into_owned()
}

#[test]
fn what_is_too_large_is_refused_and_the_limit_named() {
    let home = Home::set_up();
    let key = home.token();
    let limits = |command: &mut std::process::Command| {
        command.args(["--max-json", "3000", "--max-upload", "5000"]);
    };
    let server = home.serve_with(true, limits).ready();
    let client = Client::with_key(&server, &key);
    let company = |length: usize| json!({"fields": {"name": "Globex", "description": "x".repeat(length)}});
    client.post("/api/v1/records/company", company(2_000)).expect(201);
    let refused = client.post("/api/v1/records/company", company(3_000)).expect(413);
    assert_eq!(refused.problem(), "too_large");
    assert!(refused.text("/detail").contains("3000"), "{}", refused.body);
    for (path, texts) in [("/api/v1/imports", &[("object", "contact")][..]), ("/api/v1/files", &[])] {
        let file = |length: usize| format!("Last name\n{}", "x\n".repeat(length / 2 - 5));
        client.form(path, &[], texts, ("a.csv", &file(5_000))).expect(201);
        let refused = client.form(path, &[], texts, ("a.csv", &file(5_002))).expect(413);
        assert_eq!(refused.problem(), "too_large", "{path}");
        assert!(refused.text("/detail").contains("5000"), "{}", refused.body);
    }
    let kept = |dir: &str| std::fs::read_dir(home.data().join(dir)).expect("a directory").count();
    assert_eq!((kept("uploads"), kept("files")), (1, 1), "what was refused is not kept");

    let five_gb = "content-length: 5368709120";
    for (path, kind) in [
        ("/api/v1/records/company", "application/json"),
        ("/api/v1/imports", "multipart/form-data; boundary=x"),
        ("/api/v1/files", "multipart/form-data; boundary=x"),
    ] {
        let answer = head_only(&server, &key, path, &format!("content-type: {kind}\r\n{five_gb}"));
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("connection: close"), "{path}: {answer}");
    }
    let chunked =
        format!("content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nfff\r\n{}", "x".repeat(4_095));
    let answer = head_only(&server, &key, "/api/v1/records/company", &chunked);
    assert!(answer.starts_with("HTTP/1.1 413 "), "a body of unknown length: {answer}");
}

#[test]
fn who_asks_too_often_is_told_how_long_to_wait() {
    let home = Home::set_up();
    let (busy, calm) = (home.token(), home.token());
    let limits = |command: &mut std::process::Command| {
        command.args(["--rate-per-key", "1", "--rate-burst", "3"]);
    };
    let server = home.serve_with(true, limits);
    let session = "/api/v1/session";
    let until_refused = |client: &Client| {
        let refused = (0..10).map(|_| client.get(session)).find(|answer| answer.status == 429);
        let refused = refused.expect("a refusal within ten requests at once");
        assert_eq!(refused.problem(), "too_many_requests");
        refused.header("retry-after").parse::<u64>().expect("seconds")
    };
    let client = Client::with_key(&server, busy);
    let wait = until_refused(&client);
    assert!((1..=3).contains(&wait), "{wait}");
    Client::with_key(&server, calm).get(session).expect(200);
    until_refused(&Client::new(&server));
    std::thread::sleep(Duration::from_secs(wait));
    client.get(session).expect(200);
}
