//! Fifty live streams, as many browsers would hold them: how soon each tells of a change.

use std::io::{BufRead, BufReader};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::Line;
use crate::client::Client;
use crate::harness::{ADMIN, PASSWORD, Server};
use crate::probe::{pause, percentile};

const STREAMS: usize = 50;
const CHANGES: usize = 100;
/// A change every so many milliseconds.
const EVERY: u64 = 100;

pub fn measure(server: &Server, client: &Client) -> Vec<Line> {
    let id = client.get("/api/v1/records/contact?limit=1").expect(200).text("/records/0/id").to_owned();
    let (told, heard) = channel();
    let url = server.url("/api/v1/live");
    for _ in 0..STREAMS {
        // A session of its own, as each browser has.
        let cookie = Client::log_in(server, ADMIN, PASSWORD).cookie.unwrap_or_default();
        let (url, told) = (url.clone(), told.clone());
        std::thread::spawn(move || listen(&url, &cookie, &told));
    }
    pause(2_000);
    let mut sent = Vec::new();
    for turn in 0..CHANGES {
        let at = Instant::now();
        let fields = json!({"fields": {"title": format!("Change {turn}")}});
        let answer = client.patch(&format!("/api/v1/records/contact/{id}"), fields).expect(200);
        sent.push((answer.header("x-aplomb-seq").parse::<u64>().expect("a seq"), at));
        pause(EVERY);
    }
    pause(1_000);
    let mut waits = Vec::new();
    for (seq, at) in heard.try_iter() {
        // An event tells of everything up to its number.
        waits.extend(sent.iter().filter(|(n, _)| *n == seq).map(|(_, from)| (at - *from).as_secs_f64() * 1_000.0));
    }
    let heard = waits.len();
    let figure = format!(
        "{:.0} / {:.0} ms, {heard} of {} heard one by one",
        percentile(&mut waits, 50.0),
        percentile(&mut waits, 95.0),
        STREAMS * CHANGES
    );
    vec![(format!("{STREAMS} live streams, change to seen, p50 / p95"), figure, "500 ms")]
}

fn listen(url: &str, cookie: &str, told: &Sender<(u64, Instant)>) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(120))).proxy(None).build().into();
    let answer = agent.get(url).header("cookie", cookie).call().expect("a stream");
    let lines = BufReader::new(answer.into_body().into_reader()).lines();
    for line in lines.map_while(Result::ok) {
        let at = Instant::now();
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let event: Json = serde_json::from_str(data).unwrap_or_default();
        for change in event["changes"].as_array().into_iter().flatten() {
            if let Some(seq) = change["seq"].as_u64()
                && told.send((seq, at)).is_err()
            {
                return;
            }
        }
    }
}
