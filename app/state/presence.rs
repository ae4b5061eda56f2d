//! Who else is at the record that is open, and which field each of them is changing. The page says every while that it is
//! still there; the server forgets those who say nothing.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::live;
use crate::api::{self, Present, pause};

/// Milliseconds between two signs of life.
const EVERY: i32 = 20_000;

#[derive(Clone, Copy)]
pub struct Presence {
    pub others: RwSignal<Vec<Present>>,
    /// the field that is being changed here
    field: RwSignal<Option<String>>,
    place: StoredValue<(String, String)>,
}

impl Presence {
    /// Is at a record until the owner that called is gone.
    pub fn start(object: &str, id: &str) -> Presence {
        let place = StoredValue::new((object.to_owned(), id.to_owned()));
        let presence = Presence { others: RwSignal::new(Vec::new()), field: RwSignal::new(None), place };
        let again = live().map(|live| live.again());
        crate::state::watch(move || {
            presence.field.track();
            again.iter().for_each(Track::track);
            presence.say();
        });
        spawn_local(async move {
            loop {
                pause(EVERY).await;
                if presence.place.try_with_value(|_| ()).is_none() {
                    return;
                }
                if !document().hidden() {
                    presence.say();
                }
            }
        });
        if let Some(live) = live() {
            crate::state::watch(move || {
                let Some(gathering) = live.gathering.get() else { return };
                let here = presence.place.with_value(|(o, i)| *o == gathering.object && *i == gathering.id);
                if here && presence.others.with_untracked(|others| *others != gathering.others) {
                    presence.others.set(gathering.others.clone());
                }
            });
        }
        let (object, id) = (object.to_owned(), id.to_owned());
        on_cleanup(move || {
            spawn_local(async move {
                let _ = api::be_gone(&object, &id).await;
            });
        });
        presence
    }

    fn say(self) {
        let Some((object, id)) = self.place.try_get_value() else { return };
        let field = self.field.try_get_untracked().flatten();
        spawn_local(async move {
            if let Ok(others) = api::be_present(&object, &id, field.as_deref()).await
                && self.others.try_with_untracked(|held| *held != others) == Some(true)
            {
                self.others.try_set(others);
            }
        });
    }

    /// A field is being changed here, or no longer.
    pub fn change(self, field: &str, on: bool) {
        let held = self.field.try_get_untracked().flatten();
        match on {
            true => drop(self.field.try_set(Some(field.to_owned()))),
            false if held.as_deref() == Some(field) => drop(self.field.try_set(None)),
            false => {}
        }
    }

    /// Who else is changing this field.
    pub fn at(self, field: &str) -> Option<Present> {
        self.others.with(|others| others.iter().find(|p| p.field.as_deref() == Some(field)).cloned())
    }
}

/// That of the record's page, where there is one.
pub fn presence() -> Option<Presence> {
    use_context::<Presence>()
}
