//! What CSV is read as, and what is refused.

use crate::LearnError;
use crate::table::{CsvOptions, Kind};
use crate::tests::{csv, target};

#[test]
fn csv_columns_get_the_kind_of_their_cells() {
    let cases = [
        ("1\n2.5\n-3e2", Kind::Number),
        ("yes\nNo\nTRUE", Kind::YesNo),
        ("0\n1\nNA", Kind::YesNo),
        ("2026-01-01\n2025-12-31T10:00:00Z\n", Kind::Date),
        ("P3D\nPT12H\n", Kind::Duration),
        ("red\n3\nblue", Kind::Category),
        ("inf\n1\n2", Kind::Number),
        ("NA\n\"\"\n", Kind::Category),
    ];
    for (cells, kind) in cases {
        let read = csv(&format!("x\n{cells}\n"), &CsvOptions::default()).expect("readable");
        assert_eq!(read.table.features()[0].kind, kind, "{cells}");
    }
    let read = csv("d,w\n1970-01-03T12:00:00Z,P1DT12H\n", &CsvOptions::default()).expect("readable");
    assert_eq!((read.table.column(0).number(0), read.table.column(1).number(0)), (2.5, 1.5));
    let read = csv("x\n1\ninf\n", &CsvOptions::default()).expect("readable");
    assert!(read.table.column(0).is_missing(1), "an infinity is missing");
}

#[test]
fn csv_targets_are_checked() {
    let read = csv("x,won\n1,yes\n2,no\n3,\n4,no\n", &target("won")).expect("readable");
    assert_eq!((read.table.rows(), read.without_outcome, read.yes.as_deref()), (3, 1, Some("yes")));
    assert_eq!(read.table.outcome().ok(), Some([true, false, false].as_slice()));
    let rarer = csv("x,s\n1,good\n2,good\n3,bad\n", &target("s")).expect("readable");
    assert_eq!(rarer.yes.as_deref(), Some("bad"));
    let wrong = [
        ("x,s\n1,a\n2,b\n3,c\n3,c\n", "s", "values are \"c\", \"a\", \"b\"; say which value counts as yes"),
        ("x,s\n1,a\n", "s", "always has the value \"a\""),
        ("x,s\n1,\n", "s", "is empty"),
        ("x,s\n1,a\n", "t", "no column \"t\""),
        ("x,x\n1,2\n", "x", "2 times"),
        ("", "x", "header"),
        ("x,s\n1,a\n1\n", "s", "line 3"),
        ("x,s\n1,10\n2,20\n3,free\n", "s", "line 4 of column \"s\" has \"free\""),
        ("x,s\n1,10\n2,inf\n3,30\n", "s", "line 3 of column \"s\" has \"inf\""),
    ];
    for (text, name, words) in wrong {
        let refused = csv(text, &target(name)).expect_err("refused").to_string();
        assert!(refused.contains(words), "{text:?}: {refused}");
    }
}

#[test]
fn csv_targets_of_many_numbers_are_amounts() {
    let read = csv("x,worth\n1,10\n2,\n3,-2.5e3\n4,0\n", &target("worth")).expect("readable");
    assert_eq!((read.table.rows(), read.without_outcome, read.yes), (3, 1, None));
    assert_eq!(read.table.amounts().ok(), Some([10.0, -2500.0, 0.0].as_slice()));
    assert!(matches!(read.table.outcome(), Err(LearnError::NoOutcomes)));
    let spans = csv("x,took\n1,P1D\n2,PT12H\n3,P2W\n", &target("took")).expect("readable");
    assert_eq!(spans.table.amounts().ok(), Some([1.0, 0.5, 14.0].as_slice()));
    let said = CsvOptions { yes: Some("3".into()), ..target("stars") };
    let read = csv("x,stars\n1,1\n2,2\n3,3\n", &said).expect("readable");
    assert_eq!(read.table.outcome().ok(), Some([false, false, true].as_slice()));
}
