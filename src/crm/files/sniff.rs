//! What a file is, told by its first bytes and never by its sender: a browser that is handed a page in the guise of a
//! picture must not run it. Signatures as in the WHATWG MIME Sniffing Standard, section 6, and PRONOM.

/// Bytes that decide.
pub const HEAD: usize = 4_096;

const BINARY: &str = "application/octet-stream";
const TEXT: &str = "text/plain";
const ZIP: &str = "application/zip";
/// Microsoft's compound file, which old Office documents and Outlook messages are.
const COMPOUND: &str = "application/x-ole-storage";

/// Offset, signature, media type; the first that fits.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBPVP", "image/webp"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypheic", "image/heic"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"BM", "image/bmp"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (8, b"WAVE", "audio/wav"),
    (0, b"PK\x03\x04", ZIP),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", COMPOUND),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"{\\rtf", "application/rtf"),
];

/// Of a container, what the name's ending says of its content: family, ending, media type.
const ENDINGS: &[(&str, &str, &str)] = &[
    (ZIP, "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (ZIP, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (ZIP, "pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    (ZIP, "odt", "application/vnd.oasis.opendocument.text"),
    (ZIP, "ods", "application/vnd.oasis.opendocument.spreadsheet"),
    (ZIP, "odp", "application/vnd.oasis.opendocument.presentation"),
    (COMPOUND, "doc", "application/msword"),
    (COMPOUND, "xls", "application/vnd.ms-excel"),
    (COMPOUND, "ppt", "application/vnd.ms-powerpoint"),
    (COMPOUND, "msg", "application/vnd.ms-outlook"),
    (TEXT, "csv", "text/csv"),
    (TEXT, "md", "text/markdown"),
    (TEXT, "json", "application/json"),
    (TEXT, "vcf", "text/vcard"),
    (TEXT, "ics", "text/calendar"),
    (TEXT, "eml", "message/rfc822"),
];

/// Every media type that is ever given out.
pub const MEDIA_TYPES: [&str; SIGNATURES.len() + ENDINGS.len() + 2] = all();

/// What a browser may show in its window: it runs nothing in these.
pub const INLINE: [&str; 7] =
    ["application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "text/plain", "text/csv"];

const fn all() -> [&'static str; SIGNATURES.len() + ENDINGS.len() + 2] {
    let mut types = [BINARY; SIGNATURES.len() + ENDINGS.len() + 2];
    let mut at = 0;
    while at < SIGNATURES.len() {
        types[at] = SIGNATURES[at].2;
        at += 1;
    }
    while at < SIGNATURES.len() + ENDINGS.len() {
        types[at] = ENDINGS[at - SIGNATURES.len()].2;
        at += 1;
    }
    types[at] = TEXT;
    types
}

/// `head` are the first [`HEAD`] bytes, or all there are.
pub(super) fn media_type(head: &[u8], name: &str) -> &'static str {
    let signed = SIGNATURES.iter().find(|(at, bytes, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(bytes)));
    let family = match signed {
        Some((_, _, family)) => family,
        None if is_text(head) => TEXT,
        None => return BINARY,
    };
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    ENDINGS.iter().find(|(of, known, _)| *of == family && *known == ending).map_or(family, |(_, _, exact)| exact)
}

/// UTF-8 without control characters that no text has; the last character may be cut off.
fn is_text(head: &[u8]) -> bool {
    let whole = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && head.len() >= HEAD => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    whole.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_decide_and_names_only_refine() {
        let long = "ä".repeat(HEAD);
        for (head, name, expect) in [
            (&b"%PDF-1.7\n"[..], "x.png", "application/pdf"),
            (b"\x89PNG\r\n\x1a\nrest", "evil.html", "image/png"),
            (b"<html><script>alert(1)</script>", "picture.png", "text/plain"),
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>", "logo.svg", "text/plain"),
            (
                b"PK\x03\x04....",
                "offer.DOCX",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            (b"PK\x03\x04....", "offer.html", "application/zip"),
            (b"name,city\nAda,Paris\n", "list.csv", "text/csv"),
            (b"name,city\nAda,Paris\n", "list.pdf", "text/plain"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "mail.msg", "application/vnd.ms-outlook"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "x", "image/webp"),
            (b"\0\x01\x02", "x.txt", "application/octet-stream"),
            (b"caf\xe9", "latin1.txt", "application/octet-stream"),
            (b"", "empty.txt", "text/plain"),
            (&long.as_bytes()[1..][..HEAD - 1], "cut.txt", "application/octet-stream"),
            (&long.as_bytes()[..HEAD], "whole.txt", "text/plain"),
        ] {
            let found = media_type(head, name);
            assert_eq!(found, expect, "{name}");
            assert!(MEDIA_TYPES.contains(&found));
        }
        let cut = format!("x{long}");
        assert_eq!(media_type(&cut.as_bytes()[..HEAD], "cut.txt"), "text/plain", "a character is cut in two");
        assert!(INLINE.iter().all(|inline| MEDIA_TYPES.contains(inline)));
    }
}
