//! Words of the screen that know nothing of business: buttons, fields, dialogs, menus, toasts, states.

mod badge;
mod dialog;
pub mod field;
mod form;
mod icon;
mod menu;
mod paged;
mod picker;
mod screen;
mod secret;
pub mod show;
mod states;
mod tabs;
mod toast;
mod virtual_rows;

pub use badge::{Avatar, Badge, tone};
pub use dialog::Dialog;
pub use field::FieldInput;
pub use form::{FieldRow, Plain, PlainSelect};
pub use icon::Icon;
pub use menu::{Menu, Popover};
pub use paged::{Paged, Slice, Wanted};
pub use picker::{Found, Lookup, Picker};
pub use screen::{Screen, screen};
pub use secret::{Secret, Strength};
pub use show::{Shown, ShownInCell};
pub use states::{Empty, Loaded, Notice, Trouble, Waiting};
pub use tabs::Tabs;
pub use toast::{ToastRegion, Toasts, toasts};
pub use virtual_rows::Scroller;
