//! A person's way through the product, in headless Chromium.

mod driver;
mod walk;
