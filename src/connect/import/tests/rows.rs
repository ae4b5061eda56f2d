//! Rows one by one: found by the check, mended, decided, and taken as they were shown.

use super::*;
use crate::ImportChange;
use crate::view::{CellEdit, DuplicateOf, ImportRow, OnMatch, RowDecision, RowKind};

fn rows(house: &House, id: Id, kind: RowKind) -> Vec<ImportRow> {
    let mut all = Vec::new();
    loop {
        let after = all.last().map_or(0, |row: &ImportRow| row.row);
        // pages of two, so that cursors are used
        let page = house.imports.rows(&house.admin(), id, kind, after, 2).expect("a page");
        let last = page.rows.last().map(|row| row.row.to_string());
        assert!(page.next.is_none() || page.next == last, "{page:?}");
        let more = page.next.is_some();
        all.extend(page.rows);
        if !more {
            assert_eq!(page.total, all.len() as u64);
            return all;
        }
    }
}

fn numbers(rows: &[ImportRow]) -> Vec<u64> {
    rows.iter().map(|row| row.row).collect()
}

fn edit(row: u64, column: usize, value: &str) -> CellEdit {
    CellEdit { row, column, value: Some(value.to_owned()) }
}

fn change(house: &House, id: Id, edits: Vec<CellEdit>, decisions: Vec<RowDecision>) -> (ImportView, Vec<ImportRow>) {
    let change = ImportChange { edits, decisions, ..ImportChange::default() };
    house.imports.update(&house.admin(), id, change).expect("a change")
}

fn decided(row: u64, action: OnMatch) -> RowDecision {
    RowDecision { row, action: Some(action) }
}

const FILE: &str = "\
first_name,last_name,email,company,owner,birthday
Ada,Lovelace,ada@x.example,Analytical,nobody at all,1815-12-10
Grace,Hopper,grace,Navy,,1906-12-09
Alan,Turing,alan@x.example,Bletchley,,not a date
Ada,Lovelace,ada@x.example,Engines,,
Known,Person,known@x.example,,,1980-01-02
Other,Name,known@x.example,,,
,,lone@x.example,,,
";

/// A contact that two rows of the file share an address with.
fn house() -> (House, Id) {
    let house = House::new();
    let fields = json!({"name": {"first": "Known", "last": "Person"}, "email": ["known@x.example"], "title": "Boss"});
    house.crm.create(&house.admin(), "contact", map(fields)).expect("a contact");
    let view = house.start("contact", "c.csv", FILE.as_bytes());
    let columns: Vec<_> = view.columns.iter().map(|c| (c.header.as_str(), c.field.as_deref())).collect();
    assert!(columns.contains(&("email", Some("email"))), "{columns:?}");
    let birthday = view.columns.iter().find(|c| c.header == "birthday").expect("a column");
    if birthday.field.is_none() {
        house.imports.set_mapping(&house.admin(), view.id, &[to(birthday.index, "birthday")], &none()).expect("mapped");
    }
    house.imports.check(&house.admin(), view.id).expect("a check");
    (house, view.id)
}

#[test]
fn the_check_keeps_what_people_want_to_look_at() {
    let (house, id) = house();
    let view = house.imports.get(&house.admin(), id).expect("a view");
    assert_eq!((view.noted.refused, view.noted.duplicate, view.noted.warning), (2, 3, 2), "{:?}", view.preview);

    let refused = rows(&house, id, RowKind::Refused);
    assert_eq!(numbers(&refused), [3, 4]);
    assert_eq!(refused[0].cells[2], "grace");
    let problem = &refused[0].problems[0];
    assert_eq!((problem.column, problem.field.as_deref(), problem.warning), (Some(2), Some("email"), false));

    let warned = rows(&house, id, RowKind::Warning);
    assert_eq!(numbers(&warned), [2, 8]);
    let codes: Vec<_> = warned.iter().map(|row| row.problems[0].code.as_str()).collect();
    assert_eq!(codes, ["unknown_owner", "no_name"]);
    assert!(warned.iter().all(|row| row.problems[0].warning));

    let same = rows(&house, id, RowKind::Duplicate);
    assert_eq!(numbers(&same), [5, 6, 7]);
    let found: Vec<_> = same.iter().map(|row| row.duplicate.clone().expect("another")).collect();
    let told = |at: usize| (found[at].of, found[at].row, found[at].name.as_str(), found[at].action);
    assert_eq!(told(0), (DuplicateOf::Row, Some(2), "Ada Lovelace", OnMatch::Update));
    assert_eq!(told(1), (DuplicateOf::Record, None, "Known Person", OnMatch::Update));
    assert_eq!(told(2), (DuplicateOf::Record, None, "Known Person", OnMatch::Create), "another name, so somebody else");
    assert!(found.iter().all(|d| d.matched_by == "email" && d.object == "contact"));
    let side = |at: usize, field: &str| {
        let field = found[at].fields.iter().find(|f| f.field == field).expect("a field");
        (field.incoming.clone(), field.existing.clone(), field.result.clone())
    };
    let named = |json: Json| json["name"].as_str().unwrap_or_default().to_owned();
    let (incoming, existing, result) = side(0, "company");
    assert_eq!([incoming, existing, result].map(named), ["Engines", "Analytical", "Analytical"], "only added to");
    assert_eq!(side(1, "birthday"), (json!("1980-01-02"), Json::Null, json!("1980-01-02")));
}

#[test]
fn cells_are_mended_and_rows_decided() {
    let (house, id) = house();
    let mend = vec![edit(3, 2, "grace@x.example"), edit(4, 5, "1912-06-23"), edit(7, 1, "Name")];
    let (view, shown) = change(&house, id, mend, vec![decided(5, OnMatch::Create), decided(6, OnMatch::Skip)]);
    assert_eq!((view.status, view.outdated, view.edits, view.decisions), (Status::Mapping, true, 2, 2));
    assert_eq!(numbers(&shown), [3, 4, 5, 6, 7]);
    assert!(shown.iter().all(|row| row.problems.iter().all(|p| p.warning)), "{shown:?}");
    assert_eq!((shown[0].edits.clone(), shown[0].originals.clone()), (vec![2], vec!["grace".to_owned()]));
    let actions: Vec<_> = shown.iter().map(|r| (r.decision, r.duplicate.as_ref().map(|d| d.action))).collect();
    assert_eq!(
        actions[2..],
        [
            (Some(OnMatch::Create), Some(OnMatch::Create)),
            (Some(OnMatch::Skip), Some(OnMatch::Skip)),
            (None, Some(OnMatch::Create))
        ]
    );
    assert_eq!(numbers(&rows(&house, id, RowKind::Edited)), [3, 4, 5, 6], "what was set to what stands there is none");
    assert_eq!(rows(&house, id, RowKind::Refused)[0].problems, [], "as it would be taken now");

    // taken back, and decided otherwise
    let (view, shown) = change(
        &house,
        id,
        vec![CellEdit { row: 4, column: 5, value: None }],
        vec![decided(4, OnMatch::Skip), decided(7, OnMatch::Update), RowDecision { row: 6, action: None }],
    );
    assert_eq!((view.edits, view.decisions), (1, 3));
    assert_eq!(shown[0].problems.len(), 1, "refused again, if it were not left out");
    assert_eq!(shown[2].duplicate.as_ref().map(|d| d.action), Some(OnMatch::Update));

    let checked = house.imports.check(&house.admin(), id).expect("a check");
    let preview = checked.preview.clone().expect("a preview");
    assert_eq!((checked.status, checked.outdated, checked.noted.refused), (Status::Checked, false, 0));
    let done = house.commit(id);
    let p = done.progress;
    assert_eq!((p.created, p.updated, p.skipped, p.refused), (4, 2, 1, 0), "{:?}", house.errors(id));
    assert_eq!((preview.create, preview.update, preview.skip, preview.refused), (4, 2, 1, 0));
    let contacts = house.all("contact");
    let count = |name: &str| contacts.iter().filter(|c| c["title"] == name).count();
    assert_eq!((count("Ada Lovelace"), count("Grace Hopper"), count("Alan Turing"), count("Other Name")), (2, 1, 0, 0));
    assert_eq!(count("Known Person"), 1, "two rows were put together with it");
    assert!(house.imports.rows(&house.admin(), id, RowKind::Duplicate, 0, 9).is_err(), "they are records by now");
    assert_eq!(numbers(&rows(&house, id, RowKind::Edited)), [3, 4, 5, 7]);
}

#[test]
fn what_was_refused_can_be_seen_afterwards() {
    let (house, id) = house();
    change(&house, id, vec![edit(3, 2, "still wrong")], vec![]);
    house.commit(id);
    let refused = rows(&house, id, RowKind::Refused);
    assert_eq!(numbers(&refused), [3, 4]);
    assert_eq!((refused[0].cells[2].as_str(), refused[0].problems[0].field.as_deref()), ("still wrong", Some("email")));
    assert!(house.errors(id).contains("still wrong"));
    let error = house.imports.update(
        &house.admin(),
        id,
        ImportChange { edits: vec![edit(3, 2, "x@x.example")], ..ImportChange::default() },
    );
    assert!(error.is_err(), "too late");
}

#[test]
fn bad_changes_name_their_entry_and_change_nothing() {
    let (house, id) = house();
    let many = |n: u64| (0..n).map(|_| edit(3, 2, "x")).collect::<Vec<_>>();
    for (edits, decisions, field) in [
        (vec![edit(3, 2, "ok"), edit(99, 2, "x")], vec![], "edits[1].row"),
        (vec![edit(1, 0, "the header")], vec![], "edits[0].row"),
        (vec![edit(3, 6, "x")], vec![], "edits[0].column"),
        (vec![edit(3, 2, &"x".repeat(100_001))], vec![], "edits[0].value"),
        (many(3), vec![decided(0, OnMatch::Skip)], "decisions[0].row"),
    ] {
        let change = ImportChange { edits, decisions, ..ImportChange::default() };
        let error = house.imports.update(&house.admin(), id, change).expect_err("refused");
        assert_eq!(error.fields.first().map(|f| f.field.as_str()), Some(field), "{error}");
    }
    let view = house.imports.get(&house.admin(), id).expect("a view");
    assert_eq!((view.edits, view.decisions, view.status), (0, 0, Status::Checked));
    // another mapping makes what the check found worthless
    house.imports.set_mapping(&house.admin(), id, &[], &map(json!({"onMatch": "skip"}))).expect("mapped");
    assert!(house.imports.rows(&house.admin(), id, RowKind::Refused, 0, 9).is_err());
}

#[test]
fn nothing_is_left_of_an_import_that_was_removed() {
    let (house, id) = house();
    change(&house, id, vec![edit(3, 2, "grace@x.example")], vec![]);
    house.imports.check(&house.admin(), id).expect("a check");
    assert_eq!(house.imports.uploads.list().expect("files").len(), 2, "the upload and the rows of the last check");
    let (now, dir) = house.close();
    let house = House::open(dir, now);
    assert_eq!(house.imports.uploads.list().expect("files").len(), 2, "a restart removes nothing that is needed");
    assert_eq!(numbers(&rows(&house, id, RowKind::Edited)), [3]);
    house.imports.delete(&house.admin(), id).expect("removed");
    assert_eq!(house.imports.uploads.list().expect("files"), Vec::<String>::new());
    assert!(house.crm.list_docs("import_edit", b"", None, 9).expect("documents").is_empty());
}
