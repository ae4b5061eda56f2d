//! Compression of answers, done on the threads that may block.

use std::io::Write;

/// Bodies shorter than this gain nothing.
pub const WORTH: usize = 1_024;
/// brotli's quality for answers made on the fly: about as quick as gzip, and smaller
const BROTLI_QUALITY: u32 = 3;
const BROTLI_WINDOW: u32 = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Brotli => "br",
            Encoding::Gzip => "gzip",
        }
    }
}

/// The encoding an `Accept-Encoding` header (RFC 9110, section 12.5.3) prefers; brotli where both are welcome alike.
pub fn choose(accept: &str) -> Option<Encoding> {
    let weight = |wanted: &str| {
        accept.split(',').find_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            parts.next().filter(|name| name.eq_ignore_ascii_case(wanted))?;
            let q = parts.find_map(|part| part.strip_prefix("q="));
            Some(q.map_or(1.0, |q| q.trim().parse::<f32>().unwrap_or(0.0)))
        })
    };
    let (brotli, gzip) = (weight("br").unwrap_or(0.0), weight("gzip").unwrap_or(0.0));
    match (brotli > 0.0, gzip > brotli) {
        (_, true) => Some(Encoding::Gzip),
        (true, false) => Some(Encoding::Brotli),
        (false, false) => None,
    }
}

/// The whole body at once; `None` when it did not get smaller.
pub fn whole(body: &[u8], encoding: Encoding) -> Option<Vec<u8>> {
    let mut packed = writer(Vec::with_capacity(body.len() / 4), encoding);
    packed.write_all(body).ok()?;
    let packed = packed.finish().ok()?;
    (packed.len() < body.len()).then_some(packed)
}

/// A compressing writer around another.
pub enum Packer<W: Write> {
    Brotli(Box<brotli::CompressorWriter<W>>),
    Gzip(Box<flate2::write::GzEncoder<W>>),
    Plain(W),
}

pub fn writer<W: Write>(inner: W, encoding: impl Into<Option<Encoding>>) -> Packer<W> {
    match encoding.into() {
        Some(Encoding::Brotli) => {
            Packer::Brotli(Box::new(brotli::CompressorWriter::new(inner, 16 << 10, BROTLI_QUALITY, BROTLI_WINDOW)))
        }
        Some(Encoding::Gzip) => {
            Packer::Gzip(Box::new(flate2::write::GzEncoder::new(inner, flate2::Compression::fast())))
        }
        None => Packer::Plain(inner),
    }
}

impl<W: Write> Packer<W> {
    /// Writes what is left, and gives the inner writer back.
    pub fn finish(self) -> std::io::Result<W> {
        match self {
            Packer::Brotli(writer) => Ok(writer.into_inner()),
            Packer::Gzip(writer) => writer.finish(),
            Packer::Plain(inner) => Ok(inner),
        }
    }
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Packer::Brotli(writer) => writer.write(bytes),
            Packer::Gzip(writer) => writer.write(bytes),
            Packer::Plain(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Packer::Brotli(writer) => writer.flush(),
            Packer::Gzip(writer) => writer.flush(),
            Packer::Plain(writer) => writer.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn headers_choose() {
        for (header, expect) in [
            ("", None),
            ("identity", None),
            ("gzip", Some(Encoding::Gzip)),
            ("gzip, deflate, br, zstd", Some(Encoding::Brotli)),
            ("br;q=0.1, gzip;q=0.9", Some(Encoding::Gzip)),
            ("br;q=0, gzip;q=0", None),
            ("BR", Some(Encoding::Brotli)),
            ("br;q=oops", None),
        ] {
            assert_eq!(choose(header), expect, "{header:?}");
        }
    }

    #[test]
    fn what_is_packed_unpacks() {
        let body: Vec<u8> = (0..20_000u32).flat_map(|n| format!("row {}, ", n % 97).into_bytes()).collect();
        let (mut from_br, mut from_gz) = (Vec::new(), Vec::new());
        let br = whole(&body, Encoding::Brotli).unwrap();
        brotli::Decompressor::new(br.as_slice(), 4096).read_to_end(&mut from_br).unwrap();
        let gz = whole(&body, Encoding::Gzip).unwrap();
        flate2::read::GzDecoder::new(gz.as_slice()).read_to_end(&mut from_gz).unwrap();
        assert!(from_br == body && from_gz == body);
        assert!(br.len() < body.len() / 4 && gz.len() < body.len() / 4);
        assert_eq!(whole(b"x", Encoding::Gzip), None);
    }
}
