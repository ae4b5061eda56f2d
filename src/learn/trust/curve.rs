//! Whether more data would help: how much better the scores became with the rows learned from, and where that leads.

use serde::{Deserialize, Serialize};

/// Exponents of the power law that are tried.
const EXPONENTS: [f64; 5] = [0.25, 0.5, 0.75, 1.0, 1.5];
/// Gain in the measure (of which 1 is the most) that is worth waiting for.
const WORTH: f64 = 0.01;
/// Standard errors that a gain must be away from it to be told.
const SURE: f64 = 2.0;
/// Sizes that a curve needs, and draws to tell its error from.
const LEAST_SIZES: usize = 3;
const LEAST_DRAWS: usize = 3;

/// What a curve is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Measure {
    /// Area under the ROC curve.
    Auc,
    /// Share of the squared error about the mean that is gone.
    RSquared,
}

impl Measure {
    /// What a person calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auc => "AUC",
            Self::RSquared => "R²",
        }
    }
}

/// How good a model is that learned from so many rows, drawn several times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CurvePoint {
    pub rows: usize,
    /// One for each draw, in the same order at each size.
    pub scores: Vec<f64>,
}

impl CurvePoint {
    /// Over the draws, in the curve's measure.
    pub fn mean(&self) -> f64 {
        self.scores.iter().sum::<f64>() / self.scores.len().max(1) as f64
    }
}

/// What twice the data would bring.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outlook {
    /// More data would help.
    Rising,
    /// It would hardly help.
    Flat,
    /// The draws differ too much to tell.
    Unclear,
}

/// Scores by number of rows learned from, on the same held-out rows, and where they lead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LearningCurve {
    pub measure: Measure,
    pub points: Vec<CurvePoint>,
    /// Gain in the measure that twice the rows would bring, and its standard error over the draws.
    pub gain: f64,
    pub gain_error: f64,
    pub outlook: Outlook,
}

impl LearningCurve {
    /// The extrapolation of `points` (rising sizes): each draw is fitted by `top - fall * rows ^ -exponent` with a fall
    /// that is not negative (Figueroa et al., BMC Medical Informatics and Decision Making 2012), and the gains of the
    /// draws tell its error. `None` for fewer than three sizes or draws.
    pub fn of(measure: Measure, points: Vec<CurvePoint>) -> Option<Self> {
        let draws = points.iter().map(|point| point.scores.len()).min().unwrap_or(0);
        if points.len() < LEAST_SIZES || draws < LEAST_DRAWS {
            return None;
        }
        let last = points.last()?.rows as f64;
        let gains: Vec<f64> = (0..draws)
            .map(|draw| {
                let curve: Vec<(f64, f64)> =
                    points.iter().map(|point| (point.rows as f64, point.scores[draw])).collect();
                gain(&curve, last)
            })
            .collect();
        let count = draws as f64;
        let gain = gains.iter().sum::<f64>() / count;
        let variance = gains.iter().map(|one| (one - gain).powi(2)).sum::<f64>() / (count - 1.0);
        let gain_error = (variance / count).sqrt();
        let outlook = if gain - SURE * gain_error > WORTH {
            Outlook::Rising
        } else if gain + SURE * gain_error < WORTH {
            Outlook::Flat
        } else {
            Outlook::Unclear
        };
        Some(Self { measure, points, gain, gain_error, outlook })
    }

    /// One sentence for a person.
    pub fn sentence(&self) -> String {
        let (gain, error, measure) = (self.gain, self.gain_error, self.measure.word());
        let now = self.points.last().map_or(f64::NAN, CurvePoint::mean);
        match self.outlook {
            Outlook::Rising => format!(
                "more data would help: twice as much should bring its {measure} from {now:.3} to about {:.3} (± {error:.3})",
                (now + gain).min(1.0)
            ),
            Outlook::Flat => format!(
                "more of the same data would hardly help: twice as much should add {gain:.3} (± {error:.3}) to its {measure}; \
                 other features might"
            ),
            Outlook::Unclear => {
                format!("more data might help: twice as much should add {gain:.3} (± {error:.3}) to its {measure}")
            }
        }
    }
}

/// The gain from `rows` to twice as many by the best fitting power law through `curve`.
fn gain(curve: &[(f64, f64)], rows: f64) -> f64 {
    let mut best = (f64::INFINITY, 0.0);
    for exponent in EXPONENTS {
        let at = |size: f64| (size / rows).powf(-exponent);
        let count = curve.len() as f64;
        let (mean_x, mean_y) =
            curve.iter().fold((0.0, 0.0), |sum, (size, auc)| (sum.0 + at(*size) / count, sum.1 + auc / count));
        let off = |(size, auc): &(f64, f64)| (at(*size) - mean_x, auc - mean_y);
        let spread: f64 = curve.iter().map(|point| off(point).0.powi(2)).sum();
        let slope = curve.iter().map(|point| off(point).0 * off(point).1).sum::<f64>() / spread;
        let fall = (-slope).max(0.0);
        let missed: f64 = curve.iter().map(|point| (off(point).1 + fall * off(point).0).powi(2)).sum();
        if missed < best.0 {
            best = (missed, fall * (1.0 - 2.0_f64.powf(-exponent)));
        }
    }
    best.1
}
