//! Which rows are one record and which are two: by the old system's id, by address or domain, and by name.

use super::*;

/// Names of all records, sorted.
fn names(house: &House, object: &str) -> Vec<String> {
    let mut names: Vec<String> =
        house.all(object).iter().map(|r| r["title"].as_str().unwrap_or_default().to_owned()).collect();
    names.sort();
    names
}

struct Case {
    what: &'static str,
    object: &'static str,
    file: &'static str,
    records: &'static [&'static str],
    together: u64,
    apart: u64,
}

const CASES: &[Case] = &[
    Case {
        what: "companies of one group share its web site",
        object: "company",
        file: "id,name,domain\n1,Vanguard Insurance Oy,vanguard.example\n2,Vanguard Insurance Pty Ltd,vanguard.example\n3,Vanguard Re,vanguard.example\n",
        records: &["Vanguard Insurance Oy", "Vanguard Insurance Pty Ltd", "Vanguard Re"],
        together: 0,
        apart: 2,
    },
    Case {
        what: "a company that the old system has twice",
        object: "company",
        file: "id,name,domain\n1,\"Acme, Inc.\",acme.example\n2,ACME Incorporated,www.acme.example\n",
        records: &["Acme, Inc."],
        together: 1,
        apart: 0,
    },
    Case {
        what: "without ids the legal form does not count",
        object: "company",
        file: "name,domain\nAcme GmbH,acme.example\nAcme,acme.example\nAcme Holding,acme.example\n",
        records: &["Acme GmbH", "Acme Holding"],
        together: 1,
        apart: 1,
    },
    Case {
        what: "a domain without a name is of the company that has it",
        object: "company",
        file: "name,domain\nAcme GmbH,acme.example\n,acme.example\n",
        records: &["Acme GmbH"],
        together: 1,
        apart: 0,
    },
    Case {
        what: "two of one name are two when the old system says so",
        object: "company",
        file: "id,name,city\n1,Acme,Berlin\n2,Acme,Hamburg\n",
        records: &["Acme", "Acme"],
        together: 0,
        apart: 0,
    },
    Case {
        what: "two people answer one address",
        object: "contact",
        file: "id,first_name,last_name,email\n1,Ann,Ash,info@x.example\n2,Bo,Birch,info@x.example\n",
        records: &["Ann Ash", "Bo Birch"],
        together: 0,
        apart: 1,
    },
    Case {
        what: "the same without ids",
        object: "contact",
        file: "first_name,last_name,email\nAnn,Ash,info@x.example\nBo,Birch,info@x.example\n",
        records: &["Ann Ash", "Bo Birch"],
        together: 0,
        apart: 1,
    },
    Case {
        what: "a contact that the old system has twice",
        object: "contact",
        file: "id,first_name,last_name,email\n1,Rebecca,King,rk@x.example\n2,Becky,KING,RK@x.example\n3,King,Rebecca,rk@x.example\n4,R.,King,rk@x.example\n",
        records: &["Rebecca King"],
        together: 3,
        apart: 0,
    },
    Case {
        what: "a marriage, and somebody who only has the same first name",
        object: "contact",
        file: "first_name,last_name,email\nAnna,Ash,anna@x.example\nAnna,Birch,anna@x.example\n",
        records: &["Anna Ash"],
        together: 1,
        apart: 0,
    },
    Case {
        what: "the same with an id each",
        object: "contact",
        file: "id,first_name,last_name,email\n1,Anna,Ash,team@x.example\n2,Anna,Birch,team@x.example\n",
        records: &["Anna Ash", "Anna Birch"],
        together: 0,
        apart: 1,
    },
];

#[test]
fn rows_are_put_together_or_kept_apart() {
    for case in CASES {
        let house = House::new();
        let view = house.start(case.object, "a.csv", case.file.as_bytes());
        let preview = house.imports.check(&house.admin(), view.id).expect("a check").preview.expect("a preview");
        let found = (preview.create, preview.together.rows, preview.apart.rows);
        assert_eq!(found, (case.records.len() as u64, case.together, case.apart), "{}: {preview:?}", case.what);
        assert_eq!(preview.together.examples.len() as u64, case.together, "{}", case.what);
        assert_eq!(preview.apart.examples.len() as u64, case.apart, "{}", case.what);
        let done = house.commit(view.id);
        assert_eq!(names(&house, case.object), case.records, "{}", case.what);
        // again: everybody is recognised
        let again = house.import(case.object, "a.csv", case.file.as_bytes()).progress;
        assert_eq!((again.created, again.refused), (0, 0), "{}: {:?}", case.what, done.warnings);
        assert_eq!(names(&house, case.object), case.records, "{}", case.what);
    }
}

#[test]
fn the_preview_shows_whom_it_means() {
    let house = House::new();
    let file = b"id,name,domain\n1,Acme Oy,acme.example\n2,Other Ltd,acme.example\n3,\"Acme, Oy\",acme.example\n";
    let view = house.start("company", "a.csv", file);
    let preview = house.imports.check(&house.admin(), view.id).expect("a check").preview.expect("a preview");
    let (apart, together) = (&preview.apart.examples[0], &preview.together.examples[0]);
    assert_eq!(
        (apart.row, apart.name.as_str(), apart.other.as_str(), apart.other_row),
        (3, "Other Ltd", "Acme Oy", Some(2))
    );
    assert_eq!((apart.field.as_str(), apart.value.as_str()), ("domain", "acme.example"));
    assert_eq!((together.row, together.other.as_str(), together.other_row), (4, "Acme Oy", Some(2)));
}

/// The preview goes batch by batch without writing; it must find what the import finds.
#[test]
fn the_preview_sees_beyond_its_batch() {
    let mut file = String::from("id,name,domain\n");
    let rows = 2_300;
    for i in 0..rows {
        file.push_str(&format!("{i},Company {i},c{i}.example\n"));
    }
    file.push_str("x0,Company 7,c7.example\n");
    file.push_str("x1,Company 7,c7.example\nx2,Somebody else,c8.example\nx3,Company 9 GmbH,c9.example\n");
    let house = House::new();
    let view = house.start("company", "a.csv", file.as_bytes());
    let preview = house.imports.check(&house.admin(), view.id).expect("a check").preview.expect("a preview");
    assert_eq!((preview.create, preview.together.rows, preview.apart.rows), (rows + 2, 2, 2), "{:?}", preview.apart);
    let pair = &preview.together.examples[0];
    assert_eq!((pair.name.as_str(), pair.other.as_str(), pair.other_row), ("Company 7", "Company 7", Some(9)));
    let done = house.commit(view.id).progress;
    assert_eq!((done.created, done.updated + done.skipped), (rows + 2, 2));
}

#[test]
fn the_admin_may_choose_another_rule() {
    let file = "id,name,domain\n1,Acme Oy,acme.example\n2,Acme AB,acme.example\n3,Other,acme.example\n";
    for (options, records) in [
        (json!({}), 3),
        (json!({"matchNames": false}), 1),
        (json!({"match": null}), 3),
        (json!({"onMatch": "create", "matchNames": false}), 3),
    ] {
        let house = House::new();
        let view = house.start("company", "a.csv", file.as_bytes());
        house.imports.set_mapping(&house.admin(), view.id, &[], &map(options.clone())).expect("options");
        house.commit(view.id);
        assert_eq!(names(&house, "company").len(), records, "{options}");
    }
}

#[test]
fn rows_put_together_lose_nothing() {
    let house = House::new();
    house.import(
        "contact",
        "a.csv",
        b"id,first_name,last_name,email,phone,title\n7,Rebecca,King,rk@x.example,,CFO\n8,Becky,King,rk@x.example; rk2@x.example,+49 30 555 0101,\n",
    );
    let contact = house.all("contact").remove(0);
    assert_eq!(
        (at(&contact, "/title"), at(&contact, "/phone/0"), at(&contact, "/email/1")),
        ("CFO".into(), "+49 30 555 0101".into(), "rk2@x.example".into())
    );
    // what refers to either of the two finds the one
    house.import("deal", "d.csv", b"id,title,contact_id\n1,First,7\n2,Second,8\n");
    let contacts: Vec<String> = house.all("deal").iter().map(|d| at(d, "/contacts/0/name")).collect();
    assert_eq!(contacts, ["Rebecca King", "Rebecca King"]);
}

#[test]
fn companies_that_contacts_named_are_found_by_their_list() {
    // without ids: by name, as long as no other domain contradicts
    let house = House::new();
    house.import("contact", "p.csv", b"First Name,Last Name,Email,Company\nAnn,Ash,a@x.example,Acme Ltd\n");
    let done =
        house.import("company", "c.csv", b"Name,Domain\nAcme Ltd,acme.example\nAcme Ltd,acme-us.example\n").progress;
    assert_eq!((done.created, done.updated), (1, 1));
    // with ids: two of one name are two, from the contacts' rows on
    let house = House::new();
    let contacts = b"id,first_name,last_name,email,company_id,company\n1,Ann,Ash,a@x.example,11,Acme\n2,Bo,Birch,b@x.example,12,Acme\n3,Cy,Cedar,c@x.example,11,Acme\n";
    let done = house.import("contact", "p.csv", contacts);
    assert_eq!(done.progress.companies_created, 2);
    let contacts = house.all("contact");
    let company = |at: usize| contacts[at]["fields"]["company"]["id"].clone();
    assert_eq!(company(0), company(2));
    assert_ne!(company(0), company(1));
    let list =
        house.import("company", "c.csv", b"id,name,domain\n11,Acme,acme.example\n12,Acme,acme-us.example\n").progress;
    assert_eq!((list.created, list.updated), (0, 2));
}
