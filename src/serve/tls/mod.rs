//! Certificates: the customer's own PEM files, those of an ACME authority, or an own authority. Whatever they come from,
//! the server asks for the present one at every handshake, so that a renewal needs no restart.

mod acme;
mod acme_http;
mod own;
mod resolver;
mod validity;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aplomb_model::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tokio::time::timeout;

use crate::config::Acme;
use crate::secure::host_of;
use crate::state::App;
use crate::{ServeConfig, ServeError, Tls, edge};
use resolver::Resolver;

/// How often files are looked at, and certificates by the clock.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// A certificate that ends sooner than this is worth a warning.
const WARN_DAYS: i64 = 14;

/// The certificate in force, and where the next one comes from.
pub struct Keeper {
    resolver: Arc<Resolver>,
    source: Source,
}

enum Source {
    Own { dir: PathBuf, names: BTreeSet<String> },
    Files { cert: PathBuf, key: PathBuf },
    Acme { config: Acme, name: String },
}

/// The TLS settings and their keeper, or `None` for plain HTTP. Makes or renews the own certificate when needed.
///
/// Errors: files that cannot be read, do not belong together, or hold no certificate.
pub fn start(config: &ServeConfig, now: Timestamp) -> Result<Option<(ServerConfig, Keeper)>, ServeError> {
    let (dir, names) = (config.data.join("tls"), own::names(config));
    let source = match &config.tls {
        Tls::Off => return Ok(None),
        Tls::Auto => Source::Own { dir: dir.clone(), names: names.clone() },
        Tls::Files { cert, key } => Source::Files { cert: cert.clone(), key: key.clone() },
        Tls::Acme(acme) => {
            let host = config.base_url.as_deref().filter(|url| url.starts_with("https://")).map(host_of);
            let name = host.filter(|host| host.parse::<std::net::IpAddr>().is_err() && !host.is_empty());
            let why = "acme needs --base-url https://NAME: the certificate is made for that name";
            Source::Acme { config: acme.clone(), name: name.ok_or_else(|| ServeError::Tls(why.into()))? }
        }
    };
    let (cert, key) = match &source {
        Source::Files { cert, key } => (cert.clone(), key.clone()),
        // ACME keeps its keys sealed: until the vault is open and a certificate is there, the own one serves.
        Source::Own { .. } | Source::Acme { .. } => own::own(&dir, &names, now)?,
    };
    let first = load(&cert, &key)?;
    warn_of_end(&first, now);
    let resolver = Arc::new(Resolver::new(first));
    let mut settings = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| bad(&cert, &e))?
        .with_no_client_auth()
        .with_cert_resolver(resolver.clone());
    if matches!(source, Source::Acme { .. }) {
        settings.alpn_protocols.push(resolver::CHALLENGE.to_vec());
    }
    Ok(Some((settings, Keeper { resolver, source })))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A chain and its key from PEM files.
fn load(cert: &Path, key: &Path) -> Result<CertifiedKey, ServeError> {
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|e| bad(cert, &e))?;
    if chain.is_empty() {
        return Err(bad(cert, &"there is no certificate in it"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|e| bad(key, &e))?;
    pair(chain, private).map_err(|why| ServeError::Tls(format!("{} and {}: {why}", cert.display(), key.display())))
}

/// The same from text.
fn load_text(chain: &str, key: &str) -> Result<CertifiedKey, String> {
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>();
    let private = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|e| e.to_string())?;
    pair(chain.map_err(|e| e.to_string())?, private)
}

fn pair(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<CertifiedKey, String> {
    CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => "the key does not belong to the certificate".to_owned(),
        other => other.to_string(),
    })
}

fn bad(path: &Path, error: &dyn std::fmt::Display) -> ServeError {
    ServeError::Tls(format!("{}: {error}", path.display()))
}

fn ends(key: &CertifiedKey) -> Option<Timestamp> {
    validity::of(key.cert.first()?).map(|(_, end)| end)
}

fn warn_of_end(key: &CertifiedKey, now: Timestamp) {
    match ends(key) {
        Some(end) if end <= now => tracing::warn!(ended = %end.date(), "the certificate has ended: browsers refuse it"),
        Some(end) if end <= now.plus_days(WARN_DAYS) => tracing::warn!(ends = %end.date(), "the certificate ends soon"),
        _ => {}
    }
}

impl Keeper {
    /// Follows files, the clock or the authority until the server stops.
    pub async fn run(self, app: Arc<App>) {
        match &self.source {
            Source::Own { dir, names } => {
                let renew = || {
                    let (cert, key) = own::own(dir, names, edge::now())?;
                    load(&cert, &key)
                };
                self.follow(&app, || own_mark(dir), &renew).await;
            }
            Source::Files { cert, key } => {
                self.follow(&app, || [cert, key].map(|path| mark(path)).to_vec(), &|| load(cert, key)).await;
            }
            Source::Acme { config, name } => acme::run(&app, config, name, &self.resolver).await,
        }
    }

    /// Reads again when the files changed, a day has passed, or somebody sent SIGHUP. What cannot be used is left alone.
    async fn follow(
        &self,
        app: &App,
        mark: impl Fn() -> Vec<Mark>,
        load: &(dyn Fn() -> Result<CertifiedKey, ServeError> + Sync),
    ) {
        let mut stopping = app.stopping.subscribe();
        let mut hangup = Hangup::new();
        let (mut seen, mut looked) = (mark(), edge::now());
        while !*stopping.borrow() {
            let told = tokio::select! {
                _ = stopping.changed() => return,
                told = timeout(LOOK_EVERY, hangup.next()) => told.is_ok(),
            };
            let (found, now) = (mark(), edge::now());
            if !told && found == seen && now < looked.plus_days(1) {
                continue;
            }
            looked = now;
            match load() {
                Ok(next) => {
                    warn_of_end(&next, now);
                    let end = ends(&next).map(|end| end.date().to_string());
                    if self.resolver.replace(next) {
                        tracing::info!(end, "another certificate is in force");
                    }
                }
                Err(error) => tracing::error!(%error, "the certificate was not read again; the present one stays"),
            }
            seen = mark();
        }
    }
}

/// By what a changed file is recognised.
type Mark = Option<(u64, SystemTime)>;

fn mark(path: &Path) -> Mark {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

fn own_mark(dir: &Path) -> Vec<Mark> {
    ["leaf.pem", "leaf.key"].map(|name| mark(&dir.join(name))).to_vec()
}

/// SIGHUP, where there is one.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    #[cfg(unix)]
    fn new() -> Hangup {
        Hangup { signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok() }
    }

    #[cfg(not(unix))]
    fn new() -> Hangup {
        Hangup {}
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal {
            signal.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    fn files(dir: &Path, name: &str, days: i64) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::new(vec!["crm.example.org".to_owned()]).unwrap();
        let (year, month, day) = edge::now().plus_days(days).date().ymd();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(i32::from(year), month.unsigned_abs(), day.unsigned_abs());
        let pair = KeyPair::generate().unwrap();
        let (cert, key) = (dir.join(format!("{name}.pem")), dir.join(format!("{name}.key")));
        std::fs::write(&cert, params.self_signed(&pair).unwrap().pem()).unwrap();
        std::fs::write(&key, pair.serialize_pem()).unwrap();
        (cert, key)
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let ((cert, key), (_, other)) = (files(dir.path(), "a", 90), files(dir.path(), "b", 90));
        assert!(load(&cert, &key).is_ok());
        let (missing, empty) = (dir.path().join("none.pem"), dir.path().join("empty.pem"));
        std::fs::write(&empty, "").unwrap();
        for (cert, key, part) in [
            (&cert, &other, "does not belong"),
            (&missing, &key, "none.pem"),
            (&cert, &missing, "none.pem"),
            (&empty, &key, "no certificate"),
            (&key, &key, "no certificate"),
            (&cert, &cert, "a.pem"),
        ] {
            let error = load(cert, key).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_end_of_a_certificate_is_known() {
        let dir = tempfile::tempdir().unwrap();
        for days in [-3, 5, 400] {
            let (cert, key) = files(dir.path(), "a", days);
            let end = ends(&load(&cert, &key).unwrap()).unwrap();
            assert_eq!(end.date(), edge::now().plus_days(days).date());
        }
    }
}
