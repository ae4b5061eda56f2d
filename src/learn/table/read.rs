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
/// Different values of a target that are counted before it is said to be no outcome.
const TARGET_VALUES: usize = 50;

/// Which columns are not features.
#[derive(Clone, Debug, Default)]
pub struct CsvOptions {
    /// The column with the outcome; a table without it can be scored, not learned from.
    pub target: Option<String>,
    /// The target's value that counts as yes; without it `yes`, `true` or 1, else the rarer of its two values.
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
    pub table: Table,
    /// The target's value that counts as yes.
    pub yes: Option<String>,
    /// Rows left out, because their outcome is missing.
    pub without_outcome: usize,
}

/// Reads comma-separated values with a header (RFC 4180). A column is yes/no, number, date (ISO 8601), duration
/// (ISO 8601, `P1DT2H`) when all its cells are, and a category otherwise.
///
/// Errors: no header, a name given twice or unknown, a line with another number of cells, a target without exactly
/// two values.
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
    yes: Option<String>,
}

impl Seen {
    fn look(source: &mut impl Read, options: &CsvOptions) -> Result<Self, LearnError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(source);
        let header = reader.headers().map_err(problem)?.clone();
        let names: Vec<String> = header.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
        let roles = roles(&names, options)?;
        let mut guesses = vec![Guess::default(); names.len()];
        let mut values: BTreeMap<String, usize> = BTreeMap::new();
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(problem)? {
            for ((text, guess), role) in record.iter().zip(&mut guesses).zip(&roles) {
                if is_nothing(text) {
                    continue;
                }
                guess.see(text);
                if *role == Role::Target && (values.contains_key(text) || values.len() < TARGET_VALUES) {
                    *values.entry(text.to_owned()).or_default() += 1;
                }
            }
        }
        let yes = match &options.target {
            Some(name) => Some(yes_value(name, options.yes.as_deref(), &values)?),
            None => None,
        };
        Ok(Self { names, roles, kinds: guesses.iter().map(Guess::kind).collect(), yes })
    }

    fn fill(self, source: impl Read) -> Result<CsvTable, LearnError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(source);
        let is = |role: Role| self.roles.iter().position(|have| *have == role);
        let wanted: Vec<usize> = (0..self.names.len()).filter(|at| self.roles[*at] == Role::Feature).collect();
        let mut builder = Builder::new(wanted.iter().map(|at| self.feature(*at)).collect());
        let (target, time, group) = (is(Role::Target), is(Role::Time), is(Role::Group));
        let (mut without_outcome, mut record) = (0, csv::StringRecord::new());
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
            if let Some(Some(value)) = outcome {
                builder.outcome(Some(value) == self.yes.as_deref());
            }
            if let Some(at) = time {
                builder.time(text(at).and_then(|text| number(text, self.kinds[at])).unwrap_or(f64::NAN));
            }
            if let Some(name) = group.and_then(text) {
                builder.group(name);
            }
        }
        Ok(CsvTable { table: builder.finish(), yes: self.yes, without_outcome })
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

fn yes_value(name: &str, wanted: Option<&str>, values: &BTreeMap<String, usize>) -> Result<String, LearnError> {
    if let Some(value) = wanted {
        let have = || values.keys().cloned().collect::<Vec<_>>().join(", ");
        let known = values.contains_key(value);
        let missing = || LearnError::NoSuchValue { name: name.to_owned(), value: value.to_owned(), have: have() };
        return if known { Ok(value.to_owned()) } else { Err(missing()) };
    }
    if values.len() != 2 {
        let hint = if values.len() > 2 { "; say which value counts as yes" } else { "" };
        return Err(LearnError::NotTwoValues { name: name.to_owned(), found: values.len(), hint });
    }
    let plain = values.keys().find(|value| YES.iter().any(|yes| value.eq_ignore_ascii_case(yes)) || *value == "1");
    let rarer = || values.iter().min_by_key(|(_, count)| **count).map(|(value, _)| value);
    Ok(plain.or_else(rarer).cloned().unwrap_or_default())
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
