//! Who is at which record, and in which field: in memory only, forgotten when nobody says it any more. Whoever looks at
//! a record sees the others there who may read it as well, and hears of those who come, go or turn to another field.
//!
//! Cheap with many: a sign of life that changes nothing costs a look-up; a change is told only to those at the record.

use std::collections::{BTreeMap, HashMap};

use actix_web::web::Bytes;
use aplomb_model::{Id, Result, Timestamp};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::json;

use crate::call::Call;
use crate::live;

/// After this time without a sign of life somebody has gone.
const FORGET_SECONDS: i64 = 45;
/// Between two looks for those who have gone.
const SWEEP_SECONDS: i64 = 5;
/// People at one record of whom the others are told.
const MOST_SHOWN: usize = 50;
/// Signs of life at one record that are kept.
const MOST_AT_ONE: usize = 500;
/// Records at which one session or key may be.
const MOST_PLACES: usize = 50;

#[derive(Default)]
pub struct Presence(Mutex<Table>);

/// name of an object, id of a record
type Place = (String, Id);

#[derive(Default)]
struct Table {
    places: HashMap<Place, Vec<Here>>,
    /// records by session or key
    holders: HashMap<Id, Vec<Place>>,
    swept: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq)]
struct Here {
    user: Id,
    /// session or key
    holder: Id,
    field: Option<String>,
    since: Timestamp,
    seen: Timestamp,
}

/// Somebody else at the record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Other {
    id: Id,
    name: String,
    field: Option<String>,
    since: Timestamp,
}

/// A record whose guests have changed, with all of them.
type Changed = (Place, Vec<Here>);

impl Presence {
    /// A sign of life of the caller at a record he may read; the others there.
    pub fn stay(&self, call: &Call, place: Place, field: Option<String>) -> Result<Vec<Other>> {
        let (user, holder, now) = (call.user(), live::holder(call), call.now);
        let (changed, here) = {
            let mut table = self.0.lock();
            let mut changed = table.sweep(now);
            if table.enter(&place, Here { user, holder, field, since: now, seen: now }) {
                let here = table.places.get(&place).cloned().unwrap_or_default();
                changed.retain(|(other, _)| *other != place);
                changed.push((place.clone(), here));
            }
            (changed, table.places.get(&place).cloned().unwrap_or_default())
        };
        tell(call, changed)?;
        others(call, &place, &here, user)
    }

    pub fn leave(&self, call: &Call, place: &Place) -> Result<()> {
        let changed = {
            let mut table = self.0.lock();
            let mut changed = table.sweep(call.now);
            if table.remove(place, live::holder(call)) {
                changed.retain(|(other, _)| other != place);
                changed.push((place.clone(), table.places.get(place).cloned().unwrap_or_default()));
            }
            changed
        };
        tell(call, changed)
    }
}

impl Table {
    /// True when others should hear of it.
    fn enter(&mut self, place: &Place, new: Here) -> bool {
        let here = self.places.entry(place.clone()).or_default();
        if let Some(known) = here.iter_mut().find(|known| known.holder == new.holder) {
            let turned = known.field != new.field;
            (known.field, known.seen) = (new.field, new.seen);
            return turned;
        }
        if here.len() >= MOST_AT_ONE {
            return false;
        }
        let own = self.holders.entry(new.holder).or_default();
        own.push(place.clone());
        let first = (own.len() > MOST_PLACES).then(|| own[0].clone());
        let holder = new.holder;
        here.push(new);
        if let Some(first) = first {
            self.remove(&first, holder);
        }
        true
    }

    fn remove(&mut self, place: &Place, holder: Id) -> bool {
        let Some(here) = self.places.get_mut(place) else { return false };
        let before = here.len();
        here.retain(|known| known.holder != holder);
        let gone = here.len() < before;
        if here.is_empty() {
            self.places.remove(place);
        }
        if let Some(own) = self.holders.get_mut(&holder) {
            own.retain(|other| other != place);
            if own.is_empty() {
                self.holders.remove(&holder);
            }
        }
        gone
    }

    /// Forgets those who have said nothing for a while, once in a while.
    fn sweep(&mut self, now: Timestamp) -> Vec<Changed> {
        let last = self.swept.get_or_insert(now);
        if now.seconds() - last.seconds() < SWEEP_SECONDS {
            return Vec::new();
        }
        self.swept = Some(now);
        let is_gone = |here: &Here| now.seconds() - here.seen.seconds() >= FORGET_SECONDS;
        let gone: Vec<(Place, Id)> = self
            .places
            .iter()
            .flat_map(|(place, all)| all.iter().filter(|h| is_gone(h)).map(|h| (place.clone(), h.holder)))
            .collect();
        let mut changed: BTreeMap<Place, ()> = BTreeMap::new();
        for (place, holder) in gone {
            self.remove(&place, holder);
            changed.insert(place, ());
        }
        let left = |place: Place| self.places.get(&place).cloned().map(|here| (place, here));
        changed.into_keys().filter_map(left).collect()
    }
}

/// Everybody at the record but `user`, each once, as far as they may read it now.
fn others(call: &Call, (object, id): &Place, here: &[Here], user: Id) -> Result<Vec<Other>> {
    let all = guests(call, object, *id, here)?;
    Ok(all.into_iter().filter(|other| other.id != user).take(MOST_SHOWN).collect())
}

fn guests(call: &Call, object: &str, id: Id, here: &[Here]) -> Result<Vec<Other>> {
    let mut by_user: BTreeMap<Id, &Here> = BTreeMap::new();
    for known in here {
        let best = by_user.entry(known.user).or_insert(known);
        // of several windows the one in which something is being changed
        if (known.field.is_some(), known.seen) > (best.field.is_some(), best.seen) {
            *best = known;
        }
    }
    let users: Vec<Id> = by_user.keys().copied().collect();
    let named = call.open.crm.readers(object, id, &users)?;
    let first = |user: Id| here.iter().filter(|h| h.user == user).map(|h| h.since).min();
    let guest = |(id, name): (Id, String)| {
        let field = by_user.get(&id).and_then(|h| h.field.clone());
        first(id).map(|since| Other { id, name, field, since })
    };
    let mut guests: Vec<Other> = named.into_iter().filter_map(guest).collect();
    guests.sort_by_key(|other| (other.since, other.id));
    Ok(guests)
}

/// Sends each who is still at one of the records who else is there.
fn tell(call: &Call, changed: Vec<Changed>) -> Result<()> {
    for ((object, id), here) in changed {
        let all = guests(call, &object, id, &here)?;
        let is_reader = |user: Id| all.iter().any(|other| other.id == user);
        for listener in here.iter().filter(|h| is_reader(h.user)) {
            let others: Vec<&Other> = all.iter().filter(|o| o.id != listener.user).take(MOST_SHOWN).collect();
            let data = json!({"object": object, "id": id, "others": others});
            let event = Bytes::from(format!("event: presence\ndata: {data}\n\n"));
            call.app.streams.post(listener.holder, &live::Post::Event(event));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(n: u128) -> Place {
        ("deal".to_owned(), Id::from_u128(n))
    }

    fn here(holder: u128, field: Option<&str>, seconds: i64) -> Here {
        let at = Timestamp::from_seconds(seconds);
        let field = field.map(str::to_owned);
        Here { user: Id::from_u128(holder / 10), holder: Id::from_u128(holder), field, since: at, seen: at }
    }

    #[test]
    fn only_changes_are_told() {
        let mut table = Table::default();
        for (holder, field, seconds, told) in [
            (10, None, 0, true),
            (10, None, 20, false),
            (11, None, 20, true),
            (10, Some("amount"), 25, true),
            (10, Some("amount"), 30, false),
            (10, None, 31, true),
        ] {
            assert_eq!(table.enter(&place(1), here(holder, field, seconds)), told, "{holder} {field:?} {seconds}");
        }
        assert_eq!(table.places[&place(1)].iter().map(|h| h.since.seconds()).collect::<Vec<_>>(), [0, 20]);
        assert!(table.remove(&place(1), Id::from_u128(10)) && !table.remove(&place(1), Id::from_u128(10)));
    }

    #[test]
    fn who_is_silent_is_forgotten_and_nothing_is_left() {
        let mut table = Table::default();
        assert!(table.sweep(Timestamp::from_seconds(0)).is_empty());
        table.enter(&place(1), here(10, None, 0));
        table.enter(&place(1), here(20, None, 30));
        table.enter(&place(2), here(10, None, 0));
        assert!(table.sweep(Timestamp::from_seconds(44)).is_empty());
        let changed = table.sweep(Timestamp::from_seconds(50));
        assert_eq!(changed.iter().map(|(p, left)| (p.clone(), left.len())).collect::<Vec<_>>(), [(place(1), 1)]);
        assert!(table.sweep(Timestamp::from_seconds(52)).is_empty(), "too soon");
        table.sweep(Timestamp::from_seconds(100));
        assert!(table.places.is_empty() && table.holders.is_empty());
    }

    #[test]
    fn nobody_is_everywhere() {
        let mut table = Table::default();
        for n in 0..=MOST_PLACES as u128 {
            table.enter(&place(n), here(10, None, 0));
        }
        assert_eq!((table.places.len(), table.places.contains_key(&place(0))), (MOST_PLACES, false));
        for holder in 0..2 * MOST_AT_ONE as u128 {
            table.enter(&place(7), here(1_000 + holder, None, 0));
        }
        assert_eq!(table.places[&place(7)].len(), MOST_AT_ONE);
    }
}
