//! Training as a job: broken off anywhere and resumed, cancelled, and given checkpoints that are not its own.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use serde_json::Value;

use crate::LearnError;
use crate::choose::{Settings, Training};
use crate::table::Table;
use crate::tests::{all, rules, sample};

fn settings(threads: usize) -> Settings {
    Settings { folds: 2, threads, rules: Some(rules(&[("days", 1.0, 10.0)])), ..Settings::default() }
}

fn saved(training: Training) -> Vec<u8> {
    training.finish().expect("finishes").save().expect("saves")
}

/// Checkpoints after every step, the one before the first step included, each taken by a training that was itself
/// resumed from the one before.
fn cuts(table: &Table, rows: &[u32], settings: &Settings) -> Vec<Vec<u8>> {
    let mut cuts = vec![Training::start(table, rows, settings).expect("starts").checkpoint().expect("saves")];
    loop {
        let last = &cuts[cuts.len() - 1];
        let mut training = Training::resume(table, rows, settings, last).expect("its own checkpoint");
        if !training.step().expect("steps") {
            assert_eq!(training.progress().0, training.progress().1);
            return cuts;
        }
        cuts.push(training.checkpoint().expect("saves"));
    }
}

#[test]
fn a_training_cut_at_every_step_ends_as_one_that_was_not() {
    for (table, steps) in [(sample(40, 3), 60), (sample(240, 3), 25)] {
        let rows = all(&table);
        let (one, two) = (settings(1), settings(2));
        let whole = saved(Training::start(&table, &rows, &one).expect("starts"));
        let cuts = cuts(&table, &rows, &one);
        let training = Training::resume(&table, &rows, &one, &cuts[1]).expect("resumes");
        assert_eq!(training.progress(), (1, cuts.len() - 1), "a step is a unit");
        assert!(cuts.len() > steps, "{}", cuts.len());
        // the checkpoint itself does not tell how often it was broken off
        let last = cuts.last().expect("one");
        assert_eq!(saved(Training::resume(&table, &rows, &two, last).expect("resumes")), whole);
        for cut in cuts.iter().step_by(if table.rows() < 100 { 1 } else { 9 }) {
            let resumed = Training::resume(&table, &rows, &two, cut).expect("resumes with other threads");
            assert_eq!(saved(resumed), whole);
        }
    }
}

#[test]
fn many_rows_are_compared_on_a_sample_and_all_are_learned_from() {
    let table = sample(400, 5);
    let rows = all(&table);
    let few = Settings { compared_rows: 130, ..settings(1) };
    let mut training = Training::start(&table, &rows, &few).expect("starts");
    while training.step().expect("steps") {}
    let choice = training.choice().expect("all were tried");
    assert_eq!(choice.outcome.len(), 130);
    let share = choice.outcome.iter().filter(|yes| **yes).count() as f64 / 130.0;
    let all = table.outcome().expect("known").iter().filter(|yes| **yes).count() as f64 / 400.0;
    assert!((share - all).abs() < 0.1, "{share} {all}");
    let scorer: Value = serde_json::from_slice(&saved(training)).expect("JSON");
    assert_eq!(scorer["rows"], 400);
}

#[test]
fn progress_rises_by_one_and_a_cancelled_training_stops_there() {
    let table = sample(40, 3);
    let (rows, settings) = (all(&table), settings(1));
    let seen = AtomicUsize::new(0);
    let heed = |done: usize, of: usize| {
        let before = seen.swap(done, Ordering::Relaxed);
        assert!((before..=before + 1).contains(&done) && of == 61, "{before} {done} {of}");
        done < 7
    };
    let cancelled = Training::start(&table, &rows, &settings).expect("starts").run(&heed);
    assert!(matches!(cancelled, Err(LearnError::Cancelled)) && seen.into_inner() == 7);
}

/// A fit is broken off between two trees, and what comes after is as if it had never begun.
#[test]
fn a_step_is_cancelled_within_a_fit_and_done_anew() {
    let table = sample(240, 3);
    let (rows, two) = (all(&table), settings(2));
    let whole = saved(Training::start(&table, &rows, &two).expect("starts"));
    let mut training = Training::start(&table, &rows, &two).expect("starts");
    let mut broken_off = 0;
    loop {
        let (asked, before) = (AtomicUsize::new(0), training.progress());
        // few times by a simple model, by trees before each
        let step = training.step_while(&|| asked.fetch_add(1, Ordering::Relaxed) < 30);
        match step {
            Ok(true) => assert!(asked.into_inner() >= 1),
            Ok(false) => break,
            Err(LearnError::Cancelled) => {
                broken_off += 1;
                assert!(asked.into_inner() <= 32, "no tree more than one for each thread");
                assert!(training.progress().0 <= before.0 + 1, "what was broken off is not done");
                assert!(training.step().expect("done anew"));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(broken_off >= 4, "{broken_off}");
    assert_eq!(saved(training), whole);
    let never = Training::start(&table, &rows, &two).expect("starts").run(&|_, _| false);
    assert!(matches!(never, Err(LearnError::Cancelled)));
}

#[test]
fn checkpoints_of_others_are_refused() {
    let table = sample(40, 3);
    let (rows, one) = (all(&table), settings(1));
    let mut training = Training::start(&table, &rows, &one).expect("starts");
    training.step().expect("steps");
    let checkpoint = training.checkpoint().expect("saves");
    let resume = |table: &Table, rows: &[u32], settings: &Settings, bytes: &[u8]| {
        Training::resume(table, rows, settings, bytes).err().expect("refused")
    };
    let other = sample(40, 4);
    assert!(matches!(resume(&other, &rows, &one, &checkpoint), LearnError::OtherCheckpoint(_)));
    assert!(matches!(resume(&table, &rows[1..], &one, &checkpoint), LearnError::OtherCheckpoint(_)));
    let seed = Settings { seed: 2, ..settings(1) };
    assert!(matches!(resume(&table, &rows, &seed, &checkpoint), LearnError::OtherCheckpoint(_)));
    let bare = Settings { rules: None, ..settings(1) };
    assert!(matches!(resume(&table, &rows, &bare, &checkpoint), LearnError::OtherCheckpoint(_)));
    let mut newer = checkpoint.clone();
    newer[16] = 9;
    let newer = resume(&table, &rows, &one, &newer);
    assert!(matches!(newer, LearnError::CheckpointFormat { found: 9, known: 1 }), "{newer}");
    assert!(matches!(resume(&table, &rows, &one, b""), LearnError::NoCheckpoint));
    assert!(matches!(resume(&table, &rows, &one, b"{\"format\":1}"), LearnError::NoCheckpoint));
    assert!(matches!(resume(&table, &rows, &one, &checkpoint[..20]), LearnError::AlteredCheckpoint));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_altered_checkpoint_is_refused(place in any::<prop::sample::Index>(), by in 1..=255_u8, cut in any::<bool>()) {
        let table = sample(30, 3);
        let (rows, settings) = (all(&table), settings(1));
        let mut training = Training::start(&table, &rows, &settings).expect("starts");
        training.step().expect("steps");
        let mut bytes = training.checkpoint().expect("saves");
        let place = place.index(bytes.len());
        if cut { bytes.truncate(place) } else { bytes[place] ^= by }
        prop_assert!(Training::resume(&table, &rows, &settings, &bytes).is_err());
    }
}
