//! Which format a file has, by its first bytes; the name only decides where the bytes leave it open.

use super::{Format, ReadError, text};

/// `head` is the start of the file, 64 KiB of it or all.
pub fn sniff(name: &str, head: &[u8]) -> Result<Format, ReadError> {
    if head.is_empty() {
        return Err(ReadError::Empty);
    }
    for (magic, what) in FOREIGN {
        if head.starts_with(magic) {
            return Err(ReadError::Foreign(what));
        }
    }
    if head.starts_with(b"PK\x03\x04") {
        return Ok(Format::Xlsx);
    }
    let encoding = text::guess(head).ok_or(ReadError::Binary)?;
    let (start, _) = encoding.decode_with_bom_removal(&head[..head.len().min(4096)]);
    let start = start.trim_start();
    let extension = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    if start.get(..11).is_some_and(|s| s.eq_ignore_ascii_case("BEGIN:VCARD")) || extension == "vcf" {
        return Ok(Format::Vcard);
    }
    if start.starts_with('{') || matches!(extension.as_str(), "jsonl" | "ndjson") {
        return Ok(Format::Jsonl);
    }
    if start.starts_with("[{") || (start.starts_with('[') && extension == "json") {
        return Err(ReadError::Foreign("a JSON array: JSON is taken as JSON Lines, one object a line"));
    }
    let lower = start.get(..64.min(start.len())).unwrap_or(start).to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return Err(ReadError::Foreign("a web page"));
    }
    if lower.starts_with("<?xml") {
        return Err(ReadError::Foreign("an XML file"));
    }
    Ok(Format::Csv)
}

const FOREIGN: &[(&[u8], &str)] = &[
    (b"%PDF-", "a PDF"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls) or another Office file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"SQLite format 3\0", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"{\\rtf", "an RTF document"),
    (b"age-encryption.org", "an age-encrypted file"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart() {
        for (name, head, expect) in [
            ("a.csv", &b"Name,Email\nA,b@c.example\n"[..], Some(Format::Csv)),
            ("a.txt", b"Name;Ort\n", Some(Format::Csv)),
            ("a.csv", b"BEGIN:VCARD\r\nVERSION:2.1\r\n", Some(Format::Vcard)),
            ("a.vcf", b"\xef\xbb\xbfBEGIN:VCARD\r\n", Some(Format::Vcard)),
            ("a.json", b"{\"a\":1}\n{\"a\":2}\n", Some(Format::Jsonl)),
            ("a.csv", b"PK\x03\x04....", Some(Format::Xlsx)),
            ("a.csv", b"\xff\xfeN\0a\0m\0e\0\n\0", Some(Format::Csv)),
            ("a.csv", b"%PDF-1.7", None),
            ("a.csv", b"\x7fELF\x02\x01\x01\0\0\0", None),
            ("a.csv", b"", None),
            ("a.csv", &[0, 159, 146, 150, 0, 1, 2, 3, 255, 254, 0, 0, 17], None),
            ("a.json", b"[{\"a\":1}]", None),
        ] {
            assert_eq!(sniff(name, head).ok(), expect, "{name} {:?}", String::from_utf8_lossy(head));
        }
    }
}
