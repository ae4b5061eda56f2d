//! The use cases over a real store and index in a temporary directory.

mod admin;
mod business;
mod files;
mod notices;
mod records;
mod rights;
mod upkeep;
mod user_jobs;
mod views;

use std::sync::Arc;

use aplomb_model::{Id, Query, Timestamp};
use aplomb_vault::DataKey;
use serde_json::{Value as Json, json};

use crate::{Crm, CrmOptions, Ctx, LoginFrom, Map, Random, Setup};

pub const PASSWORD: &str = "correct horse battery staple 42";
pub const EMAIL: &str = "ada@example.com";

/// An organisation with one admin, and a clock that stands still until it is moved.
pub struct House {
    pub crm: Crm,
    pub dir: tempfile::TempDir,
    pub now: Timestamp,
    pub random: Random,
}

pub fn options() -> CrmOptions {
    CrmOptions {
        store_cache_bytes: 8 << 20,
        search_cache_bytes: 8 << 20,
        search_writer_bytes: 16 << 20,
        search_threads: 1,
        password_memory_kib: 64,
    }
}

pub fn key() -> DataKey {
    DataKey::from_bytes(&[7; 32])
}

impl House {
    pub fn new() -> House {
        House::with_sample(false)
    }

    pub fn with_sample(sample: bool) -> House {
        let dir = tempfile::tempdir().unwrap();
        let crm = Crm::open(dir.path(), key(), options()).unwrap();
        let now: Timestamp = "2026-03-18T10:00:00Z".parse().unwrap();
        let random = Random::seeded(1);
        let setup = Setup {
            organisation: "Acme".into(),
            currency: "EUR".into(),
            time_zone: "Europe/Berlin".into(),
            language: "en".into(),
            admin_name: "Ada Lovelace".into(),
            admin_email: EMAIL.into(),
            admin_password: PASSWORD.into(),
            sample,
        };
        crm.setup(now, &random, setup).unwrap();
        House { crm, dir, now, random }
    }

    pub fn admin(&self) -> Ctx {
        self.as_user(self.crm.user_by_email(EMAIL).unwrap().unwrap())
    }

    pub fn as_user(&self, user: Id) -> Ctx {
        let actor = self.crm.actor_of(user).unwrap();
        self.crm.ctx(actor, self.now, self.random.clone(), "test")
    }

    /// A user with one role; his context.
    pub fn user(&self, name: &str, role: &str) -> Ctx {
        let email = format!("{}@example.com", name.to_lowercase());
        let fields = json!({"name": name, "email": email, "password": PASSWORD, "roles": [role]});
        let user = self.crm.user_create(&self.admin(), map(fields)).unwrap();
        self.as_user(id_of(&user))
    }

    pub fn later(&mut self, seconds: i64) {
        self.now = self.now.plus_seconds(seconds);
    }

    pub fn create(&self, ctx: &Ctx, object: &str, fields: Json) -> Json {
        self.crm.create(ctx, object, map(fields)).unwrap().record
    }

    /// Titles of a list, after everything written so far.
    pub fn titles(&self, ctx: &Ctx, object: &str, query: Json) -> Vec<String> {
        let page = self.crm.query(ctx, object, &self.fresh(query)).unwrap();
        page.records.iter().map(|r| r["title"].as_str().unwrap().to_owned()).collect()
    }

    pub fn fresh(&self, query: Json) -> Query {
        let query: Query = serde_json::from_value(query).unwrap();
        Query { after: Some(self.crm.seq()), ..query }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.crm.close();
    }
}

pub fn map(json: Json) -> Map {
    match json {
        Json::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

pub fn from(address: &str) -> LoginFrom {
    LoginFrom { address: address.to_owned(), device: "Test on Linux".to_owned() }
}

pub fn id_of(json: &Json) -> Id {
    json["id"].as_str().unwrap().parse().unwrap()
}

#[test]
fn everything_survives_a_restart() {
    let house = House::new();
    let admin = house.admin();
    let id = id_of(&house.create(&admin, "contact", json!({"name": {"first": "Grace", "last": "Hopper"}})));
    let token = house.crm.login(house.now, &house.random, EMAIL, PASSWORD, &from("::1")).unwrap().token;
    house.crm.close();
    let crm = Crm::open(house.dir.path(), key(), options()).unwrap();
    assert!(crm.is_set_up());
    let now = house.now.plus_seconds(3_600);
    let (actor, session) = crm.session(now, &token).unwrap();
    assert!(!session.csrf.is_empty());
    let ctx = crm.ctx(actor, now, Random::seeded(2), "test");
    assert_eq!(crm.get(&ctx, "contact", id, &[]).unwrap().record["title"], "Grace Hopper");
    let query = Query { q: Some("hopper".into()), after: Some(crm.seq()), ..Query::default() };
    assert_eq!(crm.query(&ctx, "contact", &query).unwrap().records.len(), 1);
    assert_eq!(crm.verify(&|_| ()).unwrap().problems, Vec::<String>::new());
    crm.close();
}

#[test]
fn many_writers_at_once_lose_nothing() {
    let house = House::new();
    let admin = house.admin();
    let contact = house.create(&admin, "contact", json!({"name": "Grace Hopper"}));
    let house = Arc::new(house);
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let (house, admin, contact) = (house.clone(), admin.clone(), contact["id"].clone());
            std::thread::spawn(move || {
                for i in 0..10 {
                    let fields = json!({"subject": format!("call {n}.{i}"), "at": "2026-03-17T10:00:00Z", "related": [{"object": "contact", "id": contact}]});
                    house.crm.create(&admin, "call", map(fields)).unwrap();
                    house.crm.create(&admin, "ticket", map(json!({"subject": "t"}))).unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    assert_eq!(house.titles(&admin, "call", json!({"limit": 100})).len(), 40);
    let page = house.crm.query(&admin, "ticket", &house.fresh(json!({"limit": 100}))).unwrap();
    let mut numbers: Vec<_> = page.records.iter().map(|r| r["fields"]["number"].as_str().unwrap().to_owned()).collect();
    numbers.sort();
    assert_eq!(numbers, (1..=40).map(|n| format!("T-{n:05}")).collect::<Vec<_>>());
}
