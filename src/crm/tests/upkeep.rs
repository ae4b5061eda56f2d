//! What happens by itself: the trash is emptied, and jobs are tried until they are done, also after a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use aplomb_model::{Code, Error, Id};
use serde_json::json;

use super::{House, id_of, key, options};
use crate::errors::OrStore;
use crate::{Crm, JobNext, Random, upkeep};

const DAY: i64 = 86_400;

#[test]
fn the_trash_is_emptied_after_90_days() {
    let mut house = House::new();
    let admin = house.admin();
    let [old, young, back] =
        ["Old", "Young", "Back"].map(|name| id_of(&house.create(&admin, "contact", json!({"name": name}))));
    for id in [old, back] {
        house.crm.trash(&admin, "contact", id, None).unwrap();
    }
    house.later(30 * DAY);
    let admin = house.admin();
    house.crm.restore(&admin, "contact", back).unwrap();
    house.crm.trash(&admin, "contact", young, None).unwrap();
    house.later(60 * DAY);
    assert_eq!(upkeep::empty_trash(&house.crm, house.now).unwrap(), 0);
    house.later(1);
    assert_eq!(upkeep::empty_trash(&house.crm, house.now).unwrap(), 1);
    let admin = house.admin();
    let found = |id: Id| house.crm.get(&admin, "contact", id, &[]).map(|_| ()).map_err(|e| e.code);
    assert_eq!([old, young, back].map(found), [Err(Code::NotFound), Ok(()), Ok(())]);
    assert_eq!(house.crm.history(&admin, "contact", old, None, 10).unwrap_err().code, Code::NotFound);
    assert_eq!(house.titles(&admin, "contact", json!({})), ["Back"]);
    assert_eq!(house.crm.verify(&|_| ()).unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_job_is_tried_until_it_is_done_also_after_a_restart() {
    let house = House::new();
    house.crm.enqueue(&house.admin(), "mail", &json!({"to": 7}), house.now).unwrap();
    house.crm.close();
    let crm = Crm::open(house.dir.path(), key(), options()).unwrap();
    let (sender, tries) = channel();
    crm.register_job(
        "mail",
        Arc::new(move |_, run| {
            sender.send((run.attempt, run.payload.clone())).unwrap();
            if run.attempt < 3 { Err(Error::internal("not yet")) } else { Ok(JobNext::Done) }
        }),
    );
    // every look at the clock is a minute later, so that the pauses between tries are over at once
    let (start, minutes) = (house.now, AtomicI64::new(0));
    crm.start_jobs(
        Arc::new(move || start.plus_seconds(60 * minutes.fetch_add(1, Ordering::Relaxed))),
        Random::seeded(3),
    );
    for attempt in 1..=3 {
        assert_eq!(tries.recv_timeout(Duration::from_secs(60)).unwrap(), (attempt, json!({"to": 7})));
    }
    crm.close();
    let crm = Crm::open(house.dir.path(), key(), options()).unwrap();
    assert_eq!(crm.inner.view().unwrap().jobs(10).or_store().unwrap(), []);
    crm.close();
}
