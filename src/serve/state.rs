//! What the server holds between requests, and whether it is fresh, sealed or open.

use std::collections::BTreeSet;
use std::sync::Arc;

use aplomb_crm::Random;
use aplomb_model::{Code, Error, Result, Seq, Timestamp};
use aplomb_vault::Unseal;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use crate::data::{self, Condition, FirstRun, Open};
use crate::desk::Desk;
use crate::live::{Post, Streams};
use crate::observe::Metrics;
use crate::presence::Presence;
use crate::rates::Rates;
use crate::secure::Site;
use crate::setup_code::SetupCode;
use crate::{ServeConfig, ServeError, edge};

/// Shared by all workers.
pub struct App {
    pub config: ServeConfig,
    pub site: Site,
    pub rates: Rates,
    pub metrics: Metrics,
    pub random: Random,
    pub started_at: Timestamp,
    /// where changes of records are decided
    pub desk: Desk,
    pub setup_code: Mutex<SetupCode>,
    /// idempotency keys whose first request is still running
    pub under_way: Mutex<BTreeSet<Vec<u8>>>,
    pub streams: Streams,
    pub presence: Presence,
    phase: RwLock<Phase>,
    /// held while the vault is made or opened: once is enough
    opening: Mutex<()>,
    news: watch::Sender<Seq>,
    /// true once the server is going down: streams end
    pub stopping: watch::Sender<bool>,
}

#[derive(Clone)]
enum Phase {
    Fresh,
    Sealed,
    Open(Arc<Open>),
}

impl App {
    /// Looks at the directory and opens it when the secret is at hand. A wrong secret gives a sealed server; anything
    /// else that keeps the store shut is an error.
    pub fn start(config: ServeConfig) -> Result<App, ServeError> {
        let random = Random::system();
        let app = App {
            site: Site::new(&config),
            rates: Rates::new(&config.limits),
            metrics: Metrics::new(),
            setup_code: Mutex::new(SetupCode::new(&random)),
            random,
            started_at: edge::now(),
            desk: Desk::open()?,
            under_way: Mutex::default(),
            streams: Streams::default(),
            presence: Presence::default(),
            phase: RwLock::new(Phase::Fresh),
            opening: Mutex::new(()),
            news: watch::channel(0).0,
            stopping: watch::channel(false).0,
            config,
        };
        if data::condition(&app.config.data)? == Condition::Fresh {
            return Ok(app);
        }
        *app.phase.write() = Phase::Sealed;
        match app.config.unseal.as_ref().map(|unseal| data::open(&app.config.data, unseal, &app.config.caches)) {
            None => tracing::warn!("sealed: no unseal secret was given; an admin can enter it in the browser"),
            Some(Ok(open)) => app.enter(open),
            Some(Err(data::DataError::Vault(error))) => tracing::error!(%error, "sealed: the vault does not open"),
            Some(Err(error)) => return Err(error.into()),
        }
        Ok(app)
    }

    /// Errors: `setup_required` or `sealed`.
    pub fn open(&self) -> Result<Arc<Open>> {
        match &*self.phase.read() {
            Phase::Open(open) => Ok(open.clone()),
            Phase::Sealed => Err(Error::new(Code::Sealed, "an admin has to enter the unseal secret")),
            Phase::Fresh => Err(Error::new(Code::SetupRequired, "open the server in a browser and follow the wizard")),
        }
    }

    pub fn is_fresh(&self) -> bool {
        matches!(*self.phase.read(), Phase::Fresh)
    }

    pub fn is_sealed(&self) -> bool {
        matches!(*self.phase.read(), Phase::Sealed)
    }

    /// Opens the vault of a sealed server.
    pub fn unseal(&self, secret: &Unseal) -> Result<()> {
        let _once = self.opening.lock();
        if !self.is_sealed() {
            return Err(Error::new(Code::Conflict, "the server is not sealed"));
        }
        self.enter(data::open(&self.config.data, secret, &self.config.caches)?);
        Ok(())
    }

    /// Makes the vault and the organisation of a fresh server.
    pub fn first_run(&self, setup: aplomb_crm::Setup, unseal: Option<&Unseal>) -> Result<FirstRun> {
        let _once = self.opening.lock();
        if !self.is_fresh() {
            return Err(Error::new(Code::Conflict, "the wizard has been completed already"));
        }
        let unseal = unseal.or(self.config.unseal.as_ref());
        let config = &self.config;
        let first = data::first_run(&config.data, setup, unseal, &config.caches, edge::now(), &self.random)?;
        self.enter(first.open.clone());
        Ok(first)
    }

    fn enter(&self, open: Open) {
        let news = self.news.clone();
        open.crm.watch(Box::new(move |seq| {
            news.send_modify(|latest| *latest = seq.max(*latest));
            true
        }));
        let streams = self.streams.clone();
        open.crm.watch_notices(Box::new(move |users| {
            streams.post_to_users(users, &Post::Notices);
            true
        }));
        *self.phase.write() = Phase::Open(Arc::new(open));
    }

    /// Sequence numbers as lists and searches come to show them.
    pub fn news(&self) -> watch::Receiver<Seq> {
        self.news.subscribe()
    }

    /// Stops the streams; the store is closed by [`App::close`] once no request runs any more.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    pub fn close(&self) {
        if let Ok(open) = self.open() {
            open.crm.close();
        }
    }
}
