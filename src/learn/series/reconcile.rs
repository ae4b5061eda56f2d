//! Forecasts of parts and wholes that agree: regions sum to the company.

use crate::LearnError;
use crate::numeric::Cholesky;

/// Which series are sums of which. The wholes come first, then the parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    wholes: Vec<Vec<usize>>,
    parts: usize,
}

/// How far the forecast of each series is trusted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weighting<'a> {
    /// The parts alone (Hyndman and Athanasopoulos, Forecasting, 11.2).
    BottomUp,
    /// All alike (ordinary least squares: Hyndman and Athanasopoulos, Forecasting, 11.3).
    Equal,
    /// By past one-step errors, a vector for each series, all of one length: the smallest total variance (MinT:
    /// Wickramasuriya, Athanasopoulos and Hyndman, JASA 2019, section 2), the covariance drawn to its diagonal (Schaefer and
    /// Strimmer, 2005).
    Errors(&'a [Vec<f64>]),
}

impl Hierarchy {
    /// `wholes` lists the parts (0 to `parts` - 1) that each whole sums. Errors: a part that is not there, or none.
    pub fn new(wholes: Vec<Vec<usize>>, parts: usize) -> Result<Self, LearnError> {
        let must = "the number of a part";
        let wrong = |part: usize| LearnError::OutOfRange { what: "part", at: part, value: part as f64, must };
        if let Some(part) = wholes.iter().flatten().find(|part| **part >= parts) {
            return Err(wrong(*part));
        }
        if parts == 0 { Err(wrong(0)) } else { Ok(Self { wholes, parts }) }
    }

    /// Series in all.
    pub fn series(&self) -> usize {
        self.wholes.len() + self.parts
    }

    /// The wholes that these parts sum to, then the parts.
    pub fn sums(&self, parts: &[f64]) -> Vec<f64> {
        let sum = |whole: &Vec<usize>| whole.iter().map(|part| parts[*part]).sum();
        self.wholes.iter().map(sum).chain(parts.iter().copied()).collect()
    }

    /// Forecasts that agree, nearest to `forecasts`: a vector for each series (in the order of the hierarchy) of one
    /// value for each step. Errors: another number of series or of past errors, or errors that say nothing.
    pub fn reconcile(&self, forecasts: &[Vec<f64>], weighting: Weighting) -> Result<Vec<Vec<f64>>, LearnError> {
        let same = |right: &'static str, right_len: usize| {
            let left_len = self.series();
            let fine = left_len == right_len;
            if fine {
                Ok(())
            } else {
                Err(LearnError::UnequalLengths { left: "hierarchy", left_len, right, right_len })
            }
        };
        same("forecasts", forecasts.len())?;
        let steps = forecasts.iter().map(Vec::len).min().unwrap_or(0);
        if let Weighting::Errors(errors) = weighting {
            same("past errors", errors.len())?;
        }
        let mut agreed = vec![Vec::with_capacity(steps); self.series()];
        let project = self.projection(weighting)?;
        for step in 0..steps {
            let told: Vec<f64> = forecasts.iter().map(|series| series[step]).collect();
            let parts: Vec<f64> = project
                .chunks_exact(self.series())
                .map(|row| row.iter().zip(&told).map(|(a, b)| a * b).sum())
                .collect();
            agreed.iter_mut().zip(self.sums(&parts)).for_each(|(series, value)| series.push(value));
        }
        Ok(agreed)
    }

    /// From all forecasts to the parts (parts x series): `(S' W^-1 S)^-1 S' W^-1`.
    fn projection(&self, weighting: Weighting) -> Result<Vec<f64>, LearnError> {
        let (series, parts) = (self.series(), self.parts);
        let mut weighed = vec![0.0; parts * series];
        match weighting {
            Weighting::BottomUp => {
                (0..parts).for_each(|part| weighed[part * series + self.wholes.len() + part] = 1.0);
                return Ok(weighed);
            }
            Weighting::Equal => (0..parts).for_each(|part| self.column(part, &mut weighed[part * series..][..series])),
            Weighting::Errors(errors) => {
                let covariance = Cholesky::of(shrunk_covariance(errors)?, series).ok_or(LearnError::NotFinite)?;
                for part in 0..parts {
                    let column = &mut weighed[part * series..][..series];
                    self.column(part, column);
                    covariance.solve(column);
                }
            }
        }
        let mut inner = vec![0.0; parts * parts];
        let mut column = vec![0.0; series];
        for part in 0..parts {
            self.column(part, &mut column);
            for other in 0..parts {
                let row = &weighed[other * series..][..series];
                inner[part * parts + other] = column.iter().zip(row).map(|(a, b)| a * b).sum();
            }
        }
        let inner = Cholesky::of(inner, parts).ok_or(LearnError::NotFinite)?;
        let mut side = vec![0.0; parts];
        for at in 0..series {
            (0..parts).for_each(|part| side[part] = weighed[part * series + at]);
            inner.solve(&mut side);
            (0..parts).for_each(|part| weighed[part * series + at] = side[part]);
        }
        Ok(weighed)
    }

    /// Which series a part is in, as 1 and 0.
    fn column(&self, part: usize, out: &mut [f64]) {
        out.fill(0.0);
        self.wholes.iter().zip(out.iter_mut()).for_each(|(whole, out)| {
            *out = whole.iter().filter(|have| **have == part).count() as f64;
        });
        out[self.wholes.len() + part] = 1.0;
    }
}

/// Covariance of the errors with its off-diagonal drawn to 0 by the share that sampling noise has in it.
fn shrunk_covariance(errors: &[Vec<f64>]) -> Result<Vec<f64>, LearnError> {
    let count = errors.iter().map(Vec::len).min().unwrap_or(0);
    super::check(&errors.first().map(|first| first[..count].to_vec()).unwrap_or_default(), 3)?;
    let series = errors.len();
    let deviations: Vec<f64> = errors
        .iter()
        .map(|row| (row[..count].iter().map(|error| error * error).sum::<f64>() / count as f64).sqrt())
        .collect();
    let floor = deviations.iter().fold(0.0_f64, |most, deviation| most.max(*deviation)) * 1e-6;
    if !floor.is_finite() || floor <= 0.0 {
        return Err(LearnError::NotFinite);
    }
    let (mut noise, mut signal) = (0.0, 0.0);
    let mut correlation = vec![0.0; series * series];
    for a in 0..series {
        for b in 0..a {
            let scale = (deviations[a] * deviations[b]).max(floor * floor);
            let products = errors[a].iter().zip(&errors[b]).take(count).map(|(a, b)| a * b / scale);
            let mean = products.clone().sum::<f64>() / count as f64;
            let square = products.map(|product| (product - mean).powi(2)).sum::<f64>();
            noise += square / (count as f64 * (count as f64 - 1.0));
            signal += mean * mean;
            correlation[a * series + b] = mean;
            correlation[b * series + a] = mean;
        }
    }
    let shrink = if signal > 0.0 { (noise / signal).clamp(0.0, 1.0) } else { 1.0 };
    for a in 0..series {
        for b in 0..series {
            let scale = deviations[a].max(floor) * deviations[b].max(floor);
            let share = if a == b { 1.0 } else { (1.0 - shrink) * correlation[a * series + b] };
            correlation[a * series + b] = share * scale;
        }
    }
    Ok(correlation)
}
