//! `aplomb init`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use aplomb_crm::{Random, Setup};
use aplomb_serve::data::{self, DataError};
use aplomb_serve::{Caches, edge, kit_text};
use clap::Args;
use serde_json::json;

use super::data::DataArgs;
use super::{log, settings};

#[derive(Args)]
pub struct Init {
    #[command(flatten)]
    data: DataArgs,
    /// Name of the organisation
    #[arg(long, env = "APLOMB_COMPANY", value_name = "NAME")]
    company: String,
    /// E-mail address of the first administrator
    #[arg(long, env = "APLOMB_ADMIN", value_name = "EMAIL")]
    admin: String,
    /// Name of the first administrator; taken from the address when missing
    #[arg(long, env = "APLOMB_ADMIN_NAME", value_name = "NAME")]
    admin_name: Option<String>,
    /// File whose first line is the administrator's password
    #[arg(long, env = "APLOMB_PASSWORD_FILE", value_name = "F")]
    password_file: PathBuf,
    /// Currency of the organisation (ISO 4217)
    #[arg(long, env = "APLOMB_CURRENCY", default_value = "EUR", value_name = "CODE")]
    currency: String,
    /// Time zone of the organisation (IANA name)
    #[arg(long, env = "APLOMB_TIME_ZONE", default_value = "UTC", value_name = "ZONE")]
    time_zone: String,
    /// Language of the organisation (BCP 47)
    #[arg(long, env = "APLOMB_LANGUAGE", default_value = "en", value_name = "TAG")]
    language: String,
    /// Load the sample data
    #[arg(long, env = "APLOMB_SAMPLE")]
    sample: bool,
    /// Print the result as JSON
    #[arg(long, env = "APLOMB_JSON")]
    json: bool,
}

impl Init {
    pub fn run(self) -> Result<ExitCode> {
        log::for_command();
        let name = self.admin_name.unwrap_or_else(|| name_of(&self.admin));
        let setup = Setup {
            organisation: self.company.clone(),
            currency: self.currency,
            time_zone: self.time_zone,
            language: self.language,
            admin_name: name,
            admin_email: self.admin,
            admin_password: settings::first_line(&self.password_file)?,
            sample: self.sample,
        };
        let (dir, unseal) = (&self.data.data, self.data.unseal.given()?);
        let made = data::first_run(dir, setup, unseal.as_ref(), &Caches::default(), edge::now(), &Random::system());
        let first = match made {
            Err(DataError::NotEmpty(dir)) => anyhow::bail!("{}: there is data already", dir.display()),
            other => other?,
        };
        first.open.crm.close();
        let text = kit_text(&first.kit, &self.company);
        let passphrase = first.passphrase.as_ref().map(|made| made.expose());
        if self.json {
            let kit = json!({"identity": first.kit.identity.expose(), "recipient": first.kit.recipient, "text": text});
            println!("{}", json!({"data": dir, "recoveryKit": kit, "unsealPassphrase": passphrase}));
            return Ok(ExitCode::SUCCESS);
        }
        println!("{text}");
        if let Some(passphrase) = passphrase {
            println!("Unseal passphrase (needed at every start, shown only here): {passphrase}");
        }
        println!("{} is ready; start it with: aplomb serve --data {0}", dir.display());
        Ok(ExitCode::SUCCESS)
    }
}

/// A person's name from his address: `anna.kowalska@x.org` is Anna Kowalska.
fn name_of(address: &str) -> String {
    let local = address.split(['@', '+']).next().unwrap_or_default();
    let words = local.split(['.', '_', '-']).filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    words.filter_map(capital).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_addresses() {
        for (address, name) in [
            ("anna.kowalska@x.org", "Anna Kowalska"),
            ("jean-luc_picard+crm@x.org", "Jean Luc Picard"),
            ("admin@x.org", "Admin"),
            ("élodie@x.org", "Élodie"),
        ] {
            assert_eq!(name_of(address), name);
        }
    }
}
