//! The user interface inside the binary, as build.rs made it. It knows files, encodings and media types; which page a
//! URL means, and which headers go with it, is the server's business.

use std::sync::Arc;

use aplomb_serve::{UiFile, UiSource};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/ui/"]
struct Files;

/// Where build.rs puts files whose name carries their hash.
const IMMUTABLE: &str = "static/";

/// Looks a file up by its path below the root (`/static/app-....js`, `index.html`), in the best encoding that the
/// second argument, an `Accept-Encoding` header, allows. None when there is no such file.
pub fn ui() -> UiSource {
    Arc::new(file)
}

fn file(path: &str, accept_encoding: &str) -> Option<UiFile> {
    let path = path.trim_start_matches('/');
    if path.ends_with(".br") || path.ends_with(".gz") {
        return None;
    }
    let plain = Files::get(path)?;
    let media_type = media_type(path, plain.metadata.mimetype());
    let immutable = path.starts_with(IMMUTABLE);
    let packed = [("br", "br"), ("gzip", "gz")].into_iter().find_map(|(encoding, suffix)| {
        let packed = accepts(accept_encoding, encoding).then(|| Files::get(&format!("{path}.{suffix}")))??;
        Some((packed.data, Some(encoding)))
    });
    let (bytes, encoding) = packed.unwrap_or((plain.data, None));
    Some(UiFile { bytes, encoding, media_type, immutable })
}

/// Text says its character set, and JavaScript its registered name (RFC 9239).
fn media_type(path: &str, guessed: &str) -> String {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8".to_owned(),
        Some("webmanifest") => "application/manifest+json".to_owned(),
        _ if guessed.starts_with("text/") => format!("{guessed}; charset=utf-8"),
        _ => guessed.to_owned(),
    }
}

/// Whether an `Accept-Encoding` header (RFC 9110, section 12.5.3) names `encoding` with a weight above zero.
/// A wildcard is not taken as a wish: the plain file is always right.
fn accepts(header: &str, encoding: &str) -> bool {
    header.split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map(|weight| weight.trim().parse::<f32>());
        named && weight.is_none_or(|weight| weight.is_ok_and(|weight| weight > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_chosen_by_the_header() {
        let cases = [
            ("br, gzip", "br", true),
            ("gzip;q=1.0, br;q=0", "br", false),
            ("GZIP ; q=0.2", "gzip", true),
            ("", "gzip", false),
            ("brotli", "br", false),
            ("*", "br", false),
            ("br;q=x", "br", false),
        ];
        for (header, encoding, expected) in cases {
            assert_eq!(accepts(header, encoding), expected, "{header:?} {encoding}");
        }
    }

    #[test]
    fn the_first_page_is_there_and_asks_nothing_from_elsewhere() {
        let index = file("/index.html", "").expect("index.html is embedded");
        assert_eq!(
            (index.media_type.as_str(), index.encoding, index.immutable),
            ("text/html; charset=utf-8", None, false)
        );
        let html = String::from_utf8(index.bytes.into_owned()).expect("UTF-8");
        for forbidden in ["{{", "http://", "https://", "style=", "onclick=", "<style", "<script>"] {
            assert!(!html.contains(forbidden), "{forbidden} in index.html");
        }
        for url in html.split(['"', '\'']).filter(|part| part.starts_with("/static/")) {
            let found = file(url, "br").unwrap_or_else(|| panic!("{url} is embedded"));
            assert!(found.immutable && !found.bytes.is_empty(), "{url}");
        }
    }

    #[test]
    fn compressed_copies_are_not_files_of_their_own() {
        assert!(Files::iter().all(|path| file(&path, "").is_some() || path.ends_with(".br") || path.ends_with(".gz")));
        assert!(file("index.html.gz", "gzip").is_none());
        assert!(file("../Cargo.toml", "").is_none());
    }
}
