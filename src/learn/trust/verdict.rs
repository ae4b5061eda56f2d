//! Whether a model may be used, in words.

use serde::{Deserialize, Serialize};

use super::{LearningCurve, Metrics, Outlook};

/// Outcomes of the rarer kind below which nothing is claimed, and below which care is needed.
const TOO_FEW: usize = 10;
const FEW: usize = 50;
const WEAK_AUC: f64 = 0.65;
/// Gain in AUC from twice the data beyond which a model is still learning.
const STILL_LEARNING: f64 = 0.03;
/// Calibration error beyond what chance alone gives so many rows.
const POOR_CALIBRATION: f64 = 0.05;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Grade {
    Ready,
    UseWithCare,
    NotEnoughData,
}

impl Grade {
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::UseWithCare => "use with care",
            Self::NotEnoughData => "not enough data",
        }
    }
}

/// A grade and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub grade: Grade,
    pub reasons: Vec<String>,
}

/// The verdict on figures of rows that the model did not learn from, when it learned from `rarer_learned` outcomes of
/// the rarer kind. Where the learning curve is known, the last reason says whether more data would help.
pub fn verdict(held_out: &Metrics, rarer_learned: usize, curve: Option<&LearningCurve>) -> Verdict {
    let mut verdict = graded(held_out, rarer_learned, curve);
    verdict.reasons.extend(curve.map(LearningCurve::sentence));
    verdict
}

fn graded(held_out: &Metrics, rarer_learned: usize, curve: Option<&LearningCurve>) -> Verdict {
    let rarer = held_out.yes.min(held_out.rows - held_out.yes);
    let not_enough = |reason: String| Verdict { grade: Grade::NotEnoughData, reasons: vec![reason] };
    if rarer_learned < TOO_FEW {
        return not_enough(format!(
            "it learned from {rarer_learned} of the rarer outcome; at least {TOO_FEW} are needed"
        ));
    }
    let (Some(auc), Some(margin)) = (held_out.auc, held_out.auc_margin) else {
        return not_enough("the rows held out have outcomes of one kind only".into());
    };
    if auc - margin <= 0.5 {
        return not_enough(format!(
            "the order of its scores cannot be told from chance (AUC {auc:.3} ± {margin:.3} on {rarer} of the rarer outcome)"
        ));
    }
    let mut reasons = Vec::new();
    if rarer_learned < FEW {
        reasons.push(format!("it learned from only {rarer_learned} of the rarer outcome"));
    }
    if auc < WEAK_AUC {
        reasons.push(format!("it tells yes from no only weakly (AUC {auc:.3})"));
    }
    if held_out.calibration_error - held_out.calibration_noise > POOR_CALIBRATION {
        let off = held_out.calibration_error * 100.0;
        reasons.push(format!(
            "its chances are off by {off:.1} points on average ({:.1} would be chance)",
            held_out.calibration_noise * 100.0
        ));
    }
    if curve.is_some_and(|curve| curve.outlook == Outlook::Rising && curve.gain > STILL_LEARNING) {
        reasons.push("it is still learning much from each new outcome".into());
    }
    if reasons.is_empty() {
        let reason = format!(
            "AUC {auc:.3} ± {margin:.3}, chances off by {:.1} points on average",
            held_out.calibration_error * 100.0
        );
        return Verdict { grade: Grade::Ready, reasons: vec![reason] };
    }
    Verdict { grade: Grade::UseWithCare, reasons }
}
