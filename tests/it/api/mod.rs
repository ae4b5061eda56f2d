//! Speaks HTTP to the running program, as browsers and other programs do.

mod acme;
mod backup;
mod conditional;
mod refusals;
mod rights;
mod schema;
mod thread;
mod tls;
