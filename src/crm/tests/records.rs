//! Records through the store and the index.

use aplomb_model::{Code, Id};
use serde_json::{Value as Json, json};

use super::{House, id_of, map};
use crate::{BatchOp, SearchRequest};

fn company(house: &House, name: &str) -> Id {
    id_of(&house.create(&house.admin(), "company", json!({"name": name})))
}

#[test]
fn a_record_is_created_read_changed_and_thrown_away() {
    let mut house = House::new();
    let admin = house.admin();
    let acme = company(&house, "Acme GmbH");
    let made = house.create(
        &admin,
        "contact",
        json!({"name": {"first": "Grace", "last": "Hopper"}, "email": ["grace@navy.mil"], "company": acme}),
    );
    let id = id_of(&made);
    assert_eq!(made["version"], 1);
    assert_eq!(made["fields"]["company"], json!({"id": acme, "object": "company", "name": "Acme GmbH"}));
    assert_eq!(made["fields"]["owner"]["name"], "Ada Lovelace");
    assert_eq!(made["fields"]["status"], "active");
    house.later(60);
    let admin = house.admin();
    let changed =
        house.crm.update(&admin, "contact", id, Some(1), map(json!({"title": "Admiral", "email": null}))).unwrap();
    assert_eq!((changed.version, &changed.record["fields"]["email"]), (2, &Json::Null));
    assert_eq!(
        house.crm.get(&admin, "contact", id, &["title".into()]).unwrap().record["fields"],
        json!({"title": "Admiral"})
    );
    let gone = house.crm.trash(&admin, "contact", id, None).unwrap();
    assert!(gone.record["trashedAt"].is_string());
    assert_eq!(house.titles(&admin, "contact", json!({})), Vec::<String>::new());
    assert_eq!(house.crm.trash_list(&admin, "contact", None, 10).unwrap().records.len(), 1);
    assert_eq!(
        house.crm.update(&admin, "contact", id, None, map(json!({"title": "x"}))).unwrap_err().code,
        Code::Conflict
    );
    house.crm.restore(&admin, "contact", id).unwrap();
    house.crm.undo(&admin, "contact", id, 1).unwrap();
    let back = house.crm.get(&admin, "contact", id, &[]).unwrap();
    assert_eq!(back.record["fields"]["email"], json!(["grace@navy.mil"]));
    assert_eq!(back.record["fields"].get("title"), None);
    let history = house.crm.history(&admin, "contact", id, None, 10).unwrap();
    let kinds: Vec<_> = history.entries.iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["updated", "restored", "trashed", "updated", "created"]);
    let title = history.entries[3]["changes"].as_array().unwrap().iter().find(|c| c["field"] == "title").unwrap();
    assert_eq!(
        (&title["before"], &title["after"], &title["label"]),
        (&Json::Null, &json!("Admiral"), &json!("Job title"))
    );
    let then = house.crm.get_as_of(&admin, "contact", id, &[], house.now.plus_seconds(-30)).unwrap();
    assert_eq!(then.version, 1);
}

#[test]
fn wrong_input_names_every_field() {
    let house = House::new();
    let admin = house.admin();
    for (object, fields, expect) in [
        ("contact", json!({}), vec![("name", "required")]),
        (
            "contact",
            json!({"name": "A", "email": ["no"], "shoe": 1}),
            vec![("email", "email"), ("shoe", "unknown_field")],
        ),
        ("contact", json!({"name": "A", "company": Id::from_u128(9)}), vec![("company", "not_found")]),
        ("contact", json!({"name": "A", "lastTouchAt": "2026-01-01"}), vec![("lastTouchAt", "read_only")]),
        ("contact", json!({"name": "A", "id": "x"}), vec![("id", "read_only")]),
        ("deal", json!({"name": "D", "stage": "heaven"}), vec![("stage", "unknown_choice")]),
        ("deal", json!({"name": "D", "amount": {"amount": "1.234", "currency": "EUR"}}), vec![("amount", "money")]),
        ("deal", json!({"name": "D", "stage": "lost"}), vec![("lostReason", "required")]),
    ] {
        let e = house.crm.create(&admin, object, map(fields.clone())).unwrap_err();
        let found: Vec<_> = e.fields.iter().map(|f| (f.field.as_str(), f.code.as_str())).collect();
        assert_eq!((e.code, found), (Code::Invalid, expect), "{fields}");
    }
    for object in ["nothing", "user"] {
        assert_eq!(house.crm.create(&admin, object, map(json!({}))).unwrap_err().code, Code::NotFound);
    }
}

#[test]
fn a_stale_version_is_told_both_values() {
    let house = House::new();
    let admin = house.admin();
    let id = company(&house, "Acme");
    house.crm.update(&admin, "company", id, Some(1), map(json!({"phone": ["+49 30 1234"]}))).unwrap();
    let e = house.crm.update(&admin, "company", id, Some(1), map(json!({"phone": ["+49 30 9999"]}))).unwrap_err();
    let extra = e.extra.unwrap();
    assert_eq!((e.code, &extra["currentVersion"]), (Code::VersionMismatch, &json!(2)));
    assert_eq!(extra["conflicts"][0]["current"], json!(["+49 30 1234"]));
    assert_eq!(extra["conflicts"][0]["given"], json!(["+49 30 9999"]));
}

#[test]
fn lists_filter_sort_and_page() {
    let mut house = House::new();
    for (name, industry, employees) in
        [("Alpha", "software", 10), ("Beta", "retail", 20), ("Gamma", "software", 30), ("Delta", "energy", 40)]
    {
        house.create(&house.admin(), "company", json!({"name": name, "industry": industry, "employees": employees}));
        house.later(1);
    }
    let admin = house.admin();
    for (query, expect) in [
        (json!({}), vec!["Delta", "Gamma", "Beta", "Alpha"]),
        (json!({"sort": ["createdAt"]}), vec!["Alpha", "Beta", "Gamma", "Delta"]),
        (json!({"sort": ["name"]}), vec!["Alpha", "Beta", "Delta", "Gamma"]),
        (json!({"sort": ["-employees"], "limit": 2}), vec!["Delta", "Gamma"]),
        (
            json!({"filter": {"field": "industry", "op": "eq", "value": "software"}, "sort": ["name"]}),
            vec!["Alpha", "Gamma"],
        ),
        (
            json!({"filter": {"and": [{"field": "employees", "op": "gte", "value": 20}, {"not": {"field": "name", "op": "startsWith", "value": "d"}}]}, "sort": ["name"]}),
            vec!["Beta", "Gamma"],
        ),
        (json!({"filter": {"field": "owner", "op": "eq", "value": "me"}, "q": "gam"}), vec!["Gamma"]),
        (json!({"asOf": "2026-03-18T10:00:01Z", "sort": ["name"]}), vec!["Alpha", "Beta"]),
    ] {
        assert_eq!(house.titles(&admin, "company", query.clone()), expect, "{query}");
    }
    for sort in [json!([]), json!(["updatedAt"]), json!(["name"]), json!(["industry", "-name"])] {
        let mut seen = Vec::new();
        let mut cursor = Json::Null;
        loop {
            let page = house
                .crm
                .query(&admin, "company", &house.fresh(json!({"sort": sort, "limit": 3, "cursor": cursor})))
                .unwrap();
            seen.extend(page.records.iter().map(|r| r["title"].as_str().unwrap().to_owned()));
            match page.next {
                Some(next) => cursor = json!(next),
                None => break,
            }
        }
        assert_eq!(seen, house.titles(&admin, "company", json!({"sort": sort})), "{sort}");
        assert_eq!(seen.len(), 4);
    }
    let bad = house.crm.query(&admin, "company", &house.fresh(json!({"cursor": "rubbish"}))).unwrap_err();
    assert_eq!(bad.code, Code::BadCursor);
    let bad = house
        .crm
        .query(&admin, "company", &house.fresh(json!({"filter": {"field": "shoe", "op": "eq", "value": 1}})))
        .unwrap_err();
    assert_eq!(bad.code, Code::BadFilter);
}

#[test]
fn figures_keep_currencies_apart() {
    let house = House::new();
    let admin = house.admin();
    let deal = |name: &str, stage: &str, amount: Json| {
        house.create(&admin, "deal", json!({"name": name, "stage": stage, "amount": amount}));
    };
    deal("a", "proposal", json!("1000.00"));
    deal("b", "proposal", json!("500.50"));
    deal("c", "won", json!("10"));
    let query = json!({"groupBy": ["stage"], "aggregates": [{"op": "count"}, {"op": "sum", "field": "amount"}, {"op": "avg", "field": "amount"}]});
    let groups = || house.crm.query(&admin, "deal", &house.fresh(query.clone())).unwrap().groups.unwrap();
    let of = |stage: &str| groups().into_iter().find(|g| g["key"]["stage"] == stage).unwrap()["values"].clone();
    assert_eq!(
        of("proposal"),
        json!({"count": 2, "sum_amount": {"amount": "1500.50", "currency": "EUR"}, "avg_amount": {"amount": "750.25", "currency": "EUR"}})
    );
    deal("d", "proposal", json!({"amount": "100", "currency": "USD"}));
    assert_eq!(of("proposal")["sum_amount"], Json::Null, "no rate, no sum");
    house.crm.settings_patch(&admin, map(json!({"currencyRates": {"USD": 0.5}}))).unwrap();
    assert_eq!(of("proposal")["count"], 3);
    assert_eq!(of("proposal")["sum_amount"], json!({"amount": "1550.50", "currency": "EUR"}));
    assert_eq!(of("won")["sum_amount"], json!({"amount": "10.00", "currency": "EUR"}));
    let then = json!({"groupBy": ["stage"], "aggregates": [{"op": "count"}], "asOf": house.now});
    let groups = house.crm.query(&admin, "deal", &house.fresh(then)).unwrap().groups.unwrap();
    assert_eq!(groups.len(), 2);
}

#[test]
fn search_finds_across_objects() {
    let house = House::new();
    let admin = house.admin();
    let acme = company(&house, "Zephyr Industries");
    house.create(&admin, "contact", json!({"name": "Zoë Zephyr", "company": acme}));
    house.create(
        &admin,
        "note",
        json!({"body": "They sail with the zephyr wind", "related": [{"object": "company", "id": acme}]}),
    );
    let request = SearchRequest { q: "zephyr".into(), after: Some(house.crm.seq()), ..SearchRequest::default() };
    let found = house.crm.search(&admin, &request).unwrap();
    let mut objects: Vec<_> = found.results.iter().map(|r| r["object"].as_str().unwrap()).collect();
    objects.sort_unstable();
    assert_eq!(objects, ["company", "contact", "note"]);
    let contact = found.results.iter().find(|r| r["object"] == "contact").unwrap();
    assert_eq!(contact["subtitle"], "Zephyr Industries");
}

#[test]
fn a_batch_is_all_or_nothing() {
    let house = House::new();
    let admin = house.admin();
    let ops = |json: Json| serde_json::from_value::<Vec<BatchOp>>(json).unwrap();
    let done = house
        .crm
        .batch(
            &admin,
            ops(json!([
                {"op": "create", "object": "company", "fields": {"name": "One", "externalIds": ["old:company:1"]}},
                {"op": "upsert", "object": "company", "match": "externalIds", "fields": {"name": "Uno", "externalIds": ["old:company:1"]}},
                {"op": "upsert", "object": "company", "match": "name", "fields": {"name": "Two"}},
            ])),
        )
        .unwrap();
    assert_eq!(done.results[0]["id"], done.results[1]["id"]);
    assert_eq!(house.titles(&admin, "company", json!({"sort": ["name"]})), ["Two", "Uno"]);
    let bad = ops(json!([
        {"op": "create", "object": "company", "fields": {"name": "Three"}},
        {"op": "create", "object": "company", "fields": {}},
    ]));
    let e = house.crm.batch(&admin, bad).unwrap_err();
    assert_eq!(e.fields[0].field, "operations[1].fields.name");
    assert_eq!(house.titles(&admin, "company", json!({})).len(), 2);
}

#[test]
fn the_index_is_rebuilt_from_the_records() {
    let house = House::new();
    let admin = house.admin();
    for n in 0..50 {
        house.create(&admin, "company", json!({"name": format!("Company {n:02}")}));
    }
    house.crm.close();
    std::fs::remove_dir_all(house.dir.path().join("index")).unwrap();
    let crm = crate::Crm::open(house.dir.path(), super::key(), super::options()).unwrap();
    let ctx = crm.ctx(admin.actor.clone(), house.now, house.random.clone(), "test");
    let query = serde_json::from_value(json!({"q": "company", "sort": ["name"], "limit": 3})).unwrap();
    // right away, whether from the records or from the index
    let page = crm.query(&ctx, "company", &query).unwrap();
    let titles: Vec<_> = page.records.iter().map(|r| r["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Company 00", "Company 01", "Company 02"]);
    for _ in 0..200 {
        if !crm.ready().rebuilding {
            break;
        }
        crm.inner.index.wait_for(crm.seq() + 1, std::time::Duration::from_millis(50));
    }
    let page = crm.query(&ctx, "company", &query).unwrap();
    assert_eq!((page.records.len(), page.total.unwrap().count, crm.ready().rebuilding), (3, 50, false));
    crm.close();
}
