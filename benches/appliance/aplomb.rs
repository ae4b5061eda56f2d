//! Aplomb as it is used: first run, an admin's own fields, files through the import, everything else over the API.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value as Json, json};

use crate::columns::{CAMPAIGNS, COLUMNS, Column, Kind};
use crate::data::{self, Data};
use crate::http::{Client, Request, encode};
use crate::process::{self, Process};
use crate::questions::{Order, Question};
use crate::subject::{Disk, Loaded, Noun, Page, PageRow, Subject, text};

pub struct Aplomb {
    dir: PathBuf,
    authorization: String,
    process: Process,
    users: HashMap<String, String>,
    campaigns: HashMap<String, String>,
    /// to refer to in new contacts
    companies: Vec<String>,
    contacts: Vec<String>,
}

const FIELDS: &str = "name,email,phone,title,company,owner,address,lifecycle,segment,seats,annualValue,renewalOn";
const OWNERS: [&str; 12] = [
    "ava.stone",
    "ben.ortiz",
    "carla.nguyen",
    "dev.patel",
    "erin.walsh",
    "felix.braun",
    "grace.okoro",
    "hugo.martin",
    "iris.lind",
    "jonas.weber",
    "kira.sato",
    "leo.rossi",
];

/// `APLOMB_BENCH_BINARY` names another build than the one Cargo has just made.
fn aplomb() -> Command {
    Command::new(std::env::var_os("APLOMB_BENCH_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_aplomb").into()))
}

impl Aplomb {
    /// First run in `dir/aplomb`; how long until the empty server was ready.
    pub fn new(dir: &Path) -> Result<(Aplomb, Duration)> {
        let dir = dir.join("aplomb");
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir)?;
        fs::write(dir.join("password"), "correct horse battery staple 42\n")?;
        fs::write(dir.join("unseal"), "bench unseal passphrase 4711\n")?;
        let (data, unseal) = (dir.join("data"), dir.join("unseal"));
        let mut init = aplomb();
        init.args(["init", "--company", "Bench", "--admin", "admin@bench.example", "--currency", "USD"]);
        init.arg("--password-file")
            .arg(dir.join("password"))
            .arg("--data")
            .arg(&data)
            .arg("--unseal-file")
            .arg(&unseal);
        ensure!(init.stdout(Stdio::null()).status()?.success(), "aplomb init failed");
        let mut token = aplomb();
        token.args(["token", "--user", "admin@bench.example", "--name", "bench"]);
        let output = token.arg("--data").arg(&data).arg("--unseal-file").arg(&unseal).output()?;
        ensure!(output.status.success(), "aplomb token: {}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8_lossy(&output.stdout);
        let authorization = format!("Bearer {}", printed.lines().last().unwrap_or_default().trim());
        let (process, ready) = serve(&dir)?;
        let (users, campaigns, companies, contacts) = Default::default();
        Ok((Aplomb { dir, authorization, process, users, campaigns, companies, contacts }, ready))
    }

    fn upload(&self, object: &str, file: &Path) -> Result<Json> {
        let head = format!(
            "--b\r\nContent-Disposition: form-data; name=\"object\"\r\n\r\n{object}\r\n--b\r\nContent-Disposition: \
             form-data; name=\"file\"; filename=\"{object}.csv\"\r\nContent-Type: text/csv\r\n\r\n"
        );
        self.client()?.upload("/api/v1/imports", &head, File::open(file)?, "\r\n--b--\r\n")
    }

    /// Confirms the guessed mapping; columns that were guessed otherwise than meant are said so and corrected.
    fn map(&self, view: &Json, import: &str) -> Result<()> {
        let mut corrections = Vec::new();
        for column in view["columns"].as_array().into_iter().flatten() {
            let header = text(&column["header"]);
            let meant = COLUMNS.iter().find(|c| c.header == header && c.kind != Kind::Stamp);
            if let Some(meant) = meant.filter(|m| column["field"] != m.path) {
                eprintln!("  {header} was taken for {}, meant is {}", column["field"], meant.path);
                corrections.push(json!({"column": column["index"], "field": meant.path}));
            }
        }
        if !corrections.is_empty() {
            self.client()?.json(&Request::patch(import, &json!({"mapping": corrections})))?;
        }
        Ok(())
    }

    /// A value as the API takes it.
    fn value(&self, column: &Column, cell: &str, n: usize) -> Json {
        let some = |ids: &[String]| ids.get(n % ids.len().max(1)).map_or(Json::Null, |id| json!(id));
        match column.kind {
            Kind::Text | Kind::LongText | Kind::Url | Kind::Date | Kind::Time | Kind::Choice(_) => json!(cell),
            Kind::Email => json!([cell]),
            Kind::Phone if column.path == "phone" => json!([cell]),
            Kind::Phone => json!(cell),
            Kind::Number => cell.parse::<f64>().map_or(Json::Null, |n| json!(n)),
            Kind::YesNo => json!(cell == "true"),
            Kind::Money => json!({"amount": cell, "currency": "USD"}),
            Kind::Tags(_) => cell.split(';').collect(),
            Kind::Company => some(&self.companies),
            Kind::Contact => some(&self.contacts),
            Kind::Campaign => self.campaigns.get(cell).map_or(Json::Null, |id| json!([id])),
            Kind::Owner => self.users.get(cell).map_or(Json::Null, |id| json!(id)),
            Kind::ExternalId | Kind::Stamp => Json::Null,
        }
    }
}

fn serve(dir: &Path) -> Result<(Process, Duration)> {
    let address = format!("127.0.0.1:{}", process::free_port()?);
    let mut command = aplomb();
    command.args(["serve", "--tls", "off", "--listen", &address]).arg("--data").arg(dir.join("data"));
    command.arg("--unseal-file").arg(dir.join("unseal")).env("APLOMB_RATE_PER_KEY", "100000000");
    Process::start(command, &address, &dir.join("serve.log"), "/readyz")
}

/// A field as an admin declares it who asks for nothing special: filters and sorting need no index of the store.
fn declaration(column: &Column) -> Json {
    let (name, label) = (column.field(), column.header.replace('_', " "));
    let choices = |keys: &[&str]| -> Json { keys.iter().map(|k| json!({"key": k, "label": k})).collect() };
    let mut field = json!({"name": name, "label": label});
    let kind = match column.kind {
        Kind::Number => "number",
        Kind::YesNo => "yesNo",
        Kind::Date => "date",
        Kind::Time => "dateTime",
        Kind::Money => "money",
        Kind::Url => "url",
        Kind::Choice(keys) => {
            field["choices"] = choices(keys);
            "choice"
        }
        Kind::Tags(keys) => {
            field["choices"] = choices(keys);
            "multiChoice"
        }
        Kind::Company => {
            field["target"] = json!(["company"]);
            "reference"
        }
        _ => "text",
    };
    field["type"] = json!(kind);
    field
}

impl Subject for Aplomb {
    fn name(&self) -> &'static str {
        "Aplomb"
    }

    fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    fn start(&mut self) -> Result<Duration> {
        let (process, ready) = serve(&self.dir)?;
        self.process = process;
        Ok(ready)
    }

    fn client(&self) -> Result<Client> {
        Ok(Client::new(&self.process.address, &self.authorization)?)
    }

    fn declare(&mut self) -> Result<()> {
        let mut client = self.client()?;
        for column in COLUMNS.iter().filter(|c| c.custom) {
            client.json(&Request::post("/api/v1/objects/contact/fields", &declaration(column)))?;
        }
        for login in OWNERS {
            let user = json!({"name": login.replace('.', " "), "email": format!("{login}@bench.example"),
                "password": "horse staple 99 correct battery", "roles": ["salesRep"]});
            let user = client.json(&Request::post("/api/v1/users", &user))?;
            self.users.insert(login.to_owned(), text(&user["id"]));
        }
        for name in CAMPAIGNS {
            let campaign = json!({"fields": {"name": name}});
            let campaign = client.json(&Request::post("/api/v1/records/campaign", &campaign))?;
            self.campaigns.insert((*name).to_owned(), text(&campaign["id"]));
        }
        Ok(())
    }

    fn import(&self, noun: Noun, file: &Path) -> Result<String> {
        let object = match noun {
            Noun::Company => "company",
            Noun::Contact => "contact",
            Noun::Deal => "deal",
        };
        let view = self.upload(object, file)?;
        let import = format!("/api/v1/imports/{}", view["id"].as_str().context("an import without id")?);
        if noun == Noun::Contact {
            self.map(&view, &import)?;
        }
        let mut client = self.client()?;
        client.json(&Request::post(format!("{import}/commit"), &json!({})))?;
        loop {
            let view = client.json(&Request::get(&import))?;
            match view["status"].as_str().unwrap_or_default() {
                "done" => {
                    ensure!(view["progress"]["refused"] == 0, "rows were refused: {}", view["progress"]);
                    // its answer waits for the index
                    let seq = client.json(&Request::get("/api/v1/changes?limit=1"))?["seq"].as_u64();
                    let seq = view["seq"].as_u64().or(seq).unwrap_or(0);
                    client.json(&Request::get(format!("/api/v1/records/{object}?q=zzz&limit=1&after={seq}")))?;
                    return Ok(view["progress"].to_string());
                }
                "failed" => bail!("the import of {object} failed: {}", view["error"]),
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Rows that repeat a person of the file are put together with it; a record's external ids say which.
    fn loaded(&mut self, data: &Data) -> Result<Loaded> {
        let (mut kept, mut seen) = (Vec::new(), vec![false; data.rows.len()]);
        let (mut ids, mut strangers) = (Vec::new(), 0);
        let every = data.rows.len() / 5_000 + 1;
        self.client()?.lines("/api/v1/export/contact?format=jsonl&fields=externalIds", |line| {
            let record: Json = serde_json::from_str(line)?;
            let mut rows = Vec::new();
            for id in record["externalIds"].as_array().into_iter().flatten() {
                let number = id.as_str().and_then(|id| id.rsplit(':').next()?.parse::<usize>().ok());
                let row = number.context("a contact with a strange external id")? - 1;
                ensure!(!std::mem::replace(&mut seen[row], true), "row {row} became two contacts");
                rows.push(row);
            }
            rows.sort_unstable();
            let first = *rows.first().context("a contact that is of no row")?;
            strangers += rows.iter().filter(|row| data.rows[**row].email != data.rows[first].email).count();
            kept.push(u32::try_from(first)?);
            if kept.len() % every == 0 {
                ids.push(text(&record["id"]));
            }
            Ok(())
        })?;
        let lost = seen.iter().filter(|seen| !**seen).count();
        ensure!(lost == 0, "{lost} rows of the file are nowhere");
        ensure!(strangers == 0, "{strangers} rows were put together with somebody of another e-mail address");
        let companies = self.client()?.json(&Request::get("/api/v1/records/company?limit=500&fields=name"))?;
        self.companies = companies["records"].as_array().into_iter().flatten().map(|r| text(&r["id"])).collect();
        self.contacts.clone_from(&ids);
        Ok(Loaded { kept, ids })
    }

    fn create(&self, cells: &[String], n: usize) -> Request {
        let mut fields = Map::new();
        for (column, cell) in COLUMNS.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            let value = self.value(column, cell, n);
            match column.path.split_once('.') {
                _ if value.is_null() => {}
                Some((field, part)) if matches!(column.kind, Kind::Text) => {
                    fields.entry(field).or_insert_with(|| json!({}))[part] = value;
                }
                _ => drop(fields.insert(column.field().to_owned(), value)),
            }
        }
        Request::post("/api/v1/records/contact", &json!({"fields": fields}))
    }

    fn get(&self, id: &str) -> Request {
        Request::get(format!("/api/v1/records/contact/{id}"))
    }

    fn list(&self, question: &Question, exact: bool) -> Request {
        let mut conditions = Vec::new();
        for (field, value) in
            [("address.country", question.country), ("lifecycle", question.lifecycle), ("segment", question.segment)]
        {
            if let Some(value) = value {
                conditions.push(json!({"field": field, "op": "eq", "value": value}));
            }
        }
        if let Some(seats) = question.seats {
            conditions.push(json!({"field": "seats", "op": "gte", "value": seats}));
        }
        let sort = match question.order {
            Order::Name => json!(["name.last", "name.first"]),
            Order::ValueFalling => json!(["-annualValue"]),
            Order::Renewal => json!(["renewalOn"]),
        };
        let fields: Vec<&str> = FIELDS.split(',').collect();
        let mut body = json!({"filter": {"and": conditions}, "sort": sort, "fields": fields, "limit": 50});
        if exact {
            body["count"] = json!("exact");
        }
        Request::post("/api/v1/records/contact/query", &body)
    }

    fn newest(&self) -> Request {
        Request::get(format!("/api/v1/records/contact?sort=-createdAt&limit=50&fields={FIELDS}"))
    }

    fn by_name(&self, name: &str) -> Request {
        Request::get(format!("/api/v1/records/contact?q={}&limit=50&fields={FIELDS}", encode(name)))
    }

    fn by_cost_centre(&self, text: &str) -> Request {
        let filter = json!({"field": "costCentre", "op": "startsWith", "value": text}).to_string();
        Request::get(format!("/api/v1/records/contact?filter={}&limit=1&count=exact", encode(&filter)))
    }

    fn search(&self, text: &str) -> Option<Request> {
        Some(Request::get(format!("/api/v1/search?q={}&object=contact&limit=50", encode(text))))
    }

    fn sums(&self) -> Request {
        let figures = json!([{"op": "count"}, {"op": "sum", "field": "amount"}]);
        Request::post("/api/v1/records/deal/query", &json!({"groupBy": ["stage"], "aggregates": figures}))
    }

    fn page(&self, answer: &Json) -> Page {
        let row = |record: &Json| {
            let f = &record["fields"];
            PageRow {
                first: text(&f["name"]["first"]),
                last: text(&f["name"]["last"]),
                country: text(&f["address"]["country"]),
                lifecycle: text(&f["lifecycle"]),
                segment: text(&f["segment"]),
                seats: f["seats"].as_f64().unwrap_or(0.0),
                value: f["annualValue"]["amount"].as_str().and_then(data::cents).unwrap_or(0),
                renewal: f["renewalOn"].as_str().and_then(data::day).unwrap_or(0),
                created: text(&record["createdAt"]),
            }
        };
        let rows = answer["records"].as_array().into_iter().flatten().map(row).collect();
        Page { total: answer["total"]["count"].as_u64().unwrap_or(0), rows }
    }

    fn found(&self, answer: &Json) -> Vec<String> {
        answer["results"].as_array().into_iter().flatten().map(|r| text(&r["title"])).collect()
    }

    fn stages(&self, answer: &Json) -> BTreeMap<String, (u64, i64)> {
        let stage = |group: &Json| {
            let key = match group["key"]["stage"].as_str().unwrap_or_default() {
                "qualification" => "new",
                "needsAnalysis" => "qualified",
                other => other,
            };
            let sum = group["values"]["sum_amount"]["amount"].as_str().and_then(data::cents);
            (key.to_owned(), (group["values"]["count"].as_u64().unwrap_or(0), sum.unwrap_or(0)))
        };
        answer["groups"].as_array().into_iter().flatten().map(stage).collect()
    }

    fn disk(&self) -> Disk {
        let data = self.dir.join("data");
        let (index, uploads) = (process::bytes(&data.join("index")), process::bytes(&data.join("uploads")));
        Disk { store: process::bytes(&data) - index - uploads, index, uploads }
    }
}
