//! Makes the README's figures: starts the release binary, imports generated data, measures from outside over HTTP.
//!
//! `cargo bench --bench appliance -- --contacts 100000 [--dir DIR] [--generator FILE]`
#![allow(clippy::disallowed_methods, reason = "a benchmark measures wall time and polls")]

mod http;
mod server;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use http::Client;
use server::Server;

struct Arguments {
    contacts: usize,
    dir: PathBuf,
    generator: PathBuf,
    wide: bool,
}

fn arguments() -> Arguments {
    let mut a = Arguments {
        contacts: 100_000,
        dir: std::env::temp_dir().join("aplomb-bench"),
        generator: "../shared/data/gen_crm.py".into(),
        wide: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut next = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match word.as_str() {
            "--contacts" => a.contacts = next().parse().expect("a number"),
            "--dir" => a.dir = next().into(),
            "--generator" => a.generator = next().into(),
            "--wide" => a.wide = true,
            _ => {}
        }
    }
    a
}

fn row(point: &str, figure: String) {
    println!("| {point} | {figure} |");
}

fn main() {
    let a = arguments();
    let csv = a.dir.join(format!("csv-{}", a.contacts));
    generate(&a, &csv);
    let _ = std::fs::remove_dir_all(a.dir.join("data"));
    let key = server::init(&a.dir);
    let (server, ready) = Server::start(&a.dir, &key, 18_443);
    row("start, empty, to ready", format!("{ready:.2?}"));
    std::thread::sleep(Duration::from_secs(1));
    row("memory idle, empty", format!("{} MB", server.memory().0));
    let empty = server.disk_bytes();

    single_creates(&server);
    parallel_creates(&server);
    visible(&server);

    let started = Instant::now();
    import(&server, "company", &csv.join("companies.csv"));
    import(&server, "contact", &csv.join("contacts.csv"));
    let took = started.elapsed();
    let rate = (a.contacts as f64 * 1.2) / took.as_secs_f64();
    row(
        "import contacts and companies to searchable",
        format!("{took:.1?} ({rate:.0} rows/s), peak {} MB", server.memory().1),
    );
    row("data on disk per contact", format!("{} B", (server.disk_bytes() - empty) / a.contacts as u64));
    import(&server, "deal", &csv.join("deals.csv"));

    latencies(&server);
    throughput(&server);
    row("memory after the load", format!("{} MB, peak {} MB", server.memory().0, server.memory().1));
    server.stop();
    let (server, ready) = Server::start(&a.dir, &key, 18_443);
    row("start, full, to ready", format!("{ready:.2?}"));
    server.stop();
}

fn generate(a: &Arguments, csv: &Path) {
    if csv.join("meta.json").exists() {
        return;
    }
    let n = a.contacts;
    let status = Command::new("python3")
        .arg(&a.generator)
        .arg("--out")
        .arg(csv)
        .args(["--companies", &(n / 5).to_string(), "--contacts", &n.to_string()])
        .args(["--deals", &n.min(100_000).to_string(), "--activities", "1000", "--seed", "42"])
        .status()
        .expect("python3 runs the generator");
    assert!(status.success(), "the generator failed");
}

fn percentile(times: &mut [Duration], p: f64) -> Duration {
    times.sort();
    times[((times.len() - 1) as f64 * p) as usize]
}

fn contact(n: usize) -> Json {
    json!({"fields": {"name": {"first": "Bench", "last": format!("Probe{n}")}, "email": [format!("p{n}@bench.example")],
        "title": "Engineer", "phone": ["+1 212 555 0100"]}})
}

fn single_creates(server: &Server) {
    let mut client = server.client();
    let mut times: Vec<_> = (0..1000)
        .map(|n| {
            let started = Instant::now();
            client.post("/api/v1/records/contact", &contact(n)).expect("answer").ok();
            started.elapsed()
        })
        .collect();
    let (p50, p99) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
    row("durable create, one client, p50 / p99", format!("{p50:.2?} / {p99:.2?}"));
}

/// Runs `work` on `clients` threads until the time is over; returns calls per second.
fn hammer(server: &Server, clients: usize, work: impl Fn(&mut Client, usize) + Sync) -> f64 {
    let time = Duration::from_secs(5);
    let started = Instant::now();
    let total: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|c| {
                let work = &work;
                scope.spawn(move || {
                    let mut client = server.client();
                    let mut n = 0;
                    while started.elapsed() < time {
                        work(&mut client, c * 1_000_000 + n);
                        n += 1;
                    }
                    n
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().expect("a client thread")).sum()
    });
    total as f64 / started.elapsed().as_secs_f64()
}

fn parallel_creates(server: &Server) {
    let rate = hammer(server, 64, |client, n| {
        client.post("/api/v1/records/contact", &contact(10_000 + n)).expect("answer").ok();
    });
    row("durable creates/s, 64 clients", format!("{rate:.0}"));
}

fn visible(server: &Server) {
    let mut client = server.client();
    let mut times: Vec<_> = (0..50)
        .map(|n| {
            let started = Instant::now();
            let word = format!("Visible{n}x");
            let body = json!({"fields": {"name": {"first": "V", "last": word}}});
            client.post("/api/v1/records/contact", &body).expect("answer").ok();
            loop {
                let page =
                    client.get(&format!("/api/v1/records/contact?q={word}&limit=1")).expect("answer").ok().json();
                if page["records"].as_array().is_some_and(|r| !r.is_empty()) {
                    return started.elapsed();
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        })
        .collect();
    row("write to visible, p95", format!("{:.0?}", percentile(&mut times, 0.95)));
}

fn import(server: &Server, object: &str, file: &Path) {
    let mut client = server.client();
    let mut body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"object\"\r\n\r\n{object}\r\n--b\r\nContent-Disposition: \
         form-data; name=\"file\"; filename=\"{object}.csv\"\r\nContent-Type: text/csv\r\n\r\n"
    )
    .into_bytes();
    body.extend(std::fs::read(file).expect("generated file"));
    body.extend(b"\r\n--b--\r\n");
    let view =
        client.send("POST", "/api/v1/imports", "multipart/form-data; boundary=b", &body).expect("answer").ok().json();
    let id = view["id"].as_str().expect("an import id").to_owned();
    client.post(&format!("/api/v1/imports/{id}/commit"), &json!({})).expect("answer").ok();
    loop {
        let view = client.get(&format!("/api/v1/imports/{id}")).expect("answer").ok().json();
        match view["status"].as_str().unwrap_or_default() {
            "done" => {
                eprintln!("{object}: {}", view["progress"]);
                let seq = view["seq"].as_u64().unwrap_or(0);
                client.get(&format!("/api/v1/records/{object}?q=zzz&limit=1&after={seq}")).expect("answer").ok();
                return;
            }
            "failed" => panic!("import failed: {view}"),
            _ => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

const COLUMNS: &str = "name,email,phone,title,company,owner,address,source,lifecycle,tags,createdAt,updatedAt";

fn latencies(server: &Server) {
    let list = json!({"filter": {"and": [{"field": "address.country", "op": "eq", "value": "Germany"},
        {"field": "lifecycle", "op": "eq", "value": "customer"}]}, "sort": ["name"], "limit": 50});
    let sums = json!({"groupBy": ["stage"], "aggregates": [{"op": "count"}, {"op": "sum", "field": "amount"}]});
    for (point, path, body) in [
        ("list filtered by two fields, sorted by a third, p50 / p95", "/api/v1/records/contact/query", Some(list)),
        ("full text with a typo, p50 / p95", "/api/v1/search?q=wisniewsky&object=contact&limit=50", None),
        ("count and sum of deals per stage, p50 / p95", "/api/v1/records/deal/query", Some(sums)),
    ] {
        let mut client = server.client();
        let mut times: Vec<_> = (0..200)
            .map(|_| {
                let started = Instant::now();
                match &body {
                    Some(body) => client.post(path, body).expect("answer").ok(),
                    None => client.get(path).expect("answer").ok(),
                };
                started.elapsed()
            })
            .collect();
        let (p50, p95) = (percentile(&mut times, 0.5), percentile(&mut times, 0.95));
        row(point, format!("{p50:.2?} / {p95:.2?}"));
    }
}

fn throughput(server: &Server) {
    let newest = format!("/api/v1/records/contact?sort=-updatedAt&limit=50&fields={COLUMNS}");
    let page = server.client().get("/api/v1/records/contact?limit=500").expect("answer").ok().json();
    let ids: Vec<String> =
        page["records"].as_array().into_iter().flatten().filter_map(|r| r["id"].as_str().map(str::to_owned)).collect();
    let get = hammer(server, 16, |c, n| {
        c.get(&format!("/api/v1/records/contact/{}", ids[n % ids.len()])).expect("answer").ok();
    });
    let list = hammer(server, 16, |c, _| {
        c.get(&newest).expect("answer").ok();
    });
    let names = ["okafor", "müller", "garcia", "virtanen", "schneider", "tanaka"];
    let name = hammer(server, 16, |c, n| {
        let q = names[n % names.len()].replace('ü', "%C3%BC");
        c.get(&format!("/api/v1/records/contact?q={q}&limit=50&fields={COLUMNS}")).expect("answer").ok();
    });
    let body = json!({"groupBy": ["stage"], "aggregates": [{"op": "count"}, {"op": "sum", "field": "amount"}]});
    let sums = hammer(server, 16, |c, _| {
        c.post("/api/v1/records/deal/query", &body).expect("answer").ok();
    });
    row(
        "16 connections: get / newest first / name search / sums, requests/s",
        format!("{get:.0} / {list:.0} / {name:.0} / {sums:.0}"),
    );
}
