//! What makes a score worth trusting: chances that come true, honest figures, and saying when there is too little.

mod calibrate;
mod conformal;
mod leak;
mod metrics;
mod verdict;

pub use calibrate::Calibration;
pub use conformal::{Conformal, Possible};
pub use leak::{Leak, Suspicion, leaks};
pub use metrics::{Metrics, area_under_curve, brier, calibration_error, calibration_noise, log_loss};
pub use verdict::{Grade, Verdict, verdict};
