//! Whether a model may be used, in words.

use serde::{Deserialize, Serialize};

use super::{AmountMetrics, LearningCurve, Metrics, Outlook};

/// Outcomes of the rarer kind below which nothing is claimed, and below which care is needed.
const TOO_FEW: usize = 10;
const FEW: usize = 50;
const WEAK_AUC: f64 = 0.65;
/// Gain in AUC from twice the data beyond which a model is still learning.
const STILL_LEARNING: f64 = 0.03;
/// Calibration error beyond what chance alone gives so many rows.
const POOR_CALIBRATION: f64 = 0.05;

/// Rows of amounts below which nothing is claimed, and below which care is needed.
const TOO_FEW_AMOUNTS: usize = 30;
const FEW_AMOUNTS: usize = 200;
const WEAK_R_SQUARED: f64 = 0.2;
/// R squared from which features together are likely to be the amount itself.
const TOO_GOOD: f64 = 0.98;
/// Distance of the intervals' coverage from what they promise, beyond chance.
const POOR_COVER: f64 = 0.05;
/// Mean error in parts of the naive mean absolute error, where it is more than chance.
const POOR_BIAS: f64 = 0.1;

/// How far a model may be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Grade {
    Ready,
    UseWithCare,
    NotEnoughData,
}

impl Grade {
    /// What a person calls it.
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

/// The verdict on estimates of amounts for rows that the model did not learn from, when it learned from `learned` rows
/// and looks most at the feature `strongest`. Where the learning curve is known, the last reason says whether more data
/// would help.
pub fn amount_verdict(
    held_out: &AmountMetrics,
    learned: usize,
    strongest: Option<&str>,
    curve: Option<&LearningCurve>,
) -> Verdict {
    let mut verdict = graded_amounts(held_out, learned, strongest, curve);
    verdict.reasons.extend(curve.map(LearningCurve::sentence));
    verdict
}

fn graded_amounts(
    held_out: &AmountMetrics,
    learned: usize,
    strongest: Option<&str>,
    curve: Option<&LearningCurve>,
) -> Verdict {
    let not_enough = |reason: String| Verdict { grade: Grade::NotEnoughData, reasons: vec![reason] };
    if learned < TOO_FEW_AMOUNTS {
        return not_enough(format!("it learned from {learned} rows; at least {TOO_FEW_AMOUNTS} are needed"));
    }
    let Some(r_squared) = held_out.r_squared else {
        return not_enough("the rows held out all have the same amount, or there are none".into());
    };
    if !held_out.beats_mean {
        return not_enough(format!(
            "its estimates cannot be told from saying the mean of the past for every row (R² {r_squared:.3} on {} rows)",
            held_out.rows
        ));
    }
    let mut reasons = cautions(held_out, r_squared);
    if learned < FEW_AMOUNTS {
        reasons.insert(0, format!("it learned from only {learned} rows"));
    }
    if let Some(feature) = strongest.filter(|_| r_squared > TOO_GOOD) {
        reasons.push(format!(
            "its estimates are nearly exact (R² {r_squared:.3}): see whether \"{feature}\" is known before the amount is"
        ));
    }
    if curve.is_some_and(|curve| curve.outlook == Outlook::Rising && curve.gain > STILL_LEARNING) {
        reasons.push("it is still learning much from each new row".into());
    }
    if !reasons.is_empty() {
        return Verdict { grade: Grade::UseWithCare, reasons };
    }
    let less = (1.0 - held_out.mae / held_out.naive_mae) * 100.0;
    let reason = format!("R² {r_squared:.3}, errors {less:.0} % smaller than those of the median of the past");
    Verdict { grade: Grade::Ready, reasons: vec![reason] }
}

fn cautions(held_out: &AmountMetrics, r_squared: f64) -> Vec<String> {
    let mut reasons = Vec::new();
    if r_squared < WEAK_R_SQUARED {
        reasons.push(format!("it follows the amounts only weakly (R² {r_squared:.3})"));
    }
    if held_out.mae >= held_out.naive_mae {
        reasons.push("it is good for sums of many rows, not for one: the median of the past is nearer to most".into());
    }
    if held_out.bias.abs() > held_out.bias_margin && held_out.bias.abs() > POOR_BIAS * held_out.naive_mae {
        let (side, share) = (if held_out.bias > 0.0 { "high" } else { "low" }, held_out.bias.abs() / held_out.mae);
        reasons.push(format!("its estimates are too {side} on the whole, by {:.0} % of its mean error", share * 100.0));
    }
    match held_out.held {
        None => reasons.push("there were too few rows to promise an interval".into()),
        Some(held) => {
            let cover = held_out.cover;
            let chance = 2.0 * (cover * (1.0 - cover) / held_out.rows as f64).sqrt();
            if (held - cover).abs() > POOR_COVER + chance {
                let (held, cover) = (held * 100.0, cover * 100.0);
                reasons.push(format!("its intervals hold {held:.0} % of the amounts where they promise {cover:.0} %"));
            }
        }
    }
    reasons
}
