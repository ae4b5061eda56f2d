//! What a server under test is to the benchmark: requests in its own words, and its answers in common ones. The same
//! client sends all of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value as Json;

use crate::data::Data;
use crate::http::{Client, Request};
use crate::process::Process;
use crate::questions::Question;

pub trait Subject: Sync {
    fn name(&self) -> &'static str;
    fn process(&mut self) -> &mut Process;
    /// Starts it again on its data; how long until it was ready.
    fn start(&mut self) -> Result<Duration>;
    fn client(&self) -> Result<Client>;
    /// Declares the fields, and whatever else the import refers to.
    fn declare(&mut self) -> Result<()>;
    /// Loads a file; returns when everything in it can be found. Reports what became of the rows.
    fn import(&self, noun: Noun, file: &Path) -> Result<String>;
    /// Which rows of the contacts' file are contacts of their own, found by looking at what is stored; fails when a row
    /// was lost.
    fn loaded(&mut self, data: &Data) -> Result<Loaded>;

    /// A contact with all fields, from the cells of a row.
    fn create(&self, cells: &[String], n: usize) -> Request;
    fn get(&self, id: &str) -> Request;
    /// A first page with 12 fields; the total is exact when `exact` (otherwise as the server likes).
    fn list(&self, question: &Question, exact: bool) -> Request;
    /// The newest contacts, with 12 fields.
    fn newest(&self) -> Request;
    /// A list of contacts by a name spelt right, with 12 fields.
    fn by_name(&self, name: &str) -> Request;
    /// The contacts whose cost centre this is.
    fn by_cost_centre(&self, text: &str) -> Request;
    /// A search that forgives typos, if there is one.
    fn search(&self, text: &str) -> Option<Request>;
    /// Count and sum of deals by stage.
    fn sums(&self) -> Request;

    fn page(&self, answer: &Json) -> Page;
    /// Names of the people that a search found, best first.
    fn found(&self, answer: &Json) -> Vec<String>;
    /// Deals and cents by stage, in the generator's words.
    fn stages(&self, answer: &Json) -> BTreeMap<String, (u64, i64)>;
    fn disk(&self) -> Disk;
}

#[derive(Clone, Copy, PartialEq)]
pub enum Noun {
    Company,
    Contact,
    Deal,
}

pub struct Loaded {
    /// rows of the contacts' file
    pub kept: Vec<u32>,
    /// of contacts all over the data
    pub ids: Vec<String>,
}

#[derive(Default)]
pub struct Page {
    pub total: u64,
    pub rows: Vec<PageRow>,
}

pub struct PageRow {
    pub first: String,
    pub last: String,
    pub country: String,
    pub lifecycle: String,
    pub segment: String,
    pub seats: f64,
    /// cents
    pub value: i64,
    /// YYYYMMDD
    pub renewal: i64,
    pub created: String,
}

/// Bytes.
#[derive(Clone, Copy, Default)]
pub struct Disk {
    pub store: u64,
    pub index: u64,
    /// files that were uploaded, kept for some days
    pub uploads: u64,
}

pub fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}
