//! PocketBase with an equal collection: the same columns and rows, indexes on what is sorted and filtered by, a view for
//! the sums. Its commits are not synced (SQLite with `synchronous=NORMAL` in WAL mode), its search is a substring.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Map, Value as Json, json};

use crate::columns::{COLUMNS, Column, Kind};
use crate::data::{self, Data};
use crate::http::{Client, Request, encode};
use crate::process::{self, Process};
use crate::questions::{Order, Question};
use crate::subject::{Disk, Loaded, Noun, Page, PageRow, Subject, text};

pub struct PocketBase {
    binary: PathBuf,
    dir: PathBuf,
    token: String,
    process: Process,
}

const ADMIN: (&str, &str) = ("admin@bench.example", "correct horse battery staple 42");
/// Requests of a batch.
const BATCH: usize = 1_000;
const COMPANIES: &str = "pbcompanies0000";
const CONTACTS: &str = "pbcontacts00000";
const DEALS: &str = "pbdeals00000000";
const INDEXED: [&str; 10] = [
    "created",
    "last_name, first_name",
    "email",
    "country",
    "lifecycle",
    "segment",
    "seats",
    "annual_value",
    "renewal_on",
    "cost_centre",
];

impl PocketBase {
    /// An empty server in `dir/pocketbase` with a superuser and batches allowed.
    pub fn new(binary: &Path, dir: &Path) -> Result<(PocketBase, Duration)> {
        let dir = dir.join("pocketbase");
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir)?;
        let mut upsert = Command::new(binary);
        upsert.args(["superuser", "upsert", ADMIN.0, ADMIN.1, "--dir"]).arg(dir.join("data"));
        ensure!(upsert.stdout(Stdio::null()).status()?.success(), "pocketbase superuser upsert failed");
        let (process, ready) = serve(binary, &dir)?;
        let mut this = PocketBase { binary: binary.to_owned(), dir, token: String::new(), process };
        let login = Request::post(
            "/api/collections/_superusers/auth-with-password",
            &json!({"identity": ADMIN.0, "password": ADMIN.1}),
        );
        this.token = text(&this.client()?.json(&login)?["token"]);
        let batch = json!({"enabled": true, "maxRequests": BATCH, "timeout": 120, "maxBodySize": 64 << 20});
        this.client()?.json(&Request::patch("/api/settings", &json!({"batch": batch})))?;
        Ok((this, ready))
    }

    fn collection(&self, id: &str, name: &str, fields: Vec<Json>, indexes: &[&str]) -> Result<()> {
        let index = |(n, columns): (usize, &&str)| format!("CREATE INDEX idx_{name}_{n} ON {name} ({columns})");
        let indexes: Vec<String> = indexes.iter().enumerate().map(index).collect();
        let body = json!({"id": id, "name": name, "type": "base", "fields": fields, "indexes": indexes});
        self.client()?.json(&Request::post("/api/collections", &body))?;
        Ok(())
    }

    fn load(&self, file: &Path, collection: &str, record: impl Fn(&csv::StringRecord) -> Json) -> Result<String> {
        let mut client = self.client()?;
        let mut reader = csv::Reader::from_path(file)?;
        let (mut requests, mut rows) = (Vec::with_capacity(BATCH), 0);
        let url = format!("/api/collections/{collection}/records");
        let mut send = |requests: &mut Vec<Json>| -> Result<()> {
            let body = json!({"requests": std::mem::take(requests)});
            let request = Request::post("/api/batch", &body);
            client.send(&request)?.ok(&request)?;
            Ok(())
        };
        for row in reader.records() {
            requests.push(json!({"method": "POST", "url": url, "body": record(&row?)}));
            rows += 1;
            if requests.len() == BATCH {
                send(&mut requests)?;
            }
        }
        if !requests.is_empty() {
            send(&mut requests)?;
        }
        Ok(format!("{rows} rows"))
    }
}

fn serve(binary: &Path, dir: &Path) -> Result<(Process, Duration)> {
    let address = format!("127.0.0.1:{}", process::free_port()?);
    let mut command = Command::new(binary);
    command.args(["serve", "--http", &address, "--dir"]).arg(dir.join("data"));
    Process::start(command, &address, &dir.join("serve.log"), "/api/health")
}

/// The generator's number as an id of 15 letters and digits.
fn id(letter: char, number: &str) -> String {
    format!("{letter}{number:0>14}")
}

fn field(column: &Column) -> Json {
    let name = column.header;
    match column.kind {
        Kind::Email => json!({"name": name, "type": "email"}),
        Kind::Url => json!({"name": name, "type": "url"}),
        Kind::Number | Kind::Money => json!({"name": name, "type": "number"}),
        Kind::YesNo => json!({"name": name, "type": "bool"}),
        Kind::Date | Kind::Time | Kind::Stamp => json!({"name": name, "type": "date"}),
        Kind::Choice(values) => json!({"name": name, "type": "select", "values": values, "maxSelect": 1}),
        Kind::Tags(values) => json!({"name": name, "type": "select", "values": values, "maxSelect": values.len()}),
        Kind::Company => json!({"name": name, "type": "relation", "collectionId": COMPANIES, "maxSelect": 1}),
        _ => json!({"name": name, "type": "text"}),
    }
}

fn value(column: &Column, cell: &str) -> Json {
    match column.kind {
        Kind::Number | Kind::Money => cell.parse::<f64>().map_or(Json::Null, |n| json!(n)),
        Kind::YesNo => json!(cell == "true"),
        Kind::Tags(_) => cell.split(';').collect(),
        Kind::Company => json!(id('c', cell)),
        Kind::Contact => json!(id('p', cell)),
        _ => json!(cell),
    }
}

fn contact<'a>(cells: impl Iterator<Item = &'a str>) -> Map<String, Json> {
    let filled = COLUMNS.iter().zip(cells).filter(|(c, cell)| !cell.is_empty() && c.kind != Kind::ExternalId);
    filled.map(|(column, cell)| (column.header.to_owned(), value(column, cell))).collect()
}

fn created() -> [Json; 2] {
    [
        json!({"name": "created", "type": "autodate", "onCreate": true}),
        json!({"name": "updated", "type": "autodate", "onCreate": true, "onUpdate": true}),
    ]
}

/// Typed fields by name; a plain text needs none said.
fn fields(of: &[(&str, &str)]) -> Vec<Json> {
    let field = |(name, kind): &(&str, &str)| match *kind {
        "company" => json!({"name": name, "type": "relation", "collectionId": COMPANIES, "maxSelect": 1}),
        "contact" => json!({"name": name, "type": "relation", "collectionId": CONTACTS, "maxSelect": 1}),
        kind => json!({"name": name, "type": kind}),
    };
    of.iter().map(field).chain(created()).collect()
}

const COMPANY: &[(&str, &str)] = &[
    ("name", "text"),
    ("domain", "text"),
    ("website", "url"),
    ("industry", "text"),
    ("size", "number"),
    ("annual_revenue", "number"),
    ("phone", "text"),
    ("street", "text"),
    ("city", "text"),
    ("country", "text"),
    ("owner", "text"),
];
const DEAL: &[(&str, &str)] = &[
    ("title", "text"),
    ("company_id", "company"),
    ("contact_id", "contact"),
    ("stage", "text"),
    ("probability", "number"),
    ("amount", "number"),
    ("currency", "text"),
    ("owner", "text"),
    ("source", "text"),
    ("expected_close", "date"),
    ("notes", "text"),
];

/// A row whose columns behind the first, the id, are `of`.
fn record(of: &[(&str, &str)], letter: char, row: &csv::StringRecord) -> Json {
    let mut body = json!({"id": id(letter, &row[0])});
    for ((name, kind), cell) in of.iter().zip(row.iter().skip(1)).filter(|(_, cell)| !cell.is_empty()) {
        body[*name] = match *kind {
            "number" => cell.parse::<f64>().map_or(Json::Null, |n| json!(n)),
            "company" => json!(id('c', cell)),
            "contact" => json!(id('p', cell)),
            _ => json!(cell),
        };
    }
    body
}

impl Subject for PocketBase {
    fn name(&self) -> &'static str {
        "PocketBase"
    }

    fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    fn start(&mut self) -> Result<Duration> {
        let (process, ready) = serve(&self.binary, &self.dir)?;
        self.process = process;
        Ok(ready)
    }

    fn client(&self) -> Result<Client> {
        Ok(Client::new(&self.process.address, &self.token)?)
    }

    fn declare(&mut self) -> Result<()> {
        self.collection(COMPANIES, "companies", fields(COMPANY), &["name", "domain"])?;
        let contact = COLUMNS.iter().filter(|c| c.kind != Kind::ExternalId).map(field).chain(created()).collect();
        self.collection(CONTACTS, "contacts", contact, &INDEXED)?;
        self.collection(DEALS, "deals", fields(DEAL), &["stage, amount", "company_id"])?;
        let query = "SELECT stage AS id, stage, COUNT(*) AS count, SUM(amount) AS total FROM deals GROUP BY stage";
        let view = json!({"name": "sums", "type": "view", "viewQuery": query});
        self.client()?.json(&Request::post("/api/collections", &view))?;
        Ok(())
    }

    fn import(&self, noun: Noun, file: &Path) -> Result<String> {
        match noun {
            Noun::Company => self.load(file, "companies", |row| record(COMPANY, 'c', row)),
            Noun::Deal => self.load(file, "deals", |row| record(DEAL, 'd', row)),
            Noun::Contact => self.load(file, "contacts", |row| {
                let mut body = contact(row.iter());
                body.insert("id".to_owned(), json!(id('p', &row[0])));
                Json::Object(body)
            }),
        }
    }

    /// Nothing is put together here: every row is a record.
    fn loaded(&mut self, data: &Data) -> Result<Loaded> {
        let all = self.client()?.json(&Request::get("/api/collections/contacts/records?perPage=1"))?;
        ensure!(all["totalItems"] == data.rows.len(), "{} of {} rows are there", all["totalItems"], data.rows.len());
        let every = data.rows.len() / 5_000 + 1;
        let ids = (1..=data.rows.len()).step_by(every).map(|n| id('p', &n.to_string())).collect();
        Ok(Loaded { kept: (0..u32::try_from(data.rows.len())?).collect(), ids })
    }

    fn create(&self, cells: &[String], _: usize) -> Request {
        let body = Json::Object(contact(cells.iter().map(String::as_str)));
        Request::post("/api/collections/contacts/records", &body)
    }

    fn get(&self, id: &str) -> Request {
        Request::get(format!("/api/collections/contacts/records/{id}"))
    }

    fn list(&self, question: &Question, _: bool) -> Request {
        let mut filter = Vec::new();
        for (field, value) in
            [("country", question.country), ("lifecycle", question.lifecycle), ("segment", question.segment)]
        {
            filter.extend(value.map(|value| format!("{field}='{value}'")));
        }
        filter.extend(question.seats.map(|seats| format!("seats>={seats}")));
        let sort = match question.order {
            Order::Name => "last_name,first_name",
            Order::ValueFalling => "-annual_value",
            Order::Renewal => "renewal_on",
        };
        list(&filter.join(" && "), sort)
    }

    fn newest(&self) -> Request {
        list("", "-created")
    }

    fn by_name(&self, name: &str) -> Request {
        list(&format!("first_name~'{name}' || last_name~'{name}'"), "")
    }

    fn by_cost_centre(&self, text: &str) -> Request {
        let filter = encode(&format!("cost_centre~'{text}%'"));
        Request::get(format!("/api/collections/contacts/records?filter={filter}&perPage=1"))
    }

    fn search(&self, _: &str) -> Option<Request> {
        None
    }

    fn sums(&self) -> Request {
        Request::get("/api/collections/sums/records")
    }

    fn page(&self, answer: &Json) -> Page {
        let row = |f: &Json| PageRow {
            first: text(&f["first_name"]),
            last: text(&f["last_name"]),
            country: text(&f["country"]),
            lifecycle: text(&f["lifecycle"]),
            segment: text(&f["segment"]),
            seats: f["seats"].as_f64().unwrap_or(0.0),
            value: (f["annual_value"].as_f64().unwrap_or(0.0) * 100.0).round() as i64,
            renewal: f["renewal_on"].as_str().and_then(data::day).unwrap_or(0),
            created: text(&f["created"]),
        };
        let rows = answer["items"].as_array().into_iter().flatten().map(row).collect();
        Page { total: answer["totalItems"].as_u64().unwrap_or(0), rows }
    }

    fn found(&self, _: &Json) -> Vec<String> {
        Vec::new()
    }

    fn stages(&self, answer: &Json) -> BTreeMap<String, (u64, i64)> {
        let stage = |row: &Json| {
            let cents = (row["total"].as_f64().unwrap_or(0.0) * 100.0).round() as i64;
            (text(&row["stage"]), (row["count"].as_u64().unwrap_or(0), cents))
        };
        answer["items"].as_array().into_iter().flatten().map(stage).collect()
    }

    fn disk(&self) -> Disk {
        Disk { store: process::bytes(&self.dir.join("data")), ..Disk::default() }
    }
}

/// A first page as the documentation shows it: with the total. The company's name comes by `expand`; all fields come,
/// since `fields` with 12 of them takes it three times as long.
fn list(filter: &str, sort: &str) -> Request {
    let (filter, path) = (encode(filter), "/api/collections/contacts/records");
    Request::get(format!("{path}?perPage=50&filter={filter}&sort={sort}&expand=company_id"))
}
