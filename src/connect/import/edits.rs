//! What people change before a file is imported: the text of single cells, and what becomes of single rows. The file
//! itself stays as it was uploaded. A document for every changed row, so that one more change costs one small write.

use std::collections::{BTreeMap, HashMap};

use aplomb_crm::{BulkDoc, Crm};
use aplomb_model::{Code, Error, Id, Result};
use serde::{Deserialize, Serialize};

use super::state::State;
use crate::map::convert::{Converter, Draft};
use crate::read::{Row, RowProblem};
use crate::view::OnMatch;

pub const EDIT: &str = "import_edit";

const VERSION: u8 = 1;
/// Cells of one import that may be changed.
pub const MOST_EDITS: u64 = 10_000;
/// Rows of one import that may be decided.
pub const MOST_DECISIONS: u64 = 10_000;
/// Bytes of one changed cell.
pub const MOST_CELL: usize = 100_000;
/// Bytes of the changed cells and of the rows they are in.
const MOST_BYTES: u64 = 64 << 20;
const PAGE: usize = 500;

/// A row that somebody changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowEdit {
    /// as it stands in the file
    pub row: Row,
    /// an earlier row that the check found to be the same
    pub other: Option<u64>,
    pub changed: BTreeMap<u32, String>,
    pub action: Option<OnMatch>,
}

/// How much of an import was changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Changed {
    pub rows: u64,
    pub cells: u64,
    pub decisions: u64,
    pub bytes: u64,
}

/// All changes of one import, without the rows: at most some tens of thousands of cells.
#[derive(Default)]
pub struct Edits(HashMap<u64, (BTreeMap<u32, String>, Option<OnMatch>)>);

impl RowEdit {
    pub fn new(row: Row, other: Option<u64>) -> RowEdit {
        RowEdit { row, other, changed: BTreeMap::new(), action: None }
    }

    pub fn key(import: Id, row: u64) -> Vec<u8> {
        [import.as_bytes().as_slice(), &row.to_be_bytes()].concat()
    }

    pub fn load(crm: &Crm, import: Id, row: u64) -> Result<Option<RowEdit>> {
        crm.get_doc(EDIT, &RowEdit::key(import, row))?.map(|bytes| decode(&bytes)).transpose()
    }

    /// Of rows after `after`, in the order of the file.
    pub fn page(crm: &Crm, import: Id, after: u64, limit: usize) -> Result<Vec<RowEdit>> {
        let after = RowEdit::key(import, after);
        let docs = crm.list_docs(EDIT, import.as_bytes(), Some(&after), limit)?;
        docs.iter().map(|(_, bytes)| decode(bytes)).collect()
    }

    /// The text of a cell; `None` or what stands in the file takes a change back.
    pub fn set(&mut self, column: u32, text: Option<String>) {
        let stands = self.row.cells.get(column as usize).map_or("", String::as_str);
        match text.filter(|text| text != stands) {
            Some(text) => self.changed.insert(column, text),
            None => self.changed.remove(&column),
        };
    }

    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.action.is_none()
    }

    fn bytes(&self) -> u64 {
        let texts = self.row.cells.iter().chain(self.changed.values());
        texts.map(|text| text.len() as u64 + 8).sum()
    }

    fn count(&self) -> Changed {
        if self.is_empty() {
            return Changed::default();
        }
        let (cells, decisions) = (self.changed.len() as u64, u64::from(self.action.is_some()));
        Changed { rows: 1, cells, decisions, bytes: self.bytes() }
    }

    /// To be written together with the state; nothing is left of a row without changes.
    pub fn doc(&self, import: Id) -> Result<BulkDoc> {
        let encoded = || {
            let body = postcard::to_stdvec(self).map_err(|_| Error::internal("a changed row cannot be stored"))?;
            Ok::<_, Error>([&[VERSION], body.as_slice()].concat())
        };
        let value = if self.is_empty() { None } else { Some(encoded()?) };
        Ok(BulkDoc { kind: EDIT, key: RowEdit::key(import, self.row.number), value })
    }
}

impl Changed {
    /// Counts a row that was changed. Errors: there are too many by now.
    pub fn replace(&mut self, before: Option<&RowEdit>, after: &RowEdit) -> Result<()> {
        let (old, new) = (before.map(RowEdit::count).unwrap_or_default(), after.count());
        for (all, old, new) in [
            (&mut self.rows, old.rows, new.rows),
            (&mut self.cells, old.cells, new.cells),
            (&mut self.decisions, old.decisions, new.decisions),
            (&mut self.bytes, old.bytes, new.bytes),
        ] {
            *all = (*all + new).saturating_sub(old);
        }
        if self.cells > MOST_EDITS || self.decisions > MOST_DECISIONS || self.bytes > MOST_BYTES {
            let detail = format!(
                "at most {MOST_EDITS} cells and {MOST_DECISIONS} rows can be changed here; change the file instead"
            );
            return Err(Error::new(Code::TooLarge, detail));
        }
        Ok(())
    }
}

impl Edits {
    /// Reads nothing when nothing was changed.
    pub fn load(crm: &Crm, state: &State) -> Result<Edits> {
        let mut edits = Edits::default();
        let mut after = 0;
        if state.changed.rows == 0 {
            return Ok(edits);
        }
        loop {
            let page = RowEdit::page(crm, state.id, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.row.number;
            edits.0.extend(page.into_iter().map(|e| (e.row.number, (e.changed, e.action))));
        }
        Ok(edits)
    }

    pub fn of(rows: &[RowEdit]) -> Edits {
        Edits(rows.iter().map(|e| (e.row.number, (e.changed.clone(), e.action))).collect())
    }

    /// The row as it counts.
    pub fn apply(&self, row: &mut Row) {
        let Some((changed, _)) = self.0.get(&row.number).filter(|(changed, _)| !changed.is_empty()) else { return };
        for (column, text) in changed {
            let at = *column as usize;
            if row.cells.len() <= at {
                row.cells.resize(at + 1, String::new());
            }
            row.cells[at].clone_from(text);
        }
        if row.problem.as_ref().is_none_or(|problem| problem.cell.is_some()) {
            row.problem = RowProblem::of_cells(&row.cells);
        }
    }

    pub fn draft(&self, converter: &mut Converter<'_>, row: &Row) -> Draft {
        let Some((_, action)) = self.0.get(&row.number) else { return converter.row(row) };
        let mut row = row.clone();
        self.apply(&mut row);
        Draft { decision: *action, ..converter.row(&row) }
    }
}

fn decode(bytes: &[u8]) -> Result<RowEdit> {
    let body = bytes.split_first().filter(|(version, _)| **version == VERSION).map(|(_, body)| body);
    let damaged = || Error::internal("a stored change of a row cannot be read");
    postcard::from_bytes(body.ok_or_else(damaged)?).map_err(|_| damaged())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the first version wrote must be read by every later one.
    const FIRST: &str = "01030203416461026100010101036e756c17636f6e7461696e73204e554c20636861726163746572730102\
        01010d61646140782e6578616d706c650102";

    fn row() -> Row {
        let problem = RowProblem { cell: Some(1), code: "nul".into(), detail: "contains NUL characters".into() };
        Row { number: 3, cells: vec!["Ada".into(), "a\0".into()], problem: Some(problem) }
    }

    fn stored(edit: &RowEdit) -> Vec<u8> {
        edit.doc(Id::from_u128(7)).expect("a document").value.expect("something is changed")
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let mut edit = RowEdit::new(row(), Some(2));
        assert!(edit.doc(Id::from_u128(7)).expect("a document").value.is_none(), "nothing is changed");
        edit.set(1, Some("ada@x.example".into()));
        edit.action = Some(OnMatch::Create);
        let bytes = stored(&edit);
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, FIRST, "another form wants another version");
        assert_eq!(decode(&bytes).expect("an edit"), edit);
        assert!(decode(&[&[VERSION + 1], &bytes[1..]].concat()).is_err());
    }

    #[test]
    fn the_row_counts_as_it_was_changed() {
        let mut edit = RowEdit::new(row(), None);
        edit.set(1, Some("ada@x.example".into()));
        edit.set(3, Some("beyond".into()));
        edit.set(0, Some("Ada".into()));
        assert_eq!(edit.changed.keys().copied().collect::<Vec<_>>(), [1, 3], "what stands there is no change");
        let mut row = row();
        Edits::of(std::slice::from_ref(&edit)).apply(&mut row);
        assert_eq!(row.cells, ["Ada", "ada@x.example", "", "beyond"]);
        assert_eq!(row.problem, None, "the cell that could not be taken is another one now");
        edit.set(1, None);
        assert_eq!(edit.changed.len(), 1);
        edit.set(0, Some("A\0da".into()));
        edit.set(1, Some("fine".into()));
        Edits::of(&[edit]).apply(&mut row);
        assert_eq!(row.problem.and_then(|problem| problem.cell), Some(0), "as if it stood in the file");
    }

    #[test]
    fn changes_are_counted_and_bounded() {
        let mut all = Changed::default();
        let mut edit = RowEdit::new(row(), None);
        edit.set(0, Some("x".into()));
        all.replace(None, &edit).expect("counted");
        let before = edit.clone();
        edit.action = Some(OnMatch::Skip);
        all.replace(Some(&before), &edit).expect("counted");
        assert_eq!((all.rows, all.cells, all.decisions), (1, 1, 1));
        all.replace(Some(&edit), &RowEdit::new(row(), None)).expect("counted");
        assert_eq!(all, Changed::default());
        for full in [
            Changed { cells: MOST_EDITS, ..all },
            Changed { decisions: MOST_DECISIONS, ..all },
            Changed { bytes: MOST_BYTES, ..all },
        ] {
            assert!(full.clone().replace(None, &edit).is_err(), "{full:?}");
        }
    }
}
