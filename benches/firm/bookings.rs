//! Quarterly bookings, forecast at the start of each quarter from what was known then, as a firm would do it.

use aplomb_learn::LearnError;
use aplomb_learn::choose::Settings;
use aplomb_learn::forecast::{Forecast, Former, Open};
use aplomb_learn::series::Interval;
use aplomb_learn::survival::{Incidence, SurvivalSettings};
use aplomb_learn::table::{Feature, Kind, Table};

use crate::chance::Chance;
use crate::deal::{Deal, End};
use crate::deals::{Look, features, named};
use crate::firm::Firm;
use crate::world::{QUARTER, WEEKS};

/// The first quarter that is forecast, and from which one forecasts are judged: those between show how far off they are.
const FIRST: usize = 20;
pub const JUDGED: usize = 28;
const QUARTERS: usize = WEEKS / QUARTER;
/// Quarters between two trainings, and quarters learned from.
const TRAINING: usize = 4;
const LEARNED: usize = 8;
/// Of the bookings of a quarter, that hold the truth so often.
const COVER: f64 = 0.8;
/// Quarters that are led through to know what could be known.
const LIVES: usize = 40;

/// A quarter that was forecast; amounts in EUR.
pub struct Quarter {
    pub place: usize,
    pub told: Forecast,
    pub interval: Interval,
    pub came: f64,
    /// What who knows all states and rates would expect.
    pub oracle: f64,
    /// The same quarter a year before.
    pub naive: f64,
}

impl Quarter {
    pub fn off(&self, told: f64) -> f64 {
        (told / self.came - 1.0).abs()
    }

    pub fn held(&self) -> bool {
        self.interval.low <= self.came && self.came <= self.interval.high
    }
}

/// What quarters brought: from deals open at their start, and from those born in them.
fn bookings(firm: &Firm) -> Vec<(f64, f64)> {
    let mut sums = vec![(0.0, 0.0); QUARTERS];
    for life in firm.lives.iter().filter(|life| life.won()) {
        let (born, closed) = (life.deal.born / QUARTER, life.closed / QUARTER);
        let Some(sum) = sums.get_mut(closed) else { continue };
        // born in the first week is after the quarter's start
        *(if born == closed { &mut sum.1 } else { &mut sum.0 }) += life.last.amount;
    }
    sums
}

/// Open deals at the starts of quarters, with their features.
struct Starts<'a> {
    looks: Vec<Look<'a>>,
    table: Table,
}

impl<'a> Starts<'a> {
    fn of(firm: &'a Firm) -> Self {
        let mut looks: Vec<Look> = Vec::new();
        for (deal, life) in firm.lives.iter().enumerate() {
            looks.extend(life.quarters.iter().map(|(week, state)| Look { deal, week: *week, state }));
        }
        looks.retain(|look| look.week < WEEKS);
        looks.sort_by_key(|look| (look.week, look.deal));
        let season = looks.iter().map(|look| look.week / QUARTER % 4);
        let quarter = Feature { context: true, ..Feature::new("quarter", Kind::Category) };
        let table = features(firm, &looks).with(quarter, named(&["1", "2", "3", "4"], season));
        Self { looks, table }
    }

    fn rows(&self, quarters: std::ops::Range<usize>) -> Vec<u32> {
        let from = self.looks.partition_point(|look| look.week < quarters.start * QUARTER);
        let upto = self.looks.partition_point(|look| look.week < quarters.end * QUARTER);
        (from as u32..upto as u32).collect()
    }

    /// The chances to be won or lost in the weeks of a quarter, from what was known at the start of one.
    fn model(&self, firm: &Firm, now: usize, settings: &Settings) -> Result<Incidence, LearnError> {
        let known = now * QUARTER;
        let (mut durations, mut ended) = (Vec::new(), Vec::new());
        for look in &self.looks {
            let life = &firm.lives[look.deal];
            let upto = (look.week + QUARTER).min(known.max(look.week));
            let here = life.closed < upto;
            let lasted = if here { life.closed + 1 } else { upto } - look.week;
            durations.push(lasted as f64);
            ended.push(here.then_some(if life.won() { WON } else { LOST }));
        }
        let rows = self.rows(now.saturating_sub(LEARNED)..now);
        let settings = SurvivalSettings { intervals: 3, folds: 2, choice: settings.clone() };
        Incidence::fit(&self.table, (&durations, &ended), &rows, (2, &settings), &|_, _| true)
    }
}

const WON: usize = 0;
const LOST: usize = 1;

pub fn judge(firm: &Firm, settings: &Settings) -> Result<Vec<Quarter>, LearnError> {
    let starts = Starts::of(firm);
    let came = bookings(firm);
    let (mut former, mut quarters): (Vec<Former>, Vec<Quarter>) = (Vec::new(), Vec::new());
    let mut model = None;
    for place in FIRST..QUARTERS {
        if (place - FIRST).is_multiple_of(TRAINING) || model.is_none() {
            model = Some(starts.model(firm, place, settings)?);
        }
        let Some(model) = &model else { continue };
        let rows = starts.rows(place..place + 1);
        let chances = model.by(&starts.table, &rows, WON, &[QUARTER as f64])?;
        let open: Vec<Open> = rows
            .iter()
            .zip(&chances)
            .map(|(row, by)| Open { chance: by[0], amount: starts.looks[*row as usize].state.amount })
            .collect();
        let before: Vec<f64> = came[..place].iter().map(|(_, new)| *new).collect();
        let told = Forecast::of(&open, &before, 4)?.corrected(&former);
        let (interval, all) = (told.interval(&former, COVER), came[place].0 + came[place].1);
        if place >= JUDGED {
            let naive = came[place - 4].0 + came[place - 4].1;
            let looks: Vec<&Look> = rows.iter().map(|row| &starts.looks[*row as usize]).collect();
            quarters.push(Quarter { place, told, interval, came: all, oracle: oracle(firm, place, &looks), naive });
        }
        former.push(Former { told, open: came[place].0, new: came[place].1 });
    }
    Ok(quarters)
}

/// The mean over many lives of the quarter.
fn oracle(firm: &Firm, place: usize, looks: &[&Look]) -> f64 {
    let (start, end) = (place * QUARTER, (place + 1) * QUARTER);
    let mut chance = Chance::of(firm.world.seed, &[7, place as u64]);
    let mut sum = 0.0;
    for _ in 0..LIVES {
        for look in looks {
            let life = &firm.lives[look.deal];
            let last = life.deal.outcome(&firm.world, start, look.state.clone(), end, &mut chance);
            sum += if last.end == Some(End::Won) { last.amount } else { 0.0 };
        }
        for week in start..end {
            for _ in 0..chance.poisson(firm.world.births(week)) {
                let account = firm.world.account(&mut chance);
                let (deal, state) = Deal::new(&firm.world, week, 0, &account, &mut chance);
                let last = deal.outcome(&firm.world, week, state, end, &mut chance);
                sum += if last.end == Some(End::Won) { last.amount } else { 0.0 };
            }
        }
    }
    sum / LIVES as f64
}
