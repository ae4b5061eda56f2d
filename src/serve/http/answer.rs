//! What a handler gives back: status, headers and body, without knowing the HTTP library.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use aplomb_model::{Error, Result, Seq};
use serde::Serialize;

use super::encode::{self, Encoding};

pub const JSON: &str = "application/json";

/// An answer that is complete in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub cookies: Vec<Cookie<'static>>,
    pub media_type: &'static str,
    pub body: Vec<u8>,
    /// false where a secret stands beside what the caller sent (BREACH)
    pub compress: bool,
}

impl Answer {
    pub fn new(status: u16, media_type: &'static str, body: impl Into<Vec<u8>>) -> Answer {
        let body = body.into();
        Answer { status, headers: Vec::new(), cookies: Vec::new(), media_type, body, compress: true }
    }

    /// 200 with JSON.
    pub fn json(value: &impl Serialize) -> Result<Answer> {
        let body = serde_json::to_vec(value).map_err(|e| Error::internal(format!("cannot write the answer: {e}")))?;
        Ok(Answer::new(200, JSON, body))
    }

    pub fn empty() -> Answer {
        Answer::new(204, JSON, Vec::new())
    }

    pub fn status(mut self, status: u16) -> Answer {
        self.status = status;
        self
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }

    /// The batch that holds what was written.
    pub fn seq(self, seq: Seq) -> Answer {
        self.header("x-aplomb-seq", seq.to_string())
    }

    /// The version of the record in the body.
    pub fn version(self, version: u64) -> Answer {
        self.header("etag", format!("\"{version}\""))
    }

    pub fn cookie(mut self, cookie: Cookie<'static>) -> Answer {
        self.cookies.push(cookie);
        self
    }

    pub fn secret(mut self) -> Answer {
        self.compress = false;
        self
    }

    /// The body in the best accepted encoding, and its name. Costs time: not for the async threads.
    pub fn encoded(&mut self, accept: &str) -> Option<Encoding> {
        if !self.compress || self.body.len() < encode::WORTH {
            return None;
        }
        let encoding = encode::choose(accept)?;
        self.body = encode::whole(&self.body, encoding)?;
        Some(encoding)
    }

    pub fn into_response(self, encoding: Option<Encoding>) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        for (name, value) in self.headers {
            set(&mut response, name, &value);
        }
        for cookie in self.cookies {
            response.cookie(cookie);
        }
        if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
            return response.finish();
        }
        response.insert_header((header::CONTENT_TYPE, self.media_type));
        response.insert_header((header::VARY, "accept-encoding"));
        if let Some(encoding) = encoding {
            response.insert_header((header::CONTENT_ENCODING, encoding.name()));
        }
        response.body(self.body)
    }
}

/// Sets a header; a value that HTTP does not allow is left out.
pub fn set(response: &mut HttpResponseBuilder, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.insert_header((HeaderName::from_static(name), value));
    }
}
