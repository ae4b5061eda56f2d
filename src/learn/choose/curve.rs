//! The learning curve of a model: the same recipe fitted to ever more of the rows, judged on the same held-out ones.

use super::search::Progress;
use crate::LearnError;
use crate::model::{GoOn, Model, Recipe, Trained};
use crate::numeric::Chance;
use crate::table::Table;
use crate::trust::{CurvePoint, LearningCurve, Measure, area_under_curve};

/// Parts of the rows that are learned from.
const PARTS: [usize; 4] = [8, 4, 2, 1];
const DRAWS: usize = 5;
/// Rows beyond which the curve is not drawn: what is said of so many holds for more.
const MOST_ROWS: usize = 20_000;

/// Each draw puts the rows of `learn` in an order of its own and learns from ever longer beginnings of it. `None` when
/// too few parts have outcomes of both kinds. Errors: as the fit's; cancelled.
pub fn learning_curve(
    recipe: &Recipe,
    table: &Table,
    (learn, test): (&[u32], &[u32]),
    seed: u64,
    progress: Progress,
) -> Result<Option<LearningCurve>, LearnError> {
    let all = table.outcome()?;
    let actual: Vec<bool> = test.iter().map(|row| all[*row as usize]).collect();
    drawn(Measure::Auc, learn, seed, progress, |rows, go_on| match Trained::fit_while(recipe, table, rows, go_on) {
        Ok(model) => Ok(area_under_curve(&model.predict(table, test)?, &actual)),
        Err(LearnError::TooFewOutcomes { .. }) => Ok(None),
        Err(error) => Err(error),
    })
}

/// `score` learns from rows and says how good that is; `None` where they are too few to learn from.
pub fn drawn(
    measure: Measure,
    learn: &[u32],
    seed: u64,
    progress: Progress,
    score: impl Fn(&[u32], GoOn) -> Result<Option<f64>, LearnError>,
) -> Result<Option<LearningCurve>, LearnError> {
    let mut points: Vec<CurvePoint> = Vec::new();
    for (done, part) in PARTS.into_iter().enumerate() {
        let rows = learn.len().min(MOST_ROWS) / part;
        // all draws of all rows are the same
        let draws = if rows == learn.len() { 1 } else { DRAWS };
        let mut scores = Vec::with_capacity(DRAWS);
        for draw in 0..draws {
            let mut shuffled = learn.to_vec();
            Chance::new(seed.wrapping_add(draw as u64)).shuffle(&mut shuffled);
            scores.extend(score(&shuffled[..rows], &|| progress(done, PARTS.len()))?);
        }
        if scores.len() == draws {
            scores.resize(DRAWS, scores[0]);
            points.push(CurvePoint { rows, scores });
        }
        if !progress(done + 1, PARTS.len()) {
            return Err(LearnError::Cancelled);
        }
    }
    Ok(LearningCurve::of(measure, points))
}
