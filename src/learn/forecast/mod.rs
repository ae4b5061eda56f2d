//! What a period will bring: the open deals by their chances, those not yet born by what former periods brought, and how
//! far to trust it. Knows no deal: whoever asks gives chances and amounts, all in one currency.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::LearnError;
use crate::numeric::normal_quantile;
use crate::series::{Ensemble, Interval};
use crate::trust::ErrorBand;

/// Standard deviation by which sums of chances are believed to be off as a whole, before there were any to look at.
const OFF: f64 = 0.15;
/// Former periods that are looked at, the latest ones.
const FORMER: usize = 12;

/// Something open that may yet bring its amount within the period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Open {
    /// That it will within the period, 0 to 1: say from [`Incidence::by`](crate::survival::Incidence::by).
    pub chance: f64,
    pub amount: f64,
}

/// A forecast of a period, made at its start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// The sum over what is open of chance times amount, and the same once [`corrected`](Forecast::corrected).
    pub promised: f64,
    pub open: f64,
    /// From what is not yet there.
    pub new: f64,
    /// Standard deviations of the two, were all chances right.
    pub open_deviation: f64,
    pub new_deviation: f64,
}

/// A former forecast and what came of its two parts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Former {
    pub told: Forecast,
    pub open: f64,
    pub new: f64,
}

impl Forecast {
    /// Of `open` at the start of the period, and of `former_new`, what each former period (the earliest first) brought
    /// from what was not yet there at its start; `season` is a number of periods, 1 for none. Each thing open is there
    /// or not on its own, so that the variance is the sum of `p (1 - p) a^2`.
    ///
    /// Errors: a chance outside 0 to 1 or an amount that is no number; fewer than 4 former periods or a gap.
    pub fn of(open: &[Open], former_new: &[f64], season: usize) -> Result<Self, LearnError> {
        for (at, Open { chance, amount }) in open.iter().enumerate() {
            if !(0.0..=1.0).contains(chance) {
                return Err(LearnError::OutOfRange { what: "chance", at, value: *chance, must: "from 0 to 1" });
            }
            if !amount.is_finite() {
                return Err(LearnError::OutOfRange { what: "amount", at, value: *amount, must: "a number" });
            }
        }
        let seasons: &[usize] = if season > 1 { &[season] } else { &[] };
        let series = Ensemble::fit(former_new, seasons, 1)?;
        let new = series.forecast(1)[0].max(0.0);
        let reach = series.intervals(1, 0.8).map(|told| (told[0].high - told[0].low) / 2.0);
        let new_deviation = reach.map_or_else(|| deviation(former_new), |reach| reach / normal_quantile(0.9));
        let variance = |one: &Open| one.chance * (1.0 - one.chance) * one.amount * one.amount;
        let promised = open.iter().map(|one| one.chance * one.amount).sum();
        Ok(Self {
            promised,
            open: promised,
            new,
            open_deviation: open.iter().map(variance).sum::<f64>().sqrt(),
            new_deviation,
        })
    }

    /// What the period will bring, in the unit of the amounts.
    pub fn expected(&self) -> f64 {
        self.open + self.new
    }

    /// Its standard deviation, in the same unit.
    pub fn deviation(&self) -> f64 {
        self.open_deviation.hypot(self.new_deviation)
    }

    /// The same after what former forecasts of what was open were off as a whole: amounts shrink on the way, chances
    /// lag behind the market. The factor is the mean of a normal belief around 1 after the former periods (Gelman et
    /// al., Bayesian Data Analysis, 2.5), so that few periods, or noisy ones, move it little.
    pub fn corrected(mut self, former: &[Former]) -> Self {
        let former = &former[former.len().saturating_sub(FORMER)..];
        let told: f64 = former.iter().map(|one| one.told.promised).sum();
        let noise: f64 = former.iter().map(|one| one.told.open_deviation.powi(2)).sum();
        if told > 0.0 && told.is_finite() && noise.is_finite() {
            let came: f64 = former.iter().map(|one| one.open).sum();
            let belief = OFF * OFF / (OFF * OFF + noise / (told * told));
            let factor = (1.0 + belief * (came / told - 1.0)).max(0.0);
            self.open = factor * self.promised;
        }
        self
    }

    /// An interval that holds the truth with probability `cover` (0 to 1), as far as forecasts are off by as much as
    /// `former` ones were in parts of their deviation (split conformal; see [`ErrorBand`]); while there are too few,
    /// that of a normal distribution. `former` were made, and corrected, as this one, each with what was former then.
    pub fn interval(&self, former: &[Former], cover: f64) -> Interval {
        let column = |of: fn(&Former) -> f64| former.iter().map(of).collect::<Vec<f64>>();
        let told = column(|one| one.told.expected());
        let band = ErrorBand::fit(&told, &column(|one| one.open + one.new), &column(|one| one.told.deviation()));
        let normal = || normal_quantile((1.0 + cover.clamp(0.0, 0.999_999)) / 2.0) * self.deviation();
        let half = band.half_width(cover, self.deviation()).unwrap_or_else(normal);
        let mean = self.expected();
        Interval { low: (mean - half).max(0.0), mean, high: mean + half }
    }
}

fn deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len().max(1) as f64).sqrt()
}
