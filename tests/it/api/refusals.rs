//! What is refused says so in one form, whatever is wrong with it, and nothing makes a 5xx.

use serde_json::json;

use crate::client::Client;
use crate::harness::{ADMIN, Home};

#[test]
fn everything_refused_is_a_problem_document() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let client = Client::with_key(&server, key);
    let unknown = "/api/v1/records/contact/01890000-0000-7000-8000-000000000000";
    let text = |text: &str| Some(text.to_owned());
    let deep = format!("{{\"fields\":{{\"x\":{}1{}}}}}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!("/api/v1/search?q={}", "x".repeat(20_000));
    let made = client.post("/api/v1/records/contact", json!({"fields": {"name": "Ada"}})).expect(201);
    let timeline = format!("/api/v1/records/contact/{}/timeline?kinds=note,nonsense", made.text("/id"));
    let cases: Vec<(&str, &str, Option<String>, u16, &str)> = vec![
        ("GET", "/api/v1/nothing", None, 404, "not_found"),
        ("GET", "/api/v2/session", None, 404, "not_found"),
        ("GET", "/api/v1/records/nothing", None, 404, "not_found"),
        ("GET", "/api/v1/records/contact/none", None, 404, "not_found"),
        ("GET", unknown, None, 404, "not_found"),
        ("PATCH", unknown, text("{\"fields\":{}}"), 404, "not_found"),
        ("DELETE", unknown, None, 404, "not_found"),
        ("PUT", "/api/v1/records/contact", text("{}"), 405, "method_not_allowed"),
        ("DELETE", "/api/v1/search", None, 405, "method_not_allowed"),
        ("BREW", "/api/v1/search", None, 405, "method_not_allowed"),
        ("POST", "/api/v1/records/contact", text("{"), 400, "malformed"),
        ("POST", "/api/v1/records/contact", text(&deep), 400, "malformed"),
        ("POST", "/api/v1/records/contact", None, 400, "malformed"),
        ("POST", "/api/v1/records/contact", text("[]"), 422, "invalid"),
        ("POST", "/api/v1/records/contact", text("{}"), 422, "invalid"),
        ("POST", "/api/v1/records/contact", text("{\"fields\":{\"nonsense\":1}}"), 422, "invalid"),
        ("POST", "/api/v1/records/contact", text("{\"fields\":{\"email\":7}}"), 422, "invalid"),
        ("POST", "/api/v1/records/deal", text("{\"fields\":{\"name\":\"x\",\"amount\":1e30}}"), 422, "invalid"),
        ("GET", "/api/v1/records/contact?limit=0", None, 422, "invalid"),
        ("GET", "/api/v1/records/contact?limit=501", None, 422, "invalid"),
        ("GET", "/api/v1/records/contact?nonsense=1", None, 422, "invalid"),
        ("GET", "/api/v1/records/contact?filter=%7B", None, 422, "invalid"),
        ("GET", "/api/v1/records/contact?cursor=nonsense", None, 400, "bad_cursor"),
        ("GET", "/api/v1/records/contact?q=%ff", None, 400, "malformed"),
        (
            "POST",
            "/api/v1/records/contact/query",
            text("{\"filter\":{\"field\":\"nonsense\",\"op\":\"eq\",\"value\":1}}"),
            422,
            "bad_filter",
        ),
        ("POST", "/api/v1/records/contact/query", text("{\"limit\":100000}"), 422, "invalid"),
        ("GET", &timeline, None, 422, "invalid"),
        ("GET", &long, None, 414, "uri_too_long"),
        (
            "GET",
            "/api/v1/export/contact?filter=%7B%22field%22%3A%22nonsense%22%2C%22op%22%3A%22eq%22%7D",
            None,
            422,
            "bad_filter",
        ),
        ("GET", "/api/v1/export/nothing", None, 404, "not_found"),
        ("POST", "/api/v1/imports", text("{}"), 415, "unsupported_media"),
    ];
    for (method, path, body, status, code) in cases {
        let answer = client.send(method, path, &[], body);
        let shown = &path[..path.len().min(80)];
        assert_eq!((answer.status, answer.problem()), (status, code), "{method} {shown}: {}", answer.body);
        assert!(status != 405 || answer.header("allow").contains(['G', 'P']), "{method} {shown}");
    }
    with_headers(&client);
    without_a_caller(&server);
}

fn with_headers(client: &Client) {
    let form = client.send("POST", "/api/v1/records/contact", &[("content-type", "text/plain")], Some("hello".into()));
    assert_eq!(form.expect(415).problem(), "unsupported_media");
    let large = json!({"fields": {"name": "x".repeat(3 << 20)}}).to_string();
    assert_eq!(client.send("POST", "/api/v1/records/contact", &[], Some(large)).expect(413).problem(), "too_large");
    let elsewhere = client.send("GET", "/api/v1/session", &[("host", "evil.example")], None);
    assert_eq!(elsewhere.expect(421).problem(), "misdirected");
    let named = client.send("GET", "/api/v1/session", &[("x-request-id", "my-id_1.2")], None);
    assert_eq!(named.header("x-request-id"), "my-id_1.2");
    let forged = client.send("GET", "/api/v1/session", &[("x-request-id", "a b;c")], None);
    assert_eq!(forged.header("x-request-id").len(), 24);
    let page = client.get("/o/contact/1").expect(200);
    for name in ["content-security-policy", "x-content-type-options", "referrer-policy", "x-frame-options"] {
        assert!(!page.header(name).is_empty(), "{name}");
    }
    assert!(!page.header("content-security-policy").contains("unsafe-inline"));
}

fn without_a_caller(server: &crate::harness::Server) {
    let nobody = Client::new(server);
    for path in ["/api/v1/session", "/api/v1/records/contact", "/api/v1/users", "/api/v1/audit", "/api/v1/live"] {
        assert_eq!(nobody.get(path).expect(401).problem(), "unauthenticated", "{path}");
    }
    let wrong = Client::with_key(server, "nonsense");
    assert_eq!(wrong.get("/api/v1/session").expect(401).header("www-authenticate"), "Bearer realm=\"aplomb\"");
    let mut statuses = Vec::new();
    for attempt in 0..12 {
        let body = json!({"email": ADMIN, "password": format!("wrong {attempt}")});
        statuses.push(nobody.post("/api/v1/session", body).status);
    }
    assert_eq!(statuses[0], 401);
    let last = nobody.post("/api/v1/session", json!({"email": "other@acme.example", "password": "x"})).expect(429);
    assert_eq!(last.problem(), "too_many_requests");
    assert!(last.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds <= 61));
}

#[test]
fn the_document_describes_what_is_served() {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let (client, nobody) = (Client::with_key(&server, key), Client::new(&server));
    let general = nobody.get("/api/v1/openapi.json").expect(200);
    assert!(general.body["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    assert!(
        general.body["paths"].get("/api/v1/records/contact").is_none(),
        "nobody learns of objects without logging in"
    );
    let whole = client.get("/api/v1/openapi.json").expect(200);
    let paths = whole.body["paths"].as_object().expect("paths");
    assert!(whole.body.pointer("/components/schemas/Contact").is_some());
    for (path, item) in paths.iter().filter(|(path, _)| !path.contains(['{']) && !path.ends_with("/live")) {
        if item.get("get").is_some() {
            let status = client.get(path).status;
            assert!([200, 422].contains(&status), "{path}: {status}");
        }
    }
    assert!(nobody.get("/api/v1/docs").expect(200).body.as_str().is_some_and(|page| page.contains("docs.js")));
    let metrics = nobody.get("/metrics").expect(200);
    assert!(metrics.body.as_str().is_some_and(|text| text.contains("aplomb_http_requests_total")));
}
