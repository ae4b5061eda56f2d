//! Who is told of what, once, whatever happens in between.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use aplomb_model::Id;
use serde_json::{Value as Json, json};

use super::{House, id_of, key, map, options};
use crate::{Crm, Ctx, ImportEnd, ReadNotices};

/// Hears of every batch of notices.
fn listen(house: &House) -> Receiver<BTreeSet<Id>> {
    let (sender, heard) = channel();
    house.crm.watch_notices(Box::new(move |users| sender.send(users.clone()).is_ok()));
    house.crm.start_notices(house.now).unwrap();
    heard
}

fn wait(heard: &Receiver<BTreeSet<Id>>, user: &Ctx) {
    while !heard.recv_timeout(Duration::from_secs(60)).expect("somebody is told").contains(&user.actor.user) {}
}

/// Kind, name of the record, count; newest first.
fn told(house: &House, user: &Ctx) -> Vec<(String, String, u64)> {
    let list = house.crm.notices_list(&house.as_user(user.actor.user), false, 500, None).unwrap();
    let text = |json: &Json| json.as_str().unwrap_or("-").to_owned();
    let one = |n: &Json| (text(&n["kind"]), text(&n["record"]["name"]), n["count"].as_u64().unwrap());
    list["notices"].as_array().unwrap().iter().map(one).collect()
}

fn lead(house: &House, by: &Ctx, name: &str, owner: &Ctx) -> Id {
    id_of(&house.create(by, "lead", json!({"name": name, "owner": owner.actor.user})))
}

fn set(house: &House, by: &Ctx, id: Id, fields: Json) {
    house.crm.update(by, "lead", id, None, map(fields)).unwrap();
}

fn one(kind: &str, name: &str, count: u64) -> (String, String, u64) {
    (kind.to_owned(), name.to_owned(), count)
}

#[test]
fn only_what_others_did_is_told() {
    let mut house = House::new();
    let (admin, rita) = (house.admin(), house.user("Rita", "salesRep"));
    let before = lead(&house, &admin, "Before", &rita);
    let heard = listen(&house);
    let system = Ctx::system(house.now, house.random.clone(), "test");
    let mine = lead(&house, &rita, "Mine", &rita);
    set(&house, &rita, mine, json!({"title": "x"}));
    // what the system changes is nobody's doing, but what it hands over is news
    set(&house, &system, mine, json!({"title": "y"}));
    // a call moves the times of touch of the lead, which is no change of it
    let call = json!({"subject": "c", "at": "2026-03-17T10:00:00Z", "related": [{"object": "lead", "id": mine}]});
    house.create(&admin, "call", call);
    let given = lead(&house, &system, "Given", &rita);
    wait(&heard, &rita);
    assert_eq!(told(&house, &rita), [one("assigned", "Given", 1)], "nothing of before, or of her own doing");

    // a change before one follows is not told, whatever comes later
    house.crm.follow(&admin, "lead", mine, true).unwrap();
    set(&house, &rita, mine, json!({"title": "z"}));
    wait(&heard, &admin);
    assert_eq!(told(&house, &admin), [one("changed", "Mine", 1)]);
    set(&house, &rita, before, json!({"title": "unfollowed"}));

    // once read, another change is another notice; after an hour too
    house.crm.notices_read(&admin, &ReadNotices { all: true, ..ReadNotices::default() }).unwrap();
    wait(&heard, &admin);
    for _ in 0..2 {
        house.later(3_700);
        let rita = house.as_user(rita.actor.user);
        set(&house, &rita, mine, json!({"title": house.now.to_string()}));
        wait(&heard, &admin);
    }
    assert_eq!(told(&house, &admin), vec![one("changed", "Mine", 1); 3]);
    assert_eq!(house.crm.notices_unread(&admin).unwrap(), 2);
    let rita = house.as_user(rita.actor.user);
    house.crm.trash(&rita, "lead", mine, None).unwrap();
    wait(&heard, &admin);
    assert_eq!(told(&house, &admin)[0], one("deleted", "Mine", 1));
    assert_eq!(told(&house, &rita).len(), 1);
    set(&house, &house.as_user(admin.actor.user), given, json!({"title": "by the admin"}));
    wait(&heard, &rita);
    assert_eq!(told(&house, &rita).len(), 2);
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let mut house = House::new();
    let (admin, rita) = (house.admin(), house.user("Rita", "salesRep"));
    let heard = listen(&house);
    lead(&house, &admin, "First", &rita);
    wait(&heard, &rita);
    let read = ReadNotices { all: true, ..ReadNotices::default() };
    for round in 0..3 {
        // what was read would come again as another notice
        house.crm.notices_read(&rita, &read).unwrap();
        house.crm.close();
        house.crm = Crm::open(house.dir.path(), key(), options()).unwrap();
        // written while nobody looks
        lead(&house, &house.admin(), &format!("Round {round}"), &rita);
        let heard = listen(&house);
        wait(&heard, &rita);
    }
    let names: Vec<String> = told(&house, &rita).into_iter().map(|(_, name, _)| name).collect();
    assert_eq!(names, ["Round 2", "Round 1", "Round 0", "First"]);
}

#[test]
fn much_is_gathered_and_old_notices_go() {
    let mut house = House::new();
    let (admin, rita) = (house.admin(), house.user("Rita", "salesRep"));
    let heard = listen(&house);
    let end = ImportEnd {
        id: Id::from_u128(9),
        user: admin.actor.user,
        object: "lead".into(),
        failed: true,
        count: 7,
        assigned: [(rita.actor.user, 5), (admin.actor.user, 2)].into(),
    };
    house.crm.import_ended(&admin, vec![], &end).unwrap();
    wait(&heard, &rita);
    assert_eq!(told(&house, &rita), [one("assigned", "-", 5)]);
    assert_eq!(told(&house, &admin), [one("jobFailed", "-", 7)], "not what he gave to himself");

    house.later(91 * 86_400);
    let admin = house.as_user(admin.actor.user);
    lead(&house, &admin, "Late", &rita);
    wait(&heard, &rita);
    assert_eq!(told(&house, &rita), [one("assigned", "Late", 1)]);
    assert!(told(&house, &admin).is_empty());
}
