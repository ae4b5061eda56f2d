//! A deal's life: what pulls it, and how it goes on. What anybody sees of it is in [`crate::traces`].

use crate::chance::Chance;
use crate::world::{AMOUNTS, Account, World, sigmoid};

/// Stages before a deal is won, with the probability that the pipeline gives them.
pub const STAGES: [f64; 5] = [10.0, 25.0, 50.0, 75.0, 90.0];
pub const STAGE_NAMES: [&str; 5] = ["qualification", "needsAnalysis", "proposal", "negotiation", "commit"];
/// The stage in which a quote goes out.
const PROPOSAL: usize = 2;
/// Chance to leave a stage in a week.
const EXITS: [f64; 5] = [0.28, 0.22, 0.20, 0.24, 0.35];
/// Log-odds to go on when the stage is left, at a pull of 0, and what the pull adds.
const ONWARD: [f64; 5] = [0.7, 1.1, 1.3, 1.7, 2.5];
const PULL: f64 = 0.55;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Won,
    Lost,
}

/// What does not change.
pub struct Deal {
    pub account: usize,
    pub rep: usize,
    pub born: usize,
    /// What the product will cost before discount.
    worth: f64,
    fit: f64,
    /// How willing the buyer is, how readily his dates slip, how steadily the rep plans; standard deviations.
    warmth: f64,
    drift: f64,
    habit: f64,
    /// How many people there are to involve, and what discount will be asked for at first.
    pub crowd: usize,
    asked: f64,
    luck: f64,
    large: bool,
}

/// What changes from week to week.
#[derive(Clone)]
pub struct State {
    pub stage: usize,
    pub weeks: usize,
    /// Standard deviations; the buyer's interest.
    pub interest: f64,
    quiet: bool,
    pub people: usize,
    pub decider: bool,
    pub pushes: usize,
    /// Weeks for which the next step is still set, and for which it was.
    pub step: usize,
    pub planned: usize,
    /// Weeks in which one was set.
    covered: f64,
    pub competitor: bool,
    /// Offered so far, 0 to 1; `None` before the first quote.
    pub discount: Option<f64>,
    pub amount: f64,
    pub end: Option<End>,
}

/// What happened in a week that leaves a trace of its own.
#[derive(Default)]
pub struct Turn {
    pub stage: bool,
    pub person: bool,
    pub push: bool,
    pub step: bool,
    /// Weeks for which the next step that was done had been set.
    pub done: Option<usize>,
    pub competitor: bool,
    pub quote: bool,
    pub amount: bool,
}

impl Deal {
    pub fn new(world: &World, born: usize, account: usize, of: &Account, chance: &mut Chance) -> (Self, State) {
        let rep = world.rep(born, chance);
        let skill = world.reps[rep].skill(born);
        let large = of.segment == 2;
        let warmth = 0.15 * skill + 0.9 * chance.normal();
        let crowd = 1 + chance.poisson((0.8 + 0.25 * skill + 0.2 * warmth + if large { 1.0 } else { 0.0 }).max(0.1));
        let competitor = chance.happens(if large { 0.35 } else { 0.2 });
        let asked = (0.10 + 0.08 * chance.normal() + if competitor { 0.05 } else { 0.0 }).clamp(0.0, 0.35);
        let worth = AMOUNTS[of.segment] * (0.45 * chance.normal()).exp();
        let deal = Self {
            account,
            rep,
            born,
            worth,
            fit: world.fit(of),
            warmth,
            drift: chance.normal() - 0.3 * warmth,
            habit: 0.3 * skill + 0.95 * chance.normal(),
            crowd: crowd.min(8),
            asked,
            luck: 0.5 * chance.normal(),
            large,
        };
        let state = State {
            stage: 0,
            weeks: 0,
            interest: warmth,
            quiet: false,
            people: 1,
            decider: chance.happens(0.3),
            pushes: 0,
            step: 0,
            planned: 0,
            covered: 0.0,
            competitor,
            discount: None,
            amount: worth * (0.25 * chance.normal()).exp(),
            end: None,
        };
        (deal, state)
    }

    /// What each of [`crate::world::DEAL_CAUSES`] adds to the pull, in log-odds; only differences between deals mean something.
    pub fn causes(&self, world: &World, week: usize, state: &State) -> [f64; 8] {
        let decider = if state.decider { 0.6 } else { 0.0 };
        [
            0.8 * state.interest,
            1.2 * (state.people as f64).ln() + decider,
            -0.7 * state.pushes.min(4) as f64,
            3.2 * (state.covered + 2.0) / (state.weeks as f64 + 4.0),
            if state.competitor { -1.4 } else { 0.0 },
            0.6 * world.reps[self.rep].skill(week),
            self.fit,
            -7.0 * (state.discount.unwrap_or(0.12) - 0.12),
        ]
    }

    /// Centred so that about a fifth of the deals are won.
    fn pull(&self, world: &World, week: usize, state: &State) -> f64 {
        self.causes(world, week, state).iter().sum::<f64>() - 1.9 + world.market(week) + self.luck
    }

    /// A week goes by.
    pub fn advance(&self, world: &World, week: usize, state: &mut State, chance: &mut Chance) -> Turn {
        let mut turn = Turn::default();
        state.weeks += 1;
        if !state.quiet && chance.happens(0.012) {
            state.quiet = true;
            state.interest -= 1.6;
        }
        if state.people < self.crowd && chance.happens(0.18) {
            state.people += 1;
            state.decider |= chance.happens(0.3);
            turn.person = true;
        }
        if chance.happens(0.05 * (0.7 * self.drift - 0.35 * (state.interest - self.warmth)).exp().min(6.0)) {
            state.pushes += 1;
            turn.push = true;
        }
        turn.done = (state.step == 1).then_some(state.planned);
        state.step = state.step.saturating_sub(1);
        if state.step == 0 && chance.happens(sigmoid(1.2 * self.habit)) {
            state.step = 1 + chance.below(3);
            state.planned = state.step;
            turn.step = true;
        }
        state.covered += f64::from(u8::from(state.step > 0));
        if !state.competitor && chance.happens(if self.large { 0.012 } else { 0.006 }) {
            state.competitor = true;
            turn.competitor = true;
        }
        if let Some(discount) = &mut state.discount
            && chance.happens(if state.competitor { 0.12 } else { 0.06 })
        {
            *discount = (*discount + 0.03 + 0.06 * chance.unit()).min(0.45);
            turn.quote = true;
        }
        self.decide(world, week, state, &mut turn, chance);
        if turn.quote {
            let off = state.discount.unwrap_or_default();
            turn.amount = true;
            state.amount = self.worth * (1.0 - off);
        }
        turn
    }

    fn decide(&self, world: &World, week: usize, state: &mut State, turn: &mut Turn, chance: &mut Chance) {
        if !chance.happens(EXITS[state.stage] * world.pace(week)) {
            return;
        }
        let onward = sigmoid(ONWARD[state.stage] + PULL * self.pull(world, week, state));
        if !chance.happens(onward) {
            state.end = Some(End::Lost);
            return;
        }
        if state.stage + 1 == STAGES.len() {
            state.end = Some(End::Won);
            return;
        }
        state.stage += 1;
        turn.stage = true;
        if state.stage == PROPOSAL {
            state.discount = Some(self.asked);
            turn.quote = true;
        }
    }

    /// Goes on from a state until it ends, or until `last` has passed.
    pub fn outcome(&self, world: &World, mut week: usize, mut state: State, last: usize, chance: &mut Chance) -> State {
        while state.end.is_none() && week < last {
            self.advance(world, week, &mut state, chance);
            week += 1;
        }
        state
    }
}
