//! From what was decided to what is written: further events of a group join the notice that is there, unless it was read.

use std::collections::{BTreeMap, BTreeSet};

use aplomb_model::{Id, Result, Seq, Timestamp};
use aplomb_store::{Op, View};

use super::decide::Place;
use super::stored::{self, KEPT_DAYS, MOST, NOTICE, Stored};
use crate::errors::{OrInternal, OrStore};

/// Latest notices among which one of the same group is looked for.
const LOOKED_AT: usize = 30;
/// After this time another change of a record is news again.
const TOGETHER_SECONDS: i64 = 3_600;
const PAGE: usize = 500;

/// The operations that write the notices, and whom they are for. `seq`: the last batch they are made of.
pub(super) fn write(view: &View, made: BTreeMap<Place, Stored>, seq: Seq) -> Result<(Vec<Op>, BTreeSet<Id>)> {
    let mut by_user: BTreeMap<Id, Vec<Stored>> = BTreeMap::new();
    for ((user, _), notice) in made {
        by_user.entry(user).or_default().push(notice);
    }
    let mut ops = Vec::new();
    for (user, notices) in &mut by_user {
        notices.sort_by_key(|notice| notice.seq);
        let latest = stored::page(view, *user, None, LOOKED_AT)?;
        for (place, notice) in notices.iter_mut().enumerate() {
            if let Some(known) = latest.iter().find(|known| joins(notice, known)) {
                ops.push(stored::remove(stored::key(*user, known.id)));
                let mut both = known.clone();
                both.take(notice);
                *notice = both;
            }
            notice.id = id(notice.at, seq, place);
            ops.push(notice.put(*user)?);
        }
    }
    Ok((ops, by_user.into_keys().collect()))
}

fn joins(notice: &Stored, known: &Stored) -> bool {
    let fresh = notice.at.seconds() - known.at.seconds() < TOGETHER_SECONDS;
    !known.read && known.group == notice.group && (fresh || notice.record.is_none())
}

/// In the order in which things happened; no two of one user are the same.
fn id(at: Timestamp, seq: Seq, place: usize) -> Id {
    let mut rest = [0; 10];
    rest[3..8].copy_from_slice(&seq.to_be_bytes()[3..]);
    rest[8..].copy_from_slice(&(place as u16).to_be_bytes());
    Id::new(at, rest)
}

/// Removals of what is too old or too much.
pub(super) fn outlived(view: &View, now: Timestamp) -> Result<Vec<Op>> {
    let end = now.plus_days(-KEPT_DAYS);
    let (mut ops, mut after) = (Vec::new(), None::<Vec<u8>>);
    let mut count: (Vec<u8>, usize) = (Vec::new(), 0);
    loop {
        let page = view.docs(NOTICE, b"", after.as_deref(), PAGE).or_store()?;
        let Some((last, _)) = page.last() else { return Ok(ops) };
        after = Some(last.clone());
        for (key, bytes) in page {
            let user = key.get(..16).unwrap_or_default();
            if count.0 != user {
                count = (user.to_vec(), 0);
            }
            count.1 += 1;
            let notice: Stored = serde_json::from_slice(&bytes).or_internal("a notice")?;
            if count.1 > MOST || notice.at < end {
                ops.push(stored::remove(key));
            }
        }
    }
}
