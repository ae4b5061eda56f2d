//! `aplomb serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use aplomb_serve::data::{Condition, condition};
use aplomb_serve::{Acme, Caches, Limits, ServeConfig, Started, Tls};
use aplomb_vault::Unseal;
use clap::Args;

use super::data::DataArgs;
use super::log;

const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    data: DataArgs,
    /// Address and port to listen on
    #[arg(long, env = "APLOMB_LISTEN", default_value = "127.0.0.1:8443", value_name = "ADDR:PORT")]
    listen: SocketAddr,
    /// `auto` makes an own authority and certificate, `off` is for a proxy in front, `acme` has an authority make one
    /// for the name in --base-url (which must lead here as port 443), or PEM files `CERT,KEY`, read again when they
    /// change or at SIGHUP
    #[arg(long, env = "APLOMB_TLS", default_value = "auto", value_parser = tls, value_name = "auto|off|acme|CERT,KEY")]
    tls: Tls,
    /// Directory of the ACME authority for `--tls acme`; another one than Let's Encrypt's, e.g. your own step-ca
    #[arg(long, env = "APLOMB_ACME_DIRECTORY", default_value = LETS_ENCRYPT, value_name = "URL")]
    acme_directory: String,
    /// PEM file of the authority behind that directory's own certificate, when it is not a public one
    #[arg(long, env = "APLOMB_ACME_CA_FILE", value_name = "F")]
    acme_ca_file: Option<PathBuf>,
    /// Address the ACME authority may write to
    #[arg(long, env = "APLOMB_ACME_EMAIL", value_name = "EMAIL")]
    acme_email: Option<String>,
    /// The address that people type, when a proxy stands in front
    #[arg(long, env = "APLOMB_BASE_URL", value_parser = base_url, value_name = "URL")]
    base_url: Option<String>,
    /// Requests a second for each session, API key or address; 0: any number. Missing: 200, and none for programs on
    /// this machine
    #[arg(long, env = "APLOMB_RATE_PER_KEY", value_name = "N")]
    rate_per_key: Option<u32>,
    /// Requests above that rate which pass at once; ten times the rate when missing
    #[arg(long, env = "APLOMB_RATE_BURST", value_name = "N")]
    rate_burst: Option<u32>,
    /// Wrong passwords a minute for each address; 0: any number
    #[arg(long, env = "APLOMB_RATE_LOGIN", default_value_t = Limits::default().logins_per_minute, value_name = "N")]
    rate_login: u32,
    /// Largest JSON body, in bytes
    #[arg(long, env = "APLOMB_MAX_JSON", default_value_t = Limits::default().json_bytes, value_name = "BYTES")]
    max_json: usize,
    /// Largest upload, in bytes
    #[arg(long, env = "APLOMB_MAX_UPLOAD", default_value_t = Limits::default().upload_bytes, value_name = "BYTES")]
    max_upload: u64,
    /// Threads that speak HTTP; 0: as many as processors
    #[arg(long, env = "APLOMB_WORKERS", default_value_t = 0, value_name = "N")]
    workers: usize,
    /// Threads for each of them that wait for the disk; 0: chosen by the program
    #[arg(long, env = "APLOMB_BLOCKING_THREADS", default_value_t = 0, value_name = "N")]
    blocking_threads: usize,
    /// Memory for pages of the store, in MiB; 0: chosen by the program
    #[arg(long, env = "APLOMB_STORE_CACHE", default_value_t = 0, value_name = "MIB")]
    store_cache: usize,
    /// Memory for the index, in MiB; 0: chosen by the program
    #[arg(long, env = "APLOMB_SEARCH_CACHE", default_value_t = 0, value_name = "MIB")]
    search_cache: usize,
}

impl Serve {
    pub fn run(self) -> Result<ExitCode> {
        log::for_server();
        let unseal = self.unseal()?;
        let rate = self.rate_per_key.unwrap_or(Limits::default().requests_per_second);
        let limits = Limits {
            json_bytes: self.max_json,
            upload_bytes: self.max_upload,
            requests_per_second: rate,
            requests_burst: self.rate_burst.unwrap_or(rate.saturating_mul(10)),
            count_local: self.rate_per_key.is_some(),
            logins_per_minute: self.rate_login,
            blocking_threads: self.blocking_threads,
            workers: self.workers,
            ..Limits::default()
        };
        let tls = match self.tls {
            Tls::Acme(_) => {
                Tls::Acme(Acme { directory: self.acme_directory, ca_file: self.acme_ca_file, email: self.acme_email })
            }
            other => other,
        };
        let config = ServeConfig {
            tls,
            unseal,
            base_url: self.base_url,
            limits,
            caches: Caches { store: self.store_cache << 20, search: self.search_cache << 20 },
            on_start: Some(Arc::new(greet)),
            ..ServeConfig::new(self.data.data, self.listen, crate::embedded::ui())
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.context("the runtime")?.block_on(aplomb_serve::run(config))?;
        Ok(ExitCode::SUCCESS)
    }

    /// A secret that cannot be read leaves the server sealed: an admin enters it in the browser.
    fn unseal(&self) -> Result<Option<Unseal>> {
        let fresh = condition(&self.data.data)? == Condition::Fresh;
        let given = if fresh { self.data.unseal.given() } else { self.data.unseal.given_or_asked() };
        Ok(given.unwrap_or_else(|error| {
            tracing::error!(%error, "the unseal secret cannot be read");
            None
        }))
    }
}

/// For whoever looks at the console; the log is on stderr.
fn greet(started: &Started) {
    println!("Aplomb listens on {}", started.url);
    if let Some(code) = &started.setup_code {
        println!("First run: open {} in a browser and enter the set-up code {code}", started.url);
    }
    if started.sealed {
        println!("The data are sealed: open {} in a browser and enter the unseal secret", started.url);
    }
}

fn tls(text: &str) -> Result<Tls, String> {
    match text {
        "auto" => Ok(Tls::Auto),
        "off" => Ok(Tls::Off),
        "acme" => Ok(Tls::Acme(Acme { directory: LETS_ENCRYPT.to_owned(), ca_file: None, email: None })),
        files => match files.split_once(',') {
            Some((cert, key)) => Ok(Tls::Files { cert: PathBuf::from(cert), key: PathBuf::from(key) }),
            None => Err("give auto, off, acme, or two PEM files as CERT,KEY".to_owned()),
        },
    }
}

fn base_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest.map(|rest| rest.trim_end_matches('/')) {
        Some(host) if !host.is_empty() && !host.contains('/') => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("give scheme and name without a path, e.g. https://crm.example.org".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_and_base_url_are_checked() {
        assert_eq!(tls("a.pem,b.pem"), Ok(Tls::Files { cert: "a.pem".into(), key: "b.pem".into() }));
        assert!(tls("on").is_err() && matches!(tls("acme"), Ok(Tls::Acme(_))));
        assert_eq!(base_url("https://crm.example.org/"), Ok("https://crm.example.org".to_owned()));
        for bad in ["crm.example.org", "https://", "ftp://x", "https://x/y"] {
            assert!(base_url(bad).is_err(), "{bad}");
        }
    }
}
