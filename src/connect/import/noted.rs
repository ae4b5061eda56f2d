//! The rows that a check found worth looking at, kept in a sealed file beside the upload: their cells as they stand in
//! the file, and for each kind a list of places, so that any page is found without reading the upload again. Memory
//! while checking: about 32 bytes for each row noted, of which there are at most a million of each kind.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

use aplomb_model::{Error, Id, Result};
use aplomb_vault::{SealedDir, SealedFile, SealedWriter};
use serde::{Deserialize, Serialize};

use super::{missing_check, source};
use crate::read::Row;
use crate::view::Noted;

/// Rows of one kind that are kept; further ones are only counted in the preview.
const MOST: usize = 1_000_000;
/// Bytes of a place: the row's number and where it begins.
const PLACE: u64 = 12;
/// Bytes in front of a row: its length.
const LENGTH: u64 = 4;
const PREFIX: &str = "rows.";
/// How such a file is laid out; one of another form is not read, because the check can be repeated.
const FORM: u8 = 1;

/// The lists of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    Refused,
    Duplicate,
    Warning,
    /// rows that others repeat
    Other,
}

const LISTS: [List; 4] = [List::Refused, List::Duplicate, List::Warning, List::Other];

/// Kept in the state of the import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    form: u8,
    file: Id,
    /// by list: where it begins, how many places
    lists: [(u64, u64); 4],
}

/// A row as it stands in the uploaded file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedRow {
    pub row: Row,
    /// an earlier row that it repeats
    pub other: Option<u64>,
}

impl Findings {
    pub fn noted(&self) -> Noted {
        let count = |list: List| self.lists[list as usize].1;
        Noted { refused: count(List::Refused), duplicate: count(List::Duplicate), warning: count(List::Warning) }
    }

    fn name(&self, import: Id) -> String {
        name(import, self.file)
    }

    pub fn remove(&self, uploads: &SealedDir, import: Id) {
        source::remove_named(uploads, &self.name(import));
    }

    /// The import that a file of rows belongs to, and its name there; `None` for other files.
    pub fn owner(name: &str) -> Option<(Id, Id)> {
        let (import, file) = name.strip_prefix(PREFIX)?.split_once('.')?;
        Some((import.parse().ok()?, file.parse().ok()?))
    }

    pub fn is(&self, file: Id) -> bool {
        self.file == file
    }
}

fn name(import: Id, file: Id) -> String {
    format!("{PREFIX}{import}.{file}")
}

/// Writes a file of rows; none is made when no row is noted.
pub struct Noting {
    uploads: Arc<SealedDir>,
    import: Id,
    file: Id,
    writer: Option<SealedWriter>,
    lists: [Vec<(u32, u64)>; 4],
    /// rows that others repeat, to be added in the end
    others: BTreeSet<u64>,
    finished: bool,
}

impl Noting {
    pub fn new(uploads: Arc<SealedDir>, import: Id, file: Id) -> Noting {
        let (lists, others) = (Default::default(), BTreeSet::new());
        Noting { uploads, import, file, writer: None, lists, others, finished: false }
    }

    /// Rows come in the order of the file.
    pub fn note(&mut self, row: &Row, other: Option<u64>, lists: impl IntoIterator<Item = List>) -> Result<()> {
        let lists: Vec<List> = lists.into_iter().filter(|list| self.lists[*list as usize].len() < MOST).collect();
        if lists.is_empty() {
            return Ok(());
        }
        self.others.remove(&row.number);
        self.others.extend(other.filter(|other| !self.has(*other)));
        let noted = NotedRow { row: row.clone(), other };
        let body = postcard::to_stdvec(&noted).map_err(|_| Error::internal("a row cannot be kept"))?;
        let writer = self.writer()?;
        let at = writer.len();
        writer.write_all(&(body.len() as u32).to_le_bytes()).map_err(source::disk)?;
        writer.write_all(&body).map_err(source::disk)?;
        for list in lists {
            self.lists[list as usize].push((row.number as u32, at));
        }
        Ok(())
    }

    fn has(&self, row: u64) -> bool {
        self.lists.iter().any(|list| list.binary_search_by_key(&(row as u32), |(row, _)| *row).is_ok())
    }

    fn writer(&mut self) -> Result<&mut SealedWriter> {
        if self.writer.is_none() {
            let created = self.uploads.create(&name(self.import, self.file));
            self.writer = Some(created.map_err(|e| source::disk(e.into()))?);
        }
        self.writer.as_mut().ok_or_else(|| Error::internal("rows cannot be kept"))
    }

    /// Rows that were repeated and are not in the file yet.
    pub fn missing(&self) -> &BTreeSet<u64> {
        &self.others
    }

    pub fn finish(mut self) -> Result<Option<Findings>> {
        self.finished = true;
        let all = std::mem::take(&mut self.lists);
        let Some(writer) = &mut self.writer else { return Ok(None) };
        let mut lists = [(0, 0); 4];
        for (place, list) in lists.iter_mut().zip(all) {
            *place = (writer.len(), list.len() as u64);
            let bytes: Vec<u8> = list.iter().flat_map(|(row, at)| place_bytes(*row, *at)).collect();
            writer.write_all(&bytes).map_err(source::disk)?;
        }
        writer.finish().map_err(source::disk)?;
        self.uploads.sync().map_err(|e| source::disk(e.into()))?;
        Ok(Some(Findings { form: FORM, file: self.file, lists }))
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        if !self.finished && self.writer.take().is_some() {
            source::remove_named(&self.uploads, &name(self.import, self.file));
        }
    }
}

fn place_bytes(row: u32, at: u64) -> [u8; PLACE as usize] {
    let mut bytes = [0; PLACE as usize];
    bytes[..4].copy_from_slice(&row.to_le_bytes());
    bytes[4..].copy_from_slice(&at.to_le_bytes());
    bytes
}

/// Reads a file of rows at any place.
pub struct NotedRows<'a> {
    file: SealedFile,
    findings: &'a Findings,
}

impl<'a> NotedRows<'a> {
    pub fn open(uploads: &Arc<SealedDir>, import: Id, findings: &'a Findings) -> Result<NotedRows<'a>> {
        if findings.form != FORM {
            return Err(missing_check());
        }
        let file = uploads.open(&findings.name(import)).map_err(source::vault)?;
        Ok(NotedRows { file, findings })
    }

    /// Rows of a list after `after`, in the order of the file: at least one if there is any, and no further ones
    /// once their cells have `bytes`. Also whether there are more.
    pub fn page(&self, list: List, after: u64, limit: usize, bytes: usize) -> Result<(Vec<NotedRow>, bool)> {
        let count = self.findings.lists[list as usize].1;
        let mut at = self.first_after(list, after)?;
        let (mut rows, mut size) = (Vec::new(), 0);
        while at < count && rows.len() < limit && (size < bytes || rows.is_empty()) {
            let noted = self.row(self.place(list, at)?.1)?;
            size += noted.row.cells.iter().map(String::len).sum::<usize>();
            rows.push(noted);
            at += 1;
        }
        Ok((rows, at < count))
    }

    pub fn find(&self, row: u64) -> Result<Option<NotedRow>> {
        for list in LISTS {
            let at = self.first_after(list, row.saturating_sub(1))?;
            if at < self.findings.lists[list as usize].1 {
                let (found, place) = self.place(list, at)?;
                if u64::from(found) == row {
                    return self.row(place).map(Some);
                }
            }
        }
        Ok(None)
    }

    fn first_after(&self, list: List, row: u64) -> Result<u64> {
        let (mut low, mut high) = (0, self.findings.lists[list as usize].1);
        while low < high {
            let middle = low + (high - low) / 2;
            match u64::from(self.place(list, middle)?.0) <= row {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Ok(low)
    }

    fn place(&self, list: List, index: u64) -> Result<(u32, u64)> {
        let from = self.findings.lists[list as usize].0 + index * PLACE;
        let bytes = self.bytes(from, PLACE)?;
        let (row, at) = bytes.split_at(4);
        let row = row.try_into().map(u32::from_le_bytes).map_err(|_| damaged())?;
        Ok((row, at.try_into().map(u64::from_le_bytes).map_err(|_| damaged())?))
    }

    fn row(&self, at: u64) -> Result<NotedRow> {
        let length = self.bytes(at, LENGTH)?.try_into().map(u32::from_le_bytes).map_err(|_| damaged())?;
        let body = self.bytes(at + LENGTH, u64::from(length))?;
        postcard::from_bytes(&body).map_err(|_| damaged())
    }

    fn bytes(&self, from: u64, length: u64) -> Result<Vec<u8>> {
        let to = from.checked_add(length).filter(|to| *to <= self.file.len()).ok_or_else(damaged)?;
        Ok(self.file.read(from..to).map_err(source::vault)?.to_vec())
    }
}

fn damaged() -> Error {
    Error::internal("the rows of a check cannot be read")
}
