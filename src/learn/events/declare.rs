//! Declarations of features: from TOML to a checked program.

use serde::{Deserialize, Serialize};

use super::given::{Believed, File, Given, GivenCondition, Literal};
use super::log::{UNUSED, Words, coded};
use crate::LearnError;
use crate::table::{Feature, Kind};

/// Milliseconds of a day.
pub(super) const DAY: i64 = 86_400_000;

/// Features of one kind of entity, ready to be read from events.
///
/// ```toml
/// entity = "deal"
///
/// [[feature]]
/// name = "replies in 30 days"
/// theme = "their replies"
/// event = "email"
/// where = [{ field = "direction", is = "inbound" }]
/// window = "30d"
/// aggregate = "count"
/// unit = "replies"
/// ```
///
/// Texts are values to `distinct` and `entropy`, and missing to the others. `window` is a number of `h`, `d` or `w`, or `all` (the default). `aggregate` is one of `count`; `sum`, `mean`,
/// `least`, `most`, `last`, `trend` (per day), `distinct`, `entropy` (nats), each of the field `value`; `timeSince`
/// (days); `rate` (events a week, or the sum of `value`, where one is named; since the entity's first event of any kind
/// when that is later than the window's start, and at least over a week, so that young entities and old ones compare);
/// `share` (of the events, those that also meet `of`; with `believed = { share = 0.25, events = 20 }` drawn to that share
/// as if so many events had shown it, so that few events say little); `ratio` (events a day in `window` over those a day in
/// the longer window `against`, which may be `all`: since the entity's first event); `timeShare` (of the time within
/// `window`, or since the entity's first event when that is later, the share in which something lasted: the `value` days
/// before each event, and from the last event named `opened` on where none came after it; with `believed = { share = 0.5,
/// weeks = 4 }` drawn to that share as if so many weeks more had shown it, so that young entities compare with old ones).
/// Conditions are `is`, `atLeast`, `atMost` or `oneOf`; all must hold. `theme` says what the feature speaks of: features of
/// one theme are one reason. With `context = true` it is none.
///
/// What is seen in several ways, each with gaps, is told by the way that shows most: `orMore` lists declarations without
/// a name, and the feature is the largest of its own value and theirs.
///
/// With `relative = true` a value becomes its place among the entity's own earlier ones, the share of them that are
/// smaller, equal ones counting half: of earlier values for `last`, of earlier gaps for `timeSince`, and for `count`,
/// `sum` and `mean` of the same window as it was one, two, three ... windows ago, the latest hundred that the entity's
/// events fill. NaN without earlier ones.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) entity: String,
    /// Names of the events that are looked at, by code.
    pub(super) kinds: Vec<String>,
    pub(super) fields: Vec<String>,
    pub(super) words: Words,
    /// What is kept of the events, shared by features that look at the same.
    pub(super) tracks: Vec<Track>,
    pub(super) features: Vec<Declared>,
    /// The tracks of each kind of event.
    pub(super) of_kind: Vec<Vec<usize>>,
}

/// The events of one kind that meet conditions, with one of their fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Track {
    pub kind: u32,
    pub conditions: Vec<Condition>,
    pub field: Option<usize>,
    /// Whether texts count as values; otherwise only numbers do.
    pub texts: bool,
    /// Milliseconds for which events are kept; `None` is for good.
    pub horizon: Option<i64>,
}

#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub feature: Feature,
    pub track: usize,
    /// The track of `share`'s smaller part, or of what `timeShare` says opens.
    pub part: usize,
    pub window: Option<i64>,
    pub against: Option<i64>,
    pub aggregate: Aggregate,
    pub believed: Believed,
    /// Whether it is of a field.
    pub valued: bool,
    pub relative: bool,
    pub or_more: Vec<Declared>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Aggregate {
    Count,
    Sum,
    Mean,
    Least,
    Most,
    Last,
    Trend,
    Distinct,
    Entropy,
    TimeSince,
    Rate,
    Share,
    Ratio,
    TimeShare,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Condition {
    pub field: usize,
    pub test: Test,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Test {
    AtLeast(f64),
    AtMost(f64),
    /// By their bits, in which texts differ from numbers.
    OneOf(Vec<u64>),
}

impl Test {
    pub fn holds(&self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= *bound,
            Self::AtMost(bound) => value <= *bound,
            Self::OneOf(values) => values.contains(&value.to_bits()),
        }
    }
}

impl Program {
    /// Errors: no such TOML, a name given twice, or a feature that cannot be, named with what is wrong.
    pub fn compile(text: &str) -> Result<Self, LearnError> {
        let wrong = |feature: &str, problem: &str| LearnError::Declaration {
            feature: feature.to_owned(),
            problem: problem.to_owned(),
        };
        let file: File = toml::from_str(text).map_err(|error| wrong("(file)", error.message()))?;
        let mut program = Self {
            entity: file.entity,
            kinds: Vec::new(),
            fields: Vec::new(),
            words: Words::default(),
            tracks: Vec::new(),
            features: Vec::new(),
            of_kind: Vec::new(),
        };
        for given in &file.features {
            if program.features.iter().any(|have| have.feature.name == given.name) {
                return Err(wrong(&given.name, "its name is given twice; rename one"));
            }
            if given.name.is_empty() {
                return Err(wrong("(unnamed)", "it has no name; give it one"));
            }
            let declared = program.declare(given).map_err(|problem| wrong(&given.name, &problem))?;
            program.features.push(declared);
        }
        program.of_kind = (0..program.kinds.len() as u32)
            .map(|kind| (0..program.tracks.len()).filter(|track| program.tracks[*track].kind == kind).collect())
            .collect();
        Ok(program)
    }

    /// What the features are of, as the declaration names it.
    pub fn entity(&self) -> &str {
        &self.entity
    }

    /// In the order of the declaration.
    pub fn features(&self) -> impl Iterator<Item = &Feature> {
        self.features.iter().map(|declared| &declared.feature)
    }

    /// The names of the events that are looked at.
    pub fn events(&self) -> &[String] {
        &self.kinds
    }

    pub(super) fn kind(&self, name: &str) -> u32 {
        self.kinds.iter().position(|kind| kind == name).map_or(UNUSED, |at| at as u32)
    }

    fn declare(&mut self, given: &Given) -> Result<Declared, String> {
        use Aggregate::{
            Count, Distinct, Entropy, Last, Least, Mean, Most, Rate, Ratio, Share, Sum, TimeShare, TimeSince, Trend,
        };
        let aggregate = given.aggregate;
        let needs_value =
            matches!(aggregate, Sum | Mean | Least | Most | Last | Trend | Distinct | Entropy | TimeShare);
        if aggregate != Rate && needs_value != given.value.is_some() {
            return Err(if needs_value { "it needs a value: the name of a field" } else { "it takes no value" }.into());
        }
        let windowed = matches!(aggregate, Count | Sum | Mean);
        if given.relative && !windowed && !matches!(aggregate, Last | TimeSince) {
            return Err("only last, timeSince, count, sum and mean can be relative".into());
        }
        if (aggregate == Share) == given.of.is_empty() {
            return Err("of belongs to share, and share needs it".into());
        }
        if (aggregate == TimeShare) != given.opened.is_some() {
            return Err("opened belongs to timeShare, and timeShare needs it: the name of an event".into());
        }
        given.believed.map_or(Ok(()), |believed| believed.check(aggregate))?;
        let believed = given.believed.unwrap_or_default();
        let window = given.window.as_deref().map(window).transpose()?.flatten();
        let against = given.against.as_deref().map(self::window).transpose()?.flatten();
        if aggregate == Ratio {
            let fine = given.against.is_some() && window.is_some_and(|short| against.is_none_or(|long| short < long));
            if !fine {
                return Err("a ratio needs a window and a longer one against".into());
            }
        } else if given.against.is_some() {
            return Err("against belongs to ratio".into());
        }
        if given.relative && windowed && window.is_none() {
            return Err("to be relative it needs a window that earlier ones can be compared with".into());
        }
        let field = given.value.as_deref().map(|name| self.field(name));
        let kind = self.kind_code(&given.event);
        let conditions = self.conditions(&given.conditions)?;
        // a last value, gap or rank may lie before the window that is asked for, as may the beginning of what lasts
        let ever = given.relative || aggregate == TimeShare || (aggregate == Ratio && against.is_none());
        let keep = if ever { None } else { against.or(window) };
        let texts = matches!(aggregate, Distinct | Entropy);
        let track = self.track(Track { kind, conditions: conditions.clone(), field, texts, horizon: keep });
        let mut part = track;
        if aggregate == Share {
            let narrower = conditions.into_iter().chain(self.conditions(&given.of)?).collect();
            part = self.track(Track { kind, conditions: narrower, field, texts, horizon: keep });
        }
        if let Some(opened) = &given.opened {
            let kind = self.kind_code(opened);
            part = self.track(Track { kind, conditions: Vec::new(), field: None, texts: false, horizon: None });
        }
        let mut feature = Feature::new(&given.name, Kind::Number);
        feature.unit = given.unit.clone().or_else(|| match aggregate {
            TimeSince if !given.relative => Some("days".into()),
            _ => None,
        });
        feature.theme = given.theme.clone();
        feature.context = given.context;
        feature.source = Some(given.event.clone());
        let (valued, relative) = (field.is_some(), given.relative);
        let or_more = self.or_more(&given.or_more)?;
        Ok(Declared { feature, track, part, window, against, aggregate, believed, valued, relative, or_more })
    }

    fn or_more(&mut self, given: &[Given]) -> Result<Vec<Declared>, String> {
        if !given.iter().all(Given::is_plain) {
            return Err("what orMore holds has no name, theme, context, unit or orMore of its own".into());
        }
        given.iter().map(|given| self.declare(given)).collect()
    }

    fn conditions(&mut self, given: &[GivenCondition]) -> Result<Vec<Condition>, String> {
        let mut conditions = Vec::new();
        for condition in given {
            let field = self.field(&condition.field);
            let mut code = |literal: &Literal| match literal {
                Literal::YesNo(yes) => f64::from(u8::from(*yes)).to_bits(),
                Literal::Number(value) => (value + 0.0).to_bits(),
                Literal::Text(text) => coded(self.words.code(text)).to_bits(),
            };
            let test = match condition {
                GivenCondition { is: Some(literal), at_least: None, at_most: None, one_of: None, .. } => {
                    Test::OneOf(vec![code(literal)])
                }
                GivenCondition { is: None, at_least: Some(bound), at_most: None, one_of: None, .. } => {
                    Test::AtLeast(*bound)
                }
                GivenCondition { is: None, at_least: None, at_most: Some(bound), one_of: None, .. } => {
                    Test::AtMost(*bound)
                }
                GivenCondition { is: None, at_least: None, at_most: None, one_of: Some(all), .. } => {
                    Test::OneOf(all.iter().map(code).collect())
                }
                _ => {
                    return Err(format!(
                        "the condition on {} needs one of is, atLeast, atMost, oneOf",
                        condition.field
                    ));
                }
            };
            conditions.push(Condition { field, test });
        }
        Ok(conditions)
    }

    fn kind_code(&mut self, name: &str) -> u32 {
        if self.kind(name) == UNUSED {
            self.kinds.push(name.to_owned());
        }
        self.kind(name)
    }

    fn field(&mut self, name: &str) -> usize {
        let place = self.fields.iter().position(|field| field == name);
        place.unwrap_or_else(|| {
            self.fields.push(name.to_owned());
            self.fields.len() - 1
        })
    }

    /// The place of a track, which then keeps events at least as long as asked.
    fn track(&mut self, track: Track) -> usize {
        let of = |track: &Track| (track.kind, track.field, track.texts);
        let same = |have: &Track| of(have) == of(&track) && have.conditions == track.conditions;
        if let Some(place) = self.tracks.iter().position(same) {
            let have = &mut self.tracks[place].horizon;
            *have = have.zip(track.horizon).map(|(have, asked)| have.max(asked));
            return place;
        }
        self.tracks.push(track);
        self.tracks.len() - 1
    }
}

/// Milliseconds of "12h", "30d" or "4w"; `None` is "all".
fn window(text: &str) -> Result<Option<i64>, String> {
    if text == "all" {
        return Ok(None);
    }
    let problem = || format!("the window \"{text}\" is not all or a number of h, d or w, as in 30d");
    let unit = match text.chars().last() {
        Some('h') => DAY / 24,
        Some('d') => DAY,
        Some('w') => 7 * DAY,
        _ => return Err(problem()),
    };
    let count: i64 = text[..text.len() - 1].parse().map_err(|_| problem())?;
    let length = count.checked_mul(unit).filter(|length| *length > 0);
    length.map(Some).ok_or_else(problem)
}
