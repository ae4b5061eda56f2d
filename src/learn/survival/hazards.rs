//! Survival with features: several models of the risk, weighted by how well they tell rows that they did not learn
//! from.

use serde::{Deserialize, Serialize};

use super::cox::Cox;
use super::discrete::Discrete;
use super::score::integrated_briers;
use super::{Intervals, KaplanMeier, Spells, judged_times};
use crate::choose::{Fold, Progress, Scorer, Settings, folds};
use crate::model::Contributions;
use crate::table::{Feature, Table};
use crate::{LearnError, saved};

/// The newest format of saved models.
const FORMAT: u16 = 1;
/// Parts of 1 in which the weight of the risk of all is tried.
const PARTS: u8 = 4;
/// Standard errors by which other weights must beat the even mix.
const MARGIN: f64 = 2.0;
/// Rows of a fold whose curves are compared to choose the weights.
const JUDGED: usize = 1000;

/// How to fit [`Hazards`].
#[derive(Clone, Debug)]
pub struct SurvivalSettings {
    /// Most intervals; their bounds are quantiles of the times at which it happened.
    pub intervals: usize,
    /// Folds on which the weights of the models are chosen.
    pub folds: usize,
    /// How the model of the chances in each interval is chosen.
    pub choice: Settings,
}

impl Default for SurvivalSettings {
    fn default() -> Self {
        // rows of one person are not independent, so a margin in standard errors would say little; and naive Bayes
        // would count the time twice, which is both a number and a category
        let choice = Settings { folds: 3, margin: 0.0, naive_bayes: false, ..Settings::default() };
        Self { intervals: 20, folds: 5, choice }
    }
}

/// Shares of the models in ln of the risk, together 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// The same risk for all.
    pub everyone: f64,
    /// Proportional hazards.
    pub proportional: f64,
    /// A chance in each interval.
    pub discrete: f64,
}

impl Shares {
    fn even(everyone: f64) -> Self {
        let half = (1.0 - everyone) / 2.0;
        Self { everyone, proportional: half, discrete: half }
    }
}

/// Proportional hazards, discrete-time survival and the risk of all, pooled in ln of the risk (a logarithmic pool:
/// Genest and Zidek, Statistical Science 1986, section 3). The weights are those with the smallest integrated Brier
/// score on rows that the models did not learn from (stacking: Wey, Connett and Rudser, Biostatistics 2015, section
/// 3), where they clearly beat an even mix of the two.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hazards {
    format: u16,
    models: Models,
    shares: Shares,
}

impl Hazards {
    /// Learns from `rows` of `table`; `spells` has one entry for each row of the table. Errors: see [`Spells::check`];
    /// a row that does not exist; it happened to none; cancelled.
    pub fn fit(
        table: &Table,
        spells: Spells,
        rows: &[u32],
        settings: &SurvivalSettings,
        progress: Progress,
    ) -> Result<Self, LearnError> {
        spells.check()?;
        let (left_len, right_len) = (table.rows(), spells.durations.len());
        if left_len != right_len {
            return Err(LearnError::UnequalLengths { left: "table", left_len, right: "durations", right_len });
        }
        rows.iter().try_for_each(|row| check_row(table, *row))?;
        let models = Models::fit(table, (spells, rows), settings, progress)?;
        let shares = shares(table, (spells, rows), settings, progress)?;
        Ok(Self { format: FORMAT, models, shares })
    }

    /// Upper bounds of the intervals, in the unit of the durations.
    pub fn bounds(&self) -> &[f64] {
        self.models.intervals.bounds()
    }

    /// The model of the chances in each interval: what was chosen, and why.
    pub fn scorer(&self) -> &Scorer {
        &self.models.discrete.scorer
    }

    /// Shares of the models in ln of the risk.
    pub fn shares(&self) -> Shares {
        self.shares
    }

    /// In the order of contributions.
    pub fn features(&self) -> &[Feature] {
        self.models.discrete.features()
    }

    /// For each of `rows`, the chance that it has not happened by each of `times`; after the last interval the risk
    /// stays as it was. Errors: the table lacks a feature or a row.
    pub fn survival(&self, table: &Table, rows: &[u32], times: &[f64]) -> Result<Vec<Vec<f64>>, LearnError> {
        rows.iter().try_for_each(|row| check_row(table, *row))?;
        Ok(self.models.risks(table, rows)?.survival(self.shares, times))
    }

    /// The risk of each of `rows`, to order them by: minus the expected time until it happens or the last interval
    /// ends. Errors: as [`Hazards::survival`].
    pub fn risks(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        let curves = self.survival(table, rows, self.bounds())?;
        let expected = |curve: &Vec<f64>| {
            let mut before = 1.0;
            let areas = curve.iter().enumerate().map(|(place, left)| {
                let area = (before + left) / 2.0 * (self.bounds()[place] - self.models.intervals.lower(place));
                before = *left;
                area
            });
            areas.sum::<f64>()
        };
        Ok(curves.iter().map(|curve| -expected(curve)).collect())
    }

    /// Why `row` has its risk in the interval of `time`: the weighted sum of the models' scores, in ln of the risk and
    /// log-odds, that of the time itself in the base. Errors: as [`Hazards::survival`].
    pub fn contributions(&self, table: &Table, row: u32, time: f64) -> Result<Contributions, LearnError> {
        check_row(table, row)?;
        let Models { intervals, discrete, proportional, everyone } = &self.models;
        let place = intervals.place(time);
        let mut why = discrete.contributions(table, row, (intervals, place))?;
        let Shares { everyone: flat, proportional: even, discrete: own } = self.shares;
        why.base = own * why.base + flat * everyone[place];
        why.parts.iter_mut().for_each(|part| *part *= own);
        if let Some((cox, base)) = proportional {
            why.base += even * base[place];
            let parts = cox.contributions(table, row)?.parts;
            why.parts.iter_mut().zip(parts).for_each(|(sum, part)| *sum += even * part);
        }
        Ok(why)
    }

    /// Errors: a number in it is not finite.
    pub fn save(&self) -> Result<Vec<u8>, LearnError> {
        saved::write(self)
    }

    /// Errors: not such JSON, of a newer format, or it does not hold together.
    pub fn load(bytes: &[u8]) -> Result<Self, LearnError> {
        let loaded: Self = saved::read(bytes, FORMAT)?;
        loaded.check()?;
        Ok(loaded)
    }

    /// Errors: what was loaded does not hold together, so that using it could panic.
    pub(super) fn check(&self) -> Result<(), LearnError> {
        self.models.check()
    }
}

fn check_row(table: &Table, row: u32) -> Result<(), LearnError> {
    let fine = (row as usize) < table.rows();
    if fine { Ok(()) } else { Err(LearnError::NoRow { row: row as usize, rows: table.rows() }) }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Models {
    intervals: Intervals,
    discrete: Discrete,
    /// With ln of the risk of an average row in each interval; none where the fit would have taken too long.
    proportional: Option<(Cox, Vec<f64>)>,
    /// ln of the risk of all in each interval.
    everyone: Vec<f64>,
}

impl Models {
    fn fit(
        table: &Table,
        (spells, rows): (Spells, &[u32]),
        settings: &SurvivalSettings,
        progress: Progress,
    ) -> Result<Self, LearnError> {
        let intervals = Intervals::fit(spells, rows, settings.intervals)?;
        let discrete = Discrete::fit(table, (spells, rows), &intervals, &settings.choice, progress)?;
        let proportional = Cox::fit(table, spells, rows).ok();
        let proportional = proportional.map(|cox| {
            let base = cox.log_base(table, (spells, rows), intervals.bounds())?;
            Ok::<_, LearnError>((cox, base))
        });
        Ok(Self { everyone: intervals.log_risks(), proportional: proportional.transpose()?, discrete, intervals })
    }

    fn risks(&self, table: &Table, rows: &[u32]) -> Result<LogRisks<'_>, LearnError> {
        let factors = self.proportional.as_ref().map(|(cox, _)| cox.log_factors(table, rows)).transpose()?;
        Ok(LogRisks { discrete: self.discrete.log_risks(table, rows, &self.intervals)?, factors, models: self })
    }

    fn check(&self) -> Result<(), LearnError> {
        self.intervals.check()?;
        self.discrete.scorer.check()?;
        let count = self.intervals.count();
        let mut fits = self.everyone.len() == count;
        if let Some((cox, base)) = &self.proportional {
            cox.check()?;
            fits &= base.len() == count && cox.features() == self.discrete.features();
        }
        if fits { Ok(()) } else { Err(LearnError::Malformed("the models and the intervals differ in number".into())) }
    }
}

/// ln of the risks that the models tell some rows.
struct LogRisks<'a> {
    models: &'a Models,
    /// In each interval, row after row.
    discrete: Vec<f64>,
    /// Of each row.
    factors: Option<Vec<f64>>,
}

impl LogRisks<'_> {
    fn survival(&self, shares: Shares, times: &[f64]) -> Vec<Vec<f64>> {
        let passed = self.models.intervals.passed(times);
        let count = self.models.intervals.count();
        let curve = |(row, discrete): (usize, &[f64])| {
            let risk = |place: usize| {
                let even = match (&self.models.proportional, &self.factors) {
                    (Some((_, base)), Some(factors)) => shares.proportional * (base[place] + factors[row]),
                    _ => 0.0,
                };
                shares.everyone * self.models.everyone[place] + even + shares.discrete * discrete[place]
            };
            let risks: Vec<f64> = (0..count).map(|place| risk(place).exp()).collect();
            let mut before = vec![0.0; count];
            (1..count).for_each(|place| before[place] = before[place - 1] + risks[place - 1]);
            passed.iter().map(|(place, share)| (-before[*place] - share * risks[*place]).exp()).collect()
        };
        self.discrete.chunks_exact(count).enumerate().map(curve).collect()
    }
}

/// As the table's time and groups ask for, with events spread evenly.
fn parts(table: &Table, (spells, rows): (Spells, &[u32]), settings: &SurvivalSettings) -> Vec<Fold> {
    let mut outline = Table::from_columns(Vec::new(), Vec::new(), table.rows()).with_outcome(spells.happened.to_vec());
    if let Some(group) = table.group() {
        outline = outline.with_group(group.to_vec());
    }
    if let Some(time) = table.time() {
        outline = outline.with_time(time.to_vec());
    }
    folds(&outline, rows, settings.folds, settings.choice.seed)
}

/// The weights with the smallest integrated Brier score on folds, where they beat an even mix by more than [`MARGIN`];
/// weights chosen from few events would be chosen by chance.
fn shares(
    table: &Table,
    (spells, rows): (Spells, &[u32]),
    settings: &SurvivalSettings,
    progress: Progress,
) -> Result<Shares, LearnError> {
    let (even, tries) = (Shares::even(0.0), tries());
    // for each way, what it saves over an even mix, row after row
    let mut gains = vec![Vec::new(); tries.len()];
    for fold in parts(table, (spells, rows), settings) {
        let models = match Models::fit(table, (spells, &fold.learn), settings, progress) {
            Ok(models) => models,
            Err(LearnError::Cancelled) => return Err(LearnError::Cancelled),
            Err(_) => return Ok(even),
        };
        let (learned, happened) = spells.pick(&fold.learn);
        let ended: Vec<bool> = happened.into_iter().map(|had| !had).collect();
        let watch = KaplanMeier::fit(Spells { durations: &learned, happened: &ended })?;
        let times = judged_times(&learned);
        let test = &fold.test[..fold.test.len().min(JUDGED)];
        let (lasted, happened) = spells.pick(test);
        let held = Spells { durations: &lasted, happened: &happened };
        let risks = models.risks(table, test)?;
        let Ok(before) = integrated_briers(&risks.survival(even, &times), &times, held, &watch) else {
            return Ok(even);
        };
        for (shares, gains) in tries.iter().zip(&mut gains) {
            let after = integrated_briers(&risks.survival(*shares, &times), &times, held, &watch)?;
            gains.extend(before.iter().zip(after).map(|(before, after)| before - after));
        }
    }
    let judged = tries.iter().zip(&gains).map(|(shares, gains)| (mean_and_error(gains), *shares));
    let best = judged.max_by(|a, b| a.0.0.total_cmp(&b.0.0));
    Ok(best.filter(|((gain, error), _)| *gain > MARGIN * error).map_or(even, |(_, shares)| shares))
}

fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    (mean, (variance / count).sqrt())
}

/// The risk of all to a part, the rest by one model or evenly by both.
fn tries() -> Vec<Shares> {
    let parts = (0..=PARTS).map(|parts| f64::from(parts) / f64::from(PARTS));
    let ways = |everyone: f64| {
        let rest = 1.0 - everyone;
        let proportional = Shares { everyone, proportional: rest, discrete: 0.0 };
        [Shares::even(everyone), proportional, Shares { everyone, proportional: 0.0, discrete: rest }]
    };
    parts.flat_map(ways).collect()
}
