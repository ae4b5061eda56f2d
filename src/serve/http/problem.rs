//! Errors as problem documents (RFC 9457). What the log reads and what the caller reads are kept apart: the detail of
//! an internal error goes to the log only.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use aplomb_model::{Code, Error};
use serde_json::{Map, Value as Json, json};

pub const MEDIA_TYPE: &str = "application/problem+json";

/// The members of the document.
pub fn document(error: &Error, request: &str) -> Map<String, Json> {
    let detail = match error.code {
        Code::Internal => "the log of the server has more under the request id",
        _ => error.detail.as_str(),
    };
    let members = json!({
        "type": format!("urn:aplomb:problem:{}", error.code.name()),
        "title": error.code.title(),
        "status": error.code.status(),
        "code": error.code.name(),
        "detail": detail,
        "errors": error.fields,
        "requestId": request,
    });
    let Json::Object(mut members) = members else { return Map::new() };
    for (name, value) in error.extra.iter().flat_map(|extra| extra.iter()) {
        members.entry(name.clone()).or_insert_with(|| value.clone());
    }
    members
}

/// The answer for a failed request. Internal errors are logged here, with their detail.
pub fn response(error: &Error, request: &str) -> HttpResponse {
    if error.code == Code::Internal {
        tracing::error!(request_id = request, detail = %error.detail, "internal error");
    }
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CONTENT_TYPE, MEDIA_TYPE));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if let Some(seconds) = error.retry_after_seconds {
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"aplomb\""));
    }
    response.body(Json::Object(document(error, request)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aplomb_model::FieldError;

    #[test]
    fn documents_have_all_members_and_hide_what_is_internal() {
        for code in Code::ALL {
            let mut error = Error::new(*code, "a secret path").with("current", json!({"version": 3}));
            error.fields.push(FieldError::new("email", "required", "is required"));
            let document = document(&error, "r-1");
            for member in ["type", "title", "status", "code", "detail", "errors", "requestId", "current"] {
                assert!(document.contains_key(member), "{member} of {}", code.name());
            }
            let hidden = !document["detail"].to_string().contains("secret");
            assert_eq!(hidden, *code == Code::Internal, "{}", code.name());
        }
    }

    #[test]
    fn extra_members_do_not_replace_the_standard_ones() {
        let error = Error::new(Code::Conflict, "x").with("status", json!(200));
        assert_eq!(document(&error, "r")["status"], 409);
    }
}
