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
        // over the 90 days since the first mail, the 30 of the window, a week at least
        ("aggregate = \"rate\"", 4.0 / 90.0 * 7.0),
        ("aggregate = \"rate\"\nvalue = \"size\"\nwindow = \"30d\"", 0.5 * 7.0),
        ("aggregate = \"rate\"\nwindow = \"24h\"", 0.0),
        // a text is no number
        ("aggregate = \"sum\"\nvalue = \"from\"", 0.0),
        ("aggregate = \"timeSince\"\nwhere = [{ field = \"from\", is = \"bob\" }]", 20.0),
        ("aggregate = \"count\"\nwhere = [{ field = \"size\", atLeast = 4 }, { field = \"size\", atMost = 5 }]", 2.0),
        ("aggregate = \"share\"\nof = [{ field = \"from\", oneOf = [\"ann\", \"eve\"] }]", 0.75),
        (
            "aggregate = \"share\"\nof = [{ field = \"from\", is = \"ann\" }]\nbelieved = { share = 0.5, events = 4 }",
            5.0 / 8.0,
        ),
        // 2 in 10 days against 3 in 30
        ("aggregate = \"ratio\"\nwindow = \"10d\"\nagainst = \"30d\"", 2.0),
        // against 4 in the 90 since the first
        ("aggregate = \"ratio\"\nwindow = \"10d\"\nagainst = \"all\"", 2.0 / 10.0 * 90.0 / 4.0),
        // of 90 days: 78 to 80, and 86 to 95 in two that overlap
        ("aggregate = \"timeShare\"\nvalue = \"size\"\nopened = \"call\"", 11.0 / 90.0),
        ("aggregate = \"timeShare\"\nvalue = \"size\"\nopened = \"call\"\nwindow = \"12d\"", 7.0 / 12.0),
        // 78 to 80, 86 to 90, and from the last mail on
        (
            "aggregate = \"timeShare\"\nvalue = \"size\"\nopened = \"mail\"\nwhere = [{ field = \"size\", atMost = 4 }]\nbelieved = { share = 0.5, weeks = 2 }",
            (11.0 + 7.0) / (90.0 + 14.0),
        ),
        // no mail in a day, but one call ever
        ("aggregate = \"count\"\nwindow = \"24h\"\norMore = [{ event = \"call\", aggregate = \"count\" }]", 1.0),
        ("aggregate = \"timeSince\"\nwindow = \"24h\"\norMore = [{ event = \"call\", aggregate = \"count\" }]", 1.0),
        ("aggregate = \"last\"\nvalue = \"size\"\nrelative = true", 1.0),
        // a gap of 5 among gaps of 70, 10 and 5
        ("aggregate = \"timeSince\"\nrelative = true", 0.5 / 3.0),
        // 1 in the last 5 days, as in 3 of the 17 times 5 days before, down to the first mail
        ("aggregate = \"count\"\nwindow = \"5d\"\nrelative = true", 15.5 / 17.0),
        // none, as in 8 of the 10 times 8 days before
        (
            "aggregate = \"sum\"\nvalue = \"size\"\nwindow = \"8d\"\nrelative = true\nwhere = [{ field = \"size\", atMost = 5 }]",
            0.4,
        ),
        // 5, as in the days 10 to 40; there is none between
        ("aggregate = \"mean\"\nvalue = \"size\"\nwindow = \"30d\"\nrelative = true", 0.5),
    ];
    for (rest, value) in cases {
        let found = read(&feature(rest), &events)[0];
        assert!((found - value).abs() < 1e-12, "{rest}: {found} {value}");
    }
    for rest in [
        "aggregate = \"mean\"\nvalue = \"size\"",
        "aggregate = \"timeSince\"",
        "aggregate = \"rate\"",
        "aggregate = \"timeShare\"\nvalue = \"size\"\nopened = \"call\"",
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
        ("aggregate = \"distinct\"\nvalue = \"a\"\nrelative = true", "can be relative"),
        ("aggregate = \"count\"\nrelative = true", "needs a window"),
        ("aggregate = \"count\"\nwhere = [{ field = \"a\" }]", "needs one of"),
        ("aggregate = \"timeShare\"\nvalue = \"size\"", "needs it"),
        ("aggregate = \"count\"\nopened = \"call\"", "belongs to timeShare"),
        (
            "aggregate = \"timeShare\"\nvalue = \"a\"\nopened = \"b\"\nbelieved = { share = 0.5, events = 4 }",
            "a number of events or weeks",
        ),
        ("aggregate = \"count\"\norMore = [{ name = \"g\", event = \"call\", aggregate = \"count\" }]", "has no name"),
        ("aggregate = \"count\"\nbelieved = { share = 0.5, events = 4 }", "belongs to share"),
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

const SHIPPED: [&str; 3] = [
    include_str!("../../../assets/features/deal.toml"),
    include_str!("../../../assets/features/customer.toml"),
    include_str!("../../../assets/features/user.toml"),
];

/// What events have beside the fields of their objects; see [`super`].
const DERIVED: [&str; 8] = ["before", "after", "by", "age", "late", "person", "buyingRole", "sentiment"];

/// The names of the fields of a standard object.
fn fields_of(object: &str) -> Vec<String> {
    let path = format!("{}/../../assets/objects/{object}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let declared: toml::Table = toml::from_str(&text).expect("an object");
    let fields = declared["fields"].as_array().expect("fields");
    fields.iter().map(|field| field["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn shipped_declarations_look_at_what_the_objects_have() {
    for text in SHIPPED {
        let program = Program::compile(text).expect("a declaration");
        assert!(fields_of(program.entity()).len() > 3);
        assert!(program.features().all(|feature| feature.theme.is_some() != feature.context), "{}", program.entity());
        for event in program.events() {
            let (object, changed) = event.split_once('.').map_or((event.as_str(), None), |(a, b)| (a, Some(b)));
            let has = fields_of(object);
            assert!(changed.is_none_or(|field| has.iter().any(|have| have == field)), "{event}");
            let kind = program.kind(event);
            let conditions = program
                .tracks
                .iter()
                .filter(|track| track.kind == kind)
                .flat_map(|track| track.conditions.iter().map(|condition| condition.field).chain(track.field));
            for field in conditions.map(|place| program.fields[place].as_str()) {
                assert!(DERIVED.contains(&field) || has.iter().any(|have| have == field), "{event}: {field}");
            }
        }
    }
}

#[test]
fn shipped_declarations_use_every_aggregate() {
    let all: String = SHIPPED.concat();
    let aggregates = "count sum mean least most last trend distinct entropy timeSince rate share ratio timeShare";
    for aggregate in aggregates.split(' ') {
        assert!(all.contains(&format!("aggregate = \"{aggregate}\"")), "{aggregate}");
    }
    assert!(all.contains("relative = true") && all.contains("orMore"));
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

/// What [`golden_live`] saves in format 1.
const GOLDEN: &[u8] = include_bytes!("../fixtures/live-1.bin");

fn golden_program() -> Program {
    program(&format!(
        "{}{}{}",
        feature("window = \"30d\"\naggregate = \"distinct\"\nvalue = \"from\""),
        "[[feature]]\nname = \"g\"\nevent = \"call\"\naggregate = \"sum\"\nvalue = \"minutes\"\n",
        "[[feature]]\nname = \"h\"\nevent = \"call\"\nwhere = [{ field = \"held\", is = true }]\naggregate = \"timeSince\"\n",
    ))
}

fn golden_live() -> Live {
    let mut live = Live::new(golden_program());
    for (entity, day, from) in [(7, 3, "ann"), (7, 20, "bob"), (9, 21, "ann"), (7, 40, "eve")] {
        live.push(entity, day * DAY, "mail", &[("from", Cell::Category(from))]);
        let fields = [("minutes", Cell::Number(day as f64 + 0.1)), ("held", Cell::YesNo(day > 20))];
        live.push(entity, day * DAY + 1, "call", &fields);
    }
    live
}

#[test]
#[ignore = "writes the fixture of the newest format"]
fn write_fixture() {
    std::fs::write("fixtures/live-1.bin", golden_live().save().expect("saves")).expect("writes");
}

#[test]
fn saved_states_of_every_format_are_read() {
    assert_eq!(golden_live().save().expect("saves"), GOLDEN);
    let live = Live::load(golden_program(), GOLDEN).expect("loads");
    assert_eq!(live.features(7, 41 * DAY + 1).expect("later"), [2.0, 3.1 + 20.1 + 40.1, 1.0]);
    assert_eq!(live.features(9, 51 * DAY + 1).expect("later"), [0.0, 21.1, 30.0]);
}

#[test]
fn saved_states_that_cannot_be_used_are_refused() {
    let refused = |program: Program, bytes: &[u8]| Live::load(program, bytes).expect_err("refused").to_string();
    let other = program(&feature("aggregate = \"count\""));
    assert!(refused(other, GOLDEN).contains("another declaration"));
    assert!(refused(golden_program(), b"{}").contains("cut short"));
    assert!(refused(golden_program(), &GOLDEN[..GOLDEN.len() - 1]).contains("cut short"));
    let longer = [GOLDEN, &[0]].concat();
    assert!(refused(golden_program(), &longer).contains("more in it"));
    let mut newer = GOLDEN.to_vec();
    newer[4] = 2;
    assert!(matches!(Live::load(golden_program(), &newer), Err(crate::LearnError::TooNew { found: 2, newest: 1 })));
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
    let event = (0..3_u64, 0..400 * DAY, 0..16_usize, size, 0..8_usize, any::<bool>());
    let made = |(entity, time, kind, size, word, yes)| Made { entity, time, kind, size, word, yes };
    proptest::collection::vec(event.prop_map(made), 0..60)
}

/// Fields under every name that the declarations look at.
fn fields<'a>(program: &Program, made: &'a Made) -> Vec<(String, Cell<'a>)> {
    const WORDS: [&str; 8] = ["decisionMaker", "urgent", "inbound", "held", "usage", "leftCompany", "overdue", "won"];
    let size = made.size.map_or(Cell::Missing, Cell::Number);
    let names = program.fields.iter().map(|name| {
        let cell = match name.as_str() {
            "person" | "buyingRole" | "priority" | "direction" | "status" | "kind" => Cell::Category(WORDS[made.word]),
            "after" if made.yes => Cell::Category(WORDS[made.word]),
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
    fn the_future_changes_nothing(mut events in any_events(), others in any_events(), moment in 0..400 * DAY, seed in any::<u64>(), which in 0..3_usize) {
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
    fn bulk_and_live_give_the_same_bits(events in any_events(), which in 0..3_usize) {
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
    fn a_saved_state_goes_on_as_if_it_had_not_stopped(events in any_events(), stop in 0..60_usize, which in 0..3_usize) {
        let mut whole = Live::new(Program::compile(SHIPPED[which]).expect("a declaration"));
        let mut stopped = whole.clone();
        for (at, made) in events.iter().enumerate() {
            if at == stop {
                let program = Program::compile(SHIPPED[which]).expect("a declaration");
                stopped = Live::load(program, &stopped.save().expect("saves")).expect("loads");
            }
            for live in [&mut whole, &mut stopped] {
                let fields = fields(&live.program, made);
                let fields: Vec<(&str, Cell)> = fields.iter().map(|(name, cell)| (name.as_str(), cell.clone())).collect();
                live.push(made.entity, made.time, &live.program.kinds[made.kind % live.program.kinds.len()].clone(), &fields);
            }
        }
        prop_assert_eq!(whole.save().expect("saves"), stopped.save().expect("saves"));
        for entity in 0..3 {
            let read = |live: &Live| -> Vec<u64> {
                live.features(entity, 400 * DAY).expect("later").into_iter().map(f64::to_bits).collect()
            };
            prop_assert_eq!(read(&whole), read(&stopped));
        }
    }

    #[test]
    fn a_spoiled_state_is_refused_or_read(place in 0..2000_usize, with in any::<u8>(), cut in 0..4000_usize) {
        let mut bytes = GOLDEN.to_vec();
        let place = place % bytes.len();
        bytes[place] = with;
        bytes.truncate(cut.max(1));
        if let Ok(live) = Live::load(golden_program(), &bytes) {
            let _ = live.features(7, i64::MAX);
            let _ = live.features(7, i64::MIN);
        }
    }

    #[test]
    fn any_text_is_a_declaration_or_refused(text in "(entity = \"d\"\n)?(\\[\\[feature\\]\\]\n)?[a-z=\" \n\\[\\]0-9]{0,80}") {
        let _ = Program::compile(&text);
    }
}
