//! Files of records over HTTP: what goes in comes out, to those who may have it, in a form that no browser runs.

use serde_json::{Value as Json, json};

use crate::client::{Answer, Client};
use crate::harness::{ADMIN, Home, PASSWORD, Server};

const FILES: &str = "/api/v1/files";

fn user(server: &Server, name: &str, role: &str) -> Client {
    let admin = Client::log_in(server, ADMIN, PASSWORD);
    let email = format!("{name}@acme.example");
    let user = json!({"name": name, "email": email, "password": PASSWORD, "roles": [role]});
    admin.post("/api/v1/users", user).expect(201);
    Client::log_in(server, &email, PASSWORD)
}

fn upload(client: &Client, name: &str, content: &str) -> Json {
    let made = client.form(FILES, &[], &[], (name, content)).expect(201);
    assert_eq!(made.header("location"), format!("{FILES}/{}", made.text("/id")));
    made.body
}

fn path(file: &Json, rest: &str) -> String {
    format!("{FILES}/{}{rest}", file["id"].as_str().expect("an id"))
}

#[test]
fn whoever_may_read_the_record_may_read_its_files() {
    let home = Home::set_up();
    let server = home.serve(true).ready();
    let (rep, other) = (user(&server, "rita", "salesRep"), user(&server, "otto", "salesRep"));
    let (admin, viewer) = (Client::log_in(&server, ADMIN, PASSWORD), user(&server, "eva", "executive"));
    assert_eq!(viewer.form(FILES, &[], &[], ("a", "a")).expect(403).problem(), "forbidden");
    assert_eq!(Client::new(&server).form(FILES, &[], &[], ("a", "a")).expect(401).problem(), "unauthenticated");

    let file = upload(&rep, "offer.pdf", "%PDF-1.7 offer");
    assert_eq!(
        (&file["name"], &file["size"], &file["mediaType"]),
        (&json!("offer.pdf"), &json!(14), &json!("application/pdf"))
    );
    assert_eq!(rep.get(&path(&file, "")).expect(200).body, json!("%PDF-1.7 offer"));
    for client in [&other, &admin] {
        assert_eq!(client.get(&path(&file, "")).expect(404).problem(), "not_found");
        let theft = client.post("/api/v1/records/lead", json!({"fields": {"name": "T", "files": [file]}})).expect(422);
        assert_eq!((theft.text("/errors/0/field"), theft.text("/errors/0/code")), ("files", "not_found"));
    }
    let lead =
        rep.post("/api/v1/records/lead", json!({"fields": {"name": "Lea Der", "files": [file["id"]]}})).expect(201);
    assert_eq!(lead.body["fields"]["files"], json!([file]));
    let through = path(&file, &format!("?record=lead/{}", lead.text("/id")));
    for (client, status) in [(&rep, 200), (&admin, 200), (&viewer, 200), (&other, 404), (&Client::new(&server), 401)] {
        assert_eq!(client.get(&through).status, status);
        assert_ne!(client.get(&path(&file, "")).status, 200, "it is the record's now");
    }
    let filter = json!({"filter": {"field": "files", "op": "isEmpty", "value": false}});
    let listed = rep.post(&format!("/api/v1/records/lead/query?after={}", lead.header("x-aplomb-seq")), filter);
    assert_eq!(listed.expect(200).body["records"][0]["id"], lead.body["id"]);

    for (rest, status, code) in [
        ("?record=lead", 422, "invalid"),
        ("?record=lead/x", 422, "invalid"),
        ("?record=nothing/01890000-0000-7000-8000-000000000000", 404, "not_found"),
        ("?record=lead/01890000-0000-7000-8000-000000000000", 404, "not_found"),
        ("?inline=maybe", 422, "invalid"),
        ("?nonsense=1", 422, "invalid"),
    ] {
        assert_eq!(rep.get(&path(&file, rest)).expect(status).problem(), code, "{rest}");
    }
    assert_eq!(rep.get(&format!("{FILES}/none")).expect(404).problem(), "not_found");
    let none = json!({"fields": {"files": null}});
    rep.patch(&format!("/api/v1/records/lead/{}", lead.text("/id")), none).expect(200);
    rep.get(&through).expect(404);
    rep.get(&path(&file, "")).expect(200);
}

#[test]
fn nothing_that_comes_out_acts_for_this_origin() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let client = Client::with_key(&server, key);
    let page = "<!doctype html><script>alert(1)</script>";
    let cases = [
        ("offer.pdf", "%PDF-1.7", "application/pdf", "inline"),
        ("picture.png", page, "text/plain; charset=utf-8", "inline"),
        ("page.html", page, "text/plain; charset=utf-8", "inline"),
        ("logo.svg", "<svg onload='x()'/>", "text/plain; charset=utf-8", "inline"),
        ("list.csv", "name\nGröße\n", "text/csv; charset=utf-8", "inline"),
        ("data.json", "{}", "application/json", "attachment"),
        ("offer.zip", "PK\u{3}\u{4}", "application/zip", "attachment"),
        ("bytes.txt", "\u{0}\u{1}", "application/octet-stream", "attachment"),
    ];
    for (name, content, media_type, shown) in cases {
        let file = upload(&client, name, content);
        for (query, disposition) in [("", "attachment"), ("?inline=0", "attachment"), ("?inline=1", shown)] {
            let answer = client.get(&path(&file, query)).expect(200);
            let found = (answer.header("content-type"), answer.header("content-disposition"));
            assert_eq!(found, (media_type, format!("{disposition}; filename=\"{name}\"").as_str()));
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("content-length"), content.len().to_string());
            assert!(answer.header("content-security-policy").contains("sandbox"), "{name}{query}");
        }
    }
    let file = upload(&client, "../Angebot für Ö.txt", "ä");
    assert_eq!(file["name"], "Angebot für Ö.txt");
    let exact = "filename*=UTF-8''Angebot%20f%C3%BCr%20%C3%96.txt";
    assert!(client.get(&path(&file, "")).header("content-disposition").ends_with(exact));
}

#[test]
fn parts_of_large_files_are_read_alone() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let client = Client::with_key(&server, key);
    let content: String = (0..40_000).map(|n| format!("{n:06}\n")).collect();
    let file = upload(&client, "numbers.txt", &content);
    let whole = client.get(&path(&file, "")).expect(200);
    assert_eq!((whole.body.as_str(), whole.header("accept-ranges")), (Some(content.as_str()), "bytes"));
    let ask = |headers: &[(&str, &str)]| -> Answer { client.send("GET", &path(&file, ""), headers, None) };
    for (range, expect) in
        [("bytes=0-6", 0..7), ("bytes=65530-131080", 65_530..131_081), ("bytes=-7", 279_993..280_000)]
    {
        let part = ask(&[("range", range)]);
        assert_eq!(part.status, 206, "{range}");
        assert!(part.body.as_str() == Some(&content[expect.clone()]), "{range}");
        assert_eq!(part.header("content-range"), format!("bytes {}-{}/280000", expect.start, expect.end - 1));
    }
    for headers in [&[("range", "bytes=280000-")][..], &[("range", "bytes=0-1"), ("if-range", "\"another\"")]] {
        assert_eq!(ask(headers).expect(200).body.as_str().map(str::len), Some(content.len()));
    }
    ask(&[("range", "bytes=0-1"), ("if-range", whole.header("etag"))]).expect(206);
    let empty = upload(&client, "empty.txt", "");
    assert_eq!(client.get(&path(&empty, "")).expect(200).body, json!(""));
}
