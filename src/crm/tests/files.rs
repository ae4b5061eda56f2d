//! Files of records: who may read one, and when it goes.

use std::fs;
use std::io::Write;

use aplomb_model::{Code, FileRef, Id};
use serde_json::{Value as Json, json};

use super::{House, id_of, key, map, options};
use crate::{Crm, Ctx, files, upkeep};

const DAY: i64 = 86_400;

impl House {
    fn upload(&self, ctx: &Ctx, name: &str, content: &[u8]) -> FileRef {
        let mut upload = self.crm.file_begin(ctx).unwrap();
        upload.write_all(content).unwrap();
        self.crm.file_keep(ctx, upload, name).unwrap().0
    }

    fn read(&self, ctx: &Ctx, file: Id, record: Option<(&str, Id)>) -> Result<Vec<u8>, Code> {
        let opened = self.crm.file_open(ctx, file, record).map_err(|error| error.code)?;
        Ok(opened.content.read(0..opened.content.len()).unwrap().to_vec())
    }

    /// Files on the disk.
    fn stored(&self) -> usize {
        fs::read_dir(self.dir.path().join("files")).unwrap().count()
    }

    fn files_of(&self, object: &str, id: Id) -> Json {
        self.crm.get(&self.admin(), object, id, &[]).unwrap().record["fields"]["files"].clone()
    }
}

#[test]
fn a_file_is_read_through_the_record_that_refers_to_it() {
    let house = House::new();
    let (rep, other, admin) = (house.user("Rita", "salesRep"), house.user("Otto", "salesRep"), house.admin());
    let file = house.upload(&rep, "offer.pdf", b"%PDF-1.7 offer");
    assert_eq!((file.size, file.media_type.as_str()), (14, "application/pdf"));
    assert_eq!(house.read(&rep, file.id, None).unwrap(), b"%PDF-1.7 offer");
    for reader in [&other, &admin] {
        assert_eq!(house.read(reader, file.id, None), Err(Code::NotFound), "only the uploader's so far");
    }

    // What the caller says of a file does not count, and nobody takes what another uploaded.
    let lied = json!([{"id": file.id, "name": "x.exe", "size": 1, "mediaType": "text/html"}, file.id]);
    for thief in [&other, &admin] {
        let theft = house.crm.create(thief, "lead", map(json!({"name": "Mine", "files": lied}))).unwrap_err();
        assert_eq!((theft.code, theft.fields[0].field.as_str()), (Code::Invalid, "files"));
    }
    let lead = id_of(&house.create(&rep, "lead", json!({"name": "Lea Der", "files": lied})));
    assert_eq!(house.files_of("lead", lead), json!([file]));

    let (through, missing) = (Some(("lead", lead)), Err(Code::NotFound));
    assert!(house.read(&rep, file.id, through).is_ok() && house.read(&admin, file.id, through).is_ok());
    assert_eq!(house.read(&other, file.id, through), missing, "he may not read the lead");
    assert_eq!(house.read(&rep, file.id, None), missing, "the record's now");
    let unrelated = id_of(&house.create(&rep, "lead", json!({"name": "Another One"})));
    assert_eq!(house.read(&rep, file.id, Some(("lead", unrelated))), missing);
    assert_eq!(house.read(&rep, Id::MAX, through), missing);
    let viewer = house.user("Eva", "executive");
    assert_eq!(house.crm.file_begin(&viewer).err().map(|error| error.code), Some(Code::Forbidden));
    assert!(house.read(&viewer, file.id, through).is_ok());
}

#[test]
fn what_no_record_refers_to_goes_after_a_day() {
    let mut house = House::new();
    let admin = house.admin();
    let [kept, taken_out, never] = ["a", "b", "c"].map(|name| house.upload(&admin, name, name.as_bytes()));
    drop(house.crm.file_begin(&admin).unwrap());
    assert_eq!(house.stored(), 3, "a broken-off upload leaves nothing");
    let deal = id_of(&house.create(&admin, "deal", json!({"name": "Big", "files": [kept, taken_out]})));
    house.later(DAY);
    let admin = house.admin();
    house.crm.update(&admin, "deal", deal, None, map(json!({"files": [kept]}))).unwrap();
    assert_eq!(files::remove_loose(&house.crm, house.now).unwrap(), 0, "a day is not over");
    house.later(1);
    assert_eq!(files::remove_loose(&house.crm, house.now).unwrap(), 1);
    let admin = house.admin();
    assert_eq!(house.read(&admin, never.id, None), Err(Code::NotFound));
    assert!(house.read(&admin, taken_out.id, None).is_ok());

    // Within the day it can be brought back; after it an undo does without.
    house.crm.undo(&admin, "deal", deal, 1).unwrap();
    assert_eq!(house.files_of("deal", deal), json!([kept, taken_out]));
    house.crm.update(&admin, "deal", deal, None, map(json!({"files": [kept]}))).unwrap();
    house.later(DAY + 1);
    assert_eq!(files::remove_loose(&house.crm, house.now).unwrap(), 1);
    house.crm.undo(&house.admin(), "deal", deal, 1).unwrap();
    assert_eq!(house.files_of("deal", deal), json!([kept]));
    assert_eq!((house.stored(), files::remove_loose(&house.crm, house.now).unwrap()), (1, 0));
    assert_eq!(house.crm.verify(&|_| ()).unwrap().problems, Vec::<String>::new());
}

#[test]
fn files_of_a_purged_record_go_with_it() {
    let mut house = House::new();
    let admin = house.admin();
    let [own, shared] = ["own", "shared"].map(|name| house.upload(&admin, name, name.as_bytes()));
    let contact = id_of(&house.create(&admin, "contact", json!({"name": "Ada", "files": [own, shared]})));
    let deal = id_of(&house.create(&admin, "deal", json!({"name": "Big", "files": [shared]})));
    house.crm.trash(&admin, "contact", contact, None).unwrap();
    house.later(90 * DAY);
    assert_eq!((upkeep::empty_trash(&house.crm, house.now).unwrap(), house.stored()), (0, 2));
    assert!(house.read(&house.admin(), own.id, Some(("contact", contact))).is_ok(), "still in the trash");
    house.later(1);
    assert_eq!((upkeep::empty_trash(&house.crm, house.now).unwrap(), house.stored()), (1, 1));
    assert!(house.read(&house.admin(), shared.id, Some(("deal", deal))).is_ok());
    assert_eq!(house.crm.verify(&|_| ()).unwrap().problems, Vec::<String>::new());
}

#[test]
fn many_that_take_and_give_the_same_file_agree_on_who_holds_it() {
    let house = House::new();
    let admin = house.admin();
    let file = house.upload(&admin, "a", b"a");
    let deals: Vec<_> = (0..4).map(|_| id_of(&house.create(&admin, "deal", json!({"name": "D"})))).collect();
    std::thread::scope(|scope| {
        for deal in &deals {
            let (house, admin, file) = (&house, &admin, &file);
            scope.spawn(move || {
                for _ in 0..5 {
                    for held in [json!([file]), json!([])] {
                        let set = || house.crm.update(admin, "deal", *deal, None, map(json!({"files": held})));
                        while let Err(refused) = set() {
                            assert_eq!(refused.code, Code::Conflict, "another one was quicker");
                        }
                    }
                }
            });
        }
    });
    assert!(house.read(&admin, file.id, None).is_ok(), "nobody's again");
    assert_eq!(files::remove_loose(&house.crm, house.now.plus_days(2)).unwrap(), 1);
}

#[test]
fn a_start_removes_what_nothing_tells_of_and_verify_finds_what_is_missing() {
    let house = House::new();
    let admin = house.admin();
    let [kept, lost] = ["kept", "lost"].map(|name| house.upload(&admin, name, name.as_bytes()));
    house.create(&admin, "ticket", json!({"subject": "T", "files": [kept, lost]}));
    house.crm.close();
    let files = house.dir.path().join("files");
    fs::copy(files.join(kept.id.to_string()), files.join(Id::MAX.to_string())).unwrap();
    fs::remove_file(files.join(lost.id.to_string())).unwrap();
    let crm = Crm::open(house.dir.path(), key(), options()).unwrap();
    assert_eq!(house.stored(), 1);
    let problems = crm.verify(&|_| ()).unwrap().problems;
    assert!(problems.len() == 1 && problems[0].contains(&lost.id.to_string()), "{problems:?}");
    crm.close();
}
