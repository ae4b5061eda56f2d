//! Deals judged while they are open: how likely each is won, and whether its reasons name what is behind it.

use std::collections::BTreeMap;

use aplomb_learn::LearnError;
use aplomb_learn::choose::{Scorer, Settings};
use aplomb_learn::events::Ask;
use aplomb_learn::table::{Column, Feature, Kind, Table};
use aplomb_learn::trust::{Metrics, Templates};

use crate::chance::Chance;
use crate::deal::{End, STAGE_NAMES, State};
use crate::firm::Firm;
use crate::world::{DAY, DEAL_CAUSES, INDUSTRIES, SEGMENTS, START, WEEKS, moment};

/// Deals looked at before are learned from, those looked at later are judged.
pub const SPLIT: usize = 52 * 7;
const REASONS: usize = 3;
/// Lives that are led to the end to know a deal's true chance.
const LIVES: usize = 100;

/// A deal at the start of a week in which it is open.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    pub deal: usize,
    pub week: usize,
    pub state: &'a State,
}

/// What can be known of the deals at those moments: their events, how their owners sold until then, and their accounts.
pub fn features(firm: &Firm, looks: &[Look]) -> Table {
    let asks = |entity: &dyn Fn(&Look) -> u64| -> Vec<Ask> {
        looks.iter().map(|look| Ask { entity: entity(look), moment: moment(look.week, 0.0) }).collect()
    };
    let deals = &firm.deals;
    let mut table = deals.program.table(&deals.log, &asks(&|look| look.deal as u64));
    let users = firm.users.program.table(&firm.users.log, &asks(&|look| firm.lives[look.deal].deal.rep as u64));
    for (place, feature) in users.features().iter().enumerate() {
        table = table.with(feature.clone(), users.column(place).clone());
    }
    let account = |look: &Look| &firm.accounts[firm.lives[look.deal].deal.account];
    let fit = |name: &str, kind| Feature::new(name, kind).about("size and fit");
    let sizes = looks.iter().map(|look| if account(look).size_known { account(look).employees } else { f64::NAN });
    table
        .with(fit("employees", Kind::Number), Column::Numbers(sizes.collect()))
        .with(fit("segment", Kind::Category), named(&SEGMENTS, looks.iter().map(|look| account(look).segment)))
        .with(fit("industry", Kind::Category), named(&INDUSTRIES, looks.iter().map(|look| account(look).industry)))
        .with(
            Feature { context: true, ..Feature::new("stage", Kind::Category) },
            named(&STAGE_NAMES, looks.iter().map(|look| look.state.stage)),
        )
        .with_time(looks.iter().map(|look| days(look.week)).collect())
}

/// A column of the texts at those places.
pub fn named(texts: &[&str], places: impl Iterator<Item = usize>) -> Column {
    let levels = texts.iter().map(|text| (*text).to_owned()).collect();
    Column::Categories { levels, codes: places.map(|place| place as u32).collect() }
}

/// Since 1970.
pub fn days(week: usize) -> f64 {
    (START / DAY) as f64 + 7.0 * week as f64
}

/// Of the deals that are judged.
pub struct DealFigures {
    pub learned: usize,
    pub judged: usize,
    pub model: String,
    pub ours: Metrics,
    pub naive: Metrics,
    pub oracle: Metrics,
    /// Share of deals whose strongest true cause is among the first three reasons; beside it that of always saying the
    /// three causes that are the strongest most often.
    pub named: f64,
    pub named_always: f64,
    /// The same for the strongest cause in the direction in which the deal went.
    pub named_toward_end: f64,
    /// Share of deals whose strongest cause was another at their end.
    pub changed: f64,
    /// By cause: how often it is the strongest, and how often it was then named.
    pub by_cause: Vec<(String, usize, f64)>,
    pub example: Vec<String>,
}

pub fn judge(firm: &Firm, settings: &Settings) -> Result<DealFigures, LearnError> {
    let seen = firm.lives.iter().enumerate().filter_map(|(deal, life)| {
        let (week, state) = life.look.as_ref()?;
        Some(Look { deal, week: *week, state })
    });
    let (later, earlier): (Vec<Look>, Vec<Look>) =
        seen.filter(|look| look.week < WEEKS).partition(|look| look.week >= SPLIT);
    let starts = firm
        .lives
        .iter()
        .enumerate()
        .flat_map(|(deal, life)| life.quarters.iter().map(move |(week, state)| Look { deal, week: *week, state }));
    let closed = |look: &Look| firm.lives[look.deal].closed < SPLIT;
    let learned: Vec<Look> = earlier.into_iter().chain(starts).filter(closed).collect();
    let won = |looks: &[Look]| looks.iter().map(|look| firm.lives[look.deal].won()).collect::<Vec<bool>>();
    let table = features(firm, &learned).with_outcome(won(&learned));
    let table = table.with_group(learned.iter().map(|look| look.deal as u32).collect());
    let all: Vec<u32> = (0..learned.len() as u32).collect();
    let scorer = Scorer::fit(&table, &all, settings, &|_, _| true)?;
    let (table, outcome) = (features(firm, &later), won(&later));
    let rows: Vec<u32> = (0..later.len() as u32).collect();
    let share = won(&learned).iter().filter(|won| **won).count() as f64 / learned.len().max(1) as f64;
    let truth = true_chances(firm, &later);
    let mut figures = DealFigures {
        learned: learned.len(),
        judged: later.len(),
        model: scorer.recipe().name().to_owned(),
        ours: Metrics::of(&scorer.chances(&table, &rows)?, &outcome),
        naive: Metrics::of(&vec![share; later.len()], &outcome),
        oracle: Metrics::of(&truth, &outcome),
        named: 0.0,
        named_always: 0.0,
        named_toward_end: 0.0,
        changed: 0.0,
        by_cause: Vec::new(),
        example: Vec::new(),
    };
    causes(firm, &scorer, &table, (&learned, &later), &mut figures)?;
    Ok(figures)
}

/// What the causes contribute at each look, against their mean over the looks learned from.
fn contributions(firm: &Firm, looks: &[Look], means: &[f64; 8]) -> Vec<[f64; 8]> {
    let of = |look: &Look| {
        let causes = firm.lives[look.deal].deal.causes(&firm.world, look.week, look.state);
        std::array::from_fn(|cause| causes[cause] - means[cause])
    };
    looks.iter().map(of).collect()
}

/// The place of the largest of `parts` times `sign`, or without a sign of the largest size.
pub fn strongest(parts: &[f64], sign: Option<f64>) -> usize {
    let size = |part: &f64| sign.map_or(part.abs(), |sign| part * sign);
    (0..parts.len()).max_by(|a, b| size(&parts[*a]).total_cmp(&size(&parts[*b]))).unwrap_or(0)
}

fn causes(
    firm: &Firm,
    scorer: &Scorer,
    table: &Table,
    (learned, later): (&[Look], &[Look]),
    figures: &mut DealFigures,
) -> Result<(), LearnError> {
    let before = contributions(firm, learned, &[0.0; 8]);
    let mean = |cause: usize| before.iter().map(|parts| parts[cause]).sum::<f64>() / before.len() as f64;
    let means: [f64; 8] = std::array::from_fn(mean);
    let always = most_often(&contributions(firm, learned, &means));
    let mut counts = [(0, 0); 8];
    let (mut toward, mut changed) = (0, 0);
    for (row, (look, parts)) in later.iter().zip(contributions(firm, later, &means)).enumerate() {
        let reasons = scorer.reasons(table, row as u32, REASONS, &Templates::new())?;
        let told = |cause: usize| reasons.iter().any(|reason| reason.theme.as_deref() == Some(DEAL_CAUSES[cause]));
        let cause = strongest(&parts, None);
        counts[cause].0 += 1;
        counts[cause].1 += usize::from(told(cause));
        let life = &firm.lives[look.deal];
        let sign = if life.won() { 1.0 } else { -1.0 };
        toward += usize::from(told(strongest(&parts, Some(sign))));
        let last = life.deal.causes(&firm.world, life.closed, &life.last);
        let last: Vec<f64> = last.iter().zip(means).map(|(part, mean)| part - mean).collect();
        changed += usize::from(strongest(&last, None) != cause);
        if figures.example.is_empty() && life.last.end == Some(End::Lost) && told(cause) && parts[cause] < -1.5 {
            figures.example = reasons.iter().map(|reason| format!("{:+.2} {}", reason.part, reason.sentence)).collect();
        }
    }
    let share = |count: usize| count as f64 / later.len().max(1) as f64;
    figures.named = share(counts.iter().map(|(_, told)| told).sum());
    figures.named_always = share(always.iter().map(|cause| counts[*cause].0).sum());
    figures.named_toward_end = share(toward);
    figures.changed = share(changed);
    let line = |(cause, (all, told)): (usize, (usize, usize))| {
        (DEAL_CAUSES[cause].to_owned(), all, told as f64 / all.max(1) as f64)
    };
    figures.by_cause = counts.into_iter().enumerate().map(line).collect();
    Ok(())
}

/// The three that are the strongest most often.
fn most_often(contributions: &[[f64; 8]]) -> Vec<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    contributions.iter().for_each(|parts| *counts.entry(strongest(parts, None)).or_default() += 1);
    let mut order: Vec<(usize, usize)> = counts.into_iter().collect();
    order.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    order.into_iter().take(REASONS).map(|(cause, _)| cause).collect()
}

fn true_chances(firm: &Firm, looks: &[Look]) -> Vec<f64> {
    let chance = |look: &Look| {
        let mut chance = Chance::of(firm.world.seed, &[6, look.deal as u64, look.week as u64]);
        let deal = &firm.lives[look.deal].deal;
        let won = (0..LIVES).filter(|_| {
            let end = deal.outcome(&firm.world, look.week, look.state.clone(), WEEKS + 104, &mut chance);
            end.end == Some(End::Won)
        });
        won.count() as f64 / LIVES as f64
    };
    looks.iter().map(chance).collect()
}
