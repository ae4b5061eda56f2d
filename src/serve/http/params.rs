//! The query string: read once, checked against the names the route declares, handed out typed.

use std::str::FromStr;

use aplomb_model::{Code, Error, Result};

/// Decoded pairs in the order given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads `a=1&b=two+words`. Errors: `malformed` for bytes that are no UTF-8.
    pub fn parse(query: &str) -> Result<Params> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name, true)?, decode(value, true)?))
        });
        pairs.collect::<Result<_>>().map(Params)
    }

    /// Errors: `invalid` naming the first parameter that is not among `known`: a mistyped filter must not give everything.
    pub fn only(&self, known: &[&str]) -> Result<()> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) if known.is_empty() => {
                Err(Error::field(name.clone(), "unknown_parameter", "this address takes no parameters"))
            }
            Some((name, _)) => {
                let detail = format!("not a parameter of this address; it takes {}", known.join(", "));
                Err(Error::field(name.clone(), "unknown_parameter", detail))
            }
            None => Ok(()),
        }
    }

    /// The last value given under a name; an empty one counts as none.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    /// Errors: `invalid` when the value does not parse.
    pub fn parsed<T: FromStr>(&self, name: &str, expect: &str) -> Result<Option<T>> {
        let read = |text: &str| text.parse().map_err(|_| Error::field(name, "value", format!("must be {expect}")));
        self.get(name).map(read).transpose()
    }

    /// A number of rows, within 1 and `most`.
    pub fn limit(&self, default: usize, most: usize) -> Result<usize> {
        let expect = format!("a number from 1 to {most}");
        let limit = self.parsed::<usize>("limit", &expect)?.unwrap_or(default);
        if !(1..=most).contains(&limit) {
            return Err(Error::field("limit", "range", format!("must be {expect}")));
        }
        Ok(limit)
    }

    /// The parts of a comma-separated list.
    pub fn list(&self, name: &str) -> Vec<String> {
        let parts = self.get(name).into_iter().flat_map(|text| text.split(','));
        parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }
}

/// Percent-decoding (RFC 3986); with `form`, a plus is a space.
pub fn decode(text: &str, form: bool) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'+' if form => bytes.push(b' '),
            b'%' => {
                let byte = tail.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
                let byte = byte.filter(|_| tail[0] != b'+').ok_or_else(broken)?;
                bytes.push(byte);
                rest = &tail[2..];
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).map_err(|_| broken())
}

fn broken() -> Error {
    Error::new(Code::Malformed, "the address has a percent sign that encodes nothing, or text that is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_decode() {
        let params = Params::parse("q=a+b%20c&limit=10&empty=&sort=-x,%20name&&flag").unwrap();
        assert_eq!(params.get("q"), Some("a b c"));
        assert_eq!(params.get("empty"), None);
        assert_eq!(params.list("sort"), ["-x", "name"]);
        assert_eq!(params.limit(50, 500).unwrap(), 10);
        assert!(params.only(&["q", "limit", "empty", "sort", "flag"]).is_ok());
        assert_eq!(params.only(&["q"]).unwrap_err().fields[0].field, "limit");
        for bad in ["%", "%2", "%zz", "%+1", "%ff", "a=%c3%28"] {
            assert_eq!(Params::parse(bad).unwrap_err().code, Code::Malformed, "{bad}");
        }
    }

    #[test]
    fn limits_are_bounded() {
        for (text, ok) in
            [("1", true), ("500", true), ("0", false), ("501", false), ("-1", false), ("x", false), ("1e2", false)]
        {
            assert_eq!(Params::parse(&format!("limit={text}")).unwrap().limit(50, 500).is_ok(), ok, "{text}");
        }
    }
}
