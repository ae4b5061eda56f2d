//! What survives a page: who is logged in, the declarations, the theme, the feed of changes, and how values are written.

pub mod format;
mod lasting;
pub mod live;
pub mod load;
pub mod nav;
pub mod preferences;
pub mod presence;
mod router;
mod share;
pub mod signed;
pub mod theme;
pub mod trail;
pub mod views;

pub use lasting::{lasting, sweep};
pub use live::live;
pub use load::{Load, load, watch};
pub use router::{Query, Route, Router, router};
pub use signed::{Signed, signed};
pub use trail::{Trail, Visit, trail};
pub use views::{Views, views};
