//! Jobs that users start: what they change, whose rights hold, and that an interruption changes nothing of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use aplomb_model::{Code, Id, Query, Timestamp};
use serde_json::{Value as Json, json};

use super::{House, id_of, key, map, options};
use crate::{BulkOp, Crm, Ctx, Exporter, NewBulk, NewExport, Random, user_jobs};

const DAY: i64 = 86_400;
const PATIENCE: Duration = Duration::from_secs(60);

fn work(house: &House) {
    house.crm.set_exporter(exporter());
    start(&house.crm, house.now);
}

/// With a clock that goes on a second each time it is read.
fn start(crm: &Crm, now: Timestamp) {
    let read = AtomicI64::new(0);
    crm.start_jobs(Arc::new(move || now.plus_seconds(read.fetch_add(1, Ordering::Relaxed))), Random::seeded(9));
}

/// Lets a job write one batch or two, then holds it until the server goes down.
#[expect(clippy::disallowed_methods, reason = "waits for a thread")]
fn start_briefly(crm: &Crm, now: Timestamp) {
    let (read, weak) = (AtomicI64::new(0), Arc::downgrade(&crm.inner));
    let clock = move || {
        // read once when a job begins and twice for each batch; whoever looks for due jobs is not held up
        let works = std::thread::current().name().is_some_and(|name| name.starts_with("job "));
        let enough = works && read.fetch_add(1, Ordering::Relaxed) >= 3;
        while enough && weak.upgrade().is_some_and(|inner| !inner.jobs.stopping()) {
            std::thread::sleep(Duration::from_millis(1));
        }
        now
    };
    crm.start_jobs(Arc::new(clock), Random::seeded(9));
}

/// Titles, one a line.
fn exporter() -> Exporter {
    Arc::new(|crm, ctx, object, query, format, out, told| {
        let mut count = 0;
        crm.export(ctx, object, query, &mut |records| {
            for record in &records {
                writeln!(out, "{format} {}", record["title"].as_str().unwrap()).unwrap();
            }
            count += records.len() as u64;
            told(count)
        })
    })
}

#[expect(clippy::disallowed_methods, reason = "waits for a thread")]
fn ended(crm: &Crm, ctx: &Ctx, job: &Json) -> Json {
    let started = Instant::now();
    loop {
        let now = crm.job_get(ctx, id_of(job)).unwrap();
        if !["waiting", "running"].contains(&now["status"].as_str().unwrap()) {
            return now;
        }
        assert!(started.elapsed() < PATIENCE, "{now}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[expect(clippy::disallowed_methods, reason = "waits for a thread")]
fn moved_on(crm: &Crm, ctx: &Ctx, job: &Json, from: u64) {
    let started = Instant::now();
    loop {
        let now = crm.job_get(ctx, id_of(job)).unwrap();
        if now["progress"]["done"] != from || !now["finishedAt"].is_null() {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{now}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn bulk(ctx: &Ctx, house: &House, body: Json) -> Json {
    let new: NewBulk = serde_json::from_value(body).unwrap();
    house.crm.bulk_start(ctx, "contact", new).unwrap()
}

fn counts(job: &Json) -> [u64; 3] {
    ["changed", "unchanged", "refused"].map(|name| job["counts"][name].as_u64().unwrap())
}

fn field(house: &House, ctx: &Ctx, id: Id, name: &str) -> Json {
    house.crm.get(ctx, "contact", id, &[]).unwrap().record["fields"][name].clone()
}

fn contact(house: &House, ctx: &Ctx, name: &str, title: &str) -> Id {
    id_of(&house.create(ctx, "contact", json!({"name": name, "title": title})))
}

#[test]
fn many_records_change_and_go_back_but_not_what_others_changed_since() {
    let house = House::new();
    work(&house);
    let (ada, eve) = (house.admin(), house.user("Eve", "systemAdmin"));
    let ids = ["A", "B", "C", "D", "E"].map(|name| contact(&house, &ada, name, "old"));
    let [a, b, c, d, e] = ids;
    house.crm.update(&ada, "contact", d, None, map(json!({"title": "new"}))).unwrap();
    let filter = json!({"field": "name.last", "op": "in", "value": ["A", "B", "C", "D", "E"]});
    let job = bulk(&ada, &house, json!({"filter": filter, "except": [e], "set": {"title": "new"}}));
    assert_eq!((&job["status"], &job["title"]), (&json!("waiting"), &json!("Change Job title")));
    let job = ended(&house.crm, &ada, &job);
    assert_eq!((&job["status"], counts(&job)), (&json!("done"), [3, 1, 0]), "{job}");
    assert_eq!(job["progress"], json!({"done": 4, "total": 4}));
    assert_eq!(ids.map(|id| field(&house, &ada, id, "title")), ["new", "new", "new", "new", "old"]);

    house.crm.update(&eve, "contact", b, None, map(json!({"title": "hers"}))).unwrap();
    house.crm.update(&eve, "contact", c, None, map(json!({"source": "web"}))).unwrap();
    house.create(&ada, "contact", json!({"name": "later", "title": "new"}));
    let undo = ended(&house.crm, &ada, &house.crm.job_undo(&ada, id_of(&job)).unwrap());
    assert_eq!((&undo["status"], counts(&undo)), (&json!("done"), [2, 0, 1]), "{undo}");
    assert_eq!(undo["refused"][0]["name"], "B");
    let error = &undo["refused"][0]["errors"][0];
    assert_eq!((&error["field"], &error["code"]), (&json!("title"), &json!("changed_since")));
    assert!(error["detail"].as_str().unwrap().contains("Eve"), "{error}");
    let titles = ids.map(|id| field(&house, &ada, id, "title"));
    assert_eq!(titles, ["old", "hers", "old", "new", "old"], "D had the value before");
    assert_eq!(field(&house, &ada, c, "source"), "web", "other fields stay");
    let job = house.crm.job_get(&ada, id_of(&job)).unwrap();
    assert_eq!((&job["status"], &job["canUndo"], &job["undoneBy"]), (&json!("undone"), &json!(false), &undo["id"]));
    assert_eq!(house.crm.job_undo(&ada, id_of(&job)).unwrap_err().code, Code::Conflict);
    assert_eq!(house.crm.job_undo(&ada, id_of(&undo)).unwrap_err().code, Code::Conflict, "an undo of an undo");

    let deleted = ended(&house.crm, &ada, &bulk(&ada, &house, json!({"ids": [a, b, a], "delete": true})));
    assert_eq!(counts(&deleted), [2, 0, 0]);
    house.crm.restore(&eve, "contact", b).unwrap();
    let undo = ended(&house.crm, &ada, &house.crm.job_undo(&ada, id_of(&deleted)).unwrap());
    assert_eq!(counts(&undo), [1, 1, 0], "{undo}");
    assert_eq!(house.titles(&ada, "contact", json!({"sort": ["name.last"]})), ["A", "B", "C", "D", "E", "later"]);
}

/// What the rules made of a change goes back with it.
#[test]
fn a_deal_that_was_lost_by_mistake_is_as_it_was() {
    let house = House::new();
    work(&house);
    let ada = house.admin();
    let deal = house.create(&ada, "deal", json!({"name": "Big", "stage": "proposal", "amount": 100}));
    let won = house.create(&ada, "deal", json!({"name": "Won", "stage": "won", "amount": 7}));
    let id = id_of(&deal);
    let shown = |id| house.crm.get(&ada, "deal", id, &[]).unwrap().record["fields"].clone();
    let (before, won_before) = (shown(id), shown(id_of(&won)));
    let lose = |set: Json| {
        let new: NewBulk = serde_json::from_value(json!({"ids": [id], "set": set})).unwrap();
        ended(&house.crm, &ada, &house.crm.bulk_start(&ada, "deal", new).unwrap())
    };
    let refused = lose(json!({"stage": "lost"}));
    assert_eq!((counts(&refused), &refused["refused"][0]["errors"][0]["field"]), ([0, 0, 1], &json!("lostReason")));
    assert_eq!(refused["canUndo"], false);
    let lost = lose(json!({"stage": "lost", "lostReason": "price"}));
    assert_eq!((counts(&lost), &shown(id)["stage"]), ([1, 0, 0], &json!("lost")), "{lost}");
    let undo = ended(&house.crm, &ada, &house.crm.job_undo(&ada, id_of(&lost)).unwrap());
    assert_eq!((counts(&undo), shown(id)), ([1, 0, 0], before), "{undo}");
    assert_eq!(shown(id_of(&won)), won_before);
}

#[test]
fn every_record_is_decided_by_the_rights_of_its_turn() {
    let mut house = House::new();
    let (ada, rita, otto) = (house.admin(), house.user("Rita", "salesRep"), house.user("Otto", "salesRep"));
    let (hers, taken, his) = (
        contact(&house, &rita, "hers", "old"),
        contact(&house, &rita, "taken", "old"),
        contact(&house, &otto, "his", "old"),
    );
    let job = bulk(&rita, &house, json!({"set": {"title": "new"}}));
    house.later(1);
    let otto = house.as_user(otto.actor.user);
    let gone = bulk(&otto, &house, json!({"set": {"title": "his"}}));
    // before its turn comes
    house.crm.update(&ada, "contact", taken, None, map(json!({"owner": otto.actor.user}))).unwrap();
    house.crm.user_deactivate(&ada, otto.actor.user).unwrap();
    work(&house);
    let job = ended(&house.crm, &rita, &job);
    assert_eq!((&job["status"], counts(&job)), (&json!("done"), [1, 0, 2]), "{job}");
    let refused: BTreeMap<&str, &str> = job["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["name"].as_str().unwrap(), r["errors"][0]["code"].as_str().unwrap()))
        .collect();
    assert_eq!(refused, BTreeMap::from([("his", "forbidden"), ("taken", "forbidden")]));
    assert_eq!([hers, taken, his].map(|id| field(&house, &ada, id, "title")), ["new", "old", "old"]);
    let gone = ended(&house.crm, &ada, &gone);
    assert_eq!((&gone["status"], &gone["error"]["code"]), (&json!("failed"), &json!("forbidden")), "{gone}");
    // whose they are
    for id in [id_of(&gone), Id::NIL] {
        assert_eq!(house.crm.job_get(&rita, id).unwrap_err().code, Code::NotFound);
        assert_eq!(house.crm.job_undo(&rita, id).unwrap_err().code, Code::NotFound);
        assert_eq!(house.crm.job_cancel(&rita, id).unwrap_err().code, Code::NotFound);
    }
    let listed = |ctx, all| house.crm.jobs_list(ctx, all, 10, None).unwrap()["jobs"].as_array().unwrap().len();
    assert_eq!((listed(&rita, false), listed(&ada, false), listed(&ada, true)), (1, 0, 2));
    assert_eq!(house.crm.jobs_list(&rita, true, 10, None).unwrap_err().code, Code::Forbidden);
    let first = house.crm.jobs_list(&ada, true, 1, None).unwrap();
    assert_eq!(first["jobs"][0]["id"], gone["id"], "newest first");
    let second = house.crm.jobs_list(&ada, true, 1, first["next"].as_str()).unwrap();
    assert_eq!((&second["jobs"][0]["id"], &second["next"]), (&job["id"], &Json::Null));
}

#[test]
fn keys_of_limited_scope_see_and_change_no_more_than_they_may() {
    let house = House::new();
    work(&house);
    let ada = house.admin();
    let id = contact(&house, &ada, "A", "old");
    let key = |scopes: &[&str]| {
        let new = serde_json::from_value(json!({"name": "key", "scopes": scopes})).unwrap();
        let made = house.crm.token_create(&ada, new).unwrap();
        let actor = house.crm.token_actor(house.now, made["key"].as_str().unwrap()).unwrap();
        house.crm.ctx(actor, house.now, house.random.clone(), "test")
    };
    let (reader, deals, contacts) = (key(&["read"]), key(&["deal:write"]), key(&["contact:write"]));
    let job = ended(&house.crm, &ada, &bulk(&ada, &house, json!({"set": {"title": "new"}})));
    let code = |answer: aplomb_model::Result<Json>| answer.map_err(|e| e.code);
    for (ctx, seen) in [(&reader, 1), (&deals, 0), (&contacts, 1)] {
        assert_eq!(house.crm.jobs_list(ctx, false, 10, None).unwrap()["jobs"].as_array().map(Vec::len), Some(seen));
        assert_eq!(house.crm.job_get(ctx, id_of(&job)).is_ok(), seen == 1);
    }
    for act in [Crm::job_undo, Crm::job_cancel] {
        assert_eq!(code(act(&house.crm, &reader, id_of(&job))), Err(Code::Forbidden));
        assert_eq!(code(act(&house.crm, &deals, id_of(&job))), Err(Code::NotFound));
    }
    assert_eq!(house.crm.job_get(&ada, id_of(&job)).unwrap()["canUndo"], true, "nothing was begun");
    ended(&house.crm, &ada, &house.crm.job_undo(&contacts, id_of(&job)).unwrap());
    assert_eq!(field(&house, &ada, id, "title"), "old");
}

#[test]
fn an_interrupted_job_goes_on_and_does_nothing_twice() {
    const COUNT: usize = 2_700;
    let house = House::new();
    let ada = house.admin();
    let object = house.crm.object(&ada, "contact").unwrap();
    let name = object.field("name").unwrap().code;
    let make = |n: usize| BulkOp::Create {
        object: object.code,
        id: None,
        fields: [(name, aplomb_model::Value::Text(format!("N{n}")))].into_iter().collect(),
    };
    for part in 0..COUNT / 900 {
        let ops = (0..900).map(|n| make(part * 900 + n)).collect();
        house.crm.bulk(&ada, ops, "test").unwrap();
    }
    let mut job = bulk(&ada, &house, json!({"set": {"title": "new"}}));
    let (dir, now) = (house.dir.path().to_owned(), house.now);
    house.crm.close();
    let mut runs = 0;
    for undone in [false, true] {
        loop {
            let crm = Crm::open(&dir, key(), options()).unwrap();
            let ctx = crm.ctx(crm.actor_of(ada.actor.user).unwrap(), now, Random::seeded(runs), "test");
            if undone && job["kind"] == "bulk" {
                job = crm.job_undo(&ctx, id_of(&job)).unwrap();
            }
            runs += 1;
            let at = crm.job_get(&ctx, id_of(&job)).unwrap()["progress"]["done"].as_u64().unwrap();
            start_briefly(&crm, now.plus_seconds(1_000 * runs as i64));
            moved_on(&crm, &ctx, &job, at);
            crm.close();
            let crm = Crm::open(&dir, key(), options()).unwrap();
            let state = crm.job_get(&ctx, id_of(&job)).unwrap();
            crm.close();
            if !state["finishedAt"].is_null() {
                assert_eq!((&state["status"], counts(&state)), (&json!("done"), [COUNT as u64, 0, 0]), "{state}");
                break;
            }
        }
        let crm = Crm::open(&dir, key(), options()).unwrap();
        let ctx = crm.ctx(crm.actor_of(ada.actor.user).unwrap(), now, Random::seeded(runs), "test");
        let query = Query { after: Some(crm.seq()), limit: Some(500), ..Query::default() };
        let (expect, version) = if undone { (json!(null), 3) } else { (json!("new"), 2) };
        let mut seen = 0;
        crm.export(&ctx, "contact", &query, &mut |records| {
            seen += records.len();
            let wrong = |r: &&Json| r["fields"]["title"] != expect || r["version"] != version;
            assert_eq!(records.iter().find(wrong), None);
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, COUNT);
        assert_eq!(crm.verify(&|_| ()).unwrap().problems, Vec::<String>::new());
        crm.close();
    }
    assert!(runs >= 4, "each was interrupted");
}

#[test]
fn exports_are_their_owners_and_go_after_a_week() {
    let mut house = House::new();
    work(&house);
    let (ada, mia) = (house.admin(), house.user("Mia", "salesManager"));
    let ids = ["Ann", "Bea", "Cid"].map(|name| contact(&house, &mia, name, "old"));
    let export = |body: Json| {
        let new: NewExport = serde_json::from_value(body).unwrap();
        let job = house.crm.export_start(&mia, new).unwrap();
        ended(&house.crm, &mia, &job)
    };
    let read = |ctx: &Ctx, job: &Json| {
        let file = house.crm.job_file(ctx, id_of(job))?;
        let bytes = file.content.read(0..file.content.len()).unwrap();
        Ok::<_, aplomb_model::Error>((file.name, String::from_utf8(bytes.to_vec()).unwrap()))
    };
    let job = export(json!({"object": "contact", "format": "csv", "sort": ["-name"], "ids": [ids[0], ids[2]]}));
    assert_eq!((&job["status"], &job["progress"]), (&json!("done"), &json!({"done": 2, "total": 2})), "{job}");
    assert_eq!(job["file"], json!({"name": "contact-2026-03-18.csv", "size": 16, "mediaType": "text/csv"}));
    assert_eq!(read(&mia, &job).unwrap(), ("contact-2026-03-18.csv".into(), "csv Cid\ncsv Ann\n".into()));
    assert_eq!(read(&ada, &job).unwrap_err().code, Code::NotFound);
    let on_disk = std::fs::read(house.dir.path().join("exports").join(job["id"].as_str().unwrap())).unwrap();
    assert!(!on_disk.windows(3).any(|w| w == b"Ann"));

    let id = id_of(&job);
    let all = export(json!({"object": "contact", "format": "jsonl"}));
    assert_eq!(read(&mia, &all).unwrap().1.lines().count(), 3);
    house.later(7 * DAY);
    user_jobs::tidy(&house.crm, house.now).unwrap();
    let mia = house.as_user(mia.actor.user);
    assert!(house.crm.job_file(&mia, id).is_ok());
    house.later(60);
    user_jobs::tidy(&house.crm, house.now).unwrap();
    assert_eq!(house.crm.job_file(&mia, id).err().map(|e| e.code), Some(Code::NotFound));
    assert_eq!(house.crm.job_get(&mia, id).unwrap()["file"], Json::Null);
    assert_eq!(std::fs::read_dir(house.dir.path().join("exports")).unwrap().count(), 0);
    house.later(90 * DAY);
    user_jobs::tidy(&house.crm, house.now).unwrap();
    assert_eq!(house.crm.job_get(&mia, id).unwrap_err().code, Code::NotFound);
}

#[test]
fn a_cancelled_job_keeps_what_it_did_and_an_undo_that_was_cancelled_can_be_repeated() {
    let house = House::new();
    let ada = house.admin();
    let id = contact(&house, &ada, "A", "old");
    let waiting = bulk(&ada, &house, json!({"set": {"title": "never"}}));
    let cancelled = house.crm.job_cancel(&ada, id_of(&waiting)).unwrap();
    assert_eq!((&cancelled["status"], &cancelled["canUndo"]), (&json!("cancelled"), &json!(false)));
    assert_eq!(house.crm.job_cancel(&ada, id_of(&waiting)).unwrap()["finishedAt"], cancelled["finishedAt"]);
    work(&house);
    let job = ended(&house.crm, &ada, &bulk(&ada, &house, json!({"set": {"title": "new"}})));
    assert_eq!(field(&house, &ada, id, "title"), "new");
    assert_eq!(house.crm.job_cancel(&ada, id_of(&job)).unwrap_err().code, Code::Conflict);
    house.crm.close();
    let crm = Crm::open(house.dir.path(), key(), options()).unwrap();
    let undo = crm.job_undo(&ada, id_of(&job)).unwrap();
    assert_eq!(crm.job_undo(&ada, id_of(&job)).unwrap_err().code, Code::Conflict, "it is being undone");
    crm.job_cancel(&ada, id_of(&undo)).unwrap();
    let again = crm.job_get(&ada, id_of(&job)).unwrap();
    assert_eq!((&again["status"], &again["canUndo"]), (&json!("done"), &json!(true)));
    start(&crm, house.now);
    let undo = ended(&crm, &ada, &crm.job_undo(&ada, id_of(&job)).unwrap());
    assert_eq!(counts(&undo), [1, 0, 0]);
    assert_eq!(crm.list_docs("jobOrder", b"", None, 10).unwrap(), vec![], "what was to be done is forgotten");
    // the log tells of every beginning and every end
    let told: Vec<String> = crm
        .inner
        .view()
        .unwrap()
        .changes(0, 10_000)
        .unwrap()
        .iter()
        .flat_map(|c| &c.docs)
        .filter(|d| d.kind == "job")
        .map(|d| {
            let after: Json = serde_json::from_slice(d.after.as_ref().unwrap()).unwrap();
            format!("{} {}", after["kind"].as_str().unwrap(), after["status"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            "bulk waiting",
            "bulk cancelled",
            "bulk waiting",
            "bulk done",
            "undo waiting",
            "undo cancelled",
            "undo waiting",
            "undo done"
        ]
    );
    crm.close();
}
