//! `aplomb token`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use aplomb_crm::NewToken;
use clap::Args;

use super::data::{self, DataArgs};
use super::log;

#[derive(Args)]
pub struct Token {
    #[command(flatten)]
    data: DataArgs,
    /// E-mail address of the user whose rights the key has
    #[arg(long, env = "APLOMB_USER", value_name = "EMAIL")]
    user: String,
    /// What the key is for
    #[arg(long, env = "APLOMB_NAME", value_name = "NAME")]
    name: String,
    /// What it may do, e.g. `read`, `write`, `contact:read`; all that the user may when missing
    #[arg(long, env = "APLOMB_SCOPE", value_name = "S", value_delimiter = ',')]
    scope: Vec<String>,
    /// Print the key with its description as JSON
    #[arg(long, env = "APLOMB_JSON")]
    json: bool,
}

impl Token {
    pub fn run(self) -> Result<ExitCode> {
        log::for_command();
        let open = self.data.open()?;
        let user =
            open.crm.user_by_email(&self.user)?.with_context(|| format!("no user has the address {}", self.user))?;
        let new = NewToken { name: self.name, user: Some(user), scopes: self.scope, expires_at: None };
        let made = open.crm.token_create(&data::ctx("cli: token"), new);
        open.crm.close();
        let made = made?;
        match self.json {
            true => println!("{made}"),
            false => println!("{}", made.get("key").and_then(|key| key.as_str()).context("no key came back")?),
        }
        Ok(ExitCode::SUCCESS)
    }
}
