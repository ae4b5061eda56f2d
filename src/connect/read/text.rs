//! Which text encoding a file has, and reading it as UTF-8.

use std::io::{self, Read};
use std::ops::Range;

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How many bytes at the start of a file are looked at.
pub const HEAD: usize = 256 * 1024;

/// The encoding by byte order mark, zero bytes, validity and letter statistics; `None` for binary data.
pub fn guess(head: &[u8]) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return Some(encoding);
    }
    if let Some(encoding) = utf16_without_mark(head) {
        return Some(encoding);
    }
    let odd = head.iter().filter(|b| matches!(b, 0x00..=0x08 | 0x0e..=0x1a | 0x1c..=0x1f)).count();
    if odd > 2 + head.len() / 50 {
        return None;
    }
    if mostly_utf8(head) {
        return Some(UTF_8);
    }
    let mut detector = chardetng::EncodingDetector::new();
    detector.feed(head, true);
    Some(detector.guess(None, false))
}

/// Whether the bytes are UTF-8, the last character perhaps cut off, or at least more of it is than is not.
fn mostly_utf8(head: &[u8]) -> bool {
    let (mut rest, mut good, mut bad) = (head, 0usize, 0usize);
    loop {
        let (valid, error) = match std::str::from_utf8(rest) {
            Ok(_) => (rest.len(), None),
            Err(e) => (e.valid_up_to(), e.error_len()),
        };
        good += rest[..valid].iter().filter(|b| **b >= 0xc0).count();
        let Some(length) = error else { break };
        bad += length;
        rest = &rest[valid + length..];
    }
    bad == 0 || good > bad
}

/// Text in Latin letters has a zero in nearly every second byte.
fn utf16_without_mark(head: &[u8]) -> Option<&'static Encoding> {
    let pairs = (head.len() / 2).min(2048);
    if pairs < 4 {
        return None;
    }
    let zeros = |offset: usize| (0..pairs).filter(|i| head[i * 2 + offset] == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    match () {
        _ if odd * 10 >= pairs * 7 && even * 10 < pairs => Some(UTF_16LE),
        _ if even * 10 >= pairs * 7 && odd * 10 < pairs => Some(UTF_16BE),
        _ => None,
    }
}

/// Gives the bytes of `source` as UTF-8, without byte order mark. In a file that is UTF-8 otherwise, bytes that are
/// not (files glued together from several systems) are read as Windows-1252; elsewhere they become U+FFFD.
pub struct Utf8<'a, R: ?Sized> {
    source: &'a mut R,
    /// `None` for UTF-8
    decoder: Option<Decoder>,
    input: Vec<u8>,
    /// filled part of `input` not decoded yet
    ready: Range<usize>,
    ended: bool,
    done: bool,
    /// bytes that were not of the file's encoding
    pub foreign: u64,
    started: bool,
}

impl<'a, R: Read + ?Sized> Utf8<'a, R> {
    pub fn new(source: &'a mut R, encoding: &'static Encoding) -> Utf8<'a, R> {
        Utf8 {
            source,
            decoder: (encoding != UTF_8).then(|| encoding.new_decoder_with_bom_removal()),
            input: vec![0; 64 * 1024],
            ready: 0..0,
            ended: false,
            done: false,
            foreign: 0,
            started: false,
        }
    }

    /// Appends at least one byte of text to `out`; `false` at the end.
    pub fn fill(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let before = out.len();
        while out.len() == before && !self.done {
            self.read()?;
            match &mut self.decoder {
                Some(decoder) => {
                    out.resize(before + 64 * 1024, 0);
                    let from = &self.input[self.ready.clone()];
                    let (result, read, written, bad) = decoder.decode_to_utf8(from, &mut out[before..], self.ended);
                    out.truncate(before + written);
                    self.foreign += u64::from(bad);
                    self.ready.start += read;
                    self.done = self.ended && result == encoding_rs::CoderResult::InputEmpty;
                }
                None => self.utf8(out),
            }
        }
        Ok(out.len() > before)
    }

    /// Reads more behind what an unfinished character left over.
    fn read(&mut self) -> io::Result<()> {
        if self.ended || (self.decoder.is_some() && !self.ready.is_empty()) {
            return Ok(());
        }
        self.input.copy_within(self.ready.clone(), 0);
        let kept = self.ready.len();
        let n = loop {
            match self.source.read(&mut self.input[kept..]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.ready = 0..kept + n;
        self.ended = n == 0;
        if !self.started && self.ready.len() >= 3 {
            self.started = true;
            if self.decoder.is_none() && self.input.starts_with(b"\xef\xbb\xbf") {
                self.ready.start = 3;
            }
        }
        Ok(())
    }

    fn utf8(&mut self, out: &mut Vec<u8>) {
        while !self.ready.is_empty() {
            let from = &self.input[self.ready.clone()];
            match std::str::from_utf8(from) {
                Ok(_) => {
                    out.extend_from_slice(from);
                    self.ready.start = self.ready.end;
                }
                Err(e) => {
                    out.extend_from_slice(&from[..e.valid_up_to()]);
                    let bad = match e.error_len() {
                        Some(n) => n,
                        None if self.ended => from.len() - e.valid_up_to(),
                        None => {
                            self.ready.start += e.valid_up_to();
                            return;
                        }
                    };
                    let bytes = &from[e.valid_up_to()..e.valid_up_to() + bad];
                    out.extend_from_slice(WINDOWS_1252.decode_without_bom_handling(bytes).0.as_bytes());
                    self.foreign += bad as u64;
                    self.ready.start += e.valid_up_to() + bad;
                }
            }
        }
        self.done = self.ended;
    }
}

/// Lines of text, the line end taken off. A line longer than the limit comes cut.
pub struct Lines<'a, R: ?Sized> {
    text: Utf8<'a, R>,
    buffer: Vec<u8>,
    at: usize,
    limit: usize,
    ended: bool,
}

pub struct Line<'b> {
    pub bytes: &'b [u8],
    pub cut: bool,
}

impl<'a, R: Read + ?Sized> Lines<'a, R> {
    pub fn new(text: Utf8<'a, R>, limit: usize) -> Lines<'a, R> {
        Lines { text, buffer: Vec::new(), at: 0, limit, ended: false }
    }

    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let (mut looked, mut dropped) = (0, false);
        let end = loop {
            if let Some(end) = self.buffer[looked..].iter().position(|b| *b == b'\n') {
                break looked + end;
            }
            if self.buffer.len() > self.limit {
                dropped = true;
                self.buffer.truncate(self.limit);
            }
            looked = self.buffer.len();
            if self.ended || !self.text.fill(&mut self.buffer)? {
                self.ended = true;
                break looked;
            }
        };
        if self.ended && self.buffer.is_empty() {
            return Ok(None);
        }
        self.at = (end + 1).min(self.buffer.len());
        let line = &self.buffer[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some(Line { bytes: line, cut: dropped || line.len() > self.limit }))
    }
}

/// Reads up to [`HEAD`] bytes.
pub fn head(source: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    source.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> String {
        let encoding = guess(bytes).expect("text");
        let mut source = bytes;
        let mut utf8 = Utf8::new(&mut source, encoding);
        let mut out = Vec::new();
        while utf8.fill(&mut out).expect("memory cannot fail") {}
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn encodings_are_guessed() {
        let text = "Vorname;Straße;Größe\nJürgen;Königsallee 5;übergroß\n";
        let utf16 = |big: bool, mark: bool| -> Vec<u8> {
            let mark = if mark { "\u{feff}" } else { "" };
            format!("{mark}{text}")
                .encode_utf16()
                .flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() })
                .collect()
        };
        let latin: Vec<u8> = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        for bytes in [
            text.as_bytes().to_vec(),
            format!("\u{feff}{text}").into_bytes(),
            utf16(false, true),
            utf16(true, true),
            utf16(false, false),
            utf16(true, false),
            latin,
        ] {
            assert_eq!(read(&bytes), text);
        }
    }

    #[test]
    fn mixed_encodings_are_read_as_both() {
        let mut bytes = "Name\nJürgen Groß und Söhne\n".as_bytes().to_vec();
        bytes.extend(std::iter::repeat_n(b"plain line\n".as_slice(), 40_000).flatten());
        bytes.extend(b"J\xfcrgen\n");
        let text = read(&bytes);
        assert!(text.starts_with("Name\nJürgen Groß") && text.ends_with("line\nJürgen\n"));
    }
}
