//! The request's headers that handlers care about, parsed at the door.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use aplomb_model::{Code, Error, Result};

/// Longest `Idempotency-Key`.
const MAX_KEY: usize = 255;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Head {
    pub accept: String,
    pub accept_encoding: String,
    pub csrf: Option<String>,
    pub bearer: Option<String>,
    pub cookie: Option<String>,
    pub if_match: Option<IfMatch>,
    pub if_none_match: Option<String>,
    pub idempotency_key: Option<String>,
    /// why somebody writes, for the change log
    pub reason: Option<String>,
    pub content_type: Option<String>,
    /// what program is calling, as it says itself
    pub agent: Option<String>,
    pub content_length: Option<u64>,
    /// of the stream that broke off
    pub last_event: Option<u64>,
    pub range: Option<String>,
    pub if_range: Option<String>,
}

/// What `If-Match` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`
    Any,
    /// of several, the latest: what has not changed since that one has not changed since one of them
    Version(u32),
    /// a tag that is none of ours: never matches
    Other,
}

impl Head {
    /// Errors: `malformed` for an `Idempotency-Key` or `Authorization` that cannot be meant.
    pub fn read(request: &HttpRequest, cookie_name: &str) -> Result<Head> {
        let headers = request.headers();
        Ok(Head {
            accept: text(headers, "accept").unwrap_or_default(),
            accept_encoding: text(headers, "accept-encoding").unwrap_or_default(),
            csrf: text(headers, "x-csrf-token"),
            bearer: bearer(headers)?,
            cookie: request.cookie(cookie_name).map(|c| c.value().to_owned()).filter(|v| !v.is_empty()),
            if_match: text(headers, "if-match").map(|tag| IfMatch::parse(&tag)),
            if_none_match: text(headers, "if-none-match"),
            idempotency_key: idempotency_key(headers)?,
            reason: text(headers, "x-reason").map(|r| r.chars().take(200).collect()),
            content_type: text(headers, "content-type"),
            agent: text(headers, "user-agent"),
            content_length: text(headers, "content-length").and_then(|n| n.parse().ok()),
            last_event: text(headers, "last-event-id").and_then(|n| n.parse().ok()),
            range: text(headers, "range"),
            if_range: text(headers, "if-range"),
        })
    }

    /// Whether the body is declared as JSON.
    pub fn is_json(&self) -> bool {
        let declared = self.content_type.as_deref().unwrap_or_default();
        let media = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
    }

    /// The version a write is conditional on. Errors: `version_mismatch` for a tag that no record ever had.
    pub fn expected_version(&self) -> Result<Option<u32>> {
        match self.if_match {
            None | Some(IfMatch::Any) => Ok(None),
            Some(IfMatch::Version(version)) => Ok(Some(version)),
            Some(IfMatch::Other) => Err(Error::new(Code::VersionMismatch, "If-Match holds no version of this record")),
        }
    }

    pub fn none_match(&self, version: u64) -> bool {
        let ours = format!("\"{version}\"");
        let tags = self.if_none_match.iter().flat_map(|tags| tags.split(','));
        tags.map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == ours || tag == "*")
    }
}

impl IfMatch {
    fn parse(tag: &str) -> IfMatch {
        let one = |tag: &str| {
            let tag = tag.trim();
            let inner = tag.trim_start_matches("W/").strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(tag);
            inner.parse().ok()
        };
        match tag.trim() {
            "*" => IfMatch::Any,
            tags => tags.split(',').filter_map(one).max().map_or(IfMatch::Other, IfMatch::Version),
        }
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(|v| v.trim().to_owned()).filter(|v| !v.is_empty())
}

fn bearer(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get("authorization") else { return Ok(None) };
    let key = value.to_str().ok().and_then(|v| v.split_once(' '));
    match key {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") && !key.trim().is_empty() => {
            Ok(Some(key.trim().to_owned()))
        }
        _ => Err(Error::new(Code::Unauthenticated, "Authorization must be `Bearer KEY`")),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=MAX_KEY).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(Error::new(Code::Malformed, "Idempotency-Key must be 1 to 255 visible ASCII characters")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn if_match_forms() {
        for (tag, expect) in [
            ("\"7\"", IfMatch::Version(7)),
            ("W/\"7\"", IfMatch::Version(7)),
            ("7", IfMatch::Version(7)),
            ("*", IfMatch::Any),
            ("\"7\", \"9\"", IfMatch::Version(9)),
            ("\"x\",W/\"3\"", IfMatch::Version(3)),
            ("\"\",", IfMatch::Other),
            ("\"seven\"", IfMatch::Other),
            ("\"-1\"", IfMatch::Other),
        ] {
            assert_eq!(IfMatch::parse(tag), expect, "{tag}");
        }
    }

    #[test]
    fn credentials_and_types_are_read() {
        let request = TestRequest::default()
            .insert_header(("authorization", "bearer abc "))
            .insert_header(("content-type", "Application/JSON; charset=utf-8"))
            .insert_header(("if-none-match", "\"1\", W/\"4\""))
            .insert_header(("cookie", "other=1; aplomb=tok"))
            .to_http_request();
        let head = Head::read(&request, "aplomb").unwrap();
        assert_eq!(head.bearer.as_deref(), Some("abc"));
        assert_eq!(head.cookie.as_deref(), Some("tok"));
        assert!(head.is_json() && head.none_match(4) && !head.none_match(2));
        for (name, value, code) in [
            ("authorization", "Basic eDp5", Code::Unauthenticated),
            ("authorization", "Bearer", Code::Unauthenticated),
            ("idempotency-key", "", Code::Malformed),
        ] {
            let request = TestRequest::default().insert_header((name, value)).to_http_request();
            assert_eq!(Head::read(&request, "aplomb").unwrap_err().code, code, "{name}: {value}");
        }
    }
}
