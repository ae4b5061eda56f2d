//! A small client that shows everything: status, headers, JSON.

use std::time::Duration;

use serde_json::{Value as Json, json};
use ureq::http::HeaderMap;

use crate::harness::Server;

/// A call that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Calls with a session, with an API key, or with neither; keeps its connection.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    pub cookie: Option<String>,
    pub csrf: Option<String>,
    pub key: Option<String>,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Json,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The code of the problem document, which must be one.
    pub fn problem(&self) -> &str {
        assert_eq!(self.header("content-type"), "application/problem+json", "{} {}", self.status, self.body);
        for member in ["type", "title", "status", "detail", "errors", "requestId"] {
            assert!(self.body.get(member).is_some(), "{member} is missing in {}", self.body);
        }
        assert_eq!(self.body["status"], self.status, "{}", self.body);
        assert_eq!(self.body["requestId"], self.header("x-request-id"));
        self.body["code"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    pub fn text(&self, pointer: &str) -> &str {
        self.body
            .pointer(pointer)
            .and_then(Json::as_str)
            .unwrap_or_else(|| panic!("no text at {pointer} in {}", self.body))
    }
}

impl Client {
    pub fn new(server: &Server) -> Client {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .proxy(None)
            .build()
            .into();
        Client { agent, base: server.url(""), cookie: None, csrf: None, key: None }
    }

    pub fn with_key(server: &Server, key: impl Into<String>) -> Client {
        Client { key: Some(key.into()), ..Client::new(server) }
    }

    /// A session of its own.
    #[track_caller]
    pub fn log_in(server: &Server, email: &str, password: &str) -> Client {
        let mut client = Client::new(server);
        let answer = client.post("/api/v1/session", json!({"email": email, "password": password})).expect(200);
        client.take_session(&answer);
        client
    }

    /// Keeps the cookie and the CSRF token of an answer.
    pub fn take_session(&mut self, answer: &Answer) {
        let cookie = answer.header("set-cookie").split(';').next().unwrap_or_default();
        assert!(cookie.starts_with("aplomb=") && cookie.len() > 20, "{cookie}");
        self.cookie = Some(cookie.to_owned());
        self.csrf = Some(answer.text("/csrf").to_owned());
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: Json) -> Answer {
        self.send("POST", path, &[], Some(body.to_string()))
    }

    #[track_caller]
    pub fn patch(&self, path: &str, body: Json) -> Answer {
        self.send("PATCH", path, &[], Some(body.to_string()))
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], None)
    }

    /// JSON unless `headers` say otherwise.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Answer {
        self.try_send(method, path, headers, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// The same; the error is that no answer came.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        let own = [
            ("cookie", self.cookie.clone()),
            ("x-csrf-token", self.csrf.clone()),
            ("authorization", self.key.as_ref().map(|key| format!("Bearer {key}"))),
            ("content-type", body.as_ref().map(|_| "application/json".to_owned())),
        ];
        for (name, value) in own {
            if let Some(value) = value.filter(|_| headers.iter().all(|(given, _)| *given != name)) {
                request = request.header(name, value);
            }
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = self.agent.run(request.body(body.unwrap_or_default())?)?;
        let text = answer.body_mut().with_config().limit(256 << 20).read_to_string()?;
        let body = serde_json::from_str(&text).unwrap_or(Json::String(text));
        Ok(Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), body })
    }

    /// Fetches a file and gives the number of its bytes.
    #[track_caller]
    pub fn bytes(&self, path: &str) -> usize {
        let request = ureq::http::Request::builder().uri(format!("{}{path}", self.base));
        let request = request.header("cookie", self.cookie.clone().unwrap_or_default());
        let mut answer = self.agent.run(request.body(()).expect("a request")).expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
        answer.body_mut().with_config().limit(1 << 30).read_to_vec().expect("bytes").len()
    }

    /// Uploads a file to be imported and gives the address of the import.
    #[track_caller]
    pub fn upload(&self, object: &str, file_name: &str, file: &str) -> String {
        let view = self.form("/api/v1/imports", &[], &[("object", object)], (file_name, file)).expect(201);
        format!("/api/v1/imports/{}", view.text("/id"))
    }

    /// Sends a form with these texts and a file, named and with its content.
    #[track_caller]
    pub fn form(&self, path: &str, headers: &[(&str, &str)], texts: &[(&str, &str)], file: (&str, &str)) -> Answer {
        let (name, content) = file;
        let mut form: String = texts
            .iter()
            .map(|(name, text)| format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"))
            .collect();
        form += &format!("--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        form += &format!("{content}\r\n--x--\r\n");
        let kind = ("content-type", "multipart/form-data; boundary=x");
        let headers: Vec<_> = headers.iter().copied().chain([kind]).collect();
        self.send("POST", path, &headers, Some(form))
    }

    /// Asks for an import until it has one of these states.
    #[track_caller]
    pub fn import_until(&self, path: &str, states: &[&str]) -> Json {
        let started = std::time::Instant::now();
        loop {
            let view = self.get(path).expect(200).body;
            if states.iter().any(|state| view["status"] == *state) {
                return view;
            }
            assert!(started.elapsed() < PATIENCE && view["status"] != "failed", "{view}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Every record that a list gives, page by page; `query` is the body of a query without limit and cursor.
    #[track_caller]
    pub fn all(&self, object: &str, query: &Json) -> Vec<Json> {
        let mut records = Vec::new();
        let mut body = query.clone();
        body["limit"] = json!(500);
        loop {
            let mut page = self.post(&format!("/api/v1/records/{object}/query"), body.clone()).expect(200).body;
            match page["records"].take() {
                Json::Array(more) => records.extend(more),
                other => panic!("no records: {other}"),
            }
            match page["next"].take() {
                Json::String(next) => body["cursor"] = json!(next),
                _ => return records,
            }
        }
    }
}
