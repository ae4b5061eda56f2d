//! What the server is told when it starts. It knows no file formats and no environment: the command line fills it in.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aplomb_vault::Unseal;

/// Everything [`crate::run`] needs.
#[derive(Clone)]
pub struct ServeConfig {
    /// the data directory; made when missing
    pub data: PathBuf,
    pub listen: SocketAddr,
    pub tls: Tls,
    /// opens the vault at the start; without it a sealed server waits for `POST /api/v1/unseal`
    pub unseal: Option<Unseal>,
    /// the address browsers use, e.g. `https://crm.example.org`, when a proxy stands in front
    pub base_url: Option<String>,
    pub ui: UiSource,
    pub limits: Limits,
    pub caches: Caches,
    /// called once the port is bound, with the address and the server's own URL
    pub on_start: Option<OnStart>,
}

/// How connections are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// an own authority and a certificate, made at the first run below `DIR/tls`
    Auto,
    /// plain HTTP: behind a proxy, or on the loopback for tests
    Off,
    /// PEM files, read again when they change
    Files { cert: PathBuf, key: PathBuf },
    /// from an ACME authority, for the name in `base_url`
    Acme(Acme),
}

/// Which ACME authority makes the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acme {
    /// URL of its directory
    pub directory: String,
    /// PEM of the authorities behind the directory's own certificate; the public ones when missing
    pub ca_file: Option<PathBuf>,
    /// whom the authority may write to
    pub email: Option<String>,
}

/// How much one caller may ask for. Every limit answers with 413, 414, 429 or 431.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// bytes of a JSON body
    pub json_bytes: usize,
    /// bytes of an uploaded file
    pub upload_bytes: u64,
    /// bytes of path and query together
    pub uri_bytes: usize,
    /// steady requests a second for each session, API key or (without either) address; 0 turns the limit off
    pub requests_per_second: u32,
    /// requests above the steady rate that are let through at once
    pub requests_burst: u32,
    /// whether programs on this very machine are counted as well
    pub count_local: bool,
    /// wrong passwords, set-up codes and unseal secrets a minute for each address; 0 turns the limit off
    pub logins_per_minute: u32,
    /// open live streams for each session or key; one more ends the oldest
    pub streams: usize,
    /// threads for blocking work; 0 chooses by the machine
    pub blocking_threads: usize,
    /// HTTP worker threads; 0 chooses by the machine
    pub workers: usize,
    /// how long a shutdown waits for running requests
    pub shutdown: Duration,
}

/// Memory the store and the search index may use for caches, in bytes; 0 chooses by the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caches {
    pub store: usize,
    pub search: usize,
}

/// What is known once the server listens.
#[derive(Debug, Clone)]
pub struct Started {
    pub address: SocketAddr,
    pub url: String,
    /// the code for the first-run wizard, when the directory is fresh
    pub setup_code: Option<String>,
    pub sealed: bool,
}

/// Hears that the server listens.
pub type OnStart = Arc<dyn Fn(&Started) + Send + Sync>;

/// Finds a file of the user interface by path and the request's `Accept-Encoding` header.
pub type UiSource = Arc<dyn Fn(&str, &str) -> Option<UiFile> + Send + Sync>;

/// A file of the user interface as it goes out.
pub struct UiFile {
    pub bytes: Cow<'static, [u8]>,
    /// `br` or `gzip` when `bytes` are compressed
    pub encoding: Option<&'static str>,
    pub media_type: String,
    /// the name carries the content's hash, so it may be cached for ever
    pub immutable: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            json_bytes: 2 << 20,
            upload_bytes: 1 << 30,
            uri_bytes: 16 << 10,
            requests_per_second: 200,
            requests_burst: 2_000,
            count_local: false,
            logins_per_minute: 10,
            streams: 8,
            blocking_threads: 0,
            workers: 0,
            shutdown: Duration::from_secs(10),
        }
    }
}

impl ServeConfig {
    /// The defaults around what has none.
    pub fn new(data: impl Into<PathBuf>, listen: SocketAddr, ui: UiSource) -> ServeConfig {
        ServeConfig {
            data: data.into(),
            listen,
            tls: Tls::Auto,
            unseal: None,
            base_url: None,
            ui,
            limits: Limits::default(),
            caches: Caches::default(),
            on_start: None,
        }
    }
}
