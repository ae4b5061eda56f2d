//! What makes a score worth trusting: chances that come true, honest figures, reasons that a person can check, and
//! saying when there is too little.

mod amounts;
mod calibrate;
mod conformal;
mod counterfactual;
mod curve;
mod drift;
mod interval;
mod leak;
mod metrics;
mod reasons;
mod similar;
mod standing;
#[cfg(test)]
mod tests;
mod usual;
mod verdict;

pub use amounts::{AmountMetrics, Spread};
pub use calibrate::Calibration;
pub use conformal::{Conformal, Possible};
pub use counterfactual::{Change, Counterfactual, Lever, Way, counterfactual};
pub use curve::{CurvePoint, LearningCurve, Measure, Outlook};
pub use drift::{Drift, Landscape, Period, Shift, calibration_over_time, stability_index};
pub use interval::ErrorBand;
pub use leak::{Leak, Suspicion, amount_leaks, leaks};
pub use metrics::{Metrics, area_under_curve, brier, calibration_error, calibration_noise, log_loss};
pub use reasons::{Reason, Templates, cell_text, reasons};
pub use similar::{GroupFigures, Neighbour, fairness, similar};
pub use standing::Standing;
pub use usual::{Usual, number_text};
pub use verdict::{Grade, Verdict, amount_verdict, verdict};
