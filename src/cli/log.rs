//! Where the log goes: to stderr, as JSON lines for the server, as plain lines for commands.

use std::io;

use tracing_subscriber::EnvFilter;

fn filter(default: &str) -> EnvFilter {
    EnvFilter::try_from_env("APLOMB_LOG").unwrap_or_else(|_| EnvFilter::new(default))
}

/// One JSON object a line, from level `info` on unless `APLOMB_LOG` says otherwise.
pub fn for_server() {
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_current_span(false).with_span_list(false);
    lines.with_writer(io::stderr).with_env_filter(filter("info,actix_server=warn")).init();
}

/// Warnings and errors.
pub fn for_command() {
    let lines = tracing_subscriber::fmt().compact().without_time().with_target(false);
    lines.with_writer(io::stderr).with_env_filter(filter("warn")).init();
}
