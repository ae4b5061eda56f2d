//! What is remembered of one entity, and what its features are as of a moment.

use std::collections::{BTreeMap, VecDeque};

use super::declare::{Aggregate, DAY, Declared, Program};
use super::log::{Event, is_given};

/// Windows before the present one that a relative value is compared with.
const EARLIER: i64 = 100;

/// The events of each track that may still matter, in the order of their times.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub tracks: Vec<VecDeque<Seen>>,
    /// Times of the first and the last event of any kind that is looked at.
    pub oldest: i64,
    pub newest: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seen {
    pub time: i64,
    pub value: f64,
}

impl State {
    pub fn new(program: &Program) -> Self {
        Self { tracks: vec![VecDeque::new(); program.tracks.len()], oldest: i64::MAX, newest: i64::MIN }
    }

    /// Adds an event, which may be older than others. What the longest window can no longer reach is forgotten.
    pub fn push(&mut self, program: &Program, event: &Event) {
        self.oldest = self.oldest.min(event.time);
        self.newest = self.newest.max(event.time);
        for place in &program.of_kind[event.kind as usize] {
            let track = &program.tracks[*place];
            let meets = track.conditions.iter().all(|condition| condition.test.holds(event.field(condition.field)));
            let value = track.field.map_or(0.0, |field| event.field(field));
            let usable = if track.texts { is_given(value) } else { !value.is_nan() };
            if !meets || !usable {
                continue;
            }
            let kept = &mut self.tracks[*place];
            let later = kept.iter().rev().take_while(|seen| seen.time > event.time).count();
            kept.insert(kept.len() - later, Seen { time: event.time, value });
            if let Some(horizon) = track.horizon {
                let oldest = self.newest.saturating_sub(horizon);
                while kept.front().is_some_and(|seen| seen.time < oldest) {
                    kept.pop_front();
                }
            }
        }
    }

    /// Time of the newest event.
    pub fn newest(&self) -> i64 {
        self.newest
    }

    /// The features as of `moment` (events before it count, those at it do not), which must lie after the newest event;
    /// NaN is missing, as is what became too large for a number.
    pub fn read(&self, program: &Program, moment: i64, out: &mut Vec<f64>) {
        out.extend(program.features.iter().map(|declared| {
            let others = declared.or_more.iter().map(|other| self.value(other, moment));
            // of a number and NaN the larger is the number
            others.fold(self.value(declared, moment), f64::max)
        }));
    }

    fn value(&self, declared: &Declared, moment: i64) -> f64 {
        let value = match declared.aggregate {
            Aggregate::Count | Aggregate::Sum | Aggregate::Mean if declared.relative => self.place(declared, moment),
            _ => self.feature(declared, moment),
        };
        if value.is_infinite() { f64::NAN } else { value }
    }

    /// The place of a window's value among those of the windows before it that begin no earlier than the events do.
    fn place(&self, declared: &Declared, moment: i64) -> f64 {
        let first = self.tracks[declared.track].front();
        let (Some(window), Some(first)) = (declared.window, first) else { return f64::NAN };
        let earlier = (1..=EARLIER).map_while(|back| {
            let moment = moment.checked_sub(window.checked_mul(back)?)?;
            (moment.checked_sub(window)? >= first.time).then_some(moment)
        });
        let values = earlier.map(|moment| self.feature(declared, moment)).filter(|value| !value.is_nan());
        let now = self.feature(declared, moment);
        if now.is_nan() { now } else { rank(now, values) }
    }

    /// For which the entity was there within the window, at least one; NaN before its first event.
    fn weeks(&self, window: Option<i64>, moment: i64) -> f64 {
        let there = moment.saturating_sub(self.oldest);
        let there = window.map_or(there, |window| window.min(there));
        if self.oldest >= moment { f64::NAN } else { (there as f64 / (7 * DAY) as f64).max(1.0) }
    }

    /// The share of the time before `moment` in which something lasted: the days of each of `ended` before it, and from
    /// `opened` on where nothing ended since. NaN before the entity's first event.
    fn time_share(
        &self,
        declared: &Declared,
        moment: i64,
        opened: Option<i64>,
        ended: impl DoubleEndedIterator<Item = Seen> + Clone,
    ) -> f64 {
        if self.oldest >= moment {
            return f64::NAN;
        }
        let from = declared.window.map_or(i64::MIN, |window| moment.saturating_sub(window)).max(self.oldest);
        let last = ended.clone().next_back().map_or(i64::MIN, |seen| seen.time);
        // latest first, so that what one adds to the later ones lies before all of them
        let (mut before, mut lasted) = (moment, 0_i64);
        if let Some(opened) = opened.filter(|opened| *opened > last) {
            before = opened.max(from);
            lasted = moment.saturating_sub(before);
        }
        for seen in ended.rev() {
            let began = seen.time.saturating_sub((seen.value * DAY as f64) as i64).max(from);
            if began < seen.time.min(before) {
                lasted = seen.time.min(before).saturating_sub(began).saturating_add(lasted);
                before = began;
            }
        }
        let weeks = |time: i64| time as f64 / (7 * DAY) as f64;
        let (share, weight) = (declared.believed.share, declared.believed.weeks);
        (weeks(lasted) + share * weight) / (weeks(moment.saturating_sub(from)) + weight)
    }

    fn feature(&self, declared: &Declared, moment: i64) -> f64 {
        let within = |track: usize, window: Option<i64>| {
            let oldest = window.map_or(i64::MIN, |window| moment.saturating_sub(window));
            let kept = &self.tracks[track];
            let from = kept.partition_point(|seen| seen.time < oldest);
            let upto = kept.partition_point(|seen| seen.time < moment);
            kept.range(from..upto.max(from))
        };
        let seen = || within(declared.track, declared.window);
        let values = || seen().map(|seen| seen.value);
        let count = seen().len() as f64;
        let nan_if_none = |value: f64| if count == 0.0 { f64::NAN } else { value };
        match declared.aggregate {
            Aggregate::Count => count,
            Aggregate::Sum => values().sum(),
            Aggregate::Mean => nan_if_none(values().sum::<f64>() / count),
            Aggregate::Least => nan_if_none(values().fold(f64::INFINITY, f64::min)),
            Aggregate::Most => nan_if_none(values().fold(f64::NEG_INFINITY, f64::max)),
            Aggregate::Distinct => level_counts(values()).len() as f64,
            Aggregate::Entropy => nan_if_none(entropy(values(), count)),
            Aggregate::Trend => slope(seen().map(|seen| (seen.time, seen.value))),
            Aggregate::Rate => {
                let whole = if declared.valued { values().sum() } else { count };
                whole / self.weeks(declared.window, moment)
            }
            Aggregate::Share => {
                let (part, believed) = (within(declared.part, declared.window).len() as f64, declared.believed);
                // NaN for nothing seen and nothing believed
                (part + believed.share * believed.events) / (count + believed.events)
            }
            Aggregate::Ratio => {
                let long = within(declared.track, declared.against).len() as f64;
                let days = |window: i64| window as f64 / DAY as f64;
                let against = declared.against.map_or_else(|| 7.0 * self.weeks(None, moment), days);
                if long == 0.0 { f64::NAN } else { count / declared.window.map_or(1.0, days) * against / long }
            }
            Aggregate::TimeShare => {
                let opened = within(declared.part, None).next_back().map(|seen| seen.time);
                self.time_share(declared, moment, opened, within(declared.track, None).copied())
            }
            Aggregate::Last if declared.relative => {
                let Some(last) = values().next_back() else { return f64::NAN };
                rank(last, within(declared.track, None).map(|seen| seen.value).rev().skip(1))
            }
            Aggregate::Last => values().next_back().unwrap_or(f64::NAN),
            Aggregate::TimeSince => {
                let Some(last) = seen().next_back() else { return f64::NAN };
                let gap = moment.saturating_sub(last.time) as f64 / DAY as f64;
                if !declared.relative {
                    return gap;
                }
                let times = within(declared.track, None).map(|seen| seen.time);
                rank(
                    gap,
                    times
                        .clone()
                        .skip(1)
                        .zip(times)
                        .map(|(now, before)| now.saturating_sub(before) as f64 / DAY as f64),
                )
            }
        }
    }
}

/// The share of `others` that are smaller, equal ones counting half; NaN without others.
fn rank(value: f64, others: impl Iterator<Item = f64>) -> f64 {
    let (mut below, mut all) = (0.0, 0.0);
    for other in others {
        below += if other < value {
            1.0
        } else if other == value {
            0.5
        } else {
            0.0
        };
        all += 1.0;
    }
    below / all
}

fn level_counts(values: impl Iterator<Item = f64>) -> BTreeMap<u64, f64> {
    let mut counts = BTreeMap::new();
    values.for_each(|value| *counts.entry(value.to_bits()).or_insert(0.0) += 1.0);
    counts
}

/// In nats.
fn entropy(values: impl Iterator<Item = f64>, count: f64) -> f64 {
    // by size, so that the sum has the same bits whatever numbers the levels have
    let mut levels: Vec<f64> = level_counts(values).into_values().collect();
    levels.sort_by(f64::total_cmp);
    levels.iter().map(|level| -(level / count) * (level / count).ln()).sum()
}

/// Of the least squares line, per day; NaN for fewer than two moments.
fn slope(points: impl Iterator<Item = (i64, f64)> + Clone) -> f64 {
    let Some((first, _)) = points.clone().next() else { return f64::NAN };
    let days = points.map(|(time, value)| (time.saturating_sub(first) as f64 / DAY as f64, value));
    let (mut count, mut along, mut level) = (0.0, 0.0, 0.0);
    for (day, value) in days.clone() {
        count += 1.0;
        along += day;
        level += value;
    }
    let (middle, level) = (along / count, level / count);
    let (mut across, mut spread) = (0.0, 0.0);
    for (day, value) in days {
        across += (day - middle) * (value - level);
        spread += (day - middle) * (day - middle);
    }
    if spread > 0.0 { across / spread } else { f64::NAN }
}
