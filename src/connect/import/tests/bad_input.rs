//! Files that are broken or meant to do harm: a clear error, and nothing half done.

use aplomb_model::Code;

use super::*;

#[test]
fn files_that_are_no_tables_are_refused() {
    let house = House::new();
    let wide = format!("{}\n1,2\n", (0..10_000).map(|i| format!("h{i}")).collect::<Vec<_>>().join(","));
    let noise: Vec<u8> = (0..5_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (name, bytes, code) in [
        ("empty.csv", &b""[..], Code::Invalid),
        ("blank.csv", b"\n\n\n", Code::Invalid),
        ("header.csv", b"Name,Email\n", Code::Invalid),
        ("wide.csv", wide.as_bytes(), Code::Invalid),
        ("noise.csv", &noise, Code::UnsupportedMedia),
        ("picture.csv", b"\x89PNG\r\n\x1a\n0000", Code::UnsupportedMedia),
        ("broken.xlsx", b"PK\x03\x04broken", Code::Invalid),
        ("cards.vcf", b"no card\n", Code::Invalid),
    ] {
        let mut reader = bytes;
        let error = house.imports.start(&house.admin(), "contact", name, &mut reader).expect_err(name);
        assert_eq!(error.code, code, "{name}: {error}");
    }
    let left = house.imports.uploads.list().expect("a list");
    assert!(left.is_empty(), "refused uploads are removed: {left:?}");
    assert!(house.imports.list(&house.admin()).expect("a list").is_empty());
}

#[test]
fn rows_that_are_broken_cost_only_themselves() {
    let house = House::new();
    let big = "y".repeat(1_100_000);
    let many = "z,".repeat(10_000);
    let file = format!(
        "First Name,Last Name,Email,Birthday\nAnn,Ash,ann@x.example,\nBig,{big},big@x.example,\n{many}\nNul,\0,nul@x.example,\nBo,Birch,bo@x.example,31.12.9999\nYo,Year,yo@x.example,01.01.0000\n"
    );
    let done = house.import("contact", "a.csv", file.as_bytes());
    assert_eq!((done.progress.created, done.progress.refused), (2, 4), "{}", house.errors(done.id).len());
}

#[test]
fn amounts_beyond_all_bounds_are_refused() {
    let house = House::new();
    let file = b"Deal Name,Amount\nA,1000000000000000000000000000000\nB,1e30\nC,12.50\nD,abc\n";
    let done = house.import("deal", "d.csv", file);
    assert_eq!((done.progress.created, done.progress.refused), (1, 3), "{}", house.errors(done.id));
}

#[test]
fn only_who_may_import_does() {
    let house = House::new();
    let fields = map(
        json!({"name": "Reader", "email": "reader@example.com", "password": "correct horse battery staple 43", "roles": ["readOnly"]}),
    );
    let user = house.crm.user_create(&house.admin(), fields);
    let Ok(user) = user else { return };
    let id: Id = user["id"].as_str().and_then(|t| t.parse().ok()).expect("an id");
    let actor = house.crm.actor_of(id).expect("an actor");
    let ctx = house.crm.ctx(actor, house.now, house.random.clone(), "test");
    let mut reader = &b"Name\nA\n"[..];
    let error = house.imports.start(&ctx, "contact", "a.csv", &mut reader).expect_err("no right");
    assert_eq!(error.code, Code::Forbidden);
}
