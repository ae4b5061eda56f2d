//! How good predicted survival is, where some rows are only known to have lasted so long.

use super::{KaplanMeier, Spells};
use crate::LearnError;

/// Of the pairs of which is known who had it first, the share in which the one with the higher risk did; equal risks
/// count half (Harrell et al., JAMA 1982). `None` without such a pair. A risk for each row; larger is sooner.
///
/// Errors: see [`Spells::check`]; another number of risks.
pub fn concordance(risks: &[f64], spells: Spells) -> Result<Option<f64>, LearnError> {
    spells.check()?;
    let (left_len, right_len) = (risks.len(), spells.durations.len());
    if left_len != right_len {
        return Err(LearnError::UnequalLengths { left: "risks", left_len, right: "durations", right_len });
    }
    // minus 0 becomes 0, its equal
    let risks: Vec<f64> = risks.iter().map(|risk| risk + 0.0).collect();
    let mut sorted = risks.clone();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    let rank = |row: usize| sorted.partition_point(|risk| risk.total_cmp(&risks[row]).is_lt());
    let mut seen = Tally { counts: vec![0; sorted.len() + 1], all: 0 };
    let mut order: Vec<usize> = (0..risks.len()).collect();
    order.sort_by(|a, b| spells.durations[*b].total_cmp(&spells.durations[*a]));
    let (mut right, mut tied_risks, mut pairs) = (0_u64, 0_u64, 0_u64);
    for tied in order.chunk_by(|a, b| spells.durations[*a] == spells.durations[*b]) {
        // who was still watched at that time lasted longer than who had it
        let (had, lasted): (Vec<usize>, Vec<usize>) = tied.iter().partition(|row| spells.happened[**row]);
        lasted.iter().for_each(|row| seen.add(rank(*row)));
        for row in &had {
            let (below, equal) = (seen.below(rank(*row)), seen.below(rank(*row) + 1) - seen.below(rank(*row)));
            right += below;
            tied_risks += equal;
            pairs += seen.all;
        }
        had.iter().for_each(|row| seen.add(rank(*row)));
    }
    Ok((pairs > 0).then(|| (right as f64 + tied_risks as f64 / 2.0) / pairs as f64))
}

/// Counts by rank, with sums in logarithmic time (Fenwick, Software: Practice and Experience 1994).
struct Tally {
    counts: Vec<u64>,
    all: u64,
}

impl Tally {
    fn add(&mut self, rank: usize) {
        self.all += 1;
        let mut at = rank + 1;
        while at < self.counts.len() {
            self.counts[at] += 1;
            at += at & at.wrapping_neg();
        }
    }

    fn below(&self, rank: usize) -> u64 {
        let (mut at, mut sum) = (rank, 0);
        while at > 0 {
            sum += self.counts[at];
            at &= at - 1;
        }
        sum
    }
}

/// Mean over `grid` (rising times; trapezoids) of the squared distance of predicted survival and what was seen, where
/// rows that were watched too briefly are made up for by the others (Graf et al., Statistics in Medicine 1999). 0 is
/// perfect, 0.25 is what a chance of one half gives.
///
/// `survival` has for each row one chance per time of `grid`. `watch` is the Kaplan-Meier curve of the end of watching
/// among the rows learned from. Errors: see [`Spells::check`]; another number of rows or times, or fewer than two
/// times.
pub fn integrated_brier(
    survival: &[Vec<f64>],
    grid: &[f64],
    spells: Spells,
    watch: &KaplanMeier,
) -> Result<f64, LearnError> {
    let rows = integrated_briers(survival, grid, spells, watch)?;
    Ok(rows.iter().sum::<f64>() / rows.len().max(1) as f64)
}

/// What each row adds to [`integrated_brier`], which is their mean. Errors: as there.
pub(super) fn integrated_briers(
    survival: &[Vec<f64>],
    grid: &[f64],
    spells: Spells,
    watch: &KaplanMeier,
) -> Result<Vec<f64>, LearnError> {
    spells.check()?;
    let (left_len, right_len) = (survival.len(), spells.durations.len());
    if left_len != right_len {
        return Err(LearnError::UnequalLengths { left: "curves", left_len, right: "durations", right_len });
    }
    if let Some(short) = survival.iter().find(|curve| curve.len() != grid.len()) {
        let (left_len, right_len) = (short.len(), grid.len());
        return Err(LearnError::UnequalLengths { left: "a curve", left_len, right: "the times", right_len });
    }
    if grid.len() < 2 || !grid.windows(2).all(|pair| pair[0] < pair[1]) {
        let (at, value) = (0, grid.first().copied().unwrap_or(f64::NAN));
        return Err(LearnError::OutOfRange { what: "time", at, value, must: "the first of at least two that rise" });
    }
    let watched: Vec<f64> = grid.iter().map(|time| watch.at(*time).max(1e-3)).collect();
    let span = grid[grid.len() - 1] - grid[0];
    let row = |row: usize| {
        let (lasted, happened) = (spells.durations[row], spells.happened[row]);
        let before = watch.before(lasted).max(1e-3);
        let off = |place: usize| match survival[row][place] {
            left if lasted > grid[place] => (1.0 - left).powi(2) / watched[place],
            left if happened => left.powi(2) / before,
            _ => 0.0,
        };
        let places = 1..grid.len();
        places.map(|at| (grid[at] - grid[at - 1]) * (off(at - 1) + off(at)) / 2.0).sum::<f64>() / span
    };
    Ok((0..survival.len()).map(row).collect())
}
