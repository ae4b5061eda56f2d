//! What went wrong with a request, as RFC 9457 says it, and in words for the one who asked.

use aplomb_model::FieldError;
use serde_json::{Map, Value as Json};

use crate::text::maybe;

/// A refused or lost request. `code` is stable: one of `aplomb_model::Code`, or `network`, `aborted`, `unreadable`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Failure {
    pub status: u16,
    pub code: String,
    pub title: String,
    pub detail: String,
    pub errors: Vec<FieldError>,
    pub request_id: String,
    /// what else the answer says
    pub extra: Map<String, Json>,
}

impl Failure {
    fn plain(code: &str, detail: &str) -> Failure {
        Failure { code: code.to_owned(), detail: detail.to_owned(), ..Failure::default() }
    }

    /// The server cannot be reached.
    pub fn network() -> Failure {
        Failure::plain("network", "")
    }

    /// The page that asked is gone.
    pub fn aborted() -> Failure {
        Failure::plain("aborted", "")
    }

    pub fn unreadable(detail: &str) -> Failure {
        Failure::plain("unreadable", detail)
    }

    /// From the body of an answer with an error status; the body may be anything.
    pub fn from_answer(status: u16, body: &str) -> Failure {
        let mut failure = Failure { status, ..Failure::default() };
        if let Ok(Json::Object(mut members)) = serde_json::from_str(body) {
            let mut text = |name: &str| match members.remove(name) {
                Some(Json::String(text)) => text,
                _ => String::new(),
            };
            [failure.code, failure.title, failure.detail, failure.request_id] =
                ["code", "title", "detail", "requestId"].map(&mut text);
            let errors = members.remove("errors").map(serde_json::from_value);
            failure.errors = errors.and_then(|errors| errors.ok()).unwrap_or_default();
            failure.extra = members;
        }
        if failure.code.is_empty() {
            failure.code = format!("http_{status}");
        }
        failure
    }

    pub fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// What to tell the user: the catalogue's words for the code, else what the server said.
    pub fn message(&self) -> String {
        let known = maybe(&format!("error.{}", self.code));
        match (known, self.detail.as_str(), self.title.as_str()) {
            (Some(text), "", _) => text.to_owned(),
            (Some(text), detail, _) if self.says_more() => format!("{text} {}", sentence(detail)),
            (Some(text), _, _) => text.to_owned(),
            (None, "", "") => maybe("error.other").unwrap_or_default().to_owned(),
            (None, "", title) => title.to_owned(),
            (None, detail, _) => sentence(detail),
        }
    }

    /// Codes whose detail helps the user beyond the catalogue's words.
    fn says_more(&self) -> bool {
        const CODES: [&str; 7] =
            ["invalid", "bad_filter", "conflict", "in_use", "not_unique", "unsupported_media", "read_only"];
        CODES.contains(&self.code.as_str())
    }

    /// The error of one field, also when the server names it `fields.email` or `email[0]`.
    pub fn of_field(&self, name: &str) -> Option<String> {
        let matches = |e: &&FieldError| {
            let path = e.field.strip_prefix("fields.").unwrap_or(&e.field);
            path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.errors.iter().find(matches).map(|e| sentence(&e.detail))
    }
}

impl Failure {
    /// What is wrong with this field, wherever in the request it stood; else the whole message.
    pub fn of_any_field(&self, name: &str) -> String {
        let ends = |e: &&FieldError| e.field.rsplit(['.', ']']).next() == Some(name);
        let found = self.of_field(name).or_else(|| self.errors.iter().find(ends).map(|e| sentence(&e.detail)));
        found.unwrap_or_else(|| self.message())
    }
}

/// Upper case at the start, a stop at the end.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return String::new() };
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), chars.as_str())
}
