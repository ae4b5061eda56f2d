//! The pages: files of the user interface, and `index.html` for every address that the application itself understands.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use aplomb_model::{Code, Error};
use sha2::{Digest, Sha256};

use crate::edge::hex;
use crate::http::problem;
use crate::{UiFile, UiSource};

const INDEX: &str = "index.html";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Answers GET and HEAD outside the API.
pub fn serve(ui: &UiSource, request: &HttpRequest, request_id: &str) -> HttpResponse {
    let path = request.path();
    let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !matches!(request.method().as_str(), "GET" | "HEAD") {
        return problem::response(&Error::new(Code::MethodNotAllowed, "pages can only be read"), request_id);
    }
    let wanted = path.trim_start_matches('/');
    let file = Some(wanted).filter(|name| !name.is_empty()).and_then(|name| ui(name, accepted));
    let is_page = !wanted.rsplit('/').next().unwrap_or_default().contains('.');
    match file.or_else(|| is_page.then(|| ui(INDEX, accepted)).flatten()) {
        Some(file) => send(file, request, wanted),
        None => problem::response(&Error::not_found("file"), request_id),
    }
}

/// How long a file may be used without asking. Icons are kept for a while, so that a page can still be drawn when the
/// server is away for some minutes.
fn cached(file: &UiFile, path: &str) -> &'static str {
    match file.immutable {
        true => IMMUTABLE,
        false if path.starts_with("icons/") => "public, max-age=600",
        false => "no-cache",
    }
}

fn send(file: UiFile, request: &HttpRequest, path: &str) -> HttpResponse {
    let tag = format!("\"{}\"", hex(&Sha256::digest(&file.bytes)[..12]));
    let held = request.headers().get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let fresh = held.split(',').any(|held| held.trim().trim_start_matches("W/") == tag);
    let mut response = HttpResponse::build(if fresh { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    response.insert_header((header::CACHE_CONTROL, cached(&file, path)));
    response.insert_header((header::ETAG, tag));
    response.insert_header((header::VARY, "accept-encoding"));
    if fresh {
        return response.finish();
    }
    response.insert_header((header::CONTENT_TYPE, file.media_type));
    if let Some(encoding) = file.encoding {
        response.insert_header((header::CONTENT_ENCODING, encoding));
    }
    match file.bytes {
        std::borrow::Cow::Borrowed(bytes) => response.body(actix_web::web::Bytes::from_static(bytes)),
        std::borrow::Cow::Owned(bytes) => response.body(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use std::borrow::Cow;
    use std::sync::Arc;

    fn source() -> UiSource {
        Arc::new(|path, accepted| {
            let text = match path {
                "index.html" => "index",
                "static/app-1.js" => "code",
                _ => return None,
            };
            let encoding = accepted.contains("br").then_some("br");
            let media_type = "text/plain".to_owned();
            Some(UiFile {
                bytes: Cow::Borrowed(text.as_bytes()),
                encoding,
                media_type,
                immutable: path.starts_with("static/"),
            })
        })
    }

    #[test]
    fn pages_files_and_what_is_missing() {
        for (path, status, cached) in [
            ("/", 200, "no-cache"),
            ("/contacts/0190", 200, "no-cache"),
            ("/static/app-1.js", 200, IMMUTABLE),
            ("/static/app-2.js", 404, "no-store"),
            ("/favicon.ico", 404, "no-store"),
        ] {
            let request = TestRequest::get().uri(path).insert_header(("accept-encoding", "br")).to_http_request();
            let response = serve(&source(), &request, "r");
            assert_eq!(response.status().as_u16(), status, "{path}");
            assert_eq!(response.headers().get("cache-control").unwrap(), cached, "{path}");
            assert_eq!(response.headers().contains_key("content-encoding"), status == 200, "{path}");
        }
        let post = TestRequest::post().uri("/").to_http_request();
        assert_eq!(serve(&source(), &post, "r").status(), 405);
    }

    #[test]
    fn a_known_tag_is_not_sent_again() {
        let first = serve(&source(), &TestRequest::get().uri("/").to_http_request(), "r");
        let tag = first.headers().get("etag").unwrap().clone();
        let again = TestRequest::get().uri("/").insert_header(("if-none-match", tag)).to_http_request();
        assert_eq!(serve(&source(), &again, "r").status(), 304);
    }
}
