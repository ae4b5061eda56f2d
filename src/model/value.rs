//! The values a field can hold. The order of variants and fields is part of the stored format: append only.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Date, Id, ObjectCode, Timestamp};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// text, longText, and the single e-mail, phone, URL; a choice by its key
    Text(String),
    /// number, rating, and duration in seconds; always finite
    Number(f64),
    Bool(bool),
    Money(Money),
    Date(Date),
    Time(Timestamp),
    /// several e-mails, phones, URLs; multi-choice by keys; in the order given, without repeats
    Texts(Vec<String>),
    Ref(Link),
    Refs(Vec<Link>),
    Name(PersonName),
    Address(Address),
    Geo(Geo),
    Files(Vec<FileRef>),
}

/// A reference to a record. `object` 0 means: not looked up yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Link {
    pub object: ObjectCode,
    pub id: Id,
}

/// Minor units (cents) and a currency, so that no amount is ever rounded by floating point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

/// An ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PersonName {
    #[serde(default)]
    pub first: String,
    #[serde(default)]
    pub last: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Address {
    pub street: String,
    pub city: String,
    pub region: String,
    pub postal_code: String,
    pub country: String,
}

/// Degrees, WGS 84.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Geo {
    pub lat: f64,
    pub lon: f64,
}

/// An uploaded file. Whoever writes it need give the id only: the rest is what the upload found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileRef {
    pub id: Id,
    #[serde(default)]
    pub name: String,
    /// bytes
    #[serde(default)]
    pub size: u64,
    #[serde(default)]
    pub media_type: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("not an amount such as 1250.00")]
    Syntax,
    #[error("more decimals than the currency has")]
    Decimals,
    #[error("amount too large")]
    Range,
    #[error("not a three-letter ISO 4217 currency code")]
    Currency,
}

impl Currency {
    pub const EUR: Currency = Currency(*b"EUR");
    pub const USD: Currency = Currency(*b"USD");

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Digits after the point (ISO 4217).
    pub fn decimals(&self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(s: &str) -> Result<Currency, MoneyError> {
        let bytes: [u8; 3] = s.trim().as_bytes().try_into().map_err(|_| MoneyError::Currency)?;
        if !bytes.iter().all(u8::is_ascii_alphabetic) {
            return Err(MoneyError::Currency);
        }
        Ok(Currency(bytes.map(|b| b.to_ascii_uppercase())))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.serialize_str(self.as_str()) } else { self.0.serialize(s) }
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Currency, D::Error> {
        if d.is_human_readable() {
            String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
        } else {
            <[u8; 3]>::deserialize(d).map(Currency)
        }
    }
}

impl Money {
    pub fn new(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    /// Reads a plain decimal (`-1250.5`, no grouping). Decimals beyond the currency's are an error unless they are zeros.
    pub fn parse(amount: &str, currency: Currency) -> Result<Money, MoneyError> {
        let text = amount.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty())
            || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
        {
            return Err(MoneyError::Syntax);
        }
        let places = currency.decimals() as usize;
        let (kept, rest) = fraction.split_at(places.min(fraction.len()));
        if rest.bytes().any(|b| b != b'0') {
            return Err(MoneyError::Decimals);
        }
        let padded = format!("{whole}{kept}{}", "0".repeat(places - kept.len()));
        let minor: i64 = padded.parse().map_err(|_| MoneyError::Range)?;
        Ok(Money { minor: if negative { -minor } else { minor }, currency })
    }

    /// The amount as decimal text with the currency's digits, e.g. `1250.00`.
    pub fn amount(&self) -> String {
        let places = self.currency.decimals() as usize;
        let digits = format!("{:0width$}", self.minor.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let sign = if self.minor < 0 { "-" } else { "" };
        if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

impl PersonName {
    /// Splits at the last space; `Last, First` is understood.
    pub fn parse(full: &str) -> PersonName {
        let full = full.trim();
        let (first, last) = match full.split_once(',') {
            Some((last, first)) => (first, last),
            None => full.rsplit_once(char::is_whitespace).unwrap_or(("", full)),
        };
        PersonName { first: first.trim().into(), last: last.trim().into() }
    }

    pub fn full(&self) -> String {
        format!("{} {}", self.first, self.last).trim().to_owned()
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.last.is_empty()
    }
}

impl Address {
    pub fn is_empty(&self) -> bool {
        [&self.street, &self.city, &self.region, &self.postal_code, &self.country].iter().all(|s| s.is_empty())
    }

    /// One line, parts separated by commas.
    pub fn line(&self) -> String {
        let place = format!("{} {}", self.postal_code, self.city);
        let parts = [self.street.as_str(), place.trim(), self.region.as_str(), self.country.as_str()];
        parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

impl Value {
    /// What a person reads: the title of a record, a cell of an export. References give their id.
    pub fn text(&self) -> String {
        match self {
            Value::Text(s) => s.clone(),
            Value::Number(n) => n.to_string(),
            Value::Bool(b) => b.to_string(),
            Value::Money(m) => format!("{} {}", m.amount(), m.currency),
            Value::Date(d) => d.to_string(),
            Value::Time(t) => t.to_string(),
            Value::Texts(list) => list.join("; "),
            Value::Ref(link) => link.id.to_string(),
            Value::Refs(links) => links.iter().map(|l| l.id.to_string()).collect::<Vec<_>>().join("; "),
            Value::Name(name) => name.full(),
            Value::Address(a) => a.line(),
            Value::Geo(g) => format!("{},{}", g.lat, g.lon),
            Value::Files(files) => files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join("; "),
        }
    }

    /// The records this value points at.
    pub fn links(&self) -> &[Link] {
        match self {
            Value::Ref(link) => std::slice::from_ref(link),
            Value::Refs(links) => links,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_and_prints() {
        for (text, currency, expect) in [
            ("1250", "EUR", Ok("1250.00")),
            ("-0.5", "usd", Ok("-0.50")),
            (".5", "USD", Ok("0.50")),
            ("1.500", "EUR", Ok("1.50")),
            ("1.505", "EUR", Err(MoneyError::Decimals)),
            ("500", "JPY", Ok("500")),
            ("1.234", "KWD", Ok("1.234")),
            ("", "EUR", Err(MoneyError::Syntax)),
            (".", "EUR", Err(MoneyError::Syntax)),
            ("1,000", "EUR", Err(MoneyError::Syntax)),
            ("1e30", "EUR", Err(MoneyError::Syntax)),
            ("1000000000000000000000000000000", "EUR", Err(MoneyError::Range)),
        ] {
            let money = Money::parse(text, currency.parse().unwrap());
            assert_eq!(money.map(|m| m.amount()), expect.map(str::to_owned), "{text} {currency}");
        }
        assert_eq!("EURO".parse::<Currency>(), Err(MoneyError::Currency));
    }

    #[test]
    fn names_split() {
        for (full, first, last) in [
            ("Ada Lovelace", "Ada", "Lovelace"),
            ("Lovelace, Ada", "Ada", "Lovelace"),
            ("Plato", "", "Plato"),
            ("", "", ""),
        ] {
            assert_eq!(PersonName::parse(full), PersonName { first: first.into(), last: last.into() });
        }
    }
}
