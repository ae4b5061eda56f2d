//! What is imported of the past, what becomes of unknown words, who may import, and how long a file is kept.

use aplomb_model::Timestamp;

use super::*;

#[test]
fn the_old_systems_dates_are_the_records() {
    for (object, header, created, updated) in [
        (
            "contact",
            "Record ID,First Name,Last Name,Create Date,Last Modified Date",
            "2024-02-11 16:40",
            "2025-03-01 08:00",
        ),
        (
            "contact",
            "Contact ID,First Name,Last Name,Created Date,Last Modified Date",
            "2/11/2024 4:40 PM",
            "3/1/2025 8:00 AM",
        ),
        (
            "contact",
            "Record Id,First Name,Last Name,Created Time,Modified Time",
            "2024-02-11 16:40:00",
            "2025-03-01 08:00:00",
        ),
        (
            "contact",
            "ID,First Name,Last Name,Person - Person created,Person - Update time",
            "2024-02-11 16:40:00",
            "2025-03-01 08:00:00",
        ),
        (
            "contact",
            "ID,First Name,Last Name,Contact created,Last updated",
            "2024-02-11 16:40:00",
            "2025-03-01 08:00:00",
        ),
        ("contact", "id,Vorname,Nachname,Erstellt am,Geändert am", "11.02.2024 16:40", "01.03.2025 08:00"),
        ("lead", "id,first_name,last_name,created_at,updated_at", "2024-02-11T15:40:00Z", "2025-03-01T07:00:00Z"),
    ] {
        let house = House::new();
        let file = format!("{header}\n1,Ann,Ash,{created},{updated}\n2,Bo,Birch,,\n");
        let done = house.import(object, "a.csv", file.as_bytes());
        assert_eq!((done.progress.created, done.progress.refused), (2, 0), "{header}: {}", house.errors(done.id));
        let records = house.all(object);
        let dates = |at: usize| (records[at]["createdAt"].clone(), records[at]["updatedAt"].clone());
        // Berlin is an hour ahead in winter
        assert_eq!(dates(0), (json!("2024-02-11T15:40:00Z"), json!("2025-03-01T07:00:00Z")), "{header}");
        assert_eq!(dates(1), (json!("2026-03-18T10:00:00Z"), json!("2026-03-18T10:00:00Z")), "{header}");
        // the log is not deceived
        let id: Id = records[0]["id"].as_str().and_then(|t| t.parse().ok()).expect("an id");
        let history = house.crm.history(&house.admin(), object, id, None, 5).expect("a history");
        assert_eq!(history.entries[0]["at"], json!("2026-03-18T10:00:00Z"));
        assert_eq!(history.entries[0]["reason"], json!(format!("import:{}", done.id)));
        let before: Timestamp = "2025-06-01T00:00:00Z".parse().expect("a time");
        assert!(house.crm.get_as_of(&house.admin(), object, id, &[], before).is_err(), "it was not here then");
    }
}

#[test]
fn the_past_does_not_lie_ahead_and_does_not_turn_round() {
    let house = House::new();
    let file = b"id,First Name,Last Name,Created At,Updated At,Created By\n1,Ann,Ash,2030-01-01,2031-01-01,\n2,Bo,Birch,2025-05-05 12:00,2024-01-01,Admin User\n3,Cy,Cedar,soon,,\n";
    let done = house.import("contact", "a.csv", file);
    assert_eq!((done.progress.created, done.progress.refused), (2, 1));
    assert!(house.errors(done.id).contains("Created At: is not a date"), "{}", house.errors(done.id));
    let records = house.all("contact");
    assert_eq!(
        (&records[0]["createdAt"], &records[0]["updatedAt"]),
        (&json!("2026-03-18T10:00:00Z"), &json!("2026-03-18T10:00:00Z"))
    );
    assert_eq!(
        (&records[1]["createdAt"], &records[1]["updatedAt"]),
        (&json!("2025-05-05T10:00:00Z"), &json!("2025-05-05T10:00:00Z"))
    );
    assert_eq!(records[1]["createdBy"]["name"], json!("Admin User"));
}

#[test]
fn unknown_references_are_left_open_or_refused() {
    let file = b"id,first_name,last_name,company_id\n1,Ann,Ash,77\n2,Bo,Birch,\n";
    for (option, created, refused, warnings) in [("empty", 2, 0, 1), ("refuse", 1, 1, 0)] {
        let house = House::new();
        let view = house.start("contact", "a.csv", file);
        house
            .imports
            .set_mapping(&house.admin(), view.id, &[], &map(json!({"unknownReference": option})))
            .expect("options");
        let preview = house.imports.check(&house.admin(), view.id).expect("a check").preview.expect("a preview");
        assert_eq!((preview.create, preview.refused, preview.warnings.len()), (created, refused, warnings), "{option}");
        let done = house.commit(view.id);
        assert_eq!(
            (done.progress.created, done.progress.refused, done.warnings.len()),
            (created, refused, warnings),
            "{option}"
        );
        let errors = house.errors(view.id);
        assert_eq!(errors.contains("company_id: there is no such company"), option == "refuse", "{errors}");
    }
    // rows of the same file wait for each other
    let house = House::new();
    let view = house.start("company", "c.csv", b"id,name,parent_id\n1,Child GmbH,2\n2,Parent AG,\n");
    house
        .imports
        .set_mapping(&house.admin(), view.id, &[], &map(json!({"unknownReference": "refuse"})))
        .expect("options");
    assert_eq!(house.commit(view.id).progress.created, 2);
    assert_eq!(at(&house.all("company")[0], "/parent/name"), "Parent AG");
}

#[test]
fn choices_are_added_left_out_or_refused() {
    let file = b"Deal Name,Stage,Amount\nA,Waiting for board,5\nB,Closed Won,6\n";
    for (options, created, refused, new, warnings) in [
        (json!({"unknownChoice": "add"}), 2, 0, 1, 0),
        (json!({"unknownChoice": "empty"}), 2, 0, 0, 1),
        (json!({"unknownChoice": "refuse"}), 1, 1, 0, 0),
        (json!({"addChoices": true}), 2, 0, 1, 0),
        (json!({"addChoices": false}), 1, 1, 0, 0),
    ] {
        let house = House::new();
        let view = house.start("deal", "d.csv", file);
        house.imports.set_mapping(&house.admin(), view.id, &[], &map(options.clone())).expect("options");
        let preview = house.imports.check(&house.admin(), view.id).expect("a check").preview.expect("a preview");
        let found = (preview.create, preview.refused, preview.new_choices.len(), preview.warnings.len());
        assert_eq!(found, (created, refused, new, warnings), "{options} {:?}", preview.warnings);
        let done = house.commit(view.id);
        let p = done.progress;
        assert_eq!(
            (p.created, p.refused, done.warnings.len()),
            (created, refused, warnings),
            "{}",
            house.errors(view.id)
        );
    }
}

#[test]
fn a_finished_import_says_where_it_can_be_seen() {
    let house = House::new();
    let view = house.start("contact", "a.csv", b"First Name,Last Name\nAnn,Ash\n");
    assert_eq!(view.seq, None);
    let done = house.commit(view.id);
    let seq = done.seq.expect("a position");
    house.crm.wait_for(seq);
    let query = Query { after: Some(seq), ..Query::default() };
    assert_eq!(house.crm.query(&house.admin(), "contact", &query).expect("a list").records.len(), 1);
    let reverted = house.revert(view.id).seq.expect("a position");
    assert!(reverted > seq);
}

#[test]
fn files_are_kept_no_longer_than_needed() {
    let good = "First Name,Last Name,Email\nAnn,Ash,ann@x.example\n";
    let bad = "First Name,Last Name,Email\nAnn,Ash,ann@x.example\nBo,Birch,nonsense\n";
    let house = House::new();
    let clean = house.import("contact", "good.csv", good.as_bytes());
    let refused = house.import("contact", "bad.csv", bad.as_bytes());
    let waiting = house.start("contact", "waiting.csv", good.as_bytes());
    assert_eq!(clean.file_until, None, "every row is a record");
    let kept: Vec<String> = house.imports.uploads.list().expect("a list");
    let mut expect = [refused.id.to_string(), waiting.id.to_string()];
    expect.sort();
    assert_eq!(kept, expect);
    assert!(house.errors(refused.id).contains("Bo,Birch,nonsense"));
    // an upload whose import was never written down
    house.imports.uploads.create(&Id::from_u128(99).to_string()).expect("a file").finish().expect("a file");
    let (now, dir) = house.close();
    let house = House::open(dir, now.plus_days(31));
    assert_eq!(house.imports.uploads.list().expect("a list").len(), 2, "the orphan is gone");
    house.start_jobs();
    while !house.imports.uploads.list().expect("a list").is_empty() {
        std::thread::yield_now();
    }
    let view = house.imports.get(&house.admin(), refused.id).expect("what is known of it stays");
    assert_eq!(view.file_until, None);
    assert_eq!(house.errors(refused.id), "row,aplomb_errors\n3,Email: is not an e-mail address\n");
    assert!(house.imports.get(&house.admin(), waiting.id).is_err(), "nobody came back for it");
    assert_eq!(house.revert(refused.id).revert.map(|r| r.restored + r.removed + r.kept), Some(0));
    assert_eq!(house.revert(clean.id).revert.map(|r| r.removed), Some(1), "no file is needed for that");
}

#[test]
fn a_sales_rep_imports_what_becomes_his_own() {
    let house = House::new();
    let rep = house.user("Rita Rep", "salesRep");
    let ctx = || house.ctx_of(rep);
    let mut file = &b"First Name,Last Name,Email,Owner,Company\nAnn,Ash,a@x.example,Admin User,Acme\nBo,Birch,b@x.example,Rita Rep,Acme\n"[..];
    let view = house.imports.start(&ctx(), "contact", "a.csv", &mut file).expect("an upload");
    let preview = house.imports.check(&ctx(), view.id).expect("a check").preview.expect("a preview");
    assert_eq!((preview.create, preview.refused, preview.companies_to_create), (2, 0, 1));
    house.imports.commit(&ctx(), view.id).expect("a commit");
    house.start_jobs();
    let done = house.imports.wait(&ctx(), view.id, Duration::from_secs(60)).expect("an import");
    assert_eq!((done.progress.created, done.progress.refused), (2, 0), "{:?}", done.error);
    assert!(done.warnings.iter().any(|w| w.starts_with("1 row belongs to others")), "{:?}", done.warnings);
    let owners: Vec<String> = house.all("contact").iter().map(|c| at(c, "/owner/name")).collect();
    assert_eq!(owners, ["Rita Rep", "Rita Rep"]);
    // somebody else's contact: his address is known, and he is left alone
    house.import("contact", "o.csv", b"First Name,Last Name,Email,Title\nOlaf,Other,o@x.example,Boss\n");
    let mut file = &b"First Name,Last Name,Email,Title\nOlaf,Other,o@x.example,Clerk\n"[..];
    let view = house.imports.start(&ctx(), "contact", "b.csv", &mut file).expect("an upload");
    house.imports.commit(&ctx(), view.id).expect("a commit");
    let done = house.imports.wait(&ctx(), view.id, Duration::from_secs(60)).expect("an import");
    assert_eq!((done.progress.created, done.progress.updated, done.progress.refused), (0, 0, 1));
    let products = house.imports.start(&ctx(), "product", "p.csv", &mut &b"Name\nBolt\n"[..]);
    assert_eq!(products.map(|v| v.id).map_err(|e| e.code), Err(aplomb_model::Code::Forbidden));
}
