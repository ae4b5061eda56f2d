//! Whether the answers are right. A wrong one is told at once and fails the benchmark at its end.

use crate::questions::{Order, Question, ROWS, Typo};
use crate::subject::{Page, PageRow};

pub struct Checks {
    subject: &'static str,
    right: usize,
    wrong: usize,
}

impl Checks {
    pub fn new(subject: &'static str) -> Checks {
        Checks { subject, right: 0, wrong: 0 }
    }

    pub fn that(&mut self, right: bool, wrong: impl FnOnce() -> String) {
        if right {
            self.right += 1;
        } else {
            self.wrong += 1;
            eprintln!("  WRONG: {}", wrong());
        }
    }

    /// True when nothing was wrong.
    pub fn done(&self) -> bool {
        println!("{}: {} answers checked, {} wrong", self.subject, self.right + self.wrong, self.wrong);
        self.wrong == 0
    }

    /// `count` and the keys of the `first` rows are what was counted while the file was written.
    pub fn list(&mut self, question: &Question, page: &Page, count: u64, first: &[i64]) {
        self.that(page.total == count, || format!("{question:?} counts {} instead of {count}", page.total));
        let rows = page.rows.len();
        self.that(rows as u64 == count.min(ROWS as u64), || format!("{question:?} has {rows} rows on its first page"));
        let fit = page.rows.iter().all(|r| fits(question, r));
        self.that(fit, || format!("{question:?} has rows that its filter excludes"));
        let keys = |key: fn(&PageRow) -> i64| page.rows.iter().map(key).collect::<Vec<_>>() == first;
        let sorted = match question.order {
            Order::Name => sorted_by_name(page),
            Order::ValueFalling => keys(|r| r.value),
            Order::Renewal => keys(|r| r.renewal),
        };
        self.that(sorted, || format!("{question:?} does not begin with the right rows"));
    }

    pub fn newest(&mut self, page: &Page) {
        let full = page.rows.len() == ROWS;
        let sorted = page.rows.is_sorted_by(|a, b| a.created >= b.created);
        self.that(full && sorted, || "the newest contacts are not sorted by their time".to_owned());
    }

    /// The best hit is a person of the name that was meant.
    pub fn search(&mut self, typo: &Typo, found: &[String]) {
        let best = found.first().map(|name| name.to_lowercase()).unwrap_or_default();
        let right = [typo.first, typo.last].iter().all(|name| best.contains(&name.to_lowercase()));
        self.that(right, || format!("the search for {} finds {:?} first", typo.typed, found.first()));
    }
}

fn fits(question: &Question, row: &PageRow) -> bool {
    question.country.is_none_or(|c| c == row.country)
        && question.lifecycle.is_none_or(|l| l == row.lifecycle)
        && question.segment.is_none_or(|s| s == row.segment)
        && question.seats.is_none_or(|s| row.seats >= f64::from(s))
}

/// Servers differ in how they order accents, marks and capitals: names without them must be in order.
fn sorted_by_name(page: &Page) -> bool {
    let plain = |name: &str| name.chars().skip(1).all(|c| c.is_ascii_lowercase()) && name.is_ascii();
    let names = page.rows.iter().filter(|r| plain(&r.last) && plain(&r.first));
    names.map(|r| (r.last.as_str(), r.first.as_str())).is_sorted()
}

/// Whether a name is one of the row's, in whatever case.
pub fn is_named(row: &PageRow, name: &str) -> bool {
    [&row.first, &row.last].iter().any(|n| n.to_lowercase().contains(name))
}
