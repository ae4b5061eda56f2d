//! The stream of changes: taken up where it broke off, and never refused for one page too many.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::client::Client;
use crate::harness::{Home, Server};

/// As many streams as a session or key may hold.
const STREAMS: usize = 8;

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Stream(Lines<BufReader<TcpStream>>);

impl Stream {
    /// `headers` name a cookie when there is no key.
    pub fn open(server: &Server, key: &str, path: &str, headers: &str) -> Stream {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let key = if key.is_empty() { String::new() } else { format!("authorization: Bearer {key}\r\n") };
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{key}{headers}\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        Stream(BufReader::new(stream).lines())
    }

    /// The next event, its id and its data; `None` at the end of the stream (a chunk of length 0).
    pub fn next(&mut self) -> Option<(String, u64, Json)> {
        let (mut name, mut id) = (String::new(), 0);
        let started = Instant::now();
        for line in self.0.by_ref() {
            let line = line.expect("a line in time");
            // signs of life come for ever
            assert!(started.elapsed() < PATIENCE, "no event in time");
            if line == "0" {
                return None;
            }
            match line.split_once(": ") {
                Some(("event", value)) => name = value.to_owned(),
                Some(("id", value)) => id = value.parse().expect("a number"),
                Some(("data", value)) => return Some((name, id, serde_json::from_str(value).expect("JSON"))),
                _ => {}
            }
        }
        None
    }
}

fn company(client: &Client, name: &str) -> (Json, u64) {
    let made = client.post("/api/v1/records/company", json!({"fields": {"name": name}})).expect(201);
    (made.body["id"].clone(), made.header("x-aplomb-seq").parse().expect("a number"))
}

#[test]
fn a_stream_that_broke_off_goes_on_after_its_last_event() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let client = Client::with_key(&server, &key);
    let (seen, last) = company(&client, "Seen");
    let missed = ["One", "Two"].map(|name| company(&client, name));
    let until = missed[1].1;
    client.get(&format!("/api/v1/records/company?after={until}")).expect(200);
    for (path, headers) in [
        ("/api/v1/live".to_owned(), format!("last-event-id: {last}\r\n")),
        (format!("/api/v1/live?since={last}"), String::new()),
        ("/api/v1/live?since=0".to_owned(), format!("last-event-id: {last}\r\n")),
    ] {
        let mut stream = Stream::open(&server, &key, &path, &headers);
        assert_eq!(stream.next().map(|(name, id, _)| (name, id)), Some(("hello".to_owned(), last)), "{path}");
        let mut told = Vec::new();
        while told.len() < missed.len() {
            let (name, id, data) = stream.next().expect("an event");
            assert_eq!((name.as_str(), data["seq"].as_u64()), ("change", Some(id)));
            told.extend(data["changes"].as_array().expect("changes").iter().map(|change| change["id"].clone()));
        }
        assert_eq!(told, missed.clone().map(|(id, _)| id), "{path}: what was missed, in order, and not {seen} again");
    }
    let mut now = Stream::open(&server, &key, "/api/v1/live", "");
    assert!(now.next().is_some_and(|(name, id, _)| name == "hello" && id >= until));
    let (fresh, _) = company(&client, "Fresh");
    assert_eq!(now.next().map(|(_, _, data)| data["changes"][0]["id"].clone()), Some(fresh));
    assert_eq!(client.get("/api/v1/live?since=x").expect(422).problem(), "invalid");
}

#[test]
fn one_stream_too_many_ends_the_oldest() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let mut streams: Vec<_> = (0..=STREAMS)
        .map(|_| {
            let mut stream = Stream::open(&server, &key, "/api/v1/live", "");
            assert!(stream.next().is_some_and(|(name, ..)| name == "hello"));
            stream
        })
        .collect();
    assert_eq!(streams[0].next(), None, "the oldest has ended");
    let (id, _) = company(&Client::with_key(&server, &key), "Heard");
    for stream in &mut streams[1..] {
        assert_eq!(stream.next().map(|(_, _, data)| data["changes"][0]["id"].clone()), Some(id.clone()));
    }
}
