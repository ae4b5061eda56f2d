//! Which record holds which file follows from the records' fields, and is written in the same batch.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use aplomb_model::{FieldError, FieldType, FileRef, Id, Object, Record, Result, Timestamp, Value};
use aplomb_store::{Assert, Op, View};

use super::files_of;
use super::kept::Kept;
use crate::records::plan::{Origin, Plan};

/// Files of one field.
const MOST: usize = 100;

/// Files whose holders a batch changes: as they were, as they will be.
#[derive(Default)]
pub(crate) struct Moves(BTreeMap<Id, (Kept, Kept)>);

impl Moves {
    fn find(&mut self, view: &View, id: Id) -> Result<Option<&mut Kept>> {
        Ok(match self.0.entry(id) {
            Entry::Occupied(known) => Some(&mut known.into_mut().1),
            Entry::Vacant(free) => Kept::load(view, id)?.map(|kept| &mut free.insert((kept.clone(), kept)).1),
        })
    }

    /// What writes the changes, when nobody else has changed the same files meanwhile.
    pub fn write(&self, ops: &mut Vec<Op>, asserts: &mut Vec<Assert>) {
        for (before, after) in self.0.values().filter(|(before, after)| before != after) {
            asserts.push(before.unchanged());
            ops.extend(after.put(Some(before)));
        }
    }

    /// The same, and the files that are left without a holder go.
    pub fn write_and_drop(&self, ops: &mut Vec<Op>, asserts: &mut Vec<Assert>) -> Vec<Id> {
        let mut gone = Vec::new();
        for (before, after) in self.0.values().filter(|(before, after)| before != after) {
            asserts.push(before.unchanged());
            match after.is_loose() {
                true => {
                    ops.extend(before.delete());
                    gone.push(after.file.id);
                }
                false => ops.extend(after.put(Some(before))),
            }
        }
        gone
    }

    /// A record lets go of all its files.
    pub fn release(&mut self, view: &View, record: &Record, now: Timestamp) -> Result<()> {
        for file in files_of(record) {
            if let Some(kept) = self.find(view, file.id)? {
                kept.let_go(record.link(), now);
            }
        }
        Ok(())
    }
}

impl Plan<'_> {
    /// Takes what uploads found for what the caller says of a file, and notes which files the record now holds. Gives
    /// fields with files that are not there, or that somebody else uploaded.
    pub fn follow_files(
        &mut self,
        object: &Object,
        before: Option<&Record>,
        after: &mut Record,
        origin: Origin,
    ) -> Result<Vec<FieldError>> {
        let held: Vec<FileRef> = before.into_iter().flat_map(files_of).cloned().collect();
        if held.is_empty() && files_of(after).next().is_none() {
            return Ok(Vec::new());
        }
        let mut errors = Vec::new();
        for field in object.live().filter(|field| field.kind == FieldType::File) {
            let Some(Value::Files(given)) = after.get(field.code) else { continue };
            match self.known_files(given.clone(), &held, origin)? {
                Ok(files) if files.len() > MOST => {
                    errors.push(FieldError::new(&field.name, "range", format!("has more than {MOST} files")));
                }
                Ok(files) => _ = after.fields.set(field.code, Some(files).filter(|f| !f.is_empty()).map(Value::Files)),
                Err(detail) => errors.push(FieldError::new(&field.name, "not_found", detail)),
            }
        }
        if errors.is_empty() {
            self.move_files(&held, after)?;
        }
        Ok(errors)
    }

    /// Files as the uploads found them, each once. What the record held already stays; what our own rules bring back (an
    /// undo) and is gone is left out.
    fn known_files(
        &mut self,
        given: Vec<FileRef>,
        held: &[FileRef],
        origin: Origin,
    ) -> Result<Result<Vec<FileRef>, String>> {
        let mut known: Vec<FileRef> = Vec::with_capacity(given.len());
        for file in given {
            if known.iter().any(|other| other.id == file.id) {
                continue;
            }
            if let Some(old) = held.iter().find(|old| old.id == file.id) {
                known.push(old.clone());
                continue;
            }
            let (user, ours) = (self.ctx.actor.user, origin == Origin::System);
            let kept = self.files.find(&self.view, file.id)?.filter(|kept| ours || kept.uploaded_by(user));
            match kept {
                Some(kept) => known.push(kept.file.clone()),
                None if ours => {}
                None => {
                    return Ok(Err(format!("there is no file {} of yours: upload it to /api/v1/files first", file.id)));
                }
            }
        }
        Ok(Ok(known))
    }

    fn move_files(&mut self, held: &[FileRef], after: &Record) -> Result<()> {
        let holds = |files: &[FileRef], id| files.iter().any(|file: &FileRef| file.id == id);
        let now_held: Vec<FileRef> = files_of(after).cloned().collect();
        for file in now_held.iter().filter(|file| !holds(held, file.id)) {
            if let Some(kept) = self.files.find(&self.view, file.id)? {
                kept.hold(after.link());
            }
        }
        for file in held.iter().filter(|file| !holds(&now_held, file.id)) {
            if let Some(kept) = self.files.find(&self.view, file.id)? {
                kept.let_go(after.link(), self.ctx.now);
            }
        }
        Ok(())
    }
}
