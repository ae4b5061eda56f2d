//! A customer's life: how he uses what he bought, how he is served, how he pays, who speaks for it, and what his CRM and
//! product log of that.

use aplomb_learn::table::Cell;

use crate::chance::Chance;
use crate::traces::Tape;
use crate::world::{WEEKS, moment, sigmoid};

/// Weeks of a contract, and before its end that customers are looked at.
pub const TERM: usize = 52;
pub const NOTICE: usize = 13;
/// Log-odds to stay when nothing went wrong.
const STAY: f64 = 3.3;
const USERS: [&str; 6] = ["u", "v", "w", "x", "y", "z"];

/// What does not change.
pub struct Customer {
    pub account: usize,
    pub start: usize,
    recurring: f64,
    fit: f64,
    /// Usual use, in parts of what others do, and how many use it.
    level: f64,
    users: usize,
    tardiness: f64,
}

/// What changes from week to week.
#[derive(Clone)]
pub struct Health {
    /// How far use has fallen, 0 to 1, how far it will, and how much a week.
    pub fallen: f64,
    bottom: f64,
    slide: f64,
    /// Weeks that bad service and money trouble still last, and what is remembered of them, 0 to about 1.
    bad_service: usize,
    service_pain: f64,
    trouble: usize,
    trouble_memory: f64,
    /// Weeks since who stood up for it left.
    champion_gone: Option<usize>,
}

/// A contract's end.
pub struct Renewal {
    pub customer: usize,
    pub end: usize,
    pub luck: f64,
    /// As it was when looked at.
    pub health: Health,
    /// As it was at the end.
    pub last: Health,
    pub left: bool,
}

/// What happened in a week.
#[derive(Default)]
struct Turn {
    ticket: bool,
    champion_left: bool,
}

impl Customer {
    pub fn new(account: usize, (start, recurring): (usize, f64), fit: f64, chance: &mut Chance) -> Self {
        let level = (0.4 * chance.normal()).exp();
        let users = 2 + chance.below(USERS.len() - 1);
        Self { account, start, recurring, fit, level, users, tardiness: chance.normal() }
    }

    fn healthy() -> Health {
        Health {
            fallen: 0.0,
            bottom: 0.0,
            slide: 0.0,
            bad_service: 0,
            service_pain: 0.0,
            trouble: 0,
            trouble_memory: 0.0,
            champion_gone: None,
        }
    }

    /// What each of [`crate::world::CHURN_CAUSES`] adds to the log-odds to stay.
    pub fn causes(&self, health: &Health) -> [f64; 5] {
        [
            -3.2 * health.fallen + 0.3 * self.level.ln(),
            -2.2 * health.service_pain,
            -1.8 * health.trouble_memory,
            health.champion_gone.map_or(0.0, |weeks| -1.7 * (-(weeks as f64) / 45.0).exp()),
            0.8 * self.fit,
        ]
    }

    fn advance(&self, health: &mut Health, chance: &mut Chance) -> Turn {
        let mut turn = Turn::default();
        if health.slide == 0.0 && chance.happens(0.0045) {
            health.bottom = 0.5 + 0.45 * chance.unit();
            health.slide = health.bottom / (8.0 + 12.0 * chance.unit());
        }
        health.fallen = (health.fallen + health.slide).min(health.bottom);
        if health.fallen >= health.bottom && health.slide > 0.0 && chance.happens(0.012) {
            (health.fallen, health.bottom, health.slide) = (0.1, 0.0, 0.0);
        }
        health.fallen *= if health.slide == 0.0 { 0.9 } else { 1.0 };
        if health.bad_service == 0 && chance.happens(0.005) {
            health.bad_service = 8 + chance.below(12);
        }
        turn.ticket = chance.happens(if health.bad_service > 0 { 0.5 } else { 0.1 });
        health.bad_service = health.bad_service.saturating_sub(1);
        let pain = if health.bad_service > 0 && turn.ticket { 0.22 } else { 0.0 };
        health.service_pain = (health.service_pain * 0.975 + pain).min(1.3);
        if health.trouble == 0 && chance.happens(0.004) {
            health.trouble = 10 + chance.below(20);
        }
        health.trouble = health.trouble.saturating_sub(1);
        let target = f64::from(u8::from(health.trouble > 0));
        health.trouble_memory += (target - health.trouble_memory) * if target > 0.0 { 0.12 } else { 0.03 };
        if let Some(weeks) = &mut health.champion_gone {
            *weeks += 1;
        } else if chance.happens(0.004) {
            health.champion_gone = Some(0);
            turn.champion_left = true;
        }
        if health.champion_gone.is_some_and(|weeks| weeks > 90) {
            health.champion_gone = None;
        }
        turn
    }

    /// That the contract ends, 0 to 1.
    fn leaves(&self, health: &Health, luck: f64) -> f64 {
        1.0 - sigmoid(STAY + self.causes(health).iter().sum::<f64>() + luck)
    }

    /// The true chance to leave, of who is in this state `NOTICE` weeks before the end.
    pub fn true_chance(&self, renewal: &Renewal, lives: usize, chance: &mut Chance) -> f64 {
        let life = |_| {
            let mut health = renewal.health.clone();
            for _ in 0..NOTICE {
                self.advance(&mut health, chance);
            }
            self.leaves(&health, renewal.luck)
        };
        (0..lives).map(life).sum::<f64>() / lives as f64
    }

    /// From the first contract until he leaves or the years are over.
    pub fn live(&self, id: usize, tape: &mut Tape, chance: &mut Chance) -> Vec<Renewal> {
        let mut health = Self::healthy();
        let mut renewals = Vec::new();
        let mut week = self.start;
        loop {
            let contract = [("recurring", Cell::Number(self.recurring.round()))];
            tape.put(id as u64, moment(week, 0.0), "contract", &contract);
            let (end, mut looked) = (week + TERM, None);
            while week < end {
                if week + NOTICE == end {
                    looked = Some(health.clone());
                }
                if week >= WEEKS {
                    return renewals;
                }
                let turn = self.advance(&mut health, chance);
                self.log(id, week, &health, &turn, tape, chance);
                week += 1;
            }
            let luck = 0.4 * chance.normal();
            let left = chance.happens(self.leaves(&health, luck));
            if let Some(looked) = looked {
                renewals.push(Renewal { customer: id, end, luck, health: looked, last: health.clone(), left });
            }
            if left {
                return renewals;
            }
        }
    }

    fn log(&self, id: usize, week: usize, health: &Health, turn: &Turn, tape: &mut Tape, chance: &mut Chance) {
        let mut put = |chance: &mut Chance, kind: &str, fields: &[(&str, Cell)]| {
            tape.put(id as u64, moment(week, chance.unit()), kind, fields);
        };
        let use_now = self.level * (1.0 - health.fallen);
        for _ in 0..chance.poisson(2.2 * use_now) {
            let minutes = (40.0 * use_now.sqrt() * (0.5 * chance.normal()).exp()).round();
            let person = USERS[chance.below(self.users)];
            let fields = [
                ("kind", Cell::Category("usage")),
                ("duration", Cell::Number(minutes)),
                ("person", Cell::Category(person)),
            ];
            put(chance, "activity", &fields);
        }
        if turn.ticket {
            self.ticket(health, &mut put, chance);
        }
        if week.wrapping_sub(self.start).is_multiple_of(4) {
            let usual = 2.0 + 3.0 * self.tardiness + 4.0 * chance.normal();
            let late = (usual + if health.trouble > 0 { 16.0 } else { 0.0 }).max(0.0).round();
            put(chance, "invoice.paidAt", &[("late", Cell::Number(late))]);
            if late > 10.0 {
                put(chance, "invoice.status", &[("after", Cell::Category("overdue"))]);
            }
        }
        if turn.champion_left && chance.happens(0.85) {
            let fields = [("after", Cell::Category("leftCompany")), ("buyingRole", Cell::Category("champion"))];
            put(chance, "contact.status", &fields);
        }
        let talk = if health.champion_gone.is_some_and(|weeks| weeks < 40) { 0.4 } else { 1.0 };
        for _ in 0..chance.poisson(0.3 * talk) {
            put(chance, "email", &[("direction", Cell::Category("inbound"))]);
        }
        if chance.happens(0.05 * talk) {
            put(chance, "meeting", &[("status", Cell::Category("held"))]);
        }
        if chance.happens(0.04 * talk) {
            let fields = [("status", Cell::Category("held")), ("duration", Cell::Number(15.0))];
            put(chance, "call", &fields);
        }
        if chance.happens(0.03) {
            let total = (0.1 * self.recurring * (0.6 * chance.normal()).exp()).round();
            put(chance, "order", &[("total", Cell::Number(total))]);
        }
    }

    fn ticket(&self, health: &Health, put: &mut impl FnMut(&mut Chance, &str, &[(&str, Cell)]), chance: &mut Chance) {
        let priority = ["low", "normal", "high", "urgent"][chance.pick(&[0.3, 0.4, 0.2, 0.1])];
        put(chance, "ticket", &[("priority", Cell::Category(priority))]);
        let slow = if health.bad_service > 0 { 5.0 } else { 1.0 };
        let wait = slow * (0.6 * chance.normal()).exp();
        put(chance, "ticket.firstResponseAt", &[("age", Cell::Number(wait))]);
        if chance.happens(0.9) {
            let solved = Cell::Number(wait + 3.0 * chance.unit() * slow);
            put(chance, "ticket.resolvedAt", &[("age", solved)]);
        }
        if chance.happens(0.25) {
            let score = (4.3 - 0.35 * wait + 0.6 * chance.normal()).clamp(1.0, 5.0).round();
            put(chance, "ticket.satisfaction", &[("after", Cell::Number(score))]);
        }
    }
}
