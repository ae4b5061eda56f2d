//! Events by column: who, when, what, and the few fields that features look at.

use std::collections::HashMap;

use super::declare::Program;
use crate::table::Cell;

/// Texts as numbers, the same for equal texts; kept for as long as states made with it are.
#[derive(Clone, Debug, Default)]
pub struct Words {
    codes: HashMap<String, u32>,
}

impl Words {
    pub(super) fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        let next = self.codes.len() as u32;
        self.codes.insert(text.to_owned(), next);
        next
    }

    pub(super) fn len(&self) -> usize {
        self.codes.len()
    }

    /// The texts, each at the place of its code.
    pub(super) fn in_order(&self) -> Vec<String> {
        let mut texts: Vec<(&u32, &String)> = self.codes.iter().map(|(text, code)| (code, text)).collect();
        texts.sort_unstable();
        texts.into_iter().map(|(_, text)| text.clone()).collect()
    }
}

/// Events of many entities in any order; 20 bytes each and 8 for each field that the program looks at.
#[derive(Clone, Debug, Default)]
pub struct Log {
    pub(super) entities: Vec<u64>,
    pub(super) times: Vec<i64>,
    pub(super) kinds: Vec<u32>,
    /// A column for each field of the program: the number, the [`coded`] text, 1 or 0 for yes or no, [`NOTHING`].
    pub(super) fields: Vec<Vec<f64>>,
}

/// The kind of an event that no feature looks at.
pub(super) const UNUSED: u32 = u32::MAX;

impl Log {
    /// Empty, for the events of one program.
    pub fn new(program: &Program) -> Self {
        Self { fields: vec![Vec::new(); program.fields.len()], ..Self::default() }
    }

    /// Events kept.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Adds an event: `time` in milliseconds since 1970, fields by name in any order. Fields that the program does not
    /// look at are passed over; events of no use to it are not kept.
    pub fn push(&mut self, program: &mut Program, entity: u64, time: i64, kind: &str, fields: &[(&str, Cell)]) {
        let kind = program.kind(kind);
        if kind == UNUSED {
            return;
        }
        self.entities.push(entity);
        self.times.push(time);
        self.kinds.push(kind);
        for (name, column) in program.fields.iter().zip(&mut self.fields) {
            let cell = fields.iter().find(|(given, _)| given == name).map_or(&Cell::Missing, |(_, cell)| cell);
            column.push(number(&mut program.words, cell));
        }
    }

    pub(super) fn event(&self, at: usize) -> Event<'_> {
        Event { time: self.times[at], kind: self.kinds[at], fields: &self.fields, at }
    }
}

/// A field that is missing.
const NOTHING: u64 = 0x7ff8_0000_0000_0000;

/// A text by its code: no number, and other bits than [`NOTHING`] and other texts have.
pub(super) fn coded(code: u32) -> f64 {
    f64::from_bits(NOTHING | (u64::from(code) + 1))
}

/// Whether a value is a number, or one of the first `words` texts.
pub(super) fn is_known(value: f64, words: usize) -> bool {
    value.is_finite() || (NOTHING + 1..=NOTHING + words as u64).contains(&value.to_bits())
}

/// Whether a field is there.
pub(super) fn is_given(value: f64) -> bool {
    value.to_bits() != NOTHING
}

pub(super) fn number(words: &mut Words, cell: &Cell) -> f64 {
    match cell {
        Cell::Missing => f64::from_bits(NOTHING),
        // minus 0 is 0: they are one value to a person
        Cell::Number(value) if value.is_finite() => value + 0.0,
        Cell::Number(_) => f64::from_bits(NOTHING),
        Cell::YesNo(yes) => f64::from(u8::from(*yes)),
        Cell::Category(text) => coded(words.code(text)),
    }
}

/// One row of a log.
#[derive(Clone, Copy)]
pub(super) struct Event<'a> {
    pub time: i64,
    pub kind: u32,
    fields: &'a [Vec<f64>],
    at: usize,
}

impl Event<'_> {
    pub fn field(&self, place: usize) -> f64 {
        self.fields[place][self.at]
    }
}
