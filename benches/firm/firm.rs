//! Ten years of the firm: every deal with what can be seen of it and what is true of it.

use aplomb_learn::table::Cell;

use crate::chance::Chance;
use crate::customer::{Customer, Renewal};
use crate::deal::{Deal, End, State};
use crate::traces::{Scribe, Tape};
use crate::world::{Account, QUARTER, Scale, WEEKS, World, moment};

/// Weeks after the last year in which its open deals come to their end.
const AFTER: usize = 104;

/// A deal as history has it.
pub struct Life {
    pub deal: Deal,
    /// The week in which it ended, the moment, and how; the state it was in then.
    pub closed: usize,
    pub closed_at: i64,
    pub last: State,
    /// The week at whose start it is looked at, where it is still open then.
    pub look: Option<(usize, State)>,
    /// At the start of each quarter in which it is open.
    pub quarters: Vec<(usize, State)>,
}

impl Life {
    pub fn won(&self) -> bool {
        self.last.end == Some(End::Won)
    }
}

pub struct Firm {
    pub world: World,
    pub accounts: Vec<Account>,
    /// By the week of their birth; the id of a deal's events is its place.
    pub lives: Vec<Life>,
    pub deals: Tape,
    pub users: Tape,
    /// Won deals that became contracts; the id of a customer's events is his place.
    pub customers: Vec<Customer>,
    pub renewals: Vec<Renewal>,
    pub companies: Tape,
}

impl Firm {
    pub fn live(seed: u64, scale: Scale) -> Self {
        let world = World::new(seed, scale);
        let mut firm = Self {
            accounts: Vec::new(),
            lives: Vec::new(),
            deals: Tape::new(include_str!("../../assets/features/deal.toml")),
            users: Tape::new(include_str!("../../assets/features/user.toml")),
            customers: Vec::new(),
            renewals: Vec::new(),
            companies: Tape::new(include_str!("../../assets/features/customer.toml")),
            world,
        };
        for (id, rep) in firm.world.reps.iter().enumerate() {
            firm.users.put(id as u64, moment(rep.hired(), 0.0), "user", &[]);
        }
        for week in 0..WEEKS {
            let mut chance = Chance::of(seed, &[3, week as u64]);
            for _ in 0..chance.poisson(firm.world.births(week)) {
                firm.bear(week);
            }
        }
        firm.serve();
        firm
    }

    /// Two of five won deals are contracts that run from year to year; the others are bought once.
    fn serve(&mut self) {
        for (id, life) in self.lives.iter().enumerate().filter(|(_, life)| life.won() && life.closed + 2 < WEEKS) {
            let mut chance = Chance::of(self.world.seed, &[8, id as u64]);
            if !chance.happens(0.4) {
                continue;
            }
            let (account, start) = (life.deal.account, life.closed + 2);
            let fit = self.world.fit(&self.accounts[account]);
            let customer = Customer::new(account, (start, life.last.amount), fit, &mut chance);
            let place = self.customers.len();
            self.renewals.extend(customer.live(place, &mut self.companies, &mut chance));
            self.customers.push(customer);
        }
    }

    fn bear(&mut self, week: usize) {
        let id = self.lives.len() as u64;
        let mut chance = Chance::of(self.world.seed, &[4, id]);
        // a quarter of the deals are with accounts that had one
        let account = if !self.accounts.is_empty() && chance.happens(0.25) {
            chance.below(self.accounts.len())
        } else {
            self.accounts.push(self.world.account(&mut chance));
            self.accounts.len() - 1
        };
        let (deal, state) = Deal::new(&self.world, week, account, &self.accounts[account], &mut chance);
        let look = week + 4 + (-8.0 * (1.0 - chance.unit()).ln()) as usize;
        let life = self.lead(id, deal, state, look, &mut chance);
        let outcome = if life.won() { "won" } else { "lost" };
        let age = (life.closed - life.deal.born) as f64 * 7.0;
        let fields = [("after", Cell::Category(outcome)), ("age", Cell::Number(age))];
        self.users.put(life.deal.rep as u64, life.closed_at, "deal.outcome", &fields);
        self.lives.push(life);
    }

    fn lead(&mut self, id: u64, deal: Deal, mut state: State, look: usize, chance: &mut Chance) -> Life {
        let traces = Chance::of(self.world.seed, &[5, id]);
        let mut scribe = Scribe::new(&mut self.deals, &self.world, (id, &deal), &state, traces);
        let (mut looked, mut quarters) = (None, Vec::new());
        let mut week = deal.born;
        loop {
            if week == look {
                looked = Some((week, state.clone()));
            }
            if week.is_multiple_of(QUARTER) && week > deal.born {
                quarters.push((week, state.clone()));
            }
            let turn = deal.advance(&self.world, week, &mut state, chance);
            if week == WEEKS + AFTER {
                state.end.get_or_insert(End::Lost);
            }
            let ended = state.end.map(|_| chance.unit());
            scribe.week(week, &state, &turn, ended);
            if let Some(part) = ended {
                let closed_at = moment(week, part);
                return Life { deal, closed: week, closed_at, last: state, look: looked, quarters };
            }
            week += 1;
        }
    }
}
