//! From upload to revert: duplicates, references across files, bad rows given back, edits kept, restarts survived.

use super::*;
use crate::export::{ExportFormat, export};

#[test]
fn bad_rows_come_back_with_a_reason_per_cell() {
    let house = House::new();
    let done = house.import("contact", "bad-rows.csv", &fixture("bad-rows.csv"));
    assert_eq!((done.progress.created, done.progress.refused), (3, 4), "{}", house.errors(done.id));
    let errors = house.errors(done.id);
    for (start, reason) in [
        ("First Name,Last Name,Email,Phone,Birthday,Company,aplomb_errors", ""),
        ("Bob,", "Email: is not an e-mail address"),
        ("Cy,", "Birthday: is not a date between year 1 and 9999"),
        ("Ed,", "the row has 8 cells, the header 6"),
        ("Flo,", "a quote is opened and never closed"),
    ] {
        let line = errors.lines().find(|l| l.starts_with(start)).unwrap_or_else(|| panic!("{start} in {errors}"));
        assert!(line.contains(reason), "{line}");
    }
    assert_eq!(errors.lines().count(), 5);
    // mended and uploaded again, the column of reasons is no field
    let mended = house.start("contact", "errors.csv", errors.as_bytes());
    assert_eq!(mended.columns.last().and_then(|c| c.field.clone()), None);
}

#[test]
fn duplicates_are_put_together_updated_skipped_or_made() {
    let file = "Email,First Name,Last Name,Phone,Title\na@x.example,Ann,Ash,,Boss\nA@X.example,Anne,Ash,+49 30 555 0101,\nb@x.example,Bo,Birch,,\n";
    for (on_match, created, updated, skipped) in [("update", 0, 2, 1), ("skip", 0, 0, 3), ("create", 3, 0, 0)] {
        let house = House::new();
        let first = house.import(
            "contact",
            "a.csv",
            b"Email,First Name,Last Name\na@x.example,Ann,Ash\nb@x.example,Bo,Birch\n",
        );
        assert_eq!(first.progress.created, 2);
        let view = house.start("contact", "b.csv", file.as_bytes());
        let options = map(json!({"onMatch": on_match}));
        house.imports.set_mapping(&house.admin(), view.id, &[], &options).expect("options");
        let p = house.commit(view.id).progress;
        assert_eq!((p.created, p.updated, p.skipped), (created, updated, skipped), "{on_match}");
        let contacts = house.all("contact");
        if on_match == "update" {
            assert_eq!(
                (at(&contacts[0], "/title"), at(&contacts[0], "/phone/0")),
                ("Boss".into(), "+49 30 555 0101".into())
            );
            assert_eq!(at(&contacts[0], "/name/first"), "Ann", "of two rows of a file the first wins");
        }
    }
}

#[test]
fn references_resolve_in_either_order() {
    let companies = b"id,name,domain\n7,Seven Ltd,seven.example\n8,Eight Ltd,eight.example\n";
    let contacts = b"id,company_id,first_name,last_name,email\n1,7,Ann,Ash,ann@seven.example\n2,8,Bo,Birch,bo@eight.example\n3,,Cy,Cedar,cy@x.example\n";
    for companies_first in [true, false] {
        let house = House::new();
        if companies_first {
            house.import("company", "companies.csv", companies);
        }
        let done = house.import("contact", "contacts.csv", contacts);
        assert_eq!((done.progress.created, done.progress.refused), (3, 0));
        if !companies_first {
            assert_eq!(done.warnings.len(), 1, "{:?}", done.warnings);
            house.import("company", "companies.csv", companies);
        }
        let names: Vec<String> = house.all("contact").iter().map(|c| at(c, "/company/name")).collect();
        assert_eq!(names, ["Seven Ltd", "Eight Ltd", ""], "companies first: {companies_first}");
    }
}

#[test]
fn rows_refer_to_later_rows() {
    let house = House::new();
    house.import("company", "c.csv", b"id,name,parent_id\n1,Child GmbH,2\n2,Parent AG,\n");
    let names: Vec<String> = house.all("company").iter().map(|c| at(c, "/parent/name")).collect();
    assert_eq!(names, ["Parent AG", ""]);
}

#[test]
fn a_revert_takes_back_what_nobody_touched() {
    let house = House::new();
    house.import(
        "contact",
        "a.csv",
        b"Email,First Name,Last Name,Title\nold@x.example,Olga,Old,Buyer\nolder@x.example,Otto,Older,Clerk\n",
    );
    let by_email = |house: &House, email: &str| {
        house.all("contact").into_iter().find(|c| at(c, "/email/0") == email).unwrap_or_else(|| panic!("{email}"))
    };
    let before = by_email(&house, "old@x.example");
    let file = b"Email,First Name,Last Name,Title,Company\nold@x.example,Olga,Old,Director,New Co\nolder@x.example,Otto,Older,Manager,New Co\nn1@x.example,Nia,New,,New Co\nn2@x.example,Ned,New,,\n";
    let done = house.import("contact", "b.csv", file);
    assert_eq!((done.progress.created, done.progress.updated, done.progress.companies_created), (2, 2, 1));
    let id = |email: &str| by_email(&house, email)["id"].as_str().and_then(|t| t.parse::<Id>().ok()).expect("an id");
    let admin = house.admin();
    house
        .crm
        .update(&admin, "contact", id("older@x.example"), None, map(json!({"title": "President"})))
        .expect("an edit");
    house
        .crm
        .update(&admin, "contact", id("n2@x.example"), None, map(json!({"department": "Sales"})))
        .expect("an edit");
    let reverted = house.revert(done.id);
    let report = reverted.revert.expect("a report");
    assert_eq!(reverted.status, Status::Reverted);
    assert_eq!((report.removed, report.restored, report.kept), (2, 1, 2), "{report:?}");
    let after = house.all("contact");
    assert_eq!(after.len(), 3, "the edited new one stays");
    assert_eq!(by_email(&house, "old@x.example")["fields"], before["fields"]);
    let edited = by_email(&house, "older@x.example");
    assert_eq!((at(&edited, "/title"), at(&edited, "/company")), ("President".into(), "".into()));
    assert!(house.all("company").is_empty());
}

#[test]
fn what_is_exported_imports_again() {
    for format in [ExportFormat::Csv, ExportFormat::Jsonl] {
        let house = House::new();
        house.import("contact", "google-contacts.csv", &fixture("google-contacts.csv"));
        house.all("contact");
        let mut file = Vec::new();
        let count =
            export(&house.crm, &house.admin(), "contact", &Query::default(), format, &mut file).expect("an export");
        assert_eq!(count, 5);
        let mapped = house.start("contact", "contacts.out", &file).columns;
        let other_name = mapped.iter().find(|c| c.field.as_ref().is_some_and(|f| *f != c.header));
        assert!(other_name.is_none(), "every column is named as its field: {other_name:?}");
        let again = house.import("contact", "contacts.out", &file).progress;
        let changes: Vec<Json> = house
            .all("contact")
            .iter()
            .filter(|c| c["version"] != 1)
            .flat_map(|c| {
                let id = c["id"].as_str().and_then(|t| t.parse().ok()).expect("an id");
                house.crm.history(&house.admin(), "contact", id, None, 1).expect("a history").entries
            })
            .collect();
        assert_eq!(
            (again.created, again.updated, again.refused, again.skipped),
            (0, 0, 0, 5),
            "{format:?} {changes:?}"
        );
        let other = House::new();
        let moved = other.import("contact", "contacts.out", &file).progress;
        assert_eq!((moved.created, moved.refused), (5, 0), "{}", String::from_utf8_lossy(&file));
    }
}

#[test]
fn the_mapping_is_checked() {
    let house = House::new();
    let view = house.start("contact", "a.csv", b"x,y\nfoo,bar\nbaz,qux\n");
    let admin = house.admin();
    let code = |mapping: &[MapTo], options: Map| {
        let set = house.imports.set_mapping(&admin, view.id, mapping, &options);
        set.err().and_then(|e| e.fields.first().map(|f| f.code.clone()))
    };
    assert_eq!(code(&[to(0, "nonsense")], none()).as_deref(), Some("unknown_field"));
    assert_eq!(code(&[to(9, "title")], none()).as_deref(), Some("unknown_column"));
    assert_eq!(code(&[to(0, "title"), to(1, "title")], none()).as_deref(), Some("mapped_twice"));
    assert_eq!(code(&[], map(json!({"match": "title"}))).as_deref(), Some("invalid"));
    assert_eq!(code(&[], map(json!({"nonsense": 1}))).as_deref(), Some("invalid"));
    assert_eq!(code(&[to(0, "title"), to(1, "department")], none()), None);
    let refused = house.imports.commit(&admin, view.id).expect_err("no name");
    assert_eq!(refused.fields[0].code, "required");
    assert_eq!(code(&[to(0, "name.first"), to(1, "name.last")], none()), None);
    assert_eq!(house.commit(view.id).progress.created, 2);
    assert!(house.imports.commit(&admin, view.id).is_err(), "only once");
}
