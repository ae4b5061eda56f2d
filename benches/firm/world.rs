//! What the firm is: its years, its people, its accounts, and what makes deals and customers come or go.
//!
//! Assumptions, tuned on no seed that is reported:
//! - A year has 52 weeks, a quarter 13. Everything moves week by week.
//! - Deals are born at a rate that grows, follows the season and wanders with the market. Fewer decisions fall into the
//!   first weeks of a quarter, more into its last.
//! - In each stage a deal stays for some weeks (geometric); when it leaves, it goes one stage on with a chance that
//!   rises with its *pull*, and is lost otherwise. The pull is the sum of what the declared causes contribute, of a wandering
//!   market that nobody sees, and of luck that nobody sees either.
//! - A cause is what came about, not what somebody is like: how long the deal had a next step, how often its date slipped,
//!   how many people came in. Only the buyer's interest is nowhere written; it shows in replies, meetings and moods.
//! - Causes change while the deal is open (buyers fall silent, competitors enter, dates slip), and they go together: good
//!   sellers set next steps and involve more people, large accounts bring competitors, competitors bring discounts,
//!   silent buyers let dates slip.
//! - The causes are seen through what is logged only: counts that chance blurs, sellers who do not log all that they do,
//!   competitors nobody names, moods nobody measured, companies whose size nobody entered.
//! - Customers have contracts of a year and stay with a chance that falls with what went wrong. Use may fall silently,
//!   without a ticket or a complaint.

use crate::chance::Chance;

pub const YEARS: usize = 10;
pub const WEEKS: usize = 52 * YEARS;
pub const QUARTER: usize = 13;
/// Milliseconds.
pub const DAY: i64 = 86_400_000;
pub const WEEK: i64 = 7 * DAY;
/// The first Monday of 2015.
pub const START: i64 = 16_440 * DAY;

/// What the declared causes of a deal are called, in the order of their contributions; the themes of the features that
/// speak of them have the same names.
pub const DEAL_CAUSES: [&str; 8] =
    ["their replies", "people involved", "close date", "next step", "competition", "owner", "size and fit", "price"];
pub const CHURN_CAUSES: [&str; 5] = ["use", "support", "payments", "people", "size and fit"];
/// The place of the silent fall of use.
pub const SILENT: usize = 0;

pub const SEGMENTS: [&str; 3] = ["small", "medium", "large"];
const SEGMENT_SHARES: [f64; 3] = [0.55, 0.33, 0.12];
/// Median amount by segment.
pub const AMOUNTS: [f64; 3] = [10_000.0, 25_000.0, 60_000.0];
const EMPLOYEES: [f64; 3] = [30.0, 250.0, 2_500.0];
pub const INDUSTRIES: [&str; 6] = ["banking", "healthcare", "logistics", "manufacturing", "retail", "software"];

/// How much of it there is.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Deals born in a week of the first year.
    pub deals_a_week: f64,
    /// Reps at the start, and how many deals a rep of the later years is given in a week.
    pub reps: usize,
    pub deals_a_rep: f64,
}

pub const WHOLE: Scale = Scale { deals_a_week: 60.0, reps: 20, deals_a_rep: 3.0 };
/// For a test that takes seconds.
pub const SMALL: Scale = Scale { deals_a_week: 4.0, reps: 4, deals_a_rep: 1.5 };

/// Growth of the deals born, a year.
const GROWTH: f64 = 1.10;

pub struct Rep {
    skill: f64,
    hired: usize,
    leaves: usize,
    /// Share of what he does that he logs.
    pub diligence: f64,
}

impl Rep {
    /// Skill in standard deviations; the first half year costs some.
    pub fn skill(&self, week: usize) -> f64 {
        let here = week.saturating_sub(self.hired) as f64;
        self.skill - 0.8 * (1.0 - here / 26.0).max(0.0)
    }

    pub fn hired(&self) -> usize {
        self.hired
    }

    fn is_here(&self, week: usize) -> bool {
        (self.hired..self.leaves).contains(&week)
    }
}

pub struct Account {
    pub segment: usize,
    pub industry: usize,
    pub employees: f64,
    /// Whether somebody entered its size.
    pub size_known: bool,
}

pub struct World {
    pub seed: u64,
    pub scale: Scale,
    pub reps: Vec<Rep>,
    /// How well the product fits, by industry and segment; in log-odds.
    fit: [[f64; 3]; 6],
    /// The market's pull and its demand, by week.
    market: Vec<f64>,
    demand: Vec<f64>,
}

impl World {
    pub fn new(seed: u64, scale: Scale) -> Self {
        let mut chance = Chance::of(seed, &[1]);
        let segments: [f64; 3] = std::array::from_fn(|_| 0.4 * chance.normal());
        let industry = |chance: &mut Chance| {
            let whole = 0.5 * chance.normal();
            std::array::from_fn(|segment| segments[segment] + whole + 0.2 * chance.normal())
        };
        let fit = std::array::from_fn(|_| industry(&mut chance));
        let mut walk = |start: f64, step: f64, pull: f64| {
            let mut at = start;
            let next = |_| {
                at = at * (1.0 - pull) + step * chance.normal();
                at
            };
            (0..WEEKS + 104).map(next).collect::<Vec<f64>>()
        };
        let market = walk(0.0, 0.02, 0.005);
        let demand = walk(0.0, 0.03, 0.08);
        let mut world = Self { seed, scale, reps: Vec::new(), fit, market, demand };
        world.hire();
        world
    }

    /// Enough reps for the deals of each week.
    fn hire(&mut self) {
        let mut chance = Chance::of(self.seed, &[2]);
        for week in 0..WEEKS + 1 {
            let needed = (self.trend(week) / self.scale.deals_a_rep).round() as usize;
            let here = self.reps.iter().filter(|rep| rep.is_here(week)).count();
            for _ in here..needed.max(self.scale.reps) {
                let stays = (-180.0 * (1.0 - chance.unit()).ln()) as usize + 26;
                let diligence = 0.55 + 0.45 * chance.unit();
                self.reps.push(Rep { skill: chance.normal(), hired: week, leaves: week + stays, diligence });
            }
        }
    }

    /// Somebody who is there. After the years nobody is hired, and who was last stays.
    pub fn rep(&self, week: usize, chance: &mut Chance) -> usize {
        let here: Vec<usize> = (0..self.reps.len()).filter(|rep| self.reps[*rep].is_here(week.min(WEEKS))).collect();
        here[chance.below(here.len())]
    }

    pub fn account(&self, chance: &mut Chance) -> Account {
        let segment = chance.pick(&SEGMENT_SHARES);
        let employees = (EMPLOYEES[segment] * (0.7 * chance.normal()).exp()).round();
        Account { segment, industry: chance.below(INDUSTRIES.len()), employees, size_known: chance.happens(0.85) }
    }

    pub fn fit(&self, account: &Account) -> f64 {
        self.fit[account.industry][account.segment]
    }

    pub fn market(&self, week: usize) -> f64 {
        self.market[week.min(self.market.len() - 1)]
    }

    fn trend(&self, week: usize) -> f64 {
        self.scale.deals_a_week * GROWTH.powf(week as f64 / 52.0)
    }

    /// Deals to be born in a week, on average.
    pub fn births(&self, week: usize) -> f64 {
        let of_year = (week % 52) as f64 / 52.0;
        let season = 1.0 + 0.18 * (2.0 * std::f64::consts::PI * (of_year + 0.1)).sin();
        let holidays = if (30..34).contains(&(week % 52)) || week % 52 >= 50 { 0.6 } else { 1.0 };
        self.trend(week) * season * holidays * self.demand[week.min(self.demand.len() - 1)].exp()
    }

    /// How much is decided in a week of the quarter.
    pub fn pace(&self, week: usize) -> f64 {
        let holidays = if (30..34).contains(&(week % 52)) || week % 52 == 51 { 0.6 } else { 1.0 };
        holidays
            * match week % QUARTER {
                0..3 => 0.75,
                10..13 => 1.35,
                _ => 1.0,
            }
    }
}

pub fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Milliseconds of a moment in a week; `part` is 0 to 1.
pub fn moment(week: usize, part: f64) -> i64 {
    START + week as i64 * WEEK + (part * WEEK as f64) as i64
}
