//! Checks everything that must hold in a store: the engine's structure, the hash chain, records against the log, and
//! indexes, references, trash and counters against records.

use std::collections::BTreeMap;
use std::sync::Arc;

use aplomb_model::schema::system;
use aplomb_model::{Id, ObjectCode, Record, Seq};

use crate::codec::{self, Head};
use crate::engine::{Engine, Snapshot, scan_prefix};
use crate::key::{self, Space};
use crate::layout::{Layout, Layouts};
use crate::seal::Sealer;
use crate::view::View;
use crate::{ChangeKind, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

/// What `verify` looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    pub batches: u64,
    /// live ones and those in the trash
    pub records: u64,
    /// entries of field indexes and of the reverse look-up of references
    pub index_entries: u64,
    pub jobs: u64,
    /// one line each, without customer data; empty when all is well
    pub problems: Vec<String>,
}

/// Problems named one by one; beyond it they are only counted.
const NAMED: usize = 100;

struct Verifying<'a> {
    view: View,
    snapshot: Arc<dyn Snapshot>,
    report: VerifyReport,
    unnamed: u64,
    progress: &'a dyn Fn(&str),
    /// index entries of live records, by space
    expected: BTreeMap<u8, u64>,
}

pub(crate) fn verify(engine: &dyn Engine, sealer: &Sealer, progress: &dyn Fn(&str)) -> Result<VerifyReport> {
    progress("the database file");
    let problems = engine.check()?;
    let snapshot = engine.snapshot()?;
    let mut verifying = Verifying {
        view: View::new(Arc::clone(&snapshot), sealer.clone())?,
        snapshot,
        report: VerifyReport { problems, ..VerifyReport::default() },
        unnamed: 0,
        progress,
        expected: BTreeMap::new(),
    };
    verifying.part("the change log", Verifying::log);
    verifying.part("records and their indexes", Verifying::records);
    verifying.part("entries of indexes", Verifying::entries);
    verifying.part("jobs", Verifying::jobs);
    if verifying.unnamed > 0 {
        verifying.report.problems.push(format!("and {} more", verifying.unnamed));
    }
    Ok(verifying.report)
}

impl Verifying<'_> {
    /// An error ends the part, not the whole.
    fn part(&mut self, name: &str, check: fn(&mut Self) -> Result<()>) {
        (self.progress)(name);
        if let Err(e) = check(self) {
            self.problem(format!("{name}: {e}"));
        }
    }

    fn problem(&mut self, what: String) {
        if self.report.problems.len() < NAMED {
            self.report.problems.push(what);
        } else {
            self.unnamed += 1;
        }
    }

    fn log(&mut self) -> Result<()> {
        let snapshot = Arc::clone(&self.snapshot);
        let mut head = Head::default();
        scan_prefix(&*snapshot, &key::space(Space::Log), false, &mut |k, row| {
            let seq = key::seq_at_end(k).unwrap_or_default();
            let (chain, encoded) = codec::split_log_row(row)?;
            let next = head.next(&codec::hash(&encoded));
            if seq != next.seq {
                self.problem(format!("the change log goes from {} to {seq}", head.seq));
            } else if chain != next.chain {
                self.problem(format!("the hash chain is broken at {seq}"));
            }
            head = Head { seq, chain };
            self.row(seq, row)?;
            self.report.batches += 1;
            Ok(true)
        })?;
        let stored = snapshot.get(&key::meta("head"))?.map(|bytes| Head::decode(&bytes)).transpose()?;
        if stored.unwrap_or_default() != head {
            self.problem(format!("the change log ends at {}, which is not its recorded head", head.seq));
        }
        Ok(())
    }

    /// Every item of a log row is in the history of its record.
    fn row(&mut self, seq: Seq, row: &[u8]) -> Result<()> {
        let body = codec::decode_log(row)?;
        for (at, item) in body.items.iter().enumerate() {
            let history = self.snapshot.get(&key::history(item.object, item.id, seq))?;
            let known = history.map(|bytes| codec::decode_history(&bytes)).transpose()?;
            if !known.is_some_and(|h| h.at == body.at && h.items.contains(&(at as u32))) {
                self.problem(format!("batch {seq} is missing from the history of {}", place(item.object, item.id)));
            }
        }
        Ok(())
    }

    fn records(&mut self) -> Result<()> {
        let layouts = Layouts::load(&*self.snapshot)?;
        let snapshot = Arc::clone(&self.snapshot);
        let mut live: BTreeMap<ObjectCode, u64> = BTreeMap::new();
        for object in layouts.objects.keys() {
            for space in [Space::Record, Space::Trash] {
                let prefix = key::object(space, *object);
                scan_prefix(&*snapshot, &prefix, false, &mut |k, stored| {
                    let id = key::id_at_end(k).unwrap_or(Id::NIL);
                    match codec::decode_record(*object, id, stored) {
                        Ok(record) => self.record(space, &record, stored, &layouts.objects[object])?,
                        Err(e) => self.problem(format!("{}: {e}", place(*object, id))),
                    }
                    *live.entry(*object).or_default() += u64::from(space == Space::Record);
                    self.report.records += 1;
                    Ok(true)
                })?;
            }
            let counted = self.view.count(*object)?;
            let found = live.get(object).copied().unwrap_or_default();
            if counted != found {
                self.problem(format!("object {}: the counter says {counted}, there are {found} records", object.0));
            }
        }
        Ok(())
    }

    fn record(&mut self, space: Space, record: &Record, stored: &[u8], layout: &Layout) -> Result<()> {
        if record.trashed_at.is_some() != (space == Space::Trash) {
            self.problem(format!("{} is in the wrong place", place(record.object, record.id)));
        }
        self.against_log(record, stored)?;
        let entries: Vec<_> = match record.trashed_at {
            Some(at) => vec![key::trash_time(record.object, at, record.id)],
            None => layout.entries(record).into_iter().collect(),
        };
        for entry in entries {
            *self.expected.entry(entry[0]).or_default() += 1;
            if self.snapshot.get(&entry)?.is_none() {
                let what = space_name(entry[0]);
                self.problem(format!("{} is missing from {what}", place(record.object, record.id)));
            }
        }
        Ok(())
    }

    /// The last thing the log says of a record is what the record is.
    fn against_log(&mut self, record: &Record, stored: &[u8]) -> Result<()> {
        let of = place(record.object, record.id);
        let mut last = None;
        scan_prefix(&*self.snapshot, &key::of_record(Space::History, record.object, record.id), true, &mut |k, v| {
            last = key::seq_at_end(k).zip(codec::decode_history(v)?.items.last().copied());
            Ok(false)
        })?;
        let Some((seq, at)) = last else {
            self.problem(format!("{of} is not in the change log"));
            return Ok(());
        };
        let row = self.view.log_row(seq)?;
        match row.items.get(at as usize) {
            Some(item) if item.version != record.version || item.kind == ChangeKind::Purged => {
                self.problem(format!("{of} is at version {}, the change log at {}", record.version, item.version));
            }
            Some(item) if item.state != codec::state(stored) => {
                self.problem(format!("{of} is not what the change log says"));
            }
            Some(_) => {}
            None => self.problem(format!("{of}: its history names what batch {seq} does not have")),
        }
        Ok(())
    }

    /// There are no more entries than records account for: together with `record`, exactly those.
    fn entries(&mut self) -> Result<()> {
        let mut found: BTreeMap<u8, u64> = BTreeMap::new();
        let mut prefixes = vec![key::space(Space::Ref), key::space(Space::TrashTime)];
        for (object, layout) in Layouts::load(&*self.snapshot)?.objects {
            let times = [system::CREATED_AT, system::UPDATED_AT];
            prefixes.extend(layout.fields.keys().copied().chain(times).map(|field| key::index_field(object, field)));
        }
        for prefix in prefixes {
            scan_prefix(&*self.snapshot, &prefix, false, &mut |k, _| {
                *found.entry(k[0]).or_default() += 1;
                Ok(true)
            })?;
        }
        for space in [Space::Index as u8, Space::Ref as u8, Space::TrashTime as u8] {
            let found = found.get(&space).copied().unwrap_or_default();
            let expected = self.expected.get(&space).copied().unwrap_or_default();
            if found != expected {
                let what = space_name(space);
                self.problem(format!("{what} has {found} entries where records account for {expected}"));
            }
            self.report.index_entries += found;
        }
        Ok(())
    }

    fn jobs(&mut self) -> Result<()> {
        let snapshot = Arc::clone(&self.snapshot);
        let mut due = 0u64;
        scan_prefix(&*snapshot, &key::space(Space::JobDue), false, &mut |_, _| {
            due += 1;
            Ok(true)
        })?;
        scan_prefix(&*snapshot, &key::space(Space::Job), false, &mut |_, v| {
            let job = codec::decode_job(v)?;
            if snapshot.get(&key::job_due(job.due, job.id))?.is_none() {
                self.problem(format!("job {} has no due time", job.id));
            }
            self.report.jobs += 1;
            Ok(true)
        })?;
        if due != self.report.jobs {
            self.problem(format!("{due} jobs are due, {} exist", self.report.jobs));
        }
        Ok(())
    }
}

fn place(object: ObjectCode, id: Id) -> String {
    format!("record {id} of object {}", object.0)
}

fn space_name(space: u8) -> &'static str {
    match space {
        s if s == Space::Ref as u8 => "the reverse look-up of references",
        s if s == Space::TrashTime as u8 => "the list of the trash",
        _ => "an index",
    }
}
