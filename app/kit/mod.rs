//! Words of the screen that know nothing of business: buttons, fields, dialogs, menus, toasts, states.

mod badge;
mod dialog;
pub mod field;
mod form;
mod icon;
mod menu;
mod picker;
mod secret;
mod show;
mod states;
mod tabs;
mod toast;

pub use badge::{Avatar, Badge};
pub use dialog::Dialog;
pub use field::FieldInput;
pub use form::{FieldRow, Plain, PlainSelect};
pub use icon::Icon;
pub use menu::{Menu, Popover};
pub use picker::{Found, Lookup, Picker};
pub use secret::{Secret, Strength};
pub use show::{Shown, ShownInCell};
pub use states::{Empty, Loaded, Notice, Trouble, Waiting};
pub use tabs::Tabs;
pub use toast::{ToastRegion, Toasts, toasts};
