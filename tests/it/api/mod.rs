//! Speaks HTTP to the running program, as browsers and other programs do.

mod acme;
mod as_of;
mod backup;
mod command;
mod conditional;
mod files;
mod import_rows;
mod jobs;
mod limits;
mod live;
mod notices;
mod people;
mod presence;
mod query;
mod refusals;
mod rights;
mod schema;
mod sessions;
mod setup;
mod stages;
mod system;
mod thread;
mod tls;
mod uploads;
mod views;
