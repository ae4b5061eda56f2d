//! Not run by default: `cargo test --release -p aplomb-connect -- --ignored --nocapture` prints rows per second.

use super::*;

#[test]
#[ignore = "measures; run in release"]
fn a_hundred_thousand_rows() {
    let house = House::new();
    let mut companies = String::from("id,name,domain\n");
    (0..20_000).for_each(|i| companies.push_str(&format!("{i},Company {i},c{i}.example\n")));
    let mut contacts =
        String::from("id,company_id,first_name,last_name,email,phone,title,city,country,source,owner,tags,notes\n");
    for i in 0..100_000 {
        contacts.push_str(&format!(
            "{i},{},First{i},Last{i},p{i}@c{}.example,+49 30 555 {i:06},Buyer,Berlin,Germany,web form,admin.user,vip;beta,Asked for a quote\n",
            i % 20_000,
            i % 20_000
        ));
    }
    for (object, file) in [("company", companies), ("contact", contacts)] {
        let done = house.import(object, "volume.csv", file.as_bytes());
        assert_eq!(done.progress.refused, 0, "{}", house.errors(done.id));
        assert!(house.crm.wait_for(house.crm.seq()));
    }
}

/// The check with nothing to note, then with every row a duplicate of a record, and pages of those.
#[test]
#[ignore = "measures; run in release"]
#[expect(clippy::disallowed_methods, reason = "measures")]
fn a_check_of_a_hundred_thousand_rows() {
    const ROWS: u64 = 100_000;
    let house = House::new();
    let file = |from: u64| {
        let mut file = String::from("id,first_name,last_name,email,phone,title,city,country\n");
        for i in from..from + ROWS {
            file.push_str(&format!("{i},First{i},Last{i},p{i}@x.example,+49 30 555 {i:06},Buyer,Berlin,Germany\n"));
        }
        file
    };
    let timed = |what: &str, work: &mut dyn FnMut()| {
        let started = std::time::Instant::now();
        work();
        println!("{what}: {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    };
    let check =
        |what: &str, id: Id| timed(what, &mut || drop(house.imports.check(&house.admin(), id).expect("a check")));
    let first = house.start("contact", "a.csv", file(0).as_bytes());
    check("check, nothing noted", first.id);
    timed("import", &mut || drop(house.commit(first.id)));
    let second = house.start("contact", "b.csv", file(0).as_bytes());
    check("check, all duplicates of records", second.id);
    for after in [0, ROWS / 2, ROWS - 60] {
        timed(&format!("50 duplicates after row {after}"), &mut || {
            let kind = crate::view::RowKind::Duplicate;
            let page = house.imports.rows(&house.admin(), second.id, kind, after, 50).expect("a page");
            assert_eq!((page.rows.len(), page.total), (50, ROWS));
        });
    }
    timed("a cell is changed", &mut || {
        let edits = vec![crate::view::CellEdit { row: ROWS / 2, column: 5, value: Some("Boss".to_owned()) }];
        let change = crate::ImportChange { edits, ..crate::ImportChange::default() };
        assert_eq!(house.imports.update(&house.admin(), second.id, change).expect("changed").1.len(), 1);
    });
    house.crm.start_notices(house.now).expect("started");
    let third = house.start("contact", "c.csv", file(ROWS).as_bytes());
    timed("import, while the log is followed for notices", &mut || drop(house.commit(third.id)));
}
