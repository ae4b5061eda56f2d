//! One file for each noun of the API. A handler reads what it needs from the call, calls one use case, and answers.

pub mod admin;
pub mod backup;
pub mod documents;
pub mod feed;
pub mod files;
pub mod health;
pub mod imports;
pub mod jobs;
pub mod notices;
pub mod objects;
pub mod presence;
pub mod records;
pub mod sample;
pub mod sessions;
pub mod setup;
pub mod system;
pub mod tokens;
pub mod views;
