//! Training as a job: one unit of work after another, each of which can be the last before a break.

use std::panic::resume_unwind;
use std::thread::ScopedJoinHandle;

use super::checkpoint::{self, Done, Identity};
use super::contest::{self, Scores};
use super::plan::{Plan, Unit};
use super::scorer::{Scorer, fingerprint};
use super::search::{Choice, Progress, Settings};
use crate::LearnError;
use crate::model::{GoOn, Model, Trained};
use crate::table::Table;

/// A training under way. Its units are each model on each fold, then the fit of the winner to all rows. The same
/// table, rows and settings give the same scorer, bit for bit, with any number of threads and however often the
/// training was broken off and resumed from a checkpoint.
///
/// It holds the scores of the compared rows (at most [`Settings::compared_rows`], 8 bytes for each model and stage)
/// and, during a fit, the numbers of the rows learned from.
///
/// A unit that was broken off starts anew: what is lost is at most one fit. On two cores that is 4 s for a model on a
/// fold (at most [`Settings::compared_rows`] rows of 60 features, 400 trees) and 15 s for the last fit, to 1,000,000
/// rows. Breaking off itself takes less than a second there: a fit is asked before each tree, or each block of rows.
pub struct Training<'a> {
    table: &'a Table,
    rows: &'a [u32],
    settings: &'a Settings,
    plan: Plan,
    identity: Identity,
    done: Done,
}

impl<'a> Training<'a> {
    /// Errors: the table has no outcomes, or a row does not exist.
    pub fn start(table: &'a Table, rows: &'a [u32], settings: &'a Settings) -> Result<Self, LearnError> {
        let plan = Plan::make(table, rows, settings)?;
        let identity = Identity { data: fingerprint(table, rows), plan: plan.digest() };
        let done = Done { units: vec![None; plan.units().len()], trained: None };
        Ok(Self { table, rows, settings, plan, identity, done })
    }

    /// Goes on from a [`checkpoint`](Self::checkpoint) of the same training; the number of threads may be another one.
    /// Errors: as [`Self::start`]; no checkpoint, altered, of another format, or of another table or settings.
    pub fn resume(
        table: &'a Table,
        rows: &'a [u32],
        settings: &'a Settings,
        checkpoint: &[u8],
    ) -> Result<Self, LearnError> {
        let mut training = Self::start(table, rows, settings)?;
        training.done = checkpoint::read(checkpoint, &training.identity, &training.plan)?;
        Ok(training)
    }

    /// What is done so far, to be kept by the caller. Errors: a number of the fitted model is not finite.
    pub fn checkpoint(&self) -> Result<Vec<u8>, LearnError> {
        checkpoint::write(&self.identity, &self.done)
    }

    /// Units done and units in all.
    pub fn progress(&self) -> (usize, usize) {
        let compared = self.done.units.iter().filter(|unit| unit.is_some()).count();
        (compared + usize::from(self.done.trained.is_some()), self.done.units.len() + 1)
    }

    /// Does the next unit, or as many at once as there are threads. `false` when nothing is left. Errors: the winner
    /// cannot be fitted to all rows.
    pub fn step(&mut self) -> Result<bool, LearnError> {
        self.step_while(&|| true)
    }

    /// As [`Self::step`], asking `go_on` before each fit and many times during one; what was not finished is done anew
    /// by the next step. Errors: as [`Self::step`]; cancelled, when `go_on` says so.
    pub fn step_while(&mut self, go_on: GoOn) -> Result<bool, LearnError> {
        if self.compare_some(go_on)? {
            return Ok(true);
        }
        if self.done.trained.is_none() {
            let recipe = self.choice()?.recipe.with_threads(self.settings.threads);
            self.done.trained = Some(Trained::fit_while(&recipe, self.table, self.rows, go_on)?);
            return Ok(true);
        }
        Ok(false)
    }

    /// All steps, then the scorer. Errors: as [`Self::step`]; cancelled, when `progress` says so.
    pub fn run(mut self, progress: Progress) -> Result<Scorer, LearnError> {
        self.compare(progress)?;
        loop {
            let (done, all) = self.progress();
            if !self.step_while(&|| progress(done, all))? {
                return self.finish();
            }
            self.heed(progress)?;
        }
    }

    /// The scorer; steps that are left are done first. Errors: as [`Self::step`].
    pub fn finish(mut self) -> Result<Scorer, LearnError> {
        while self.step()? {}
        let choice = self.choice()?;
        let trained = self.done.trained.ok_or(LearnError::NoOutcomes)?;
        Scorer::new(self.table, self.rows, self.settings, choice, trained, self.identity.data)
    }

    /// The choice among the models. Errors: every model failed, or not all were tried yet.
    pub fn choice(&self) -> Result<Choice, LearnError> {
        let scores: Option<Vec<Scores>> = self.done.units.iter().cloned().collect();
        let scores = scores.ok_or_else(|| LearnError::NoModel("not all were tried yet".into()))?;
        contest::choice(&self.plan, &scores, self.table, self.settings)
    }

    /// Tries all models. Errors: cancelled.
    pub(super) fn compare(&mut self, progress: Progress) -> Result<(), LearnError> {
        loop {
            let (done, all) = self.progress();
            if !self.compare_some(&|| progress(done, all))? {
                return Ok(());
            }
            self.heed(progress)?;
        }
    }

    fn heed(&self, progress: Progress) -> Result<(), LearnError> {
        let (done, all) = self.progress();
        if progress(done, all) { Ok(()) } else { Err(LearnError::Cancelled) }
    }

    fn compare_some(&mut self, go_on: GoOn) -> Result<bool, LearnError> {
        let open = self.plan.units().into_iter().enumerate().filter(|(place, _)| self.done.units[*place].is_none());
        let open: Vec<(usize, Unit)> = open.take(self.settings.threads.max(1)).collect();
        let run = |unit| self.plan.run(unit, self.table, go_on);
        let (first, others) = match open.as_slice() {
            [] => return Ok(false),
            [first, others @ ..] => (first, others),
        };
        let given: Vec<(usize, Given)> = std::thread::scope(|scope| {
            let others: Vec<_> = others.iter().map(|(place, unit)| (*place, scope.spawn(move || run(*unit)))).collect();
            let mut given = vec![(first.0, run(first.1))];
            let join = |thread: ScopedJoinHandle<'_, Given>| thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            given.extend(others.into_iter().map(|(place, thread)| (place, join(thread))));
            given
        });
        let cancelled = given.iter().any(|(_, scores)| matches!(scores, Err(LearnError::Cancelled)));
        for (place, scores) in given {
            if !matches!(scores, Err(LearnError::Cancelled)) {
                self.done.units[place] = Some(scores.map_err(|error| error.to_string()));
            }
        }
        if cancelled { Err(LearnError::Cancelled) } else { Ok(true) }
    }
}

/// What a unit gave, for each stage.
type Given = Result<Vec<Vec<f64>>, LearnError>;
