//! Learning which of several actions works, while acting.

use serde::{Deserialize, Serialize};

use crate::LearnError;
use crate::numeric::{Chance, Cholesky};

/// Draws from which the chance of an action is estimated.
const DRAWS: usize = 200;
/// Most numbers that beliefs are held in (80 MB).
const MOST_NUMBERS: usize = 10_000_000;

/// How to explore.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BanditConfig {
    pub actions: usize,
    /// Numbers that describe a situation; a constant is added.
    pub width: usize,
    /// What is done today: always allowed.
    pub baseline: usize,
    /// An action is tried only while its plausible reward does not fall this far below the baseline's.
    pub tolerance: f64,
    /// Most share of draws that may go to other actions than the baseline before they have shown their worth, 0 to 1.
    pub most_exploring: f64,
    /// Standard deviation of a reward around what the situation makes likely.
    pub noise: f64,
}

/// Thompson sampling with a linear model for each action (Agrawal and Goyal, ICML 2013): it is tried as often as it is
/// likely to be best. Safe exploration as in conservative bandits (Kazerouni et al., NIPS 2017): an action that may be
/// worse than the baseline by more than the tolerance gets no draws beyond its share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bandit {
    config: BanditConfig,
    actions: Vec<Beliefs>,
}

/// Normal beliefs about one action's weights: precision matrix and precision times mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Beliefs {
    precision: Vec<f64>,
    pull: Vec<f64>,
    seen: u64,
}

/// An action with how likely it was to be drawn: what an honest comparison afterwards needs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Draw {
    pub action: usize,
    /// 0 to 1.
    pub chance: f64,
}

impl BanditConfig {
    fn check(&self) -> Result<(), LearnError> {
        let wrong = |what, value, must| Err(LearnError::OutOfRange { what, at: 0, value, must });
        if self.baseline >= self.actions {
            return wrong("baseline", self.baseline as f64, "the number of an action");
        }
        let squared = self.width.saturating_add(1).saturating_mul(self.width.saturating_add(1));
        if squared.saturating_mul(self.actions) > MOST_NUMBERS {
            return wrong("width", self.width as f64, "less, or the actions fewer");
        }
        if !(self.noise > 0.0 && self.noise.is_finite()) {
            return wrong("noise", self.noise, "above 0");
        }
        if !(0.0..=1.0).contains(&self.most_exploring) {
            return wrong("most exploring", self.most_exploring, "0 to 1");
        }
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            return wrong("tolerance", self.tolerance, "0 or more");
        }
        Ok(())
    }
}

impl Bandit {
    /// Errors: no action, a baseline that is none of them, or a number out of range.
    pub fn new(config: BanditConfig) -> Result<Self, LearnError> {
        config.check()?;
        let width = config.width + 1;
        let mut precision = vec![0.0; width * width];
        (0..width).for_each(|at| precision[at * width + at] = 1.0);
        let beliefs = Beliefs { precision, pull: vec![0.0; width], seen: 0 };
        Ok(Self { actions: vec![beliefs; config.actions], config })
    }

    /// From JSON. Errors: it is none, a number is out of range, or it does not hold together.
    pub fn load(bytes: &[u8]) -> Result<Self, LearnError> {
        let loaded: Self = serde_json::from_slice(bytes).map_err(|error| LearnError::Malformed(error.to_string()))?;
        loaded.config.check()?;
        let width = loaded.config.width + 1;
        let fits = |beliefs: &Beliefs| beliefs.precision.len() == width * width && beliefs.pull.len() == width;
        if loaded.actions.len() == loaded.config.actions && loaded.actions.iter().all(fits) {
            return Ok(loaded);
        }
        Err(LearnError::Malformed("actions and beliefs differ in number".into()))
    }

    /// Numbers that describe a situation.
    pub fn width(&self) -> usize {
        self.config.width
    }

    /// What to do in a situation; the same seed gives the same draw. Errors: another number of numbers, or one that is
    /// none.
    pub fn draw(&self, situation: &[f64], seed: u64) -> Result<Draw, LearnError> {
        let situation = self.extended(situation)?;
        let beliefs: Vec<(f64, f64)> = self
            .actions
            .iter()
            .map(|action| self.reward(action, &situation))
            .collect::<Option<_>>()
            .ok_or(LearnError::NotFinite)?;
        let base = self.config.baseline;
        let allowed: Vec<bool> = (0..self.actions.len())
            .map(|action| action == base || self.is_safe(beliefs[action], beliefs[base]))
            .collect();
        let mut chance = Chance::new(seed);
        let mut best = |among: &[bool]| {
            let drawn = (0..beliefs.len()).filter(|action| among[*action]).map(|action| {
                let (mean, deviation) = beliefs[action];
                (action, mean + deviation * chance.normal())
            });
            drawn.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(base, |(action, _)| action)
        };
        let everything = vec![true; beliefs.len()];
        let mut counts = vec![(0, 0); beliefs.len()];
        for _ in 0..DRAWS {
            counts[best(&allowed)].0 += 1;
            counts[best(&everything)].1 += 1;
        }
        let (safe, free) = (best(&allowed), best(&everything));
        let exploring = self.config.most_exploring;
        let action = if chance.unit() < exploring { free } else { safe };
        let [of_safe, of_free] = [counts[action].0, counts[action].1].map(|count| f64::from(count) / DRAWS as f64);
        // what was drawn is never impossible, however seldom
        let share = (1.0 - exploring) * of_safe + exploring * of_free;
        Ok(Draw { action, chance: share.clamp(1.0 / (10.0 * DRAWS as f64), 1.0) })
    }

    /// Learns what an action brought. Errors: no such action, or numbers that are none.
    pub fn learn(&mut self, action: usize, situation: &[f64], reward: f64) -> Result<(), LearnError> {
        let situation = self.extended(situation)?;
        if !reward.is_finite() {
            return Err(LearnError::OutOfRange { what: "reward", at: 0, value: reward, must: "a finite number" });
        }
        let scale = 1.0 / self.config.noise.powi(2);
        let must = "the number of an action";
        let wrong = LearnError::OutOfRange { what: "action", at: action, value: action as f64, must };
        let beliefs = self.actions.get_mut(action).ok_or(wrong)?;
        for (a, first) in situation.iter().enumerate() {
            beliefs.pull[a] += scale * first * reward;
            for (b, second) in situation.iter().enumerate() {
                beliefs.precision[a * situation.len() + b] += scale * first * second;
            }
        }
        beliefs.seen += 1;
        Ok(())
    }

    /// The reward expected of each action in a situation, and its standard deviation. Errors: as [`Bandit::draw`].
    pub fn expected(&self, situation: &[f64]) -> Result<Vec<(f64, f64)>, LearnError> {
        let situation = self.extended(situation)?;
        let all: Option<Vec<(f64, f64)>> = self.actions.iter().map(|action| self.reward(action, &situation)).collect();
        all.ok_or(LearnError::NotFinite)
    }

    /// Whether what an action may bring at worst (two deviations) lies within the tolerance of what the baseline
    /// brings.
    fn is_safe(&self, (mean, deviation): (f64, f64), (base, _): (f64, f64)) -> bool {
        mean - 2.0 * deviation >= base - self.config.tolerance
    }

    fn extended(&self, situation: &[f64]) -> Result<Vec<f64>, LearnError> {
        let (left_len, right_len) = (self.config.width, situation.len());
        if left_len != right_len {
            return Err(LearnError::UnequalLengths { left: "the bandit", left_len, right: "the situation", right_len });
        }
        match situation.iter().position(|value| !value.is_finite()) {
            Some(at) => {
                let (value, must) = (situation[at], "a finite number");
                Err(LearnError::OutOfRange { what: "situation", at, value, must })
            }
            None => Ok(std::iter::once(1.0).chain(situation.iter().copied()).collect()),
        }
    }

    fn reward(&self, beliefs: &Beliefs, situation: &[f64]) -> Option<(f64, f64)> {
        let factor = Cholesky::of(beliefs.precision.clone(), situation.len())?;
        let mut weights = beliefs.pull.clone();
        factor.solve(&mut weights);
        let mut side = situation.to_vec();
        factor.forward(&mut side);
        let mean: f64 = weights.iter().zip(situation).map(|(weight, value)| weight * value).sum();
        Some((mean, side.iter().map(|part| part * part).sum::<f64>().sqrt()))
    }
}
