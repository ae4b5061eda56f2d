//! Whole imports over a real store and index: the vendors' files, bad rows, repeats, crashes, reverts.

mod bad_input;
mod crash;
mod cycle;
mod rows;
mod rules;
mod same;
mod vendors;
mod volume;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aplomb_crm::{Crm, CrmOptions, Ctx, Map, Random, Setup};
use aplomb_model::{Id, Query, Timestamp};
use aplomb_vault::{DataKey, SealedDir};
use serde_json::{Value as Json, json};

use super::{Imports, Now};
use crate::view::{ImportView, MapTo, Status};

pub const ADMIN: &str = "admin@example.com";

/// An organisation in Berlin with one admin called Admin User, and its imports.
pub struct House {
    pub crm: Crm,
    pub imports: Imports,
    pub now: Timestamp,
    pub random: Random,
    /// removed in the end; `None`: somebody else's
    dir: Option<tempfile::TempDir>,
}

impl House {
    pub fn new() -> House {
        let dir = tempfile::tempdir().expect("a directory");
        let house = House::open(dir, House::time());
        let now = house.now;
        let setup = Setup {
            organisation: "Acme".into(),
            currency: "EUR".into(),
            time_zone: "Europe/Berlin".into(),
            language: "en".into(),
            admin_name: "Admin User".into(),
            admin_email: ADMIN.into(),
            admin_password: "correct horse battery staple 42".into(),
            sample: false,
        };
        house.crm.setup(now, &house.random, setup).expect("set up");
        house
    }

    pub fn time() -> Timestamp {
        "2026-03-18T10:00:00Z".parse().expect("a time")
    }

    /// Opens what is there; jobs do not run yet.
    pub fn open(dir: tempfile::TempDir, now: Timestamp) -> House {
        let house = House::open_at(dir.path(), now);
        House { dir: Some(dir), ..house }
    }

    /// Lets go of everything but the directory.
    pub fn close(self) -> (Timestamp, tempfile::TempDir) {
        self.crm.close();
        (self.now, self.dir.expect("a directory of its own"))
    }

    pub fn open_at(dir: &Path, now: Timestamp) -> House {
        let key = DataKey::from_bytes(&[7; 32]);
        let options = CrmOptions {
            store_cache_bytes: 8 << 20,
            search_cache_bytes: 8 << 20,
            search_writer_bytes: 16 << 20,
            search_threads: 1,
            password_memory_kib: 64,
        };
        let uploads = SealedDir::new(&dir.join("uploads"), key.subkey("uploads"), 4 << 20).expect("uploads");
        let crm = Crm::open(dir, key, options).expect("a store");
        let random = Random::seeded(now.micros() as u64);
        let clock: Now = Arc::new(move || now);
        let imports = Imports::new(crm.clone(), uploads, clock, random.clone());
        House { crm, imports, now, random, dir: None }
    }

    pub fn start_jobs(&self) {
        let now = self.now;
        self.crm.start_jobs(Arc::new(move || now), self.random.clone());
    }

    pub fn admin(&self) -> Ctx {
        self.ctx_of(self.crm.user_by_email(ADMIN).expect("a store").expect("the admin"))
    }

    pub fn ctx_of(&self, user: Id) -> Ctx {
        let actor = self.crm.actor_of(user).expect("a user");
        self.crm.ctx(actor, self.now, self.random.clone(), "test")
    }

    /// A user with one role.
    pub fn user(&self, name: &str, role: &str) -> Id {
        let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
        let fields =
            json!({"name": name, "email": email, "password": "correct horse battery staple 43", "roles": [role]});
        let user = self.crm.user_create(&self.admin(), map(fields)).expect("a user");
        user["id"].as_str().and_then(|t| t.parse().ok()).expect("an id")
    }

    pub fn start(&self, object: &str, name: &str, bytes: &[u8]) -> ImportView {
        let mut bytes = bytes;
        self.imports.start(&self.admin(), object, name, &mut bytes).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn commit(&self, id: Id) -> ImportView {
        self.imports.commit(&self.admin(), id).expect("a commit");
        self.start_jobs();
        self.wait(id)
    }

    pub fn wait(&self, id: Id) -> ImportView {
        self.imports.wait(&self.admin(), id, Duration::from_secs(60)).expect("an import")
    }

    /// Upload, check, commit with nothing but a confirmation.
    pub fn import(&self, object: &str, name: &str, bytes: &[u8]) -> ImportView {
        let view = self.start(object, name, bytes);
        let done = self.commit(view.id);
        assert_eq!(done.status, Status::Done, "{name}: {:?}", done.error);
        done
    }

    pub fn revert(&self, id: Id) -> ImportView {
        self.imports.revert(&self.admin(), id).expect("a revert");
        self.wait(id)
    }

    /// All records of an object, as the API gives them, by the order of their creation.
    pub fn all(&self, object: &str) -> Vec<Json> {
        self.crm.wait_for(self.crm.seq());
        let mut out = Vec::new();
        self.crm
            .export(&self.admin(), object, &Query::default(), &mut |page| {
                out.extend(page);
                Ok(())
            })
            .expect("an export");
        out.sort_by_key(|r| r["id"].as_str().unwrap_or_default().to_owned());
        out
    }

    pub fn errors(&self, id: Id) -> String {
        let mut out = Vec::new();
        self.imports.errors_csv(&self.admin(), id, &mut out).expect("a file");
        String::from_utf8(out).expect("UTF-8")
    }
}

pub fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/import").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn map(json: Json) -> Map {
    match json {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}

pub fn to(column: usize, field: &str) -> MapTo {
    MapTo { column, field: Some(field.to_owned()) }
}

/// A field of a record by a JSON pointer within `fields`; a text in full, anything else as JSON.
pub fn at(record: &Json, pointer: &str) -> String {
    match record["fields"].pointer(pointer) {
        Some(Json::String(s)) => s.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

pub fn none() -> Map {
    map(json!({}))
}
