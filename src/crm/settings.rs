//! What holds for the whole organisation: its name, money, zone, language, formats and numbering.

use std::collections::BTreeMap;

use aplomb_access::can;
use aplomb_model::{Capability, Code, Currency, Error, FieldError, Money, Result, Timestamp};
use aplomb_store::View;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::crm::Crm;
use crate::errors::{OrInternal, OrStore, forbidden};
use crate::{Ctx, Map};

pub(crate) const SETTINGS: &str = "settings";
const KEY: &[u8] = b"organisation";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    pub organisation: Organisation,
    /// how much of the organisation's currency one unit of another is worth
    pub currency_rates: BTreeMap<Currency, f64>,
    pub formats: Formats,
    /// by object: ticket, quote, order, invoice, contract
    pub numbering: BTreeMap<String, Numbering>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Organisation {
    pub name: String,
    pub currency: Currency,
    /// IANA name
    pub time_zone: String,
    /// BCP 47
    pub language: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Formats {
    /// `1,234.56`, `1.234,56`, `1 234,56` or `1'234.56`
    pub number: String,
    /// `yyyy-MM-dd`, `dd.MM.yyyy`, `dd/MM/yyyy`, `MM/dd/yyyy`
    pub date: String,
    /// `24h` or `12h`
    pub time: String,
    /// `monday`, `sunday` or `saturday`
    pub week_start: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Numbering {
    /// `{year}` becomes the year
    pub prefix: String,
    pub digits: u8,
}

impl Default for Settings {
    fn default() -> Settings {
        let numbering = [("ticket", "T-"), ("quote", "Q-"), ("order", "O-"), ("invoice", "I-"), ("contract", "C-")]
            .map(|(object, prefix)| {
                (object.to_owned(), Numbering { prefix: prefix.to_owned(), ..Numbering::default() })
            });
        Settings {
            organisation: Organisation::default(),
            currency_rates: BTreeMap::new(),
            formats: Formats::default(),
            numbering: numbering.into(),
        }
    }
}

impl Default for Organisation {
    fn default() -> Organisation {
        Organisation { name: String::new(), currency: Currency::EUR, time_zone: "UTC".into(), language: "en".into() }
    }
}

impl Default for Formats {
    fn default() -> Formats {
        Formats {
            number: "1,234.56".into(),
            date: "yyyy-MM-dd".into(),
            time: "24h".into(),
            week_start: "monday".into(),
        }
    }
}

impl Default for Numbering {
    fn default() -> Numbering {
        Numbering { prefix: String::new(), digits: 5 }
    }
}

impl Settings {
    /// Defaults before the first run.
    pub(crate) fn load(view: &View) -> Result<Option<Settings>> {
        let bytes = view.doc(SETTINGS, KEY).or_store()?;
        bytes.map(|b| serde_json::from_slice(&b).or_internal("the settings")).transpose()
    }

    pub(crate) fn op(&self) -> Result<aplomb_store::Op> {
        let value = serde_json::to_vec(self).or_internal("the settings")?;
        Ok(aplomb_store::Op::Doc { kind: SETTINGS, key: KEY.to_vec(), value: Some(value), logged: true })
    }

    pub(crate) fn check(&self) -> Result<()> {
        let mut errors = Vec::new();
        let mut test = |ok: bool, field: &str, detail: &str| {
            if !ok {
                errors.push(FieldError::new(field, "value", detail));
            }
        };
        let name = self.organisation.name.trim();
        test(!name.is_empty() && name.chars().count() <= 200, "organisation.name", "must have 1 to 200 characters");
        test(
            zone(&self.organisation.time_zone).is_some(),
            "organisation.timeZone",
            "must be a zone such as Europe/Berlin",
        );
        let tag = &self.organisation.language;
        let tag_ok = (2..=35).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        test(tag_ok, "organisation.language", "must be a language tag such as en or de-CH");
        let rates_ok = self.currency_rates.values().all(|r| r.is_finite() && *r > 0.0);
        test(rates_ok, "currencyRates", "every rate must be above zero");
        let numbers_ok = self.numbering.values().all(|n| n.digits <= 12 && n.prefix.chars().count() <= 20);
        test(numbers_ok, "numbering", "at most 12 digits and 20 characters of prefix");
        let formats = &self.formats;
        test(
            ["1,234.56", "1.234,56", "1 234,56", "1'234.56"].contains(&&*formats.number),
            "formats.number",
            "unknown format",
        );
        test(
            ["yyyy-MM-dd", "dd.MM.yyyy", "dd/MM/yyyy", "MM/dd/yyyy"].contains(&&*formats.date),
            "formats.date",
            "unknown format",
        );
        test(["24h", "12h"].contains(&&*formats.time), "formats.time", "must be 24h or 12h");
        test(["monday", "sunday", "saturday"].contains(&&*formats.week_start), "formats.weekStart", "unknown day");
        if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
    }

    /// Seconds east of UTC of the organisation's zone.
    pub fn offset_at(&self, now: Timestamp) -> i32 {
        offset(&self.organisation.time_zone, now)
    }

    /// In the organisation's currency, minor units, not rounded; `None` without a rate.
    pub fn convert(&self, minor: f64, from: Currency) -> Option<f64> {
        let to = self.organisation.currency;
        if from == to {
            return Some(minor);
        }
        let rate = self.currency_rates.get(&from)?;
        Some(minor * rate * 10f64.powi(to.decimals() as i32 - from.decimals() as i32))
    }

    pub fn convert_money(&self, money: Money) -> Option<Money> {
        let minor = self.convert(money.minor as f64, money.currency)?;
        Some(Money::new(minor.round() as i64, self.organisation.currency))
    }
}

fn zone(name: &str) -> Option<jiff::tz::TimeZone> {
    jiff::tz::TimeZone::get(name).ok()
}

/// Seconds east of UTC; 0 for a zone nobody knows.
pub(crate) fn offset(name: &str, now: Timestamp) -> i32 {
    let at = jiff::Timestamp::from_microsecond(now.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    zone(name).map_or(0, |zone| zone.to_offset(at).seconds())
}

impl Crm {
    pub fn settings(&self, _ctx: &Ctx) -> Result<Json> {
        serde_json::to_value(&*self.inner.settings()).or_internal("the settings")
    }

    /// Merges the given members into the settings, one level into `organisation`, `formats` and the maps.
    pub fn settings_patch(&self, ctx: &Ctx, patch: Map) -> Result<Json> {
        if !can(&ctx.actor, Capability::ManageSettings) {
            return Err(forbidden());
        }
        let mut json = serde_json::to_value(&*self.inner.settings()).or_internal("the settings")?;
        merge(&mut json, &Json::Object(patch));
        let settings: Settings =
            serde_json::from_value(json).map_err(|e| Error::new(Code::Invalid, format!("settings: {e}")))?;
        settings.check()?;
        self.inner.commit_docs(ctx, "settings", vec![settings.op()?], vec![])?;
        self.inner.reload_settings()?;
        serde_json::to_value(&settings).or_internal("the settings")
    }
}

/// RFC 7396.
pub(crate) fn merge(into: &mut Json, patch: &Json) {
    let (Json::Object(target), Json::Object(changes)) = (&mut *into, patch) else {
        *into = patch.clone();
        return;
    };
    for (key, value) in changes {
        match value {
            Json::Null => {
                target.remove(key);
            }
            value => merge(target.entry(key.clone()).or_insert(Json::Null), value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_convert_between_decimals() {
        let jpy: Currency = "JPY".parse().unwrap();
        let settings = Settings { currency_rates: [(jpy, 0.006), (Currency::USD, 0.9)].into(), ..Settings::default() };
        assert_eq!(settings.convert_money(Money::new(10_000, jpy)), Some(Money::new(6_000, Currency::EUR)));
        assert_eq!(settings.convert_money(Money::new(100, Currency::USD)), Some(Money::new(90, Currency::EUR)));
        assert_eq!(settings.convert_money(Money::new(100, "CHF".parse().unwrap())), None);
    }

    #[test]
    fn defaults_need_only_a_name() {
        let mut settings = Settings::default();
        assert!(settings.check().is_err());
        settings.organisation.name = "Acme".into();
        assert_eq!(settings.check(), Ok(()));
        settings.organisation.time_zone = "Mars/Olympus".into();
        assert!(settings.check().is_err());
    }

    #[test]
    fn zones_have_summer_time() {
        let at = |text: &str| offset("Europe/Berlin", text.parse().unwrap());
        assert_eq!((at("2026-01-15T12:00:00Z"), at("2026-07-15T12:00:00Z")), (3600, 7200));
    }
}
