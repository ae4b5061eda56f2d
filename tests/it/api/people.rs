//! Several users in one house, each with a key of full scope: for what one learns of another.

use serde_json::json;

use crate::client::Client;
use crate::harness::{ADMIN, Home, PASSWORD, Server};

pub struct Person {
    pub id: String,
    pub key: String,
    pub client: Client,
}

impl Person {
    /// The administrator.
    pub fn admin(server: &Server) -> Person {
        let id = Client::log_in(server, ADMIN, PASSWORD).get("/api/v1/session").expect(200).text("/user/id").to_owned();
        Person::with_session(server, id, &Client::log_in(server, ADMIN, PASSWORD))
    }

    pub fn new(server: &Server, name: &str, role: &str) -> Person {
        let email = format!("{}@acme.example", name.to_lowercase());
        let user = json!({"name": name, "email": email, "password": PASSWORD, "roles": [role]});
        let made = Client::log_in(server, ADMIN, PASSWORD).post("/api/v1/users", user).expect(201);
        Person::with_session(server, made.text("/id").to_owned(), &Client::log_in(server, &email, PASSWORD))
    }

    fn with_session(server: &Server, id: String, session: &Client) -> Person {
        let key = session.post("/api/v1/tokens", json!({"name": "all", "scopes": ["admin"]})).expect(201);
        let key = key.text("/key").to_owned();
        Person { id, client: Client::with_key(server, &key), key }
    }

    /// The same person on another server over the same data.
    pub fn at(&self, server: &Server) -> Person {
        Person { id: self.id.clone(), key: self.key.clone(), client: Client::with_key(server, &self.key) }
    }

    /// A lead that belongs to somebody; its address.
    pub fn lead(&self, name: &str, owner: &Person) -> String {
        let fields = json!({"fields": {"name": name, "owner": owner.id}});
        let made = self.client.post("/api/v1/records/lead", fields).expect(201);
        format!("/api/v1/records/lead/{}", made.text("/id"))
    }
}

/// A house, its server, the administrator and two reps who see only what is theirs.
pub fn house() -> (Home, Server, [Person; 3]) {
    let home = Home::set_up();
    let server = home.serve(true).ready();
    let people =
        [Person::admin(&server), Person::new(&server, "Rita", "salesRep"), Person::new(&server, "Otto", "salesRep")];
    (home, server, people)
}
