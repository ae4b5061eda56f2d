//! Naive Bayes: sensible from the first outcomes on, one feature at a time.

use serde::{Deserialize, Serialize};

use super::{Contributions, Model, check_rows, malformed, outcomes};
use crate::LearnError;
use crate::numeric::logit;
use crate::table::{Column, Feature, Kind, Table};

/// Bins of equal count into which numbers fall.
const BINS: usize = 5;
/// Levels of a category that are told apart.
const LEVELS: usize = 50;

/// How to fit a [`NaiveBayes`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BayesConfig {
    /// Rows that the prior of each bin weighs: the larger, the more a bin must show before it counts.
    pub strength: f64,
}

/// Naive Bayes over bins and levels. The chance of yes in a bin has a Beta prior whose mean is the overall rate
/// (Murphy, Machine Learning, 3.3 and 3.5), so a bin that is seen once says almost nothing; by Bayes' rule its odds
/// over the overall ones are the ratio of the bin's chances given yes and given no.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NaiveBayes {
    features: Vec<Feature>,
    /// Log-odds of yes before a feature is looked at.
    prior: f64,
    evidence: Vec<Evidence>,
}

/// What the cells of one feature say, in log-odds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Evidence {
    /// `weights` has one entry more than `cuts`: below the first cut, from it to the second, ...
    Bins {
        cuts: Vec<f64>,
        weights: Vec<f64>,
        missing: f64,
    },
    Levels {
        names: Vec<String>,
        weights: Vec<f64>,
        missing: f64,
    },
}

impl NaiveBayes {
    /// As [`Model::fit`], looking at the feature in this place only.
    pub fn fit_one(config: &BayesConfig, table: &Table, place: usize, rows: &[u32]) -> Result<Self, LearnError> {
        Self::learn(config, table, place..place + 1, rows)
    }

    fn learn(
        config: &BayesConfig,
        table: &Table,
        places: std::ops::Range<usize>,
        rows: &[u32],
    ) -> Result<Self, LearnError> {
        let outcome = outcomes(table, rows, 0)?;
        let yes = outcome.iter().filter(|yes| **yes).count() as f64;
        // Jeffreys' prior, so that one kind of outcome alone does not make the chance 0 or 1
        let prior = logit((yes + 0.5) / (outcome.len() as f64 + 1.0));
        let learn = |place| Evidence::learn(table.column(place), rows, &outcome, config.strength.max(1e-3));
        let evidence = places.clone().map(learn).collect();
        Ok(Self { features: table.features()[places].to_vec(), prior, evidence })
    }
}

impl Model for NaiveBayes {
    type Config = BayesConfig;
    const KIND: &'static str = "naiveBayes";

    /// One outcome, or only of one kind, is enough.
    fn fit(config: &BayesConfig, table: &Table, rows: &[u32]) -> Result<Self, LearnError> {
        Self::learn(config, table, 0..table.features().len(), rows)
    }

    fn features(&self) -> &[Feature] {
        &self.features
    }

    fn predict(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, LearnError> {
        check_rows(table, rows)?;
        let mut scores = vec![self.prior; rows.len()];
        for (feature, evidence) in self.features.iter().zip(&self.evidence) {
            let said = evidence.bind(table.find(feature)?);
            scores.iter_mut().zip(rows).for_each(|(score, row)| *score += said(*row as usize));
        }
        Ok(scores)
    }

    fn contributions(&self, table: &Table, row: u32) -> Result<Contributions, LearnError> {
        check_rows(table, &[row])?;
        let said = self.features.iter().zip(&self.evidence);
        let parts = said.map(|(feature, evidence)| Ok(evidence.bind(table.find(feature)?)(row as usize)));
        Ok(Contributions { base: self.prior, parts: parts.collect::<Result<_, LearnError>>()? })
    }

    fn check(&self) -> Result<(), LearnError> {
        let fits = |(feature, evidence): (&Feature, &Evidence)| match evidence {
            Evidence::Bins { cuts, weights, .. } => feature.kind != Kind::Category && weights.len() == cuts.len() + 1,
            Evidence::Levels { names, weights, .. } => feature.kind == Kind::Category && weights.len() == names.len(),
        };
        let fine = self.features.len() == self.evidence.len() && self.features.iter().zip(&self.evidence).all(fits);
        if fine { Ok(()) } else { Err(malformed("evidence and features differ")) }
    }
}

impl Evidence {
    fn learn(column: &Column, rows: &[u32], outcome: &[bool], strength: f64) -> Self {
        if let Column::Categories { levels, codes } = column {
            let counts = Counts::of(levels.len(), rows, outcome, |row| codes.get(row).map(|code| *code as usize));
            let mut order: Vec<usize> = (0..levels.len()).filter(|level| counts.rows(*level) > 0).collect();
            order.sort_by_key(|level| (std::cmp::Reverse(counts.rows(*level)), *level));
            order.truncate(LEVELS);
            let weights = order.iter().map(|level| counts.weight(*level, strength)).collect();
            let names = order.iter().map(|level| levels[*level].clone()).collect();
            return Self::Levels { names, weights, missing: counts.weight(levels.len(), strength) };
        }
        let cuts = cuts(column, rows);
        let bin = |row| (!column.is_missing(row)).then(|| bin(&cuts, column.number(row)));
        let counts = Counts::of(cuts.len() + 1, rows, outcome, bin);
        let weights = (0..=cuts.len()).map(|bin| counts.weight(bin, strength)).collect();
        let missing = counts.weight(cuts.len() + 1, strength);
        Self::Bins { cuts, weights, missing }
    }

    fn bind<'a>(&'a self, column: &'a Column) -> Box<dyn Fn(usize) -> f64 + 'a> {
        match (self, column) {
            (Self::Levels { names, weights, missing }, Column::Categories { levels, codes }) => {
                let weight = |level| names.iter().position(|name| name == level).map_or(0.0, |at| weights[at]);
                let by_code: Vec<f64> = levels.iter().map(weight).collect();
                Box::new(move |row| by_code.get(codes[row] as usize).copied().unwrap_or(*missing))
            }
            (Self::Bins { cuts, weights, missing }, column) => {
                Box::new(
                    move |row| {
                        if column.is_missing(row) { *missing } else { weights[bin(cuts, column.number(row))] }
                    },
                )
            }
            _ => Box::new(|_| 0.0),
        }
    }
}

/// Rows and yes outcomes of each bin; the last one is for missing cells.
struct Counts {
    bins: Vec<(usize, usize)>,
    rows: usize,
    yes: usize,
}

impl Counts {
    fn of(bins: usize, rows: &[u32], outcome: &[bool], bin: impl Fn(usize) -> Option<usize>) -> Self {
        let mut counts = vec![(0, 0); bins + 1];
        for (row, yes) in rows.iter().zip(outcome) {
            let at = bin(*row as usize).map_or(bins, |bin| bin.min(bins));
            counts[at].0 += 1;
            counts[at].1 += usize::from(*yes);
        }
        Self { bins: counts, rows: rows.len(), yes: outcome.iter().filter(|yes| **yes).count() }
    }

    fn rows(&self, bin: usize) -> usize {
        self.bins[bin].0
    }

    /// ln of the odds of yes in the bin over those overall, with `strength` rows of prior at the overall rate; nothing
    /// where only one kind of outcome was seen.
    fn weight(&self, bin: usize, strength: f64) -> f64 {
        let (all, yes) = (self.bins[bin].0 as f64, self.bins[bin].1 as f64);
        let rate = self.yes as f64 / self.rows.max(1) as f64;
        if all == 0.0 || rate <= 0.0 || rate >= 1.0 {
            return 0.0;
        }
        let odds = (yes + strength * rate) / (all - yes + strength * (1.0 - rate));
        (odds * (1.0 - rate) / rate).ln()
    }
}

fn bin(cuts: &[f64], value: f64) -> usize {
    cuts.partition_point(|cut| *cut <= value)
}

/// Cuts into bins of about equal count; fewer where values repeat.
fn cuts(column: &Column, rows: &[u32]) -> Vec<f64> {
    let mut values: Vec<f64> =
        rows.iter().map(|row| column.number(*row as usize)).filter(|value| !value.is_nan()).collect();
    values.sort_by(f64::total_cmp);
    let Some(least) = values.first().copied() else { return Vec::new() };
    let mut cuts: Vec<f64> = (1..BINS).map(|part| values[part * values.len() / BINS]).collect();
    // a flag's only cut may lie in its smaller half
    if let Some(second) = values.iter().find(|value| **value > least).filter(|_| cuts.iter().all(|cut| *cut == least)) {
        cuts.push(*second);
    }
    cuts.retain(|cut| *cut > least);
    cuts.dedup();
    cuts
}
