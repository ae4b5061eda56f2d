//! The first run, and opening a sealed server.

use aplomb_crm::Setup;
use aplomb_model::{Error, Result};
use aplomb_vault::{RecoveryKit, Secret, Unseal, VaultError};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::sessions;
use crate::call::Door;
use crate::http::answer::Answer;

/// The wizard's answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FirstRun {
    code: String,
    organisation: Organisation,
    admin: Admin,
    #[serde(default)]
    unseal: GivenUnseal,
    #[serde(default)]
    start: Start,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Organisation {
    name: String,
    #[serde(default = "euro")]
    currency: String,
    #[serde(default = "utc")]
    time_zone: String,
    #[serde(default = "english")]
    language: String,
}

#[derive(Deserialize)]
struct Admin {
    name: String,
    email: String,
    password: String,
}

#[derive(Default, Deserialize)]
struct GivenUnseal {
    passphrase: Option<String>,
}

#[derive(Default, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Start {
    #[default]
    Empty,
    Sample,
    /// empty here; the pages go on with an import
    Import,
}

#[derive(Deserialize)]
struct GivenCode {
    code: String,
}

#[derive(Deserialize)]
struct GivenSecret {
    secret: String,
}

fn euro() -> String {
    "EUR".to_owned()
}

fn utc() -> String {
    "UTC".to_owned()
}

fn english() -> String {
    "en".to_owned()
}

pub fn state(door: &Door) -> Result<Answer> {
    Answer::json(&json!({
        "required": door.app.is_fresh(),
        "sealed": door.app.is_sealed(),
        "unsealSecretGiven": door.app.config.unseal.is_some(),
    }))
}

/// For the wizard's first step: whether the code is right. Errors: as [`first_run`] has for the code.
pub fn check_code(door: &Door) -> Result<Answer> {
    if !door.app.is_fresh() {
        return Err(Error::not_found("wizard: the first run has been completed"));
    }
    let given: GivenCode = door.json()?;
    door.app.setup_code.lock().check(&given.code, door.now)?;
    Ok(Answer::empty())
}

/// Errors: `not_found` once used; `invalid` for a wrong code; what the vault and the business refuse.
pub fn first_run(door: &Door) -> Result<Answer> {
    if !door.app.is_fresh() {
        return Err(Error::not_found("wizard: the first run has been completed"));
    }
    let given: FirstRun = door.json()?;
    door.app.setup_code.lock().check(&given.code, door.now)?;
    let (email, password) = (given.admin.email.clone(), given.admin.password.clone());
    let setup = Setup {
        organisation: given.organisation.name,
        currency: given.organisation.currency,
        time_zone: given.organisation.time_zone,
        language: given.organisation.language,
        admin_name: given.admin.name,
        admin_email: given.admin.email,
        admin_password: given.admin.password,
        sample: given.start == Start::Sample,
    };
    let organisation = setup.organisation.clone();
    let passphrase = given.unseal.passphrase.filter(|text| !text.trim().is_empty());
    let unseal = passphrase.map(|text| Unseal::Passphrase(Secret::new(text)));
    let first = door.app.first_run(setup, unseal.as_ref())?;
    let (session, cookie) = sessions::start(door, &email, &password)?;
    let mut body = json!({
        "recoveryKit": {
            "identity": first.kit.identity.expose(),
            "recipient": first.kit.recipient,
            "text": kit_text(&first.kit, &organisation),
        },
        "session": session,
    });
    if let (Json::Object(body), Json::Object(session)) = (&mut body, session) {
        body.extend(session);
        if let Some(made) = &first.passphrase {
            body.insert("unsealPassphrase".to_owned(), json!(made.expose()));
        }
    }
    Ok(Answer::json(&body)?.status(201).cookie(cookie).secret())
}

/// The page to be printed and locked away.
pub fn kit_text(kit: &RecoveryKit, organisation: &str) -> String {
    format!(
        "APLOMB RECOVERY KIT\n\nOrganisation: {organisation}\n\nThis identity opens the data of this installation, and its \
         backups, when the unseal secret is lost. Print it or keep it in a safe; it is stored nowhere else.\n\n\
         {identity}\n\npublic key: {recipient}\n\nTo use it, enter the line that begins with AGE-SECRET-KEY on the page of the \
         sealed server, or put it into a file and start with: aplomb serve --unseal-file FILE\n",
        identity = kit.identity.expose(),
        recipient = kit.recipient,
    )
}

pub fn unseal(door: &Door) -> Result<Answer> {
    if door.app.is_fresh() {
        door.app.open()?;
    }
    let given: GivenSecret = door.json()?;
    let unseal = Unseal::from_text(&given.secret).map_err(|error| match error {
        VaultError::InvalidSecret(why) => Error::field("secret", "value", why),
        other => Error::internal(other.to_string()),
    })?;
    door.app.unseal(&unseal)?;
    state(door)
}
