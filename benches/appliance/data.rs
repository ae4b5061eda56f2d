//! The data both servers are given: the seeded generator's files, its contacts widened to about 50 filled fields, and
//! what the right answers to the benchmark's questions are, counted while the file is written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;

use crate::columns::{self, COLUMNS, Draw, GENERATED, Person, SEGMENTS};
use crate::questions::{Order, Question};

pub struct Data {
    pub companies: PathBuf,
    pub contacts: PathBuf,
    pub deals: PathBuf,
    /// numbers of companies and deals
    pub sizes: (u64, u64),
    /// by row of the contacts' file
    pub rows: Vec<Digest>,
    /// deals and cents by stage, in the generator's words
    pub stages: BTreeMap<String, (u64, i64)>,
    /// cells of the first rows, to make further contacts of
    pub samples: Vec<Vec<String>>,
    /// fields of the standard kind and custom ones that have a value, an average contact
    pub filled: f64,
    countries: Vec<String>,
    /// first and last names, and last names alone, as hashes
    people: HashSet<u64>,
}

/// What the questions ask of a contact.
pub struct Digest {
    pub email: u64,
    country: u8,
    lifecycle: &'static str,
    segment: &'static str,
    seats: u32,
    value: i64,
    renewal: i64,
}

const SAMPLES: usize = 2_000;

/// Runs the generator unless its files are there, and widens the contacts.
pub fn prepare(dir: &Path, generator: &Path, contacts: u64) -> Result<Data> {
    let csv = dir.join(format!("csv-{contacts}"));
    let deals = contacts.min(100_000);
    if !csv.join("meta.json").exists() {
        let status = Command::new("python3")
            .arg(generator)
            .arg("--out")
            .arg(&csv)
            .args(["--companies", &(contacts / 5).to_string(), "--contacts", &contacts.to_string()])
            .args(["--deals", &deals.to_string(), "--activities", "1", "--seed", "42"])
            .stdout(std::process::Stdio::null())
            .status()
            .context("python3 is needed to generate the data")?;
        ensure!(status.success(), "the generator {} failed; name it with --generator", generator.display());
    }
    let meta: Json = serde_json::from_slice(&fs::read(csv.join("meta.json"))?)?;
    let mut stages = BTreeMap::new();
    for (stage, answer) in meta["answers"]["pipeline"].as_object().context("meta.json has no answers")? {
        let (count, sum) = (answer[0].as_u64().unwrap_or(0), answer[1].as_f64().unwrap_or(0.0));
        stages.insert(stage.clone(), (count, (sum * 100.0).round() as i64));
    }
    let mut data = Data {
        companies: csv.join("companies.csv"),
        contacts: csv.join("wide.csv"),
        deals: csv.join("deals.csv"),
        sizes: (contacts / 5, deals),
        rows: Vec::with_capacity(contacts as usize),
        stages,
        samples: Vec::new(),
        filled: 0.0,
        countries: Vec::new(),
        people: HashSet::new(),
    };
    data.widen(&csv.join("contacts.csv"))?;
    Ok(data)
}

impl Data {
    fn widen(&mut self, from: &Path) -> Result<()> {
        let mut reader = csv::Reader::from_path(from)?;
        ensure!(reader.headers()?.iter().eq(GENERATED), "the generator's columns are not the expected ones");
        let mut writer = csv::Writer::from_path(&self.contacts)?;
        writer.write_record(COLUMNS.iter().map(|c| c.header))?;
        let mut managers: HashMap<u32, u64> = HashMap::new();
        let (mut record, mut cells, mut filled) = (csv::StringRecord::new(), Vec::new(), 0);
        while reader.read_record(&mut record)? {
            let company: u32 = record[1].parse().unwrap_or(0);
            let person = person(&record, managers.get(&company).copied(), self.sizes.0)?;
            if company > 0 && person.id % 3 == 1 || !managers.contains_key(&company) {
                managers.insert(company, person.id);
            }
            let person = Person { manager: person.manager.filter(|_| company > 0), ..person };
            let mut draw = Draw::of(person.id);
            cells.clear();
            cells.extend(COLUMNS.iter().map(|c| (c.value)(&person, &mut draw)));
            writer.write_record(&cells)?;
            filled += filled_fields(&cells);
            let last = person.last.to_lowercase();
            self.people.insert(hash(&("", &last)));
            self.people.insert(hash(&(person.first.to_lowercase(), last)));
            let digest = self.digest(&cells)?;
            self.rows.push(digest);
            if self.samples.len() < SAMPLES {
                self.samples.push(cells.clone());
            }
        }
        writer.flush()?;
        self.filled = filled as f64 / self.rows.len() as f64;
        Ok(())
    }

    fn digest(&mut self, cells: &[String]) -> Result<Digest> {
        let cell = |header: &str| cells[columns::at(header)].as_str();
        let country = match self.countries.iter().position(|c| c == cell("country")) {
            Some(known) => known,
            None => {
                self.countries.push(cell("country").to_owned());
                self.countries.len() - 1
            }
        };
        let word = |header: &str, of: &'static [&'static str]| {
            of.iter().copied().find(|w| *w == cell(header)).with_context(|| format!("{header} of another word"))
        };
        Ok(Digest {
            email: hash(cell("email")),
            country: u8::try_from(country)?,
            lifecycle: word("lifecycle", columns::LIFECYCLE)?,
            segment: word("segment", SEGMENTS)?,
            seats: cell("seats").parse()?,
            value: cents(cell("annual_value")).context("a value")?,
            renewal: day(cell("renewal_on")).context("a day")?,
        })
    }

    /// How many of the kept contacts answer a question, and what the first of them are sorted by; names are not known
    /// here.
    pub fn answer(&self, question: &Question, kept: &[u32]) -> (u64, Vec<i64>) {
        let country = question.country.map(|c| self.countries.iter().position(|k| k == c).unwrap_or(usize::MAX));
        let fits = |d: &&Digest| {
            country.is_none_or(|c| c == usize::from(d.country))
                && question.lifecycle.is_none_or(|l| l == d.lifecycle)
                && question.segment.is_none_or(|s| s == d.segment)
                && question.seats.is_none_or(|s| d.seats >= s)
        };
        let found = kept.iter().map(|row| &self.rows[*row as usize]).filter(fits);
        let mut keys: Vec<i64> = match question.order {
            Order::Name => found.map(|_| 0).collect(),
            Order::ValueFalling => found.map(|d| -d.value).collect(),
            Order::Renewal => found.map(|d| d.renewal).collect(),
        };
        let count = keys.len() as u64;
        keys.sort_unstable();
        keys.truncate(crate::questions::ROWS);
        (count, keys.into_iter().map(i64::abs).collect())
    }

    /// Whether a person of this name is among the contacts, merged ones included; the first name may be left out.
    pub fn knows(&self, first: &str, last: &str) -> bool {
        self.people.contains(&hash(&(first.to_lowercase(), last.to_lowercase())))
    }
}

fn person<'a>(r: &'a csv::StringRecord, manager: Option<u64>, companies: u64) -> Result<Person<'a>> {
    Ok(Person {
        id: r[0].parse()?,
        company: &r[1],
        first: &r[2],
        last: &r[3],
        email: &r[4],
        phone: &r[5],
        title: &r[6],
        city: &r[7],
        country: &r[8],
        lifecycle: &r[9],
        source: &r[10],
        owner: &r[11],
        tags: &r[12],
        notes: &r[13],
        created: &r[15],
        updated: &r[16],
        manager,
        companies,
    })
}

/// Several columns of one field (a name, an address) count once; the dates of the old system are no fields.
fn filled_fields(cells: &[String]) -> usize {
    let filled = COLUMNS.iter().zip(cells).filter(|(c, cell)| !cell.is_empty() && c.kind != columns::Kind::Stamp);
    let mut fields: Vec<&str> = filled.map(|(c, _)| c.field()).collect();
    fields.dedup();
    fields.len()
}

pub fn hash(of: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// `1250.00` in cents
pub fn cents(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "00"));
    Some(whole.parse::<i64>().ok()? * 100 + format!("{fraction:0<2}").get(..2)?.parse::<i64>().ok()?)
}

/// `2025-03-01...` as 20250301
pub fn day(text: &str) -> Option<i64> {
    text.get(..10)?.replace('-', "").parse().ok()
}
