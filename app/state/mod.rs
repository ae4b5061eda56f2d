//! What survives a page: who is logged in, the declarations, the theme, and how values are written for this user.

pub mod format;
pub mod load;
pub mod nav;
pub mod signed;
pub mod theme;

pub use load::{Load, load};
pub use signed::{Signed, signed};
