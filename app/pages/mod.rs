//! The pages, a folder per noun.

pub mod frame;
pub mod home;
pub mod imports;
pub mod kit;
pub mod records;
pub mod search;
pub mod settings;
pub mod start;
