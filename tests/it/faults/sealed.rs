//! What a thief of the disk sees: nothing. Canaries are imported and searched for, then looked for in every file of
//! the data directory and of the temporary directory, in files that are open and deleted, and in the log.

use std::fs;
use std::io::ErrorKind;

use serde_json::json;

use super::{files, found_in};
use crate::client::Client;
use crate::harness::{Home, Server, UNSEAL};

/// A first name, a last name, an e-mail address, a phone number, a company, and words of a note.
pub const CANARIES: [&str; 6] = [
    "Zebedaeus",
    "Canarybird",
    "canary.bird@nest.example",
    "+49 30 5550173",
    "Aviary Holdings Quux",
    "sings only in the dark",
];

/// Imports the canaries, has them searched, listed, changed, exported, and refused in a row that is no record.
pub fn let_canaries_fly(client: &Client) {
    let [first, last, email, phone, company, note] = CANARIES;
    let file = format!(
        "First name,Last name,E-mail,Phone,Company,Description,Birthday\n\
         {first},{last},{email},{phone},{company},{note},1970-01-01\n\
         {first},{last},second.{email},{phone},{company},{note},no day of {last}\n"
    );
    let path = client.upload("contact", "people.csv", &file);
    client.post(&format!("{path}/check"), json!({})).expect(200);
    client.send("POST", &format!("{path}/commit"), &[], None).expect(202);
    let view = client.import_until(&path, &["done"]);
    let refused = client.get(&format!("{path}/errors.csv")).expect(200);
    assert!(refused.body.as_str().is_some_and(|csv| csv.contains(last)), "{}", refused.body);
    for query in ["canarybird", "canarybrid", "aviary", "nest.example"] {
        let after = view["seq"].as_u64().unwrap_or_default();
        let found = client.get(&format!("/api/v1/search?q={query}&after={after}")).expect(200).body;
        assert!(found["results"].as_array().is_some_and(|results| !results.is_empty()), "{query}: {found}");
    }
    let filter = json!({"filter": {"field": "name.last", "op": "startsWith", "value": last}});
    let list = client.all("contact", &filter);
    assert_eq!(list.len(), 1);
    let contact = format!("/api/v1/records/contact/{}", list[0]["id"].as_str().expect("an id"));
    client.patch(&contact, json!({"fields": {"title": format!("Keeper of {last}")}})).expect(200);
    client.patch(&contact, json!({"fields": {"email": [format!("not an address of {last}")]}})).expect(422);
    let related = [("subject", json!(format!("About {last}"))), ("body", json!(note))];
    let fields: serde_json::Map<_, _> = related.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let noted = client.post("/api/v1/records/note", json!({"fields": fields}));
    assert!(matches!(noted.status, 201 | 422), "{}", noted.body);
    let file = client.form("/api/v1/files", &[], &[], (&format!("{last}.txt"), &format!("{first} {note}"))).expect(201);
    client.patch(&contact, json!({"fields": {"files": [file.body]}})).expect(200);
    let id = contact.rsplit('/').next().unwrap_or_default();
    let read = client.get(&format!("/api/v1/files/{}?record=contact/{id}", file.text("/id"))).expect(200);
    assert_eq!(read.body, json!(format!("{first} {note}")));
    client.form("/api/v1/files", &[], &[], (&format!("{last}.csv"), note)).expect(201);
    client.get("/api/v1/export/contact?format=csv").expect(200);
    client.get("/api/v1/export/contact?format=jsonl").expect(200);
    client.delete(&contact).expect(204);
    client.send("POST", &format!("{contact}/restore"), &[], None).expect(200);
}

/// Starts a server that logs everything and has a temporary directory of its own.
fn serve(home: &Home, unsealed: bool) -> Server {
    let tmp = home.path().join("tmp");
    fs::create_dir_all(&tmp).expect("a directory");
    home.serve_with(unsealed, |command| {
        command.env("TMPDIR", &tmp).env("APLOMB_LOG", "trace").current_dir(&tmp);
    })
}

#[track_caller]
fn nowhere(home: &Home) {
    let mut all = Vec::new();
    files(home.path(), &mut all);
    assert!(all.len() > 10 && all.iter().any(|file| file.extension().is_some_and(|ending| ending == "log")));
    for file in &all {
        match fs::read(file) {
            Ok(bytes) => not_in(&bytes, &file.display().to_string()),
            Err(gone) => {
                assert_eq!(gone.kind(), ErrorKind::NotFound, "{}: a running server may remove it", file.display())
            }
        }
    }
}

#[track_caller]
fn not_in(bytes: &[u8], place: &str) {
    let found = found_in(bytes, &CANARIES);
    assert!(found.is_empty(), "{found:?} can be read in {place}");
}

/// Whatever the server has open as a file, also where its name is gone.
#[track_caller]
fn not_in_open_files(server: &Server) {
    let mut looked = 0;
    for entry in fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("its files").flatten() {
        if fs::metadata(entry.path()).is_ok_and(|about| about.is_file()) {
            not_in(&fs::read(entry.path()).unwrap_or_default(), &format!("{:?}", fs::read_link(entry.path())));
            looked += 1;
        }
    }
    assert!(looked > 3, "only {looked} open files");
}

#[test]
fn nothing_readable_lies_on_the_disk() {
    let home = Home::set_up();
    let key = home.token();
    let server = serve(&home, true).ready();
    let client = Client::with_key(&server, &key);
    let_canaries_fly(&client);
    not_in_open_files(&server);
    nowhere(&home);
    server.stop();
    nowhere(&home);
    let server = serve(&home, true).ready();
    let_canaries_fly(&Client::with_key(&server, &key));
    server.kill();
    nowhere(&home);
}

#[test]
fn without_the_right_secret_the_server_is_sealed() {
    let home = Home::set_up();
    let key = home.token();
    let wrong_file = home.path().join("wrong");
    fs::write(&wrong_file, "not the secret at all\n").expect("a file");
    let given: [Option<&std::path::Path>; 3] = [None, Some(&wrong_file), Some(std::path::Path::new("/nowhere/unseal"))];
    for secret in given {
        let server = home.serve_with(false, |command| {
            if let Some(path) = secret {
                command.arg("--unseal-file").arg(path);
            }
        });
        let client = Client::with_key(&server, &key);
        for (method, path) in
            [("GET", "/records/contact"), ("GET", "/search?q=x"), ("POST", "/session"), ("GET", "/users")]
        {
            let body = (method == "POST").then(|| json!({"email": "a@b.example", "password": "x"}).to_string());
            let refused = client.send(method, &format!("/api/v1{path}"), &[], body).expect(503);
            assert_eq!(refused.problem(), "sealed", "{method} {path} with {secret:?}");
        }
        let wrong = client.post("/api/v1/unseal", json!({"secret": "not the secret either"})).expect(401);
        assert_eq!(wrong.problem(), "bad_credentials");
        client.get("/readyz").expect(503);
        client.post("/api/v1/unseal", json!({"secret": UNSEAL})).expect(200);
        let server = server.ready();
        client.get("/api/v1/records/contact").expect(200);
        server.stop();
    }
}
