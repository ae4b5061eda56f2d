//! Being told of what others did: once, in few words, and only of what one may read.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::live::Stream;
use super::people::{Person, house};

/// Waits until as many notices are unread, and gives all of them.
#[track_caller]
fn told(person: &Person, unread: u64) -> Vec<Json> {
    let started = Instant::now();
    loop {
        let answer = person.client.get("/api/v1/notices").expect(200).body;
        if answer["unread"] == unread {
            return answer["notices"].as_array().expect("notices").clone();
        }
        assert!(started.elapsed() < Duration::from_secs(60), "not {unread} unread: {answer:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn shown(notices: &[Json]) -> Vec<(String, String, u64)> {
    let text = |json: &Json| json.as_str().unwrap_or("-").to_owned();
    let one = |n: &Json| (text(&n["kind"]), text(&n["record"]["name"]), n["count"].as_u64().expect("a count"));
    notices.iter().map(one).collect()
}

fn expect(list: &[(&str, &str, u64)]) -> Vec<(String, String, u64)> {
    list.iter().map(|(kind, name, count)| ((*kind).to_owned(), (*name).to_owned(), *count)).collect()
}

fn set(person: &Person, path: &str, fields: Json) {
    person.client.patch(path, json!({"fields": fields})).expect(200);
}

#[test]
fn owners_and_followers_are_told_once() {
    let (home, server, [admin, rita, otto]) = house();
    let hot = admin.lead("Hot", &rita);
    let notices = told(&rita, 1);
    assert_eq!(shown(&notices), expect(&[("assigned", "Hot", 1)]));
    assert_eq!((&notices[0]["actor"]["id"], &notices[0]["object"]), (&json!(admin.id), &json!("lead")));

    set(&admin, &hot, json!({"title": "Boss"}));
    told(&rita, 2);
    set(&admin, &hot, json!({"companyName": "Acme"}));
    let own = rita.lead("Own", &rita);
    set(&rita, &own, json!({"title": "Mine"}));
    let last = rita.lead("Last", &rita);
    set(&admin, &last, json!({"title": "x"}));
    let notices = told(&rita, 3);
    assert_eq!(shown(&notices), expect(&[("changed", "Last", 1), ("changed", "Hot", 1), ("assigned", "Hot", 1)]));
    let labels: Vec<_> = notices[1]["fields"].as_array().expect("fields").iter().map(|f| &f["field"]).collect();
    assert_eq!(labels.len(), 2, "both changes in one notice: {labels:?}");

    // followers: who may read, and only as long as he follows
    for (person, status) in [(&otto, 404), (&admin, 200), (&rita, 200)] {
        for (method, path) in [("GET", "followers"), ("POST", "follow"), ("DELETE", "follow")] {
            person.client.send(method, &format!("{own}/{path}"), &[], None).expect(status);
        }
    }
    admin.client.post(&format!("{own}/follow"), json!({})).expect(200);
    let followers = admin.client.post(&format!("{own}/follow"), json!({})).expect(200).body;
    assert_eq!(followers, json!({"followers": [{"id": admin.id, "name": "Admin"}], "following": true}));
    assert_eq!(rita.client.get(&format!("{own}/followers")).expect(200).body["following"], false);
    set(&rita, &own, json!({"title": "Changed"}));
    assert_eq!(shown(&told(&admin, 1)), expect(&[("changed", "Own", 1)]));
    let left = admin.client.delete(&format!("{own}/follow")).expect(200).body;
    assert_eq!(left, json!({"followers": [], "following": false}));
    rita.client.delete(&own).expect(204);
    admin.client.delete(&last).expect(204);
    assert_eq!(shown(&told(&rita, 4))[0], expect(&[("deleted", "Last", 1)])[0]);
    assert_eq!(told(&admin, 1).len(), 1, "followed no longer");

    // what one may not read any more is not shown, and does not count
    set(&admin, &hot, json!({"owner": otto.id}));
    assert_eq!(shown(&told(&otto, 1)), expect(&[("assigned", "Hot", 1)]));
    assert_eq!(shown(&told(&rita, 2)), expect(&[("deleted", "Last", 1), ("changed", "Last", 1)]));

    // read, page by page
    let first = rita.client.get("/api/v1/notices?limit=1").expect(200).body;
    let next = first["next"].as_str().expect("a cursor");
    let second = rita.client.get(&format!("/api/v1/notices?limit=1&cursor={next}")).expect(200).body;
    assert_eq!((first["unread"].as_u64(), &second["next"]), (Some(2), &Json::Null));
    let id = &first["notices"][0]["id"];
    assert_eq!(rita.client.post("/api/v1/notices/read", json!({"ids": [id]})).expect(200).body, json!({"unread": 1}));
    otto.client.post("/api/v1/notices/read", json!({"ids": [second["notices"][0]["id"]]})).expect(200);
    assert_eq!(rita.client.get("/api/v1/notices?unread=true").expect(200).body["notices"][0], second["notices"][0]);
    assert_eq!(rita.client.post("/api/v1/notices/read", json!({"all": true})).expect(200).body, json!({"unread": 0}));
    for (path, body, status, field) in [
        ("/api/v1/notices/read", json!({}), 422, "ids"),
        ("/api/v1/notices/read", json!({"ids": [id], "all": true}), 422, "ids"),
        ("/api/v1/notices/read", json!({"ids": ["x"]}), 422, "ids[0]"),
        ("/api/v1/notices/read", json!({"all": 1}), 422, "all"),
    ] {
        let refused = rita.client.post(path, body.clone()).expect(status);
        assert_eq!(refused.body["errors"][0]["field"], field, "{body}");
    }
    rita.client.get("/api/v1/notices?unread=perhaps").expect(422);
    rita.client.get("/api/v1/notices?cursor=nonsense").expect(400);
    server.stop();
    assert!(home.verify().0);
}

#[test]
fn a_crash_loses_and_doubles_nothing() {
    let (home, mut server, [mut admin, mut rita, _]) = house();
    let lead = admin.lead("Hot", &rita);
    told(&rita, 1);
    let (mut all, mut unread) = (1, 1);
    for round in 0..4 {
        for n in 0..5 {
            admin.lead(&format!("Lead {round}.{n}"), &rita);
        }
        (all, unread) = (all + 5, unread + 5);
        // sometimes before they were told, sometimes after; what was read would come again as another notice
        if round % 2 == 1 {
            told(&rita, unread);
            rita.client.post("/api/v1/notices/read", json!({"all": true})).expect(200);
            unread = 0;
        }
        server.kill();
        server = home.serve(true).ready();
        (admin, rita) = (admin.at(&server), rita.at(&server));
        let mut names: Vec<_> = shown(&told(&rita, unread)).into_iter().map(|(_, name, _)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(
            (names.len(), rita.client.get("/api/v1/notices").expect(200).body["notices"].as_array().map(Vec::len)),
            (all, Some(all)),
            "each once"
        );
    }
    set(&admin, &lead, json!({"title": "Boss"}));
    assert_eq!(shown(&told(&rita, unread + 1))[0].0, "changed");
}

#[test]
fn much_at_once_is_one_notice() {
    let (_home, server, [admin, rita, _]) = house();
    let mut stream = Stream::open(&server, &rita.key, "/api/v1/live", "");
    let mut file = String::from("name,email,owner\n");
    (0..1_200).for_each(|n| file.push_str(&format!("Lead {n},l{n}@x.example,rita@acme.example\n")));
    let import = admin.client.upload("lead", "leads.csv", &file);
    admin.client.post(&format!("{import}/commit"), json!({})).expect(202);
    admin.client.import_until(&import, &["done"]);
    let notices = told(&rita, 1);
    assert_eq!(shown(&notices), expect(&[("assigned", "-", 1_200)]));
    assert_eq!((&notices[0]["object"], &notices[0]["actor"]["id"]), (&json!("lead"), &json!(admin.id)));
    let notices = told(&admin, 1);
    assert_eq!(shown(&notices), expect(&[("importDone", "-", 1_200)]));
    assert!(import.ends_with(notices[0]["import"].as_str().expect("the import")));
    let unread = loop {
        let (name, _, data) = stream.next().expect("an event");
        if name == "notice" {
            break data;
        }
    };
    assert_eq!(unread, json!({"unread": 1}));

    let job = admin.client.post("/api/v1/records/lead/bulk", json!({"set": {"title": "Boss"}})).expect(202);
    let notices = told(&admin, 2);
    assert_eq!((&notices[0]["kind"], &notices[0]["job"]), (&json!("jobDone"), &job.body["id"]));
    let notices = told(&rita, 2);
    assert_eq!(shown(&notices)[0], expect(&[("changed", "-", 1_200)])[0]);
}
