//! A copy of the whole store, of one moment, while writes go on: what a backup is made from. The copy is made of rows and
//! not of pages, so it is whole whatever the engine is doing, and has no holes.

use std::ops::Bound;
use std::path::Path;

use aplomb_model::Seq;
use aplomb_model::schema::system;

use crate::codec::Head;
use crate::engine::{Engine, Snapshot};
use crate::key::{self, Space, after_prefix};
use crate::layout::Layouts;
use crate::store::engine_at;
use crate::{Options, Store, StoreError};

/// Rows written in one transaction.
const CHUNK: usize = 100_000;

impl Store {
    /// Copies what is committed now into a new file and returns the last batch in it.
    ///
    /// Errors: `Invalid` when the file exists; `DiskFull`, `Io`, `Corrupt`. What was begun is removed again.
    pub fn copy_to(&self, options: &Options) -> Result<Seq, StoreError> {
        if options.path.try_exists()? {
            return Err(StoreError::Invalid("the file for the copy exists already".into()));
        }
        let copied = self.copy_into(options);
        if copied.is_err() {
            // The error of the copy says more than one of tidying up would.
            let _ = std::fs::remove_file(&options.path);
        }
        copied
    }

    fn copy_into(&self, options: &Options) -> Result<Seq, StoreError> {
        let snapshot = self.shared().engine.snapshot()?;
        let target = engine_at(options, Path::new(&options.path))?;
        let copied = copy(&*snapshot, &target);
        target.close();
        copied?;
        Ok(head(&*snapshot)?.seq)
    }
}

/// The last batch that a snapshot holds.
pub(crate) fn head(snapshot: &dyn Snapshot) -> Result<Head, StoreError> {
    Ok(snapshot.get(&key::meta("head"))?.map(|bytes| Head::decode(&bytes)).transpose()?.unwrap_or_default())
}

/// What all keys of each part of the store begin with; together they are every row there is.
pub(crate) fn parts(snapshot: &dyn Snapshot) -> Result<Vec<Vec<u8>>, StoreError> {
    let whole =
        [Space::Meta, Space::TrashTime, Space::Ref, Space::Log, Space::LogKey, Space::Doc, Space::Job, Space::JobDue];
    let mut parts: Vec<_> = whole.into_iter().map(key::space).collect();
    for (object, layout) in Layouts::load(snapshot)?.objects {
        parts.extend([Space::Record, Space::Trash, Space::History].map(|space| key::object(space, object)));
        let times = [system::CREATED_AT, system::UPDATED_AT];
        parts.extend(layout.fields.keys().copied().chain(times).map(|field| key::index_field(object, field)));
    }
    parts.sort();
    Ok(parts)
}

/// Copies every row into an empty engine, in order, so that its pages are full.
pub(crate) fn copy(from: &dyn Snapshot, to: &dyn Engine) -> Result<(), StoreError> {
    let parts = parts(from)?;
    let (mut part, mut after) = (0, None::<Vec<u8>>);
    while part < parts.len() {
        to.write(&mut |txn| {
            let mut room = CHUNK;
            while room > 0 && part < parts.len() {
                let end = after_prefix(&parts[part]);
                let max = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
                let min = after.clone();
                let min = min.as_deref().map_or(Bound::Included(&parts[part][..]), Bound::Excluded);
                from.scan((min, max), false, &mut |key, value| {
                    txn.put(key, value)?;
                    room -= 1;
                    if room == 0 {
                        after = Some(key.to_vec());
                    }
                    Ok(room > 0)
                })?;
                if room > 0 {
                    (part, after) = (part + 1, None);
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}
