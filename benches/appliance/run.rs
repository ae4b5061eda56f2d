//! One server's run: load, ask, check the answers, write, stop and start. The same for every subject.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::checks::{Checks, is_named};
use crate::columns;
use crate::data::Data;
use crate::figures::Figures;
use crate::http::Request;
use crate::load::{self, Times};
use crate::process;
use crate::questions;
use crate::subject::{Disk, Loaded, Noun, Subject, text};

pub struct Run<'a> {
    pub subject: Box<dyn Subject + 'a>,
    pub data: &'a Data,
    pub figures: Figures,
    pub checks: Checks,
    /// contacts made by the run itself
    made: AtomicUsize,
}

const CREATES: usize = 1_000;
const WRITING: Duration = Duration::from_secs(5);

/// How much of a new contact is given.
#[derive(Clone, Copy, PartialEq)]
enum Filled {
    /// what the data generator fills
    AsGenerated,
    All,
}

impl<'a> Run<'a> {
    pub fn new(subject: Box<dyn Subject + 'a>, data: &'a Data, ready: Duration) -> Run<'a> {
        let checks = Checks::new(subject.name());
        let mut figures = Figures::default();
        eprintln!("{}", subject.name());
        figures.put("start-empty", ready.as_secs_f64());
        Run { subject, data, figures, checks, made: AtomicUsize::new(0) }
    }

    pub fn all(&mut self) -> Result<()> {
        std::thread::sleep(Duration::from_secs(1));
        let idle = self.subject.process().memory().0;
        self.figures.put("idle", idle);
        self.load()?;
        let loaded = self.subject.loaded(self.data)?;
        eprintln!("  {} contacts of {} rows", loaded.kept.len(), self.data.rows.len());
        self.lists(&loaded)?;
        self.searches()?;
        self.sums()?;
        self.connections(&loaded)?;
        let memory = self.subject.process().memory().0;
        self.figures.put("memory", memory);
        self.writes()?;
        self.visible()?;
        self.restarts()
    }

    fn load(&mut self) -> Result<()> {
        self.subject.declare()?;
        self.subject.process().reset_peak()?;
        let (started, processor) = (Instant::now(), self.subject.process().processor());
        self.import(Noun::Company, &self.data.companies)?;
        let before = self.subject.disk();
        self.import(Noun::Contact, &self.data.contacts)?;
        let took = started.elapsed().as_secs_f64();
        let contacts = self.data.rows.len() as f64;
        let peak = self.subject.process().memory().1;
        self.figures.put("import", took);
        self.figures.put("import-rate", (contacts + self.data.sizes.0 as f64) / took);
        let processor = self.subject.process().processor() - processor;
        self.figures.put("import-cpu", processor);
        self.figures.put("import-peak", peak);
        let after = self.settled_disk();
        let per = |after: u64, before: u64| after.saturating_sub(before) as f64 / contacts;
        let (store, index) = (per(after.store, before.store), per(after.index, before.index));
        self.figures.put("disk", store + index);
        if after.index > 0 {
            self.figures.put("disk-store", store);
            self.figures.put("disk-index", index);
            self.figures.put("disk-uploads", per(after.uploads, before.uploads));
        }
        self.import(Noun::Deal, &self.data.deals)
    }

    fn import(&self, noun: Noun, file: &Path) -> Result<()> {
        let report = self.subject.import(noun, file)?;
        eprintln!("  {}: {report}", file.file_name().unwrap_or_default().to_string_lossy());
        Ok(())
    }

    /// The index merges its segments for some time after an import.
    fn settled_disk(&self) -> Disk {
        let mut last = self.subject.disk();
        for _ in 0..30 {
            std::thread::sleep(Duration::from_secs(1));
            let now = self.subject.disk();
            if now.store + now.index == last.store + last.index {
                break;
            }
            last = now;
        }
        last
    }

    fn lists(&mut self, loaded: &Loaded) -> Result<()> {
        let questions = questions::lists();
        let mut client = self.subject.client()?;
        for question in &questions {
            let answer = client.json(&self.subject.list(question, true))?;
            let (count, first) = self.data.answer(question, &loaded.kept);
            self.checks.list(question, &self.subject.page(&answer), count, &first);
        }
        let requests: Vec<Request> = questions.iter().map(|q| self.subject.list(q, false)).collect();
        let times = load::times(&*self.subject, &requests, 15)?;
        self.figures.put("list-p50", times.at(0.5));
        self.figures.put("list-p95", times.at(0.95));
        let newest = self.subject.newest();
        let page = self.subject.page(&client.json(&newest)?);
        self.checks.newest(&page);
        let times = load::times(&*self.subject, &[newest], 200)?;
        self.figures.put("newest-p50", times.at(0.5));
        let gets: Vec<Request> = loaded.ids.iter().take(500).map(|id| self.subject.get(id)).collect();
        let times = load::times(&*self.subject, &gets, 2)?;
        self.figures.put("get-p50", times.at(0.5));
        Ok(())
    }

    fn searches(&mut self) -> Result<()> {
        let mut client = self.subject.client()?;
        for (key, typos, must_find) in [
            ("typo-one", questions::ONE_WORD, true),
            ("typo-two", questions::TWO_WORDS, true),
            ("typo-half", questions::HALF_KNOWN, false),
        ] {
            let requests: Option<Vec<Request>> = typos.iter().map(|t| self.subject.search(t.typed)).collect();
            let Some(requests) = requests else { break };
            for (typo, request) in typos.iter().zip(&requests) {
                let found = self.subject.found(&client.json(request)?);
                if must_find && self.data.knows(typo.first, typo.last) {
                    self.checks.search(typo, &found);
                }
            }
            let times = load::times(&*self.subject, &requests, 200 / requests.len())?;
            self.figures.put(key, times.at(0.95));
        }
        let mut requests = Vec::new();
        for name in questions::NAMES {
            let request = self.subject.by_name(name);
            let page = self.subject.page(&client.json(&request)?);
            let there = page.rows.is_empty() != self.data.knows("", name);
            self.checks.that(there && page.rows.iter().all(|r| is_named(r, name)), || {
                format!("the list by the name {name} is empty or has others")
            });
            requests.push(request);
        }
        let times = load::times(&*self.subject, &requests, 25)?;
        self.figures.put("name-p50", times.at(0.5));
        Ok(())
    }

    fn sums(&mut self) -> Result<()> {
        let request = self.subject.sums();
        let stages = self.subject.stages(&self.subject.client()?.json(&request)?);
        self.checks.that(stages == self.data.stages, || {
            format!("deals per stage are {stages:?} instead of {:?}", self.data.stages)
        });
        let times = load::times(&*self.subject, &[request], 200)?;
        self.figures.put("sums-p50", times.at(0.5));
        self.figures.put("sums-p95", times.at(0.95));
        Ok(())
    }

    fn connections(&mut self, loaded: &Loaded) -> Result<()> {
        let subject = &*self.subject;
        let gets: Vec<Request> = loaded.ids.iter().map(|id| subject.get(id)).collect();
        let names: Vec<Request> = questions::NAMES.iter().map(|name| subject.by_name(name)).collect();
        let lists: Vec<Request> = questions::lists().iter().map(|q| subject.list(q, false)).collect();
        let get = load::reads(subject, &gets)?;
        let newest = load::reads(subject, &[subject.newest()])?;
        let name = load::reads(subject, &names)?;
        let sums = load::reads(subject, &[subject.sums()])?;
        load::reads(subject, &lists)?;
        for (key, rate) in [("get-rate", get), ("newest-rate", newest), ("name-rate", name), ("sums-rate", sums)] {
            self.figures.put(key, rate);
        }
        Ok(())
    }

    /// A new contact, unlike any other by name, address and cost centre.
    fn contact(&self, mark: &str, filled: Filled) -> Request {
        let n = self.made.fetch_add(1, Ordering::Relaxed);
        let mut cells = self.data.samples[n % self.data.samples.len()].clone();
        if filled == Filled::AsGenerated {
            let given = |column: &columns::Column| columns::GENERATED.contains(&column.header);
            cells.iter_mut().zip(columns::COLUMNS).filter(|(_, c)| !given(c)).for_each(|(cell, _)| cell.clear());
        }
        cells[columns::at("last_name")] = format!("{mark}{n}");
        cells[columns::at("email")] = format!("{mark}{n}@bench.example").to_lowercase();
        cells[columns::at("cost_centre")] = format!("{mark}-{n}");
        self.subject.create(&cells, n)
    }

    fn writes(&mut self) -> Result<()> {
        let mut client = self.subject.client()?;
        let mut times = Vec::new();
        for _ in 0..CREATES {
            let request = self.contact("Probe", Filled::AsGenerated);
            let started = Instant::now();
            client.send(&request)?.ok(&request)?;
            times.push(started.elapsed());
        }
        let times = Times::of(times);
        drop(client);
        self.figures.put("create-p50", times.at(0.5));
        self.figures.put("create-p99", times.at(0.99));
        let acknowledged = AtomicUsize::new(CREATES);
        for (key, filled) in [("creates", Filled::AsGenerated), ("creates-full", Filled::All)] {
            let rate = load::rate(&*self.subject, 64, WRITING, |client, _| {
                let request = self.contact("Probe", filled);
                client.send(&request)?.ok(&request)?;
                acknowledged.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })?;
            self.figures.put(key, rate);
        }
        let expected = acknowledged.into_inner() as u64;
        let found = self.settled("Probe-", expected)?;
        self.checks.that(found == expected, || format!("{expected} contacts were made and {found} are there"));
        Ok(())
    }

    /// Contacts of a mark, after the index had time to show them.
    fn settled(&self, mark: &str, expected: u64) -> Result<u64> {
        let started = Instant::now();
        loop {
            let answer = self.subject.client()?.json(&self.subject.by_cost_centre(mark))?;
            let found = self.subject.page(&answer).total;
            if found == expected || started.elapsed() > Duration::from_secs(20) {
                return Ok(found);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// From the request to create until list and search both show it, asked again and again.
    fn visible(&mut self) -> Result<()> {
        let mut client = self.subject.client()?;
        let mut times = Vec::new();
        for n in 0..50 {
            let mark = format!("Seen{n}{}", ["quorv", "blent", "zhirm", "drask", "wulpy"][n % 5]);
            let request = self.contact(&mark, Filled::All);
            let name = format!("{mark}{}", self.made.load(Ordering::Relaxed) - 1);
            let started = Instant::now();
            client.send(&request)?.ok(&request)?;
            for request in [self.subject.by_cost_centre(&format!("{mark}-")), self.subject.by_name(&name)] {
                while self.subject.page(&client.json(&request)?).rows.is_empty() {
                    ensure!(started.elapsed() < Duration::from_secs(60), "a new contact never showed");
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
            times.push(started.elapsed());
        }
        self.figures.put("visible", Times::of(times).at(0.95));
        Ok(())
    }

    fn restarts(&mut self) -> Result<()> {
        self.subject.process().stop()?;
        let ready = self.subject.start()?;
        self.figures.put("start", ready.as_secs_f64());
        let ids = self.killed()?;
        ensure!(!ids.is_empty(), "nothing was written before the kill");
        let ready = self.subject.start()?;
        self.figures.put("start-killed", ready.as_secs_f64());
        let mut client = self.subject.client()?;
        let mut lost = 0;
        for id in &ids {
            lost += usize::from(client.send(&self.subject.get(id))?.status != 200);
        }
        self.checks.that(lost == 0, || format!("{lost} of {} acknowledged contacts are lost after kill -9", ids.len()));
        self.subject.process().stop()
    }

    /// Kills the server while 16 clients write; the ids it had acknowledged.
    fn killed(&mut self) -> Result<Vec<String>> {
        let ids = Mutex::new(Vec::new());
        let pid = self.subject.process().pid();
        let this = &*self;
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let Ok(mut client) = this.subject.client() else { return };
                    loop {
                        let request = this.contact("Killed", Filled::All);
                        let answer = client.send(&request).and_then(|a| a.ok(&request)).and_then(|a| a.json());
                        let Ok(answer) = answer else { return };
                        ids.lock().unwrap_or_else(|p| p.into_inner()).push(text(&answer["id"]));
                    }
                });
            }
            std::thread::sleep(Duration::from_secs(2));
            process::kill(pid)
        })?;
        self.subject.process().wait()?;
        Ok(ids.into_inner().unwrap_or_else(|p| p.into_inner()))
    }
}
