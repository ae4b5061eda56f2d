//! Speaks HTTP and knows no rules: it turns a request into a context and one call of `crm` or `connect`, and what
//! comes back into an answer. Nothing here decides who may do what, and nothing here touches the store.

pub mod backup;
mod call;
mod change;
mod config;
pub mod data;
mod desk;
mod dispatch;
mod download;
pub mod edge;
mod handlers;
mod http;
mod idempotency;
mod live;
mod observe;
mod openapi;
mod presence;
mod rates;
mod routes;
mod secure;
mod server;
mod setup_code;
mod state;
mod tls;
mod ui;
mod upload;

pub use config::{Acme, Caches, Limits, ServeConfig, Started, Tls, UiFile, UiSource};
pub use handlers::setup::kit_text;
pub use server::run;

/// Why the server did not start or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {address}: {cause}")]
    Bind { address: std::net::SocketAddr, cause: std::io::Error },
    #[error("tls: {0}")]
    Tls(String),
    #[error("{0}")]
    Data(String),
    #[error(transparent)]
    Directory(#[from] data::DataError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
