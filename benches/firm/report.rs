//! The figures as a table with verdicts, and as JSON.

use std::fmt::Write;

use aplomb_learn::trust::Metrics;
use serde_json::{Value, json};

use crate::bookings::Quarter;
use crate::churn::ChurnFigures;
use crate::deals::DealFigures;

/// All figures of one seed.
pub struct Run {
    pub seed: u64,
    pub opened: usize,
    pub events: usize,
    pub deals: DealFigures,
    pub churn: ChurnFigures,
    pub quarters: Vec<Quarter>,
    pub seconds: f64,
}

/// Off by so much a forecast is still near.
const NEAR: f64 = 0.1;

impl Run {
    /// The share of quarters told to within a tenth, by a way of telling.
    pub fn near(&self, told: impl Fn(&Quarter) -> f64) -> f64 {
        let near = self.quarters.iter().filter(|quarter| quarter.off(told(quarter)) <= NEAR).count();
        near as f64 / self.quarters.len().max(1) as f64
    }

    fn mean_off(&self, told: impl Fn(&Quarter) -> f64) -> f64 {
        self.quarters.iter().map(|quarter| quarter.off(told(quarter))).sum::<f64>() / self.quarters.len().max(1) as f64
    }

    fn held(&self) -> f64 {
        self.quarters.iter().filter(|quarter| quarter.held()).count() as f64 / self.quarters.len().max(1) as f64
    }
}

/// A line of the table: what, the figure of a run, and the least share that is the goal.
struct Line {
    what: &'static str,
    figure: fn(&Run) -> f64,
    unit: Unit,
    goal: Option<f64>,
}

#[derive(Clone, Copy)]
enum Unit {
    Percent,
    Plain,
    Count,
}

const fn line(what: &'static str, unit: Unit, figure: fn(&Run) -> f64) -> Line {
    Line { what, figure, unit, goal: None }
}

fn auc(metrics: &Metrics) -> f64 {
    metrics.auc.unwrap_or(f64::NAN)
}

const LINES: [Line; 35] = [
    line("deals opened in ten years", Unit::Count, |run| run.opened as f64),
    line("events", Unit::Count, |run| run.events as f64),
    line("deals learned from, as often as looked at", Unit::Count, |run| run.deals.learned as f64),
    line("open deals judged", Unit::Count, |run| run.deals.judged as f64),
    Line { goal: Some(0.9), ..line("true cause among the first 3 reasons", Unit::Percent, |run| run.deals.named) },
    line("- always naming the 3 most frequent", Unit::Percent, |run| run.deals.named_always),
    line("- cause in the direction of the end", Unit::Percent, |run| run.deals.named_toward_end),
    line("- deals whose cause was another in the end", Unit::Percent, |run| run.deals.changed),
    line("deals won: AUC", Unit::Plain, |run| auc(&run.deals.ours)),
    line("- who knows all", Unit::Plain, |run| auc(&run.deals.oracle)),
    line("deals won: Brier", Unit::Plain, |run| run.deals.ours.brier),
    line("- the share of the past", Unit::Plain, |run| run.deals.naive.brier),
    line("- who knows all", Unit::Plain, |run| run.deals.oracle.brier),
    line("deals won: calibration error", Unit::Plain, |run| run.deals.ours.calibration_error),
    line("contracts learned from", Unit::Count, |run| run.churn.learned as f64),
    line("contracts judged", Unit::Count, |run| run.churn.judged as f64),
    line("churn: AUC", Unit::Plain, |run| auc(&run.churn.ours)),
    line("- who knows all", Unit::Plain, |run| auc(&run.churn.oracle)),
    line("churn: Brier", Unit::Plain, |run| run.churn.ours.brier),
    line("- the share of the past", Unit::Plain, |run| run.churn.naive.brier),
    line("- who knows all", Unit::Plain, |run| run.churn.oracle.brier),
    line("churn: calibration error", Unit::Plain, |run| run.churn.ours.calibration_error),
    line("churn: true cause among the first 3 reasons", Unit::Percent, |run| run.churn.named),
    line("silent churn", Unit::Count, |run| run.churn.silent as f64),
    line("- found in the top tenth, 13 weeks before", Unit::Percent, |run| run.churn.silent_found),
    line("- by who knows all", Unit::Percent, |run| run.churn.silent_known),
    line("quarters forecast", Unit::Count, |run| run.quarters.len() as f64),
    Line {
        goal: Some(0.8),
        ..line("bookings within 10 % of truth", Unit::Percent, |run| run.near(|quarter| quarter.told.expected()))
    },
    line("- as the same quarter a year before", Unit::Percent, |run| run.near(|quarter| quarter.naive)),
    line("- by who knows all", Unit::Percent, |run| run.near(|quarter| quarter.oracle)),
    line("bookings off by, on average", Unit::Percent, |run| run.mean_off(|quarter| quarter.told.expected())),
    line("- as the same quarter a year before", Unit::Percent, |run| run.mean_off(|quarter| quarter.naive)),
    line("- by who knows all", Unit::Percent, |run| run.mean_off(|quarter| quarter.oracle)),
    line("80 % interval holds the truth", Unit::Percent, |run| run.held()),
    line("seconds", Unit::Count, |run| run.seconds),
];

fn shown(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Percent => format!("{:.1} %", 100.0 * value),
        Unit::Plain => format!("{value:.3}"),
        Unit::Count => format!("{value:.0}"),
    }
}

/// The table, a row for each figure and a column for each seed, and below it the quarters and an example of reasons.
pub fn text(runs: &[Run]) -> String {
    let mut text = String::from("| |");
    for run in runs {
        let _ = write!(text, " seed {} |", run.seed);
    }
    text.push_str(" goal |\n|---|");
    runs.iter().for_each(|_| text.push_str("---:|"));
    text.push_str("---|\n");
    for line in LINES {
        let values: Vec<f64> = runs.iter().map(line.figure).collect();
        let _ = write!(text, "| {} |", line.what);
        for value in &values {
            let _ = write!(text, " {} |", shown(line.unit, *value));
        }
        let verdict = line.goal.map(|goal| {
            let met = values.iter().filter(|value| **value >= goal).count();
            format!(" {:.0} %: met by {met} of {} |", 100.0 * goal, values.len())
        });
        text.push_str(verdict.as_deref().unwrap_or(" |"));
        text.push('\n');
    }
    for run in runs {
        let _ = writeln!(text, "\nseed {}: deals by {}, churn by {}", run.seed, run.deals.model, run.churn.model);
        let off = run
            .quarters
            .iter()
            .map(|quarter| format!("{:+.0}", 100.0 * (quarter.told.expected() / quarter.came - 1.0)));
        let _ = writeln!(text, "  quarters off by %: {}", off.collect::<Vec<_>>().join(" "));
        for (cause, deals, named) in &run.deals.by_cause {
            let _ = writeln!(text, "  {cause}: strongest in {deals} deals, named in {:.0} %", 100.0 * named);
        }
        let _ = writeln!(text, "  reasons of a lost deal: {}", run.deals.example.join("; "));
    }
    if let Some(peak) = peak_memory() {
        let _ = writeln!(text, "\npeak memory {peak} MB");
    }
    text
}

pub fn json(runs: &[Run]) -> Value {
    let one = |run: &Run| {
        let figures = LINES.iter().scan("", |above, line| {
            // a line that begins with a dash belongs to the one above
            let name = match line.what.strip_prefix("- ") {
                Some(rest) => format!("{above}: {rest}"),
                None => {
                    *above = line.what;
                    line.what.to_owned()
                }
            };
            Some((name, json!((line.figure)(run))))
        });
        let quarters = run.quarters.iter().map(|quarter| {
            json!({
                "quarter": quarter.place,
                "told": quarter.told.expected(),
                "low": quarter.interval.low,
                "high": quarter.interval.high,
                "came": quarter.came,
            })
        });
        json!({
            "seed": run.seed,
            "figures": figures.collect::<serde_json::Map<_, _>>(),
            "quarters": quarters.collect::<Vec<_>>(),
        })
    };
    json!({ "runs": runs.iter().map(one).collect::<Vec<_>>(), "peakMegabytes": peak_memory() })
}

/// Of this process, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().split(' ').next()?.parse().ok()?;
    Some(kilobytes / 1024)
}
