//! The browser's side of Aplomb: a Leptos app, rendered in the client, that talks to `/api/v1` and to nothing else.
//! It knows the words of `aplomb-model`; what is allowed and what is stored, the server decides.

#![recursion_limit = "512"]

mod api;
mod app;
mod kit;
mod pages;
mod reload;
mod state;
mod text;

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(start)]
fn start() {
    reload::install();
    leptos::mount::mount_to_body(app::App);
}
