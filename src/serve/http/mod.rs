//! What HTTP itself asks for, whatever the request is about.

pub mod answer;
pub mod device;
pub mod encode;
pub mod head;
pub mod params;
pub mod problem;
pub mod range;
pub mod streams;
