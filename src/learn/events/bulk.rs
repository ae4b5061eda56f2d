//! Features of many entities at many moments, from a whole log or event by event.

use std::collections::HashMap;

use super::declare::Program;
use super::log::{Log, UNUSED};
use super::state::State;
use crate::LearnError;
use crate::table::{Cell, Column, Feature, Table};

/// Of whom and as of when (milliseconds since 1970) the features are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    pub entity: u64,
    pub moment: i64,
}

impl Program {
    /// A row for each of `asks`, in their order. Only events before an ask's moment are in its row; events of equal
    /// times count in the order of the log. One entity is held at a time.
    pub fn table(&self, log: &Log, asks: &[Ask]) -> Table {
        let mut order: Vec<u32> = (0..log.len() as u32).collect();
        // stable: equal times stay in the order of the log
        order.sort_by_key(|at| (log.entities[*at as usize], log.times[*at as usize]));
        let mut wanted: Vec<u32> = (0..asks.len() as u32).collect();
        wanted.sort_by_key(|at| (asks[*at as usize].entity, asks[*at as usize].moment));
        let mut columns = vec![vec![f64::NAN; asks.len()]; self.features.len()];
        let (mut next, mut row) = (0, Vec::with_capacity(self.features.len()));
        for of_entity in wanted.chunk_by(|a, b| asks[*a as usize].entity == asks[*b as usize].entity) {
            let entity = asks[of_entity[0] as usize].entity;
            let mut state = State::new(self);
            next += order[next..].partition_point(|at| log.entities[*at as usize] < entity);
            for ask in of_entity {
                let moment = asks[*ask as usize].moment;
                while let Some(at) = order.get(next).map(|at| *at as usize) {
                    if log.entities[at] != entity || log.times[at] >= moment {
                        break;
                    }
                    state.push(self, &log.event(at));
                    next += 1;
                }
                row.clear();
                state.read(self, moment, &mut row);
                columns.iter_mut().zip(&row).for_each(|(column, value)| column[*ask as usize] = *value);
            }
        }
        let features: Vec<Feature> = self.features().cloned().collect();
        Table::from_columns(features, columns.into_iter().map(Column::Numbers).collect(), asks.len())
    }
}

/// Features that keep up with events as they come.
#[derive(Clone, Debug)]
pub struct Live {
    pub(super) program: Program,
    pub(super) states: HashMap<u64, State>,
}

impl Live {
    /// Without events yet.
    pub fn new(program: Program) -> Self {
        Self { program, states: HashMap::new() }
    }

    /// Adds an event, touching the state of its entity only; see [`Log::push`].
    pub fn push(&mut self, entity: u64, time: i64, kind: &str, fields: &[(&str, Cell)]) {
        if self.program.kind(kind) == UNUSED {
            return;
        }
        let mut one = Log::new(&self.program);
        one.push(&mut self.program, entity, time, kind, fields);
        let state = self.states.entry(entity).or_insert_with(|| State::new(&self.program));
        state.push(&self.program, &one.event(0));
    }

    /// The features as of `moment`, which lies after the newest event of the entity; NaN is missing. Errors: it does
    /// not, so that windows may have forgotten what it needs.
    pub fn features(&self, entity: u64, moment: i64) -> Result<Vec<f64>, LearnError> {
        let mut row = Vec::new();
        match self.states.get(&entity) {
            Some(state) if state.newest() >= moment => {
                let must = "after the newest event; read older moments in bulk";
                return Err(LearnError::OutOfRange { what: "moment", at: 0, value: moment as f64, must });
            }
            Some(state) => state.read(&self.program, moment, &mut row),
            None => State::new(&self.program).read(&self.program, moment, &mut row),
        }
        Ok(row)
    }

    /// Forgets an entity: it is gone, or its data is.
    pub fn forget(&mut self, entity: u64) {
        self.states.remove(&entity);
    }
}
