//! Every aggregate by hand, and that neither the future nor the way of reading changes a bit.

use proptest::prelude::*;

use super::*;
use crate::numeric::Chance;
use crate::table::Cell;

const DAY: i64 = 86_400_000;

fn program(features: &str) -> Program {
    Program::compile(&format!("entity = \"deal\"\n{features}")).expect("a declaration")
}

/// Day, kind, fields.
type Given<'a> = (f64, &'a str, &'a [(&'a str, Cell<'a>)]);

/// The features of entity 1 as of day 100 after events of (day, kind, fields).
fn read(features: &str, events: &[Given]) -> Vec<f64> {
    let mut program = program(features);
    let mut log = Log::new(&program);
    for (day, kind, fields) in events {
        log.push(&mut program, 1, (day * DAY as f64) as i64, kind, fields);
    }
    let table = program.table(&log, &[Ask { entity: 1, moment: 100 * DAY }]);
    (0..table.features().len()).map(|place| table.column(place).number(0)).collect()
}

fn feature(rest: &str) -> String {
    format!("[[feature]]\nname = \"f\"\nevent = \"mail\"\n{rest}\n")
}

#[test]
fn aggregates_match_hand_computed_values() {
    let mail = |day, size: f64, from: &'static str| (day, size, from);
    let mails = [mail(10.0, 5.0, "ann"), mail(80.0, 2.0, "bob"), mail(90.0, 4.0, "ann"), mail(95.0, 9.0, "ann")];
    let fields: Vec<[(&str, Cell); 2]> =
        mails.iter().map(|(_, size, from)| [("size", Cell::Number(*size)), ("from", Cell::Category(from))]).collect();
    let mut events: Vec<Given> =
        mails.iter().zip(&fields).map(|((day, ..), fields)| (*day, "mail", fields.as_slice())).collect();
    events.push((100.0, "mail", &fields[0]));
    events.push((50.0, "call", &[]));
    let thirds = -(2.0 / 3.0_f64) * (2.0 / 3.0_f64).ln() - (1.0 / 3.0_f64) * (1.0 / 3.0_f64).ln();
    // the least squares line through days 0, 10, 15 and sizes 2, 4, 9
    let slope = {
        let (days, sizes) = ([0.0, 10.0, 15.0], [2.0, 4.0, 9.0]);
        let (day, size) = (25.0 / 3.0, 5.0);
        let across: f64 = days.iter().zip(sizes).map(|(d, s)| (d - day) * (s - size)).sum();
        across / days.iter().map(|d: &f64| (d - day).powi(2)).sum::<f64>()
    };
    let cases = [
        ("aggregate = \"count\"", 4.0),
        ("aggregate = \"count\"\nwindow = \"30d\"", 3.0),
        ("aggregate = \"count\"\nwindow = \"120h\"", 1.0),
        ("aggregate = \"sum\"\nvalue = \"size\"\nwindow = \"4w\"", 15.0),
        ("aggregate = \"mean\"\nvalue = \"size\"", 5.0),
        ("aggregate = \"least\"\nvalue = \"size\"", 2.0),
        ("aggregate = \"most\"\nvalue = \"size\"\nwindow = \"15d\"", 9.0),
        ("aggregate = \"last\"\nvalue = \"size\"", 9.0),
        ("aggregate = \"trend\"\nvalue = \"size\"\nwindow = \"30d\"", slope),
        ("aggregate = \"distinct\"\nvalue = \"from\"", 2.0),
        ("aggregate = \"entropy\"\nvalue = \"from\"\nwindow = \"30d\"", thirds),
        ("aggregate = \"timeSince\"", 5.0),
        ("aggregate = \"timeSince\"\nwhere = [{ field = \"from\", is = \"bob\" }]", 20.0),
        ("aggregate = \"count\"\nwhere = [{ field = \"size\", atLeast = 4 }, { field = \"size\", atMost = 5 }]", 2.0),
        ("aggregate = \"share\"\nof = [{ field = \"from\", oneOf = [\"ann\", \"eve\"] }]", 0.75),
        // 2 in 10 days against 3 in 30
        ("aggregate = \"ratio\"\nwindow = \"10d\"\nagainst = \"30d\"", 2.0),
        ("aggregate = \"last\"\nvalue = \"size\"\nrelative = true", 1.0),
        // a gap of 5 among gaps of 70, 10 and 5
        ("aggregate = \"timeSince\"\nrelative = true", 0.5 / 3.0),
    ];
    for (rest, value) in cases {
        let found = read(&feature(rest), &events)[0];
        assert!((found - value).abs() < 1e-12, "{rest}: {found} {value}");
    }
    for rest in [
        "aggregate = \"mean\"\nvalue = \"size\"",
        "aggregate = \"timeSince\"",
        "aggregate = \"trend\"\nvalue = \"size\"",
    ] {
        assert!(read(&feature(rest), &[])[0].is_nan(), "{rest}");
    }
    assert_eq!(read(&feature("aggregate = \"count\""), &[]), [0.0]);
}

#[test]
fn declarations_that_cannot_be_are_refused() {
    let cases = [
        ("aggregate = \"sum\"", "needs a value"),
        ("aggregate = \"count\"\nvalue = \"size\"", "takes no value"),
        ("aggregate = \"count\"\nwindow = \"30\"", "is not all"),
        ("aggregate = \"count\"\nwindow = \"-3d\"", "is not all"),
        ("aggregate = \"count\"\nwindow = \"é\"", "is not all"),
        ("aggregate = \"count\"\nwindow = \"9999999999999999d\"", "is not all"),
        ("aggregate = \"ratio\"\nwindow = \"30d\"\nagainst = \"10d\"", "a longer one"),
        ("aggregate = \"count\"\nagainst = \"10d\"", "belongs to ratio"),
        ("aggregate = \"share\"", "needs it"),
        ("aggregate = \"count\"\nrelative = true", "can be relative"),
        ("aggregate = \"count\"\nwhere = [{ field = \"a\" }]", "needs one of"),
        ("aggregate = \"guess\"", "unknown variant"),
        ("aggregate = \"count\"\nwidow = \"3d\"", "unknown field"),
    ];
    for (rest, problem) in cases {
        let refused = Program::compile(&format!("entity = \"deal\"\n{}", feature(rest)));
        let said = refused.expect_err(rest).to_string();
        assert!(said.contains(problem), "{rest}: {said}");
    }
    let twice = format!("entity = \"deal\"\n{0}{0}", feature("aggregate = \"count\""));
    assert!(Program::compile(&twice).is_err());
}

const SHIPPED: [&str; 2] =
    [include_str!("../../../assets/features/deal.toml"), include_str!("../../../assets/features/customer.toml")];

#[test]
fn shipped_declarations_compile() {
    for text in SHIPPED {
        let program = Program::compile(text).expect("a declaration");
        assert!(program.features().count() >= 18 && !program.events().is_empty());
    }
}

#[test]
fn live_features_refuse_the_past() {
    let mut live = Live::new(program(&feature("aggregate = \"count\"\nwindow = \"1d\"")));
    live.push(1, 5 * DAY, "mail", &[]);
    assert!(live.features(1, 5 * DAY).is_err());
    assert_eq!(live.features(1, 5 * DAY + 1).ok(), Some(vec![1.0]));
    live.forget(1);
    assert_eq!(live.features(1, 5 * DAY + 1).ok(), Some(vec![0.0]));
}

#[derive(Clone, Debug)]
struct Made {
    entity: u64,
    time: i64,
    kind: usize,
    size: Option<f64>,
    word: usize,
    yes: bool,
}

fn any_events() -> impl Strategy<Value = Vec<Made>> {
    let size = prop_oneof![Just(None), (-5.0..5.0_f64).prop_map(Some), Just(Some(f64::NAN)), Just(Some(1e300))];
    let event = (0..3_u64, 0..400 * DAY, 0..16_usize, size, 0..4_usize, any::<bool>());
    let made = |(entity, time, kind, size, word, yes)| Made { entity, time, kind, size, word, yes };
    proptest::collection::vec(event.prop_map(made), 0..60)
}

/// Fields under every name that the declarations look at.
fn fields<'a>(program: &Program, made: &'a Made) -> Vec<(String, Cell<'a>)> {
    const WORDS: [&str; 4] = ["decision_maker", "urgent", "low", "ann"];
    let size = made.size.map_or(Cell::Missing, Cell::Number);
    let names = program.fields.iter().map(|name| {
        let cell = match name.as_str() {
            "person" | "product" | "role" | "priority" => Cell::Category(WORDS[made.word]),
            "automatic" | "held" | "forward" => Cell::YesNo(made.yes),
            _ => size.clone(),
        };
        (name.clone(), cell)
    });
    names.collect()
}

fn push(program: &mut Program, log: &mut Log, made: &Made) {
    let fields = fields(program, made);
    let fields: Vec<(&str, Cell)> = fields.iter().map(|(name, cell)| (name.as_str(), cell.clone())).collect();
    let kind = program.kinds[made.kind % program.kinds.len()].clone();
    log.push(program, made.entity, made.time, &kind, &fields);
}

fn bits(table: &crate::table::Table) -> Vec<u64> {
    let columns = (0..table.features().len()).map(|place| table.column(place));
    columns.flat_map(|column| (0..table.rows()).map(|row| column.number(row).to_bits())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_future_changes_nothing(mut events in any_events(), others in any_events(), moment in 0..400 * DAY, seed in any::<u64>(), which in 0..2_usize) {
        let asks: Vec<Ask> = (0..3).map(|entity| Ask { entity, moment }).collect();
        let read = |events: &[Made]| {
            let mut program = Program::compile(SHIPPED[which]).expect("a declaration");
            let mut log = Log::new(&program);
            events.iter().for_each(|made| push(&mut program, &mut log, made));
            bits(&program.table(&log, &asks))
        };
        let before = read(&events);
        // another future, in another order, and the past where it was
        let (past, _): (Vec<Made>, Vec<Made>) = events.drain(..).partition(|made| made.time < moment);
        let mut future: Vec<Made> = others.into_iter().filter(|made| made.time >= moment).collect();
        let mut chance = Chance::new(seed);
        chance.shuffle(&mut future);
        let mut mixed = Vec::new();
        for made in past {
            mixed.push(made);
            mixed.extend(chance.next().is_multiple_of(2).then(|| future.pop()).flatten());
        }
        mixed.extend(future);
        prop_assert_eq!(read(&mixed), before);
    }

    #[test]
    fn bulk_and_live_give_the_same_bits(events in any_events(), which in 0..2_usize) {
        let mut program = Program::compile(SHIPPED[which]).expect("a declaration");
        let mut live = Live::new(program.clone());
        let mut log = Log::new(&program);
        let moment = 400 * DAY;
        for made in &events {
            push(&mut program, &mut log, made);
            let fields = fields(&program, made);
            let fields: Vec<(&str, Cell)> = fields.iter().map(|(name, cell)| (name.as_str(), cell.clone())).collect();
            live.push(made.entity, made.time, &program.kinds[made.kind % program.kinds.len()], &fields);
        }
        for entity in 0..3 {
            let bulk = bits(&program.table(&log, &[Ask { entity, moment }]));
            let one: Vec<u64> = live.features(entity, moment).expect("later").into_iter().map(f64::to_bits).collect();
            prop_assert_eq!(bulk, one);
        }
    }

    #[test]
    fn any_text_is_a_declaration_or_refused(text in "(entity = \"d\"\n)?(\\[\\[feature\\]\\]\n)?[a-z=\" \n\\[\\]0-9]{0,80}") {
        let _ = Program::compile(&text);
    }
}
