//! Speaks HTTP to the running program, as browsers and other programs do.

mod client;
mod conditional;
mod refusals;
mod rights;
mod thread;
