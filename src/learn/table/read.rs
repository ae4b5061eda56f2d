//! Tables from CSV. The file is read twice: once to see what each column holds, once to fill the columns, so that the
//! text is never in memory as a whole.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::{Builder, Cell, Feature, Kind, Table};
use crate::LearnError;

/// Text that stands for "missing", beside an empty cell.
const NOTHING: [&str; 7] = ["NA", "N/A", "NaN", "nan", "null", "NULL", "#N/A"];
const YES: [&str; 4] = ["yes", "true", "y", "t"];
const NO: [&str; 4] = ["no", "false", "n", "f"];
/// Different values of a target that are counted before it is said to be no outcome, and those that are told.
const TARGET_VALUES: usize = 50;
const TOLD_VALUES: usize = 8;

/// Which columns are not features.
#[derive(Clone, Debug, Default)]
pub struct CsvOptions {
    /// The column with what is to be learned: an outcome of two values, or amounts (numbers or durations of more than
    /// two values). A table without it can be scored, not learned from.
    pub target: Option<String>,
    /// The target's value that counts as yes; without it `yes`, `true` or 1, else the rarer of its two values.
    /// With it, any target is an outcome.
    pub yes: Option<String>,
    /// The column with the time of prediction (date, date and time, or a number that grows with time).
    pub time: Option<String>,
    /// The column whose equal values keep rows on one side of a fold.
    pub group: Option<String>,
    /// Columns to leave out.
    pub ignore: Vec<String>,
}

/// What was read.
#[derive(Debug)]
pub struct CsvTable {
    /// With outcomes or with amounts, where there is a target.
    pub table: Table,
    /// The target's value that counts as yes; none of amounts.
    pub yes: Option<String>,
    /// Rows left out, because their outcome or amount is missing.
    pub without_outcome: usize,
}

/// Reads comma-separated values with a header (RFC 4180). A column is yes/no, number, date (ISO 8601), duration
/// (ISO 8601, `P1DT2H`) when all its cells are, and a category otherwise.
///
/// Errors: no header, a name given twice or unknown, a line with another number of cells, a target that is neither of
/// two values nor amounts, or whose amounts are not all finite.
pub fn read_csv(mut source: impl Read + Seek, options: &CsvOptions) -> Result<CsvTable, LearnError> {
    let seen = Seen::look(&mut source, options)?;
    source.rewind()?;
    seen.fill(source)
}

/// What a column is for.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Feature,
    Target,
    Time,
    Group,
    Ignored,
}

struct Seen {
    names: Vec<String>,
    roles: Vec<Role>,
    kinds: Vec<Kind>,
    target: Target,
}

/// What is learned.
enum Target {
    None,
    /// Whether the cell has this value.
    Yes(String),
    Amounts,
}

impl Seen {
    fn look(source: &mut impl Read, options: &CsvOptions) -> Result<Self, LearnError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(source);
        let header = reader.headers().map_err(problem)?.clone();
        let names: Vec<String> = header.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
        let roles = roles(&names, options)?;
        let mut guesses = vec![Guess::default(); names.len()];
        let mut values = Values::default();
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(problem)? {
            for ((text, guess), role) in record.iter().zip(&mut guesses).zip(&roles) {
                if is_nothing(text) {
                    continue;
                }
                guess.see(text);
                if *role == Role::Target {
                    values.see(text, record.position().map_or(0, csv::Position::line));
                }
            }
        }
        let kinds: Vec<Kind> = guesses.iter().map(Guess::kind).collect();
        let target = match (&options.target, roles.iter().position(|role| *role == Role::Target)) {
            (Some(name), Some(at)) => values.target(name, kinds[at], options.yes.as_deref())?,
            _ => Target::None,
        };
        Ok(Self { names, roles, kinds, target })
    }

    fn fill(self, source: impl Read) -> Result<CsvTable, LearnError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(source);
        let is = |role: Role| self.roles.iter().position(|have| *have == role);
        let wanted: Vec<usize> = (0..self.names.len()).filter(|at| self.roles[*at] == Role::Feature).collect();
        let mut builder = Builder::new(wanted.iter().map(|at| self.feature(*at)).collect());
        let (target, time, group) = (is(Role::Target), is(Role::Time), is(Role::Group));
        let (mut without_outcome, mut amounts, mut record) = (0, Vec::new(), csv::StringRecord::new());
        while reader.read_record(&mut record).map_err(problem)? {
            let text = |at: usize| record.get(at).filter(|text| !is_nothing(text));
            let outcome = target.map(text);
            if outcome == Some(None) {
                without_outcome += 1;
                continue;
            }
            let cells: Vec<Cell> =
                wanted.iter().map(|at| text(*at).map_or(Cell::Missing, |text| cell(text, self.kinds[*at]))).collect();
            builder.push(&cells)?;
            match (&self.target, target.zip(outcome.flatten())) {
                (Target::Yes(yes), Some((_, value))) => drop(builder.outcome(value == yes)),
                (Target::Amounts, Some((at, text))) => amounts.push(self.amount(at, text, &record)?),
                _ => {}
            }
            if let Some(at) = time {
                builder.time(text(at).and_then(|text| number(text, self.kinds[at])).unwrap_or(f64::NAN));
            }
            if let Some(name) = group.and_then(text) {
                builder.group(name);
            }
        }
        let table = builder.finish();
        let table = if matches!(self.target, Target::Amounts) { table.with_amounts(amounts)? } else { table };
        let yes = if let Target::Yes(yes) = self.target { Some(yes) } else { None };
        Ok(CsvTable { table, yes, without_outcome })
    }

    fn amount(&self, at: usize, text: &str, record: &csv::StringRecord) -> Result<f64, LearnError> {
        let amount = number(text, self.kinds[at]).filter(|amount| amount.is_finite());
        amount.ok_or_else(|| LearnError::NoAmount {
            name: self.names[at].clone(),
            line: record.position().map_or(0, csv::Position::line),
            text: text.to_owned(),
        })
    }

    fn feature(&self, at: usize) -> Feature {
        let kind = self.kinds[at];
        let unit = matches!(kind, Kind::Duration).then(|| "days".to_owned());
        let source = Some(format!("column {}", at + 1));
        Feature { unit, source, ..Feature::new(&self.names[at], kind) }
    }
}

fn roles(names: &[String], options: &CsvOptions) -> Result<Vec<Role>, LearnError> {
    if names.iter().all(|name| name.is_empty()) {
        return Err(LearnError::NoHeader);
    }
    for name in names {
        let times = names.iter().filter(|other| *other == name).count();
        if times > 1 {
            return Err(LearnError::SameName { name: name.clone(), times });
        }
    }
    let mut roles = vec![Role::Feature; names.len()];
    let ignored = options.ignore.iter().map(|name| (name, Role::Ignored));
    let named = [(&options.group, Role::Group), (&options.time, Role::Time), (&options.target, Role::Target)];
    for (name, role) in ignored.chain(named.into_iter().filter_map(|(name, role)| Some((name.as_ref()?, role)))) {
        let at = names.iter().position(|have| have == name);
        let at = at.ok_or_else(|| LearnError::NoColumn { name: name.clone(), have: names.join(", ") })?;
        roles[at] = role;
    }
    Ok(roles)
}

/// The cells of a target: its values with their counts, and the first one that is no number among those that are.
#[derive(Default)]
struct Values {
    counts: BTreeMap<String, usize>,
    numbers: usize,
    others: usize,
    first_other: Option<(u64, String)>,
}

impl Values {
    fn see(&mut self, text: &str, line: u64) {
        if self.counts.contains_key(text) || self.counts.len() < TARGET_VALUES {
            *self.counts.entry(text.to_owned()).or_default() += 1;
        }
        if number(text, Kind::Number).is_some() {
            self.numbers += 1;
        } else {
            self.others += 1;
            self.first_other.get_or_insert_with(|| (line, text.to_owned()));
        }
    }

    fn target(&self, name: &str, kind: Kind, wanted: Option<&str>) -> Result<Target, LearnError> {
        if let Some(value) = wanted {
            let known = self.counts.contains_key(value);
            let missing =
                || LearnError::NoSuchValue { name: name.to_owned(), value: value.to_owned(), have: self.told() };
            return if known { Ok(Target::Yes(value.to_owned())) } else { Err(missing()) };
        }
        match (self.counts.len(), kind, &self.first_other) {
            (2, ..) => Ok(Target::Yes(self.yes().to_owned())),
            (3.., Kind::Number | Kind::Duration, _) => Ok(Target::Amounts),
            (3.., _, Some((line, text))) if self.numbers > self.others => {
                Err(LearnError::NoAmount { name: name.to_owned(), line: *line, text: text.clone() })
            }
            (0, ..) => Err(LearnError::NoValues { name: name.to_owned() }),
            (1, ..) => Err(LearnError::OneValue { name: name.to_owned(), value: self.told() }),
            _ => Err(LearnError::NeitherOutcomeNorAmount { name: name.to_owned(), have: self.told() }),
        }
    }

    /// Of two values `yes`, `true` or 1, else the rarer one.
    fn yes(&self) -> &str {
        let is_plain = |value: &&String| YES.iter().any(|yes| value.eq_ignore_ascii_case(yes)) || *value == "1";
        let rarer = || self.counts.iter().min_by_key(|(_, count)| **count).map(|(value, _)| value);
        self.counts.keys().find(is_plain).or_else(rarer).map_or("", String::as_str)
    }

    /// The most frequent ones.
    fn told(&self) -> String {
        let mut values: Vec<(&String, &usize)> = self.counts.iter().collect();
        values.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let more = values.len() > TOLD_VALUES;
        let told: Vec<String> = values.iter().take(TOLD_VALUES).map(|(value, _)| format!("\"{value}\"")).collect();
        told.join(", ") + if more { ", ..." } else { "" }
    }
}

/// What all cells seen so far could be.
#[derive(Clone)]
struct Guess {
    any: bool,
    yes_no: bool,
    number: bool,
    date: bool,
    duration: bool,
}

impl Default for Guess {
    fn default() -> Self {
        Self { any: false, yes_no: true, number: true, date: true, duration: true }
    }
}

impl Guess {
    fn see(&mut self, text: &str) {
        self.any = true;
        self.yes_no = self.yes_no && yes_or_no(text).is_some();
        self.number = self.number && number(text, Kind::Number).is_some();
        self.date = self.date && number(text, Kind::Date).is_some();
        self.duration = self.duration && number(text, Kind::Duration).is_some();
    }

    fn kind(&self) -> Kind {
        match self {
            Self { any: false, .. } => Kind::Category,
            Self { yes_no: true, .. } => Kind::YesNo,
            Self { number: true, .. } => Kind::Number,
            Self { date: true, .. } => Kind::Date,
            Self { duration: true, .. } => Kind::Duration,
            _ => Kind::Category,
        }
    }
}

fn is_nothing(text: &str) -> bool {
    text.is_empty() || NOTHING.contains(&text)
}

fn yes_or_no(text: &str) -> Option<bool> {
    if YES.iter().any(|yes| text.eq_ignore_ascii_case(yes)) || text == "1" {
        return Some(true);
    }
    (NO.iter().any(|no| text.eq_ignore_ascii_case(no)) || text == "0").then_some(false)
}

/// A number as it is, a date in days since 1970-01-01, a duration in days (a month is 30.44, a year 365.25 of them).
fn number(text: &str, kind: Kind) -> Option<f64> {
    const DAY: f64 = 86_400.0;
    match kind {
        Kind::Number => text.parse().ok(),
        Kind::Date => {
            let exact = text.parse::<jiff::Timestamp>().ok();
            let civil = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
            let time = exact.or_else(|| civil().map(|zoned| zoned.timestamp()))?;
            Some(time.as_second() as f64 / DAY)
        }
        Kind::Duration => {
            let span = text.strip_prefix(['P', '-', '+']).and_then(|_| text.parse::<jiff::Span>().ok())?;
            let days = f64::from(span.get_years()) * 365.25
                + f64::from(span.get_months()) * 30.44
                + f64::from(span.get_weeks()) * 7.0
                + f64::from(span.get_days());
            let seconds =
                f64::from(span.get_hours()) * 3600.0 + span.get_minutes() as f64 * 60.0 + span.get_seconds() as f64;
            Some(days + seconds / DAY)
        }
        Kind::Category | Kind::YesNo => None,
    }
}

fn cell(text: &str, kind: Kind) -> Cell<'_> {
    match kind {
        Kind::Category => Cell::Category(text),
        Kind::YesNo => yes_or_no(text).map_or(Cell::Missing, Cell::YesNo),
        _ => number(text, kind).map_or(Cell::Missing, Cell::Number),
    }
}

fn problem(error: csv::Error) -> LearnError {
    let line = error.position().map_or(0, csv::Position::line);
    LearnError::Csv { line, detail: error.to_string() }
}
