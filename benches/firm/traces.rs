//! What the CRM sees of a deal: events as the log would give them, with their gaps.

use aplomb_learn::events::{Log, Program};
use aplomb_learn::table::Cell;

use crate::chance::Chance;
use crate::deal::{Deal, STAGES, State, Turn};
use crate::world::{World, moment};

const ROLES: [&str; 4] = ["influencer", "user", "champion", "gatekeeper"];
const PEOPLE: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A log that is being filled.
pub struct Tape {
    pub program: Program,
    pub log: Log,
}

impl Tape {
    pub fn new(declaration: &str) -> Self {
        let program = Program::compile(declaration).expect("the shipped declarations compile");
        Self { log: Log::new(&program), program }
    }

    pub fn put(&mut self, entity: u64, time: i64, kind: &str, fields: &[(&str, Cell)]) {
        self.log.push(&mut self.program, entity, time, kind, fields);
    }
}

/// Writes down what happens with one deal.
pub struct Scribe<'a> {
    pub tape: &'a mut Tape,
    pub world: &'a World,
    pub deal: &'a Deal,
    pub id: u64,
    pub chance: Chance,
    /// Whether the competitor was named, or never will be.
    named: bool,
    /// The part of the week up to which things can be logged.
    until: f64,
}

impl<'a> Scribe<'a> {
    pub fn new(
        tape: &'a mut Tape,
        world: &'a World,
        (id, deal): (u64, &'a Deal),
        state: &State,
        mut chance: Chance,
    ) -> Self {
        let named = chance.happens(0.1);
        let scribe = Self { tape, world, deal, id, chance, named, until: 1.0 };
        let at = moment(deal.born, 0.0);
        scribe.tape.put(id, at, "deal", &[]);
        let first = [("after", Cell::Number(state.amount))];
        scribe.tape.put(id, at, "deal.amount", &first);
        let stage = [("probability", Cell::Number(STAGES[0]))];
        scribe.tape.put(id, at, "deal.stage", &stage);
        scribe.tape.put(id, at, "deal.contacts", &[("after", Cell::Number(1.0))]);
        scribe
    }

    /// A week in which the deal ended, if it did, at that part of it.
    pub fn week(&mut self, week: usize, state: &State, turn: &Turn, ended: Option<f64>) {
        self.until = ended.unwrap_or(1.0);
        self.mails(week, state);
        self.talks(week, state);
        self.changes(week, state, turn);
        self.competition(week, state);
    }

    fn put(&mut self, week: usize, kind: &str, fields: &[(&str, Cell)]) {
        let part = self.until * self.chance.unit();
        self.tape.put(self.id, moment(week, part), kind, fields);
    }

    /// Whether the rep logs something that he did.
    fn logs(&mut self) -> bool {
        let diligence = self.world.reps[self.deal.rep].diligence;
        self.chance.happens(diligence)
    }

    fn mails(&mut self, week: usize, state: &State) {
        let outbound = self.chance.poisson(1.3 * self.until);
        for _ in 0..outbound {
            if self.logs() {
                self.put(week, "email", &[("direction", Cell::Category("outbound"))]);
            }
        }
        let inbound = self.chance.poisson(self.until * (0.6 * state.interest + 0.3).exp().min(8.0));
        for _ in 0..inbound {
            // the first contact writes most
            let person = if self.chance.happens(0.4) { 0 } else { self.chance.below(state.people) };
            let role = self.role(person, state);
            let mood = Cell::Number((0.25 * state.interest + 0.5 * self.chance.normal()).clamp(-1.0, 1.0));
            let mood = if self.chance.happens(0.6) { mood } else { Cell::Missing };
            let fields = [
                ("direction", Cell::Category("inbound")),
                ("person", Cell::Category(PEOPLE[person.min(7)])),
                ("buyingRole", if self.chance.happens(0.8) { Cell::Category(role) } else { Cell::Missing }),
                ("sentiment", mood),
            ];
            self.put(week, "email", &fields);
        }
    }

    /// The last who came is the decider, where there is one.
    fn role(&mut self, person: usize, state: &State) -> &'static str {
        let decides = state.decider && (person + 1 == state.people || self.chance.happens(0.2));
        if decides { "decisionMaker" } else { ROLES[person % ROLES.len()] }
    }

    fn talks(&mut self, week: usize, state: &State) {
        if self.chance.happens(self.until * (0.2 * (0.35 * state.interest).exp()).min(0.8)) && self.logs() {
            let person = self.chance.below(state.people);
            let role = self.role(person, state);
            let status = if self.chance.happens(0.85) { "held" } else { "cancelled" };
            let fields = [
                ("status", Cell::Category(status)),
                ("person", Cell::Category(PEOPLE[person.min(7)])),
                ("buyingRole", Cell::Category(role)),
            ];
            self.put(week, "meeting", &fields);
        }
        if self.chance.happens(self.until * (0.3 * (0.25 * state.interest).exp()).min(0.8)) && self.logs() {
            let minutes = Cell::Number((3.0 + 20.0 * self.chance.unit()).round());
            self.put(week, "call", &[("status", Cell::Category("held")), ("duration", minutes)]);
        }
    }

    fn changes(&mut self, week: usize, state: &State, turn: &Turn) {
        if turn.stage {
            let stage = [("probability", Cell::Number(STAGES[state.stage])), ("by", Cell::Number(1.0))];
            self.put(week, "deal.stage", &stage);
        }
        if turn.person && self.chance.happens(0.85) {
            self.put(week, "deal.contacts", &[("after", Cell::Number(state.people as f64))]);
        }
        if turn.push && self.chance.happens(0.95) {
            let days = Cell::Number((7.0 + 45.0 * self.chance.unit()).round());
            self.put(week, "deal.closeDate", &[("by", days)]);
        }
        if turn.step && self.chance.happens(0.9) {
            self.put(week, "deal.nextStep", &[]);
        }
        if let Some(weeks) = turn.done
            && self.chance.happens(0.9)
        {
            let late = Cell::Number((3.0 * self.chance.normal()).max(0.0).round());
            let age = Cell::Number(7.0 * weeks as f64);
            self.put(week, "task.completedAt", &[("late", late), ("age", age)]);
        }
        if turn.quote {
            let off = Cell::Number((100.0 * state.discount.unwrap_or_default()).round());
            self.put(week, "quote", &[("discount", off)]);
        }
        if turn.amount {
            self.put(week, "deal.amount", &[("after", Cell::Number(state.amount.round()))]);
        }
    }

    fn competition(&mut self, week: usize, state: &State) {
        if state.competitor && !self.named && self.chance.happens(0.5) {
            self.named = true;
            self.put(week, "deal.competitor", &[]);
        }
    }
}
