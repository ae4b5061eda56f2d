//! From typed features to the numbers that a model computes with, and which feature each number came from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{GoOn, check_rows, malformed};
use crate::LearnError;
use crate::numeric::{Chance, logit};
use crate::table::{Column, Feature, Kind, MISSING, Table, level_counts};

/// Categories with at most this many levels become yes/no numbers for trees; others one number, the level's rate.
const TREE_LEVELS: usize = 8;
/// Levels of one category that a linear model tells apart, the most frequent first.
const LINEAR_LEVELS: usize = 40;
/// Rows that a level needs to be told apart.
const LEVEL_ROWS: usize = 5;
/// Rows of prior belief (the overall rate) in the rate of a level.
const RATE_PRIOR: f64 = 20.0;
/// Parts in which a level's rate is learned away from the row that it describes.
const RATE_FOLDS: usize = 5;
/// Standard deviations beyond which a linear model takes a number for the bound.
const CLIP: f64 = 5.0;

/// What a mean of the target is turned into before it is added up (the link of a generalised linear model).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Log-odds, for targets of 0 and 1.
    Logit,
    /// The mean itself, for amounts.
    Identity,
}

impl Link {
    /// A mean of the target on the scale on which trees add up.
    pub fn of(self, mean: f64) -> f64 {
        match self {
            Self::Logit => logit(mean),
            Self::Identity => mean,
        }
    }
}

/// How features become numbers; one or more slots for each feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    pub features: Vec<Feature>,
    slots: Vec<Slot>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Slot {
    feature: usize,
    code: Code,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Code {
    /// As it is; NaN is missing.
    Plain,
    /// Centred, divided by the standard deviation and clipped, after `sign(x) ln(1 + |x|)` where the values are very
    /// skewed; missing is the mean.
    Scaled { mean: f64, deviation: f64, log: bool },
    /// 1 where the cell is missing.
    Missing,
    /// 1 where the category is this one.
    Level(String),
    /// Log-odds of yes, or mean amount, among rows of the level, drawn to that of all rows (Micci-Barreca, SIGKDD
    /// Explorations 2001).
    Rate { levels: BTreeMap<String, f64>, base: f64 },
}

impl Encoder {
    /// For linear models: scaled numbers with a flag for missing ones, and a flag for each frequent level.
    pub fn linear(table: &Table, rows: &[u32]) -> Self {
        Self::scaled(table, rows, true)
    }

    /// As [`Encoder::linear`], but very skewed numbers stay as they are.
    pub fn straight(table: &Table, rows: &[u32]) -> Self {
        Self::scaled(table, rows, false)
    }

    fn scaled(table: &Table, rows: &[u32], squash: bool) -> Self {
        Self::build(table, |place, slots| match table.column(place) {
            Column::Categories { levels, codes } => {
                let counts = level_counts(levels.len(), codes, rows);
                slots.extend(frequent(&counts, LINEAR_LEVELS).map(|level| Code::Level(levels[level].clone())));
            }
            column => {
                let missing = rows.iter().filter(|row| column.is_missing(**row as usize)).count();
                slots.extend(scaled(column, rows, squash));
                if missing >= LEVEL_ROWS && missing + LEVEL_ROWS <= rows.len() {
                    slots.push(Code::Missing);
                }
            }
        })
    }

    /// For trees: numbers as they are, a flag for each level of a small category, and the rate of the level otherwise.
    /// `target` belongs to `rows`.
    pub fn trees(table: &Table, rows: &[u32], target: &[f64], link: Link) -> Self {
        Self::build(table, |place, slots| match table.column(place) {
            Column::Categories { levels, codes } => {
                let counts = level_counts(levels.len(), codes, rows);
                if counts.iter().filter(|count| **count > 0).count() <= TREE_LEVELS {
                    slots.extend(frequent(&counts, TREE_LEVELS).map(|level| Code::Level(levels[level].clone())));
                } else {
                    slots.push(LevelRates::count(levels.len(), codes, rows, target).code(levels, link));
                }
            }
            _ => slots.push(Code::Plain),
        })
    }

    fn build(table: &Table, slots_of: impl Fn(usize, &mut Vec<Code>)) -> Self {
        let mut slots = Vec::new();
        for feature in 0..table.features().len() {
            let mut codes = Vec::new();
            slots_of(feature, &mut codes);
            slots.extend(codes.into_iter().map(|code| Slot { feature, code }));
        }
        Self { features: table.features().to_vec(), slots }
    }

    /// Numbers per row.
    pub fn width(&self) -> usize {
        self.slots.len()
    }

    /// Adds up `by_slot` per feature.
    pub fn per_feature(&self, by_slot: &[f64]) -> Vec<f64> {
        let mut parts = vec![0.0; self.features.len()];
        self.slots.iter().zip(by_slot).for_each(|(slot, value)| parts[slot.feature] += value);
        parts
    }

    /// Ready to read `rows` of a table. Errors: a feature is not there, or a row.
    pub fn bind<'a>(&'a self, table: &'a Table, rows: &[u32]) -> Result<Bound<'a>, LearnError> {
        check_rows(table, rows)?;
        let columns: Vec<&Column> =
            self.features.iter().map(|feature| table.find(feature)).collect::<Result<_, _>>()?;
        let slots = self.slots.iter().map(|slot| bind(columns[slot.feature], &slot.code)).collect();
        Ok(Bound { slots })
    }

    /// The training matrix of trees, column by column (`width` x rows). A level's rate leaves out the fifth of the
    /// rows that the row belongs to, so that no row sees its own target. Errors: as [`Encoder::bind`]; cancelled, when
    /// `go_on` says so before a column.
    pub fn training_columns(
        &self,
        table: &Table,
        rows: &[u32],
        (target, link): (&[f64], Link),
        go_on: GoOn,
    ) -> Result<Vec<f64>, LearnError> {
        let bound = self.bind(table, rows)?;
        let mut matrix = Vec::with_capacity(rows.len() * self.width());
        for (slot, bound) in self.slots.iter().zip(&bound.slots) {
            if !go_on() {
                return Err(LearnError::Cancelled);
            }
            match (&slot.code, table.column(slot.feature)) {
                (Code::Rate { base, .. }, Column::Categories { levels, codes }) => {
                    let rates = LevelRates::count(levels.len(), codes, rows, target);
                    let away = |at: usize| rates.away(codes[rows[at] as usize], at, link).unwrap_or(*base);
                    matrix.extend((0..rows.len()).map(away));
                }
                _ => matrix.extend(rows.iter().map(|row| bound.value(*row as usize))),
            }
        }
        Ok(matrix)
    }

    /// Errors: a slot of a feature that is not there.
    pub fn check(&self) -> Result<(), LearnError> {
        let fine = self.slots.iter().all(|slot| {
            let category = matches!(slot.code, Code::Level(_) | Code::Rate { .. });
            let feature = self.features.get(slot.feature);
            feature.is_some_and(|feature| !category || feature.kind == Kind::Category)
        });
        if fine { Ok(()) } else { Err(malformed("a slot belongs to no feature of its kind")) }
    }
}

/// An encoder with its columns found and its levels looked up.
pub struct Bound<'a> {
    slots: Vec<BoundSlot<'a>>,
}

struct BoundSlot<'a> {
    column: &'a Column,
    code: BoundCode,
}

enum BoundCode {
    Plain,
    Scaled { mean: f64, deviation: f64, log: bool },
    Missing,
    Level(u32),
    Rate { by_code: Vec<f64>, base: f64 },
}

impl Bound<'_> {
    /// Fills `out` (as long as the encoder is wide) with the numbers of a row.
    pub fn read(&self, row: u32, out: &mut [f64]) {
        self.slots.iter().zip(out).for_each(|(slot, out)| *out = slot.value(row as usize));
    }

    /// The slots of a row that are not 0.
    pub fn read_sparse(&self, row: u32, mut put: impl FnMut(usize, f64)) {
        for (place, slot) in self.slots.iter().enumerate() {
            let value = slot.value(row as usize);
            if value != 0.0 {
                put(place, value);
            }
        }
    }
}

impl BoundSlot<'_> {
    fn value(&self, row: usize) -> f64 {
        match (&self.code, self.column) {
            (BoundCode::Plain, column) => column.number(row),
            (BoundCode::Scaled { mean, deviation, log }, column) => {
                let value = column.number(row);
                if value.is_nan() { 0.0 } else { ((squash(value, *log) - mean) / deviation).clamp(-CLIP, CLIP) }
            }
            (BoundCode::Missing, column) => f64::from(u8::from(column.is_missing(row))),
            (BoundCode::Level(level), Column::Categories { codes, .. }) => f64::from(u8::from(codes[row] == *level)),
            (BoundCode::Rate { by_code, base }, Column::Categories { codes, .. }) => {
                by_code.get(codes[row] as usize).copied().unwrap_or(*base)
            }
            _ => 0.0,
        }
    }
}

fn bind<'a>(column: &'a Column, code: &Code) -> BoundSlot<'a> {
    let levels: &[String] = if let Column::Categories { levels, .. } = column { levels } else { &[] };
    let code = match code {
        Code::Plain => BoundCode::Plain,
        Code::Scaled { mean, deviation, log } => BoundCode::Scaled { mean: *mean, deviation: *deviation, log: *log },
        Code::Missing => BoundCode::Missing,
        // no row has the code one below MISSING: a table never has that many levels
        Code::Level(name) => {
            BoundCode::Level(levels.iter().position(|level| level == name).map_or(MISSING - 1, |at| at as u32))
        }
        Code::Rate { levels: rates, base } => BoundCode::Rate {
            by_code: levels.iter().map(|level| rates.get(level).copied().unwrap_or(*base)).collect(),
            base: *base,
        },
    };
    BoundSlot { column, code }
}

/// Rows of each level and the sum of their targets, in [`RATE_FOLDS`] parts.
struct LevelRates {
    counts: Vec<[(u32, f64); RATE_FOLDS]>,
    overall: f64,
}

impl LevelRates {
    fn count(levels: usize, codes: &[u32], rows: &[u32], target: &[f64]) -> Self {
        let mut counts = vec![[(0, 0.0); RATE_FOLDS]; levels];
        for (at, row) in rows.iter().enumerate() {
            if let Some(level) = counts.get_mut(codes[*row as usize] as usize) {
                let (all, sum) = &mut level[rate_fold(at)];
                *all += 1;
                *sum += target[at];
            }
        }
        Self { counts, overall: target.iter().sum::<f64>() / target.len().max(1) as f64 }
    }

    fn rate(&self, (all, sum): (u32, f64), link: Link) -> f64 {
        link.of((sum + RATE_PRIOR * self.overall) / (f64::from(all) + RATE_PRIOR))
    }

    fn code(&self, names: &[String], link: Link) -> Code {
        let seen = names.iter().zip(&self.counts).map(|(name, level)| (name, total(level.iter())));
        let levels = seen.filter(|(_, (all, _))| *all > 0);
        let levels = levels.map(|(name, total)| (name.clone(), self.rate(total, link))).collect();
        Code::Rate { levels, base: self.rate((0, 0.0), link) }
    }

    /// The rate of a level without the part that the row at place `at` belongs to; none for a missing one.
    fn away(&self, code: u32, at: usize, link: Link) -> Option<f64> {
        let level = self.counts.get(code as usize)?;
        let others = level.iter().enumerate().filter(|(part, _)| *part != rate_fold(at));
        Some(self.rate(total(others.map(|(_, part)| part)), link))
    }
}

/// The part of the row at place `at`, drawn so that no order of the rows puts all of a level into one part.
fn rate_fold(at: usize) -> usize {
    (Chance::new(at as u64).next() % RATE_FOLDS as u64) as usize
}

fn total<'a>(parts: impl Iterator<Item = &'a (u32, f64)>) -> (u32, f64) {
    parts.fold((0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
}

/// Levels with enough rows, at most `most`, in the order of their codes.
fn frequent(counts: &[usize], most: usize) -> impl Iterator<Item = usize> {
    let mut levels: Vec<usize> = (0..counts.len()).filter(|level| counts[*level] >= LEVEL_ROWS).collect();
    levels.sort_by_key(|level| (std::cmp::Reverse(counts[*level]), *level));
    levels.truncate(most);
    levels.sort_unstable();
    levels.into_iter()
}

fn squash(value: f64, log: bool) -> f64 {
    if log { value.signum() * value.abs().ln_1p() } else { value }
}

/// `None` for a column with fewer than two different values; `squash` where very skewed ones are to be squashed.
fn scaled(column: &Column, rows: &[u32], squash_skewed: bool) -> Option<Code> {
    let values = || rows.iter().map(|row| column.number(*row as usize)).filter(|value| !value.is_nan());
    let (mean, deviation, skewness) = moments(values());
    let log = squash_skewed && skewness.abs() > 2.0;
    let (mean, deviation) = if log {
        let (mean, deviation, _) = moments(values().map(|value| squash(value, true)));
        (mean, deviation)
    } else {
        (mean, deviation)
    };
    (deviation > 0.0 && deviation.is_finite()).then_some(Code::Scaled { mean, deviation, log })
}

/// Mean, standard deviation and skewness; scaled by the largest value, so that none overflows.
pub fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64, f64) {
    let unit = values.clone().fold(0.0_f64, |most, value| most.max(value.abs()));
    if unit == 0.0 {
        return (0.0, 0.0, 0.0);
    }
    let count = values.clone().count() as f64;
    let mean = values.clone().map(|value| value / unit).sum::<f64>() / count;
    let (mut second, mut third) = (0.0, 0.0);
    for value in values {
        let off = value / unit - mean;
        second += off * off;
        third += off * off * off;
    }
    let deviation = (second / count).sqrt();
    if deviation < 1e-12 {
        return (mean * unit, 0.0, 0.0);
    }
    (mean * unit, deviation * unit, third / count / deviation.powi(3))
}
