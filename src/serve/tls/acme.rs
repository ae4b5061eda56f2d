//! Certificates from an ACME authority (RFC 8555), public or the customer's own, proved by TLS-ALPN-01 (RFC 8737) on the
//! server's own port: the authority must reach it as port 443 of the name. Account key and certificate lie sealed in the
//! data directory; the certificate is renewed when a third of its life is left.

use std::sync::Arc;
use std::time::Duration;

use aplomb_model::Timestamp;
use aplomb_vault::{SealedDir, VaultError};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order,
    OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::acme_http::Http;
use super::resolver::Resolver;
use super::{load_text, provider, validity, warn_of_end};
use crate::config::Acme;
use crate::data::Open;
use crate::edge;
use crate::state::App;

const ACCOUNT: &str = "account";
const CERTIFICATE: &str = "certificate";
/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// How often it is looked whether the vault is open by now.
const SEALED_EVERY: Duration = Duration::from_secs(2);
/// After a failure; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3_600);
const POLL: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(250)).timeout(Duration::from_secs(120));

#[derive(Debug, thiserror::Error)]
enum AcmeError {
    #[error(transparent)]
    Protocol(#[from] instant_acme::Error),
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Tls(#[from] crate::ServeError),
    #[error("{0}")]
    Refused(String),
}

/// What is kept of a certificate, sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    directory: String,
    /// PEM
    chain: String,
    /// PEM
    key: String,
}

#[derive(Serialize, Deserialize)]
struct KeptAccount {
    directory: String,
    credentials: AccountCredentials,
}

struct Client<'a> {
    config: &'a Acme,
    name: &'a str,
    resolver: &'a Resolver,
    sealed: Arc<SealedDir>,
}

/// Waits for the vault, takes the certificate that is kept there, and has it renewed in time until the server stops.
pub async fn run(app: &App, config: &Acme, name: &str, resolver: &Resolver) {
    let mut stopping = app.stopping.subscribe();
    let open = loop {
        match app.open() {
            Ok(open) => break open,
            Err(_) if timeout(SEALED_EVERY, stopping.changed()).await.is_ok() => return,
            Err(_) => {}
        }
    };
    let client = match Client::new(&open, config, name, resolver) {
        Ok(client) => client,
        Err(error) => return tracing::error!(%error, "acme: the sealed certificate cannot be kept"),
    };
    let mut renew_at = client.take_kept();
    let mut pause = FIRST_PAUSE;
    loop {
        let wait = match renew_at {
            Some(at) if at > edge::now() => LOOK_EVERY,
            _ => match client.order().await {
                Ok(at) => {
                    (renew_at, pause) = (at, FIRST_PAUSE);
                    LOOK_EVERY
                }
                Err(error) => {
                    let retry_seconds = pause.as_secs();
                    tracing::error!(%error, directory = config.directory, retry_seconds, "acme: no certificate");
                    let longer = (pause * 2).min(LONGEST_PAUSE);
                    std::mem::replace(&mut pause, longer)
                }
            },
        };
        if timeout(wait, stopping.changed()).await.is_ok() {
            return;
        }
    }
}

impl<'a> Client<'a> {
    fn new(open: &Open, config: &'a Acme, name: &'a str, resolver: &'a Resolver) -> Result<Client<'a>, AcmeError> {
        let sealed = SealedDir::new(&open.acme.0, open.acme.1.clone(), 0)?;
        Ok(Client { config, name, resolver, sealed })
    }

    fn kept<T: for<'de> Deserialize<'de>>(&self, file: &str) -> Option<T> {
        if !self.sealed.exists(file).ok()? {
            return None;
        }
        let read = self.sealed.read_all(file).map_err(AcmeError::from);
        match read.and_then(|bytes| Ok(serde_json::from_slice(&bytes)?)) {
            Ok(kept) => Some(kept),
            Err(error) => {
                tracing::error!(%error, file, "acme: what was kept cannot be read; it is made anew");
                None
            }
        }
    }

    /// Puts the kept certificate into force; when it is to be renewed.
    fn take_kept(&self) -> Option<Timestamp> {
        let kept: Kept = self.kept(CERTIFICATE)?;
        if kept.name != self.name || kept.directory != self.config.directory {
            return None;
        }
        let key = load_text(&kept.chain, &kept.key).ok()?;
        warn_of_end(&key, edge::now());
        let at = renewal(&key);
        self.resolver.replace(key);
        at
    }

    async fn account(&self) -> Result<Account, AcmeError> {
        let builder = Account::builder_with_http(Box::new(Http::new(self.config.ca_file.as_deref())?));
        if let Some(kept) = self.kept::<KeptAccount>(ACCOUNT).filter(|kept| kept.directory == self.config.directory) {
            return Ok(builder.from_credentials(kept.credentials).await?);
        }
        let contact = self.config.email.as_ref().map(|email| format!("mailto:{email}"));
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let (account, credentials) = builder.create(&new, self.config.directory.clone(), None).await?;
        let kept = KeptAccount { directory: self.config.directory.clone(), credentials };
        self.sealed.write_atomic(ACCOUNT, &serde_json::to_vec(&kept)?)?;
        Ok(account)
    }

    /// Has a certificate made and puts it into force; when it is to be renewed.
    async fn order(&self) -> Result<Option<Timestamp>, AcmeError> {
        let account = self.account().await?;
        let identifiers = [Identifier::Dns(self.name.to_owned())];
        let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
        let proved = self.prove(&mut order).await;
        self.resolver.answer_challenge(self.name, None);
        proved?;
        let pair = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![self.name.to_owned()])?;
        params.distinguished_name = DistinguishedName::new();
        order.finalize_csr(params.serialize_request(&pair)?.der()).await?;
        let chain = order.poll_certificate(&POLL).await?;
        let kept = Kept {
            name: self.name.to_owned(),
            directory: self.config.directory.clone(),
            chain,
            key: pair.serialize_pem(),
        };
        let key = load_text(&kept.chain, &kept.key).map_err(AcmeError::Refused)?;
        self.sealed.write_atomic(CERTIFICATE, &serde_json::to_vec(&kept)?)?;
        let at = renewal(&key);
        self.resolver.replace(key);
        tracing::info!(name = self.name, renew = ?at.map(|at| at.date().to_string()), "acme: a certificate is in force");
        Ok(at)
    }

    /// Shows that the name leads here.
    async fn prove(&self, order: &mut Order) -> Result<(), AcmeError> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let mut challenge = authorization
                .challenge(ChallengeType::TlsAlpn01)
                .ok_or_else(|| AcmeError::Refused("the authority does not offer tls-alpn-01".into()))?;
            let digest = challenge.key_authorization().digest();
            self.resolver.answer_challenge(self.name, Some(answer(self.name, digest.as_ref())?));
            challenge.set_ready().await?;
        }
        match order.poll_ready(&POLL).await? {
            OrderStatus::Ready | OrderStatus::Valid => Ok(()),
            status => Err(AcmeError::Refused(why(order, status).await)),
        }
    }
}

/// What the authority says of a challenge that failed.
async fn why(order: &mut Order, status: OrderStatus) -> String {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { continue };
        if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
            return format!("the authority could not reach this server under the name: {problem}");
        }
    }
    format!("the order is {status:?}")
}

/// The certificate that answers a challenge (RFC 8737, section 3).
fn answer(name: &str, digest: &[u8]) -> Result<CertifiedKey, AcmeError> {
    let pair = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&pair)?;
    let key = PrivateKeyDer::Pkcs8(pair.serialize_der().into());
    let key = provider().key_provider.load_private_key(key).map_err(|e| AcmeError::Refused(e.to_string()))?;
    // Not checked against each other: the check refuses the critical extension, which only authorities know.
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}

/// When a third of its life is left.
fn renewal(key: &CertifiedKey) -> Option<Timestamp> {
    let (begin, end) = validity::of(key.cert.first()?)?;
    Some(Timestamp::from_seconds(end.seconds() - (end.seconds() - begin.seconds()) / 3))
}
