//! A part of a file, asked for by `Range` (RFC 9110, section 14): one range of bytes; whatever else somebody asks for is
//! answered with the whole, as the standard allows.

use std::ops::Range;

/// Which bytes of how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub bytes: Range<u64>,
    pub of: u64,
}

impl Part {
    /// What a `Range` header asks for; the whole without one, and for one that is not understood or lies outside.
    pub fn asked(header: Option<&str>, of: u64) -> Part {
        let bytes = header.and_then(|header| range(header, of)).unwrap_or(0..of);
        Part { bytes, of }
    }

    pub fn is_whole(&self) -> bool {
        self.bytes == (0..self.of)
    }

    pub fn len(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }

    /// The value of `Content-Range`.
    pub fn content_range(&self) -> String {
        format!("bytes {}-{}/{}", self.bytes.start, self.bytes.end.saturating_sub(1), self.of)
    }
}

fn range(header: &str, of: u64) -> Option<Range<u64>> {
    let (first, last) = header.trim().strip_prefix("bytes=")?.trim().split_once('-')?;
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (first.trim(), last.trim()) {
        ("", last) => of.saturating_sub(number(last)?)..of,
        (first, "") => number(first)?..of,
        (first, last) => number(first)?..number(last)?.checked_add(1)?.min(of),
    };
    (range.start < range.end).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        for (header, expect) in [
            (Some("bytes=0-4"), 0..5),
            (Some("bytes=5-"), 5..10),
            (Some("bytes=-3"), 7..10),
            (Some("bytes=-30"), 0..10),
            (Some("bytes=8-800"), 8..10),
            (Some("bytes=10-"), 0..10),
            (Some("bytes=5-4"), 0..10),
            (Some("bytes=0-1,3-4"), 0..10),
            (Some("bytes=0-18446744073709551615"), 0..10),
            (Some("lines=1-2"), 0..10),
            (Some("bytes=-0"), 0..10),
            (Some("bytes=x-y"), 0..10),
            (None, 0..10),
        ] {
            assert_eq!(Part::asked(header, 10).bytes, expect, "{header:?}");
        }
        assert!(Part::asked(Some("bytes=0-"), 0).is_whole());
        assert_eq!(Part::asked(Some("bytes=2-4"), 10).content_range(), "bytes 2-4/10");
    }
}
