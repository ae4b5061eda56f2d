//! Wires the parts together, listens, and goes down in order.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::{self, Data, Payload};
use actix_web::{App as Actix, HttpMessage, HttpRequest, HttpResponse, HttpServer, middleware};
use aplomb_crm::Ctx;
use aplomb_model::{Code, Error};
use futures_util::FutureExt;
use tokio::time::{MissedTickBehavior, interval};

use crate::dispatch::{RequestId, User, dispatch};
use crate::http::problem;
use crate::observe::Seen;
use crate::state::App;
use crate::{ServeConfig, ServeError, Started, call, edge, idempotency, routes, tls, ui};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How often what is no longer needed is removed.
const TIDY_EVERY: Duration = Duration::from_secs(600);
/// A request's head must arrive within this time.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// for each worker, when nothing else was asked for
const BLOCKING_THREADS: usize = 96;

/// Serves until SIGTERM or ctrl-c; running requests are finished, then the store is closed.
///
/// Errors: the directory cannot be opened (in use, damaged, newer), the certificate, the port.
pub async fn run(config: ServeConfig) -> Result<(), ServeError> {
    let (tls, keeper) = tls::start(&config, edge::now())?.unzip();
    let app = Arc::new(blocking(move || App::start(config)).await?);
    let (limits, listen) = (app.config.limits.clone(), app.config.listen);
    let data = Data::from(app.clone());
    let factory = move || {
        let mut actix = Actix::new().app_data(data.clone()).wrap(middleware::from_fn(outer));
        for (path, group) in routes::groups() {
            let handler = move |app: Data<App>, request: HttpRequest, payload: Payload| {
                dispatch(group, app.into_inner(), request, payload)
            };
            actix = actix.service(web::resource(path).to(handler));
        }
        actix.default_service(web::to(elsewhere))
    };
    let blocking_threads = if limits.blocking_threads == 0 { BLOCKING_THREADS } else { limits.blocking_threads };
    let mut server = HttpServer::new(factory)
        .worker_max_blocking_threads(blocking_threads)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_TIMEOUT)
        .shutdown_timeout(limits.shutdown.as_secs())
        .disable_signals();
    if limits.workers > 0 {
        server = server.workers(limits.workers);
    }
    let bound = match tls {
        Some(tls) => server.bind_rustls_0_23(listen, tls),
        None => server.bind(listen),
    };
    let server = bound.map_err(|cause| ServeError::Bind { address: listen, cause })?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    announce(&app, address);
    let server = server.run();
    let stopper = tokio::spawn(stop_on_signal(app.clone(), server.handle()));
    let tidier = tokio::spawn(tidy(app.clone()));
    let keeper = keeper.map(|keeper| tokio::spawn(keeper.run(app.clone())));
    let ended = server.await;
    stopper.abort();
    tidier.abort();
    keeper.inspect(tokio::task::JoinHandle::abort);
    app.stop();
    let closing = move || {
        app.close();
        Ok(())
    };
    blocking(closing).await?;
    tracing::info!("stopped");
    Ok(ended?)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServeError> + Send + 'static,
) -> Result<T, ServeError> {
    tokio::task::spawn_blocking(work).await.map_err(|e| ServeError::Data(format!("start or stop failed: {e}")))?
}

fn announce(app: &App, address: std::net::SocketAddr) {
    let scheme = if app.config.tls == crate::Tls::Off { "http" } else { "https" };
    let shown = match address.ip().is_unspecified() {
        true => std::net::SocketAddr::new([127, 0, 0, 1].into(), address.port()),
        false => address,
    };
    let url = app.config.base_url.clone().unwrap_or_else(|| format!("{scheme}://{shown}"));
    tracing::info!(%address, %url, fresh = app.is_fresh(), sealed = app.is_sealed(), "listening");
    if scheme == "http" && !address.ip().is_loopback() && app.config.base_url.is_none() {
        tracing::warn!("plain HTTP on a public address: passwords and records cross the network in the clear");
    }
    let setup_code = app.is_fresh().then(|| app.setup_code.lock().show().to_owned());
    if let Some(on_start) = &app.config.on_start {
        on_start(&Started { address, url, setup_code, sealed: app.is_sealed() });
    }
}

async fn stop_on_signal(app: Arc<App>, server: ServerHandle) {
    let terminate = async {
        #[cfg(unix)]
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => _ = signal.recv().await,
            Err(_) => std::future::pending().await,
        }
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("stopping: running requests are finished first");
    app.stop();
    server.stop(true).await;
}

async fn tidy(app: Arc<App>) {
    let mut ticks = interval(TIDY_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let app = app.clone();
        let work = move || {
            app.rates.forget_quiet(edge::now());
            let Ok(open) = app.open() else { return };
            let ctx = Ctx::system(edge::now(), app.random.clone(), "tidy");
            if let Err(error) = idempotency::forget_old(&open, &ctx) {
                tracing::warn!(code = error.code.name(), "old idempotent answers could not be removed");
            }
        };
        if tokio::task::spawn_blocking(work).await.is_err() {
            tracing::error!("tidying up panicked");
        }
    }
}

/// Around everything: request id, limits on the address, the right host, security headers, log and figures.
async fn outer(
    app: Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = edge::instant();
    let given = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    let id = call::stamp(&app, given);
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().as_str().to_owned();
    let mut response = match admit(&app, &request) {
        Err(error) => request.into_response(problem::response(&error, &id)),
        Ok(()) => match AssertUnwindSafe(next.call(request)).catch_unwind().await {
            Ok(Ok(response)) => response.map_into_boxed_body(),
            Ok(Err(error)) => return Err(as_problem(&error, &id)),
            Err(_) => return Err(as_problem(&"a layer panicked", &id)),
        },
    };
    let headers = response.headers_mut();
    app.site.set_headers(headers);
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    let user = response.request().extensions().get::<User>().map(|user| user.0);
    let pattern = response.request().match_pattern();
    let seen = Seen {
        method: &method,
        route: pattern.as_deref().unwrap_or("elsewhere"),
        status: response.status().as_u16(),
        took: started.elapsed(),
        request_id: &id,
        user,
    };
    app.metrics.request(&seen);
    Ok(response)
}

fn admit(app: &App, request: &ServiceRequest) -> aplomb_model::Result<()> {
    let limit = app.config.limits.uri_bytes;
    if request.uri().path_and_query().is_some_and(|uri| uri.as_str().len() > limit) {
        return Err(Error::new(Code::UriTooLong, format!("an address may have at most {limit} bytes")));
    }
    let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    app.site.check_host(host)
}

fn as_problem(error: &dyn std::fmt::Display, id: &str) -> actix_web::Error {
    let response = problem::response(&Error::internal(error.to_string()), id);
    actix_web::error::InternalError::from_response("problem", response).into()
}

/// What is no route: pages, and addresses of the API that do not exist.
async fn elsewhere(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    match request.path() == "/api" || request.path().starts_with("/api/") {
        true => problem::response(&Error::not_found("address"), &id),
        false => ui::serve(&app.config.ui, &request, &id),
    }
}
