//! Customers looked at a quarter before their contract ends: who will leave, why, and whether silence is heard.

use aplomb_learn::LearnError;
use aplomb_learn::choose::{Scorer, Settings};
use aplomb_learn::events::Ask;
use aplomb_learn::table::{Column, Feature, Kind, Table};
use aplomb_learn::trust::{Metrics, Templates};

use crate::chance::Chance;
use crate::customer::{NOTICE, Renewal};
use crate::deals::{SPLIT, days, named, strongest};
use crate::firm::Firm;
use crate::world::{CHURN_CAUSES, INDUSTRIES, SEGMENTS, SILENT, moment};

const LIVES: usize = 100;

pub struct ChurnFigures {
    pub learned: usize,
    pub judged: usize,
    pub model: String,
    pub ours: Metrics,
    pub naive: Metrics,
    pub oracle: Metrics,
    /// Who left because use had silently fallen, and the share of them among the tenth with the highest scores, with
    /// that of who knows all.
    pub silent: usize,
    pub silent_found: f64,
    pub silent_known: f64,
    /// Share of those who left whose strongest true cause, as of the look, is among the first three reasons.
    pub named: f64,
}

fn features(firm: &Firm, looks: &[&Renewal]) -> Table {
    let of = |look: &&Renewal| Ask { entity: look.customer as u64, moment: moment(look.end - NOTICE, 0.0) };
    let asks: Vec<Ask> = looks.iter().map(of).collect();
    let account = |look: &&Renewal| &firm.accounts[firm.customers[look.customer].account];
    let fit = |name: &str, kind| Feature::new(name, kind).about("size and fit");
    let sizes = looks.iter().map(|look| if account(look).size_known { account(look).employees } else { f64::NAN });
    let tape = &firm.companies;
    tape.program
        .table(&tape.log, &asks)
        .with(fit("employees", Kind::Number), Column::Numbers(sizes.collect()))
        .with(fit("segment", Kind::Category), named(&SEGMENTS, looks.iter().map(|look| account(look).segment)))
        .with(fit("industry", Kind::Category), named(&INDUSTRIES, looks.iter().map(|look| account(look).industry)))
        .with_time(looks.iter().map(|look| days(look.end - NOTICE)).collect())
        .with_group(looks.iter().map(|look| look.customer as u32).collect())
        .with_outcome(looks.iter().map(|look| look.left).collect())
}

pub fn judge(firm: &Firm, settings: &Settings) -> Result<ChurnFigures, LearnError> {
    let learned: Vec<&Renewal> = firm.renewals.iter().filter(|renewal| renewal.end < SPLIT).collect();
    let later: Vec<&Renewal> = firm.renewals.iter().filter(|renewal| renewal.end - NOTICE >= SPLIT).collect();
    let table = features(firm, &learned);
    let all: Vec<u32> = (0..learned.len() as u32).collect();
    let scorer = Scorer::fit(&table, &all, settings, &|_, _| true)?;
    let share = learned.iter().filter(|renewal| renewal.left).count() as f64 / learned.len().max(1) as f64;
    let table = features(firm, &later);
    let rows: Vec<u32> = (0..later.len() as u32).collect();
    let (chances, outcome) = (scorer.chances(&table, &rows)?, table.outcome()?);
    let truth: Vec<f64> = later
        .iter()
        .map(|look| {
            let mut chance = Chance::of(firm.world.seed, &[9, look.customer as u64, look.end as u64]);
            firm.customers[look.customer].true_chance(look, LIVES, &mut chance)
        })
        .collect();
    let means = mean_causes(firm, &learned);
    let toward_leaving = |renewal: &Renewal, health| {
        let causes = firm.customers[renewal.customer].causes(health);
        let parts: Vec<f64> = causes.iter().zip(means).map(|(cause, mean)| cause - mean).collect();
        strongest(&parts, Some(-1.0))
    };
    let silent: Vec<usize> = (0..later.len())
        .filter(|row| later[*row].left && toward_leaving(later[*row], &later[*row].last) == SILENT)
        .collect();
    let left: Vec<usize> = (0..later.len()).filter(|row| later[*row].left).collect();
    let mut told = 0;
    for row in &left {
        let cause = CHURN_CAUSES[toward_leaving(later[*row], &later[*row].health)];
        let reasons = scorer.reasons(&table, *row as u32, 3, &Templates::new())?;
        told += usize::from(reasons.iter().any(|reason| reason.theme.as_deref() == Some(cause)));
    }
    Ok(ChurnFigures {
        learned: learned.len(),
        judged: later.len(),
        model: scorer.recipe().name().to_owned(),
        ours: Metrics::of(&chances, outcome),
        naive: Metrics::of(&vec![share; later.len()], outcome),
        oracle: Metrics::of(&truth, outcome),
        silent: silent.len(),
        silent_found: in_top_tenth(&chances, &silent),
        silent_known: in_top_tenth(&truth, &silent),
        named: told as f64 / left.len().max(1) as f64,
    })
}

fn mean_causes(firm: &Firm, looks: &[&Renewal]) -> [f64; 5] {
    let causes: Vec<[f64; 5]> = looks.iter().map(|look| firm.customers[look.customer].causes(&look.health)).collect();
    std::array::from_fn(|cause| causes.iter().map(|parts| parts[cause]).sum::<f64>() / causes.len().max(1) as f64)
}

/// The share of `rows` among the tenth with the highest chances.
fn in_top_tenth(chances: &[f64], rows: &[usize]) -> f64 {
    let mut order: Vec<usize> = (0..chances.len()).collect();
    order.sort_by(|a, b| chances[*b].total_cmp(&chances[*a]).then(a.cmp(b)));
    order.truncate(chances.len() / 10);
    rows.iter().filter(|row| order.contains(row)).count() as f64 / rows.len().max(1) as f64
}
