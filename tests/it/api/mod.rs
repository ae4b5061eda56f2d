//! Speaks HTTP to the running program, as browsers and other programs do.

mod acme;
mod as_of;
mod backup;
mod command;
mod conditional;
mod files;
mod limits;
mod live;
mod query;
mod refusals;
mod rights;
mod schema;
mod setup;
mod stages;
mod thread;
mod tls;
mod uploads;
mod views;
