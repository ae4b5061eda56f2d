//! The first run: organisation, roles, the first admin, sample data if wanted. Once.

use aplomb_model::{Code, Currency, Error, FieldError, Result, Timestamp};
use aplomb_store::Assert;
use serde_json::json;

use crate::crm::Crm;
use crate::records::plan::Origin;
use crate::settings::{Organisation, SETTINGS, Settings};
use crate::{Ctx, Map, Random, Setup, passwords};

impl Crm {
    pub fn setup(&self, now: Timestamp, random: &Random, setup: Setup) -> Result<()> {
        if self.is_set_up() {
            return Err(Error::new(Code::Conflict, "the first run is over"));
        }
        let settings = settings(&setup)?;
        passwords::check_strength(&setup.admin_password, &[&setup.admin_name, &setup.admin_email, &setup.organisation])
            .map_err(|e| under(e, "admin"))?;
        let fields: Map = [
            ("name".to_owned(), json!(setup.admin_name)),
            ("email".to_owned(), json!(setup.admin_email)),
            ("roles".to_owned(), json!(["systemAdmin"])),
        ]
        .into_iter()
        .collect();
        let ctx = Ctx::system(now, random.clone(), "setup");
        let object = self.inner.internal("user")?;
        let id = ctx.new_id();
        let hash = self.inner.passwords.set(id, &setup.admin_password, random)?;
        self.inner.write(&ctx, "setup", |plan| {
            let given = plan.read_fields(&object, &fields).map_err(|e| under(e, "admin"))?;
            plan.create(&object, Some(id), given, Origin::Api).map_err(|e| under(e, "admin"))?;
            plan.ops.extend([hash.clone(), settings.op()?]);
            plan.asserts.push(Assert::DocIs { kind: SETTINGS, key: b"organisation".to_vec(), hash_or_value: None });
            Ok(())
        })?;
        self.inner.reload_settings()?;
        if setup.sample {
            let actor = self.actor_of(id)?;
            self.sample_load(&self.ctx(actor, now, random.clone(), "setup"))?;
        }
        Ok(())
    }
}

fn settings(setup: &Setup) -> Result<Settings> {
    let currency: Currency = setup
        .currency
        .parse()
        .map_err(|_| Error::field("organisation.currency", "value", "must be an ISO 4217 code such as EUR"))?;
    let formats = formats(&setup.language);
    let settings = Settings {
        organisation: Organisation {
            name: setup.organisation.trim().to_owned(),
            currency,
            time_zone: setup.time_zone.trim().to_owned(),
            language: setup.language.trim().to_owned(),
        },
        formats,
        ..Settings::default()
    };
    settings.check()?;
    Ok(settings)
}

/// What people who speak this language write.
fn formats(language: &str) -> crate::settings::Formats {
    let (number, date, time, week) = match language {
        "en-US" => ("1,234.56", "MM/dd/yyyy", "12h", "sunday"),
        "en-GB" | "en-AU" | "en-NZ" => ("1,234.56", "dd/MM/yyyy", "24h", "monday"),
        l if l.starts_with("de-CH") => ("1'234.56", "dd.MM.yyyy", "24h", "monday"),
        l if l.starts_with("de") => ("1.234,56", "dd.MM.yyyy", "24h", "monday"),
        l if l.starts_with("fr") => ("1 234,56", "dd/MM/yyyy", "24h", "monday"),
        l if ["es", "it", "pt", "nl"].iter().any(|p| l.starts_with(p)) => ("1.234,56", "dd/MM/yyyy", "24h", "monday"),
        _ => ("1,234.56", "yyyy-MM-dd", "24h", "monday"),
    };
    crate::settings::Formats { number: number.into(), date: date.into(), time: time.into(), week_start: week.into() }
}

fn under(e: Error, prefix: &str) -> Error {
    let fields: Vec<FieldError> = e.fields.into_iter().map(|f| f.under(prefix)).collect();
    Error { fields, ..Error::new(e.code, e.detail) }
}
