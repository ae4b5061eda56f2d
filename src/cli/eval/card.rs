//! The model card of a user's own CSV file: of a yes or no, or of an amount.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use aplomb_learn::LearnError;
use aplomb_learn::choose::{AmountCard, Card, Influence, Settings};
use aplomb_learn::table::{CsvOptions, CsvTable, Feature, Kind, read_csv};
use aplomb_learn::trust::{AmountMetrics, Leak, LearningCurve, Verdict, number_text};
use serde_json::json;

use super::steps;

/// Features that are shown, of those that move the scores.
const SHOWN: usize = 10;

pub fn print(file: &Path, options: &CsvOptions, settings: &Settings, as_json: bool) -> Result<()> {
    let source = File::open(file).with_context(|| format!("{} cannot be opened", file.display()))?;
    let read = read_csv(source, options).map_err(with_flag).with_context(|| file.display().to_string())?;
    let CsvTable { table, yes, without_outcome } = read;
    let in_file = || file.display().to_string();
    if table.amounts().is_ok() {
        let card = AmountCard::make(table, settings, &steps).with_context(in_file)?;
        if as_json {
            println!("{}", json!({"withoutOutcome": without_outcome, "card": card}));
        } else {
            print_amounts(&card, options.target.as_deref().unwrap_or("amount"), without_outcome);
        }
    } else {
        let card = Card::make(table, settings, &steps).with_context(in_file)?;
        if as_json {
            println!("{}", json!({"yes": yes, "withoutOutcome": without_outcome, "card": card}));
        } else {
            print_outcomes(&card, yes.as_deref().unwrap_or("yes"), without_outcome);
        }
    }
    Ok(())
}

fn with_flag(error: LearnError) -> anyhow::Error {
    match error {
        LearnError::NeitherOutcomeNorAmount { .. } => anyhow!("{error} (--yes VALUE)"),
        error => error.into(),
    }
}

fn print_outcomes(card: &Card, yes: &str, without_outcome: usize) {
    println!("{} rows, {} of them \"{yes}\", {} features", card.rows, card.yes, card.features);
    print_left_out(&card.left_out, without_outcome, "an outcome");
    println!("model: {}, learned from {} rows", card.model, card.learned_from);
    if let Some(held) = &card.held_out {
        let auc = held.auc.map_or("none".to_owned(), |auc| format!("{auc:.3} ± {:.3}", held.auc_margin.unwrap_or(0.0)));
        println!(
            "on {} rows held out: AUC {auc}, Brier {:.4}, calibration error {:.4} ({:.4} would be chance)",
            held.rows, held.brier, held.calibration_error, held.calibration_noise
        );
    }
    print_verdict(&card.verdict, card.learning_curve.as_ref());
    if !card.candidates.is_empty() {
        println!("\nwhat was tried, on rows that the models did not learn from:");
    }
    for candidate in &card.candidates {
        let auc = candidate.metrics.auc.unwrap_or(0.5);
        println!("  {:<40} AUC {auc:.3}  {}", candidate.recipe.name(), candidate.decision);
    }
    print_influences("what moves the scores most (log-odds, on average)", &card.influences, |strength| {
        format!("{strength:.3}")
    });
}

fn print_amounts(card: &AmountCard, target: &str, without_outcome: usize) {
    println!("{} rows, {} features", card.rows, card.features);
    let [least, median, mean, most] =
        [card.amounts.least, card.amounts.median, card.amounts.mean, card.amounts.most].map(amount);
    println!("\"{target}\" is an amount from {least} to {most}, median {median}, mean {mean}");
    print_left_out(&card.left_out, without_outcome, "an amount");
    println!("model: {}, learned from {} rows", card.model, card.learned_from);
    if let Some(held) = &card.held_out {
        print_errors(held);
    }
    print_verdict(&card.verdict, card.learning_curve.as_ref());
    if !card.candidates.is_empty() {
        println!("\nwhat was tried, on rows that the models did not learn from:");
    }
    for candidate in &card.candidates {
        println!("  {:<40} RMSE {}  {}", candidate.model, amount(candidate.rmse), candidate.decision);
    }
    print_influences("what moves the estimates most (on average)", &card.influences, amount);
}

fn print_errors(held: &AmountMetrics) {
    let share = |share: Option<f64>| share.map_or("none".to_owned(), |share| format!("{share:.3}"));
    println!("on {} rows held out:", held.rows);
    let line = |name: &str, ours: f64, naive: f64, of: &str| {
        println!("  {name:<28} {:>12}    {:>12} by the {of} of the past", amount(ours), amount(naive));
    };
    line("mean absolute error", held.mae, held.naive_mae, "median");
    line("root mean squared error", held.rmse, held.naive_rmse, "mean");
    println!("  {:<28} {:>12}    {:>12} by the mean of these rows", "R²", share(held.r_squared), 0);
    println!("  {:<28} {:>12}", "share of variance followed", share(held.explained_variance));
    println!("  {:<28} {:>12}    ± {}", "mean error", amount(held.bias), amount(held.bias_margin));
    if let (Some(kept), Some(width)) = (held.held, held.width) {
        let (kept, cover) = (format!("{:.1} %", kept * 100.0), held.cover * 100.0);
        println!(
            "  {:<28} {kept:>12}    {cover:.0} % promised; {} wide on average",
            "held by the interval",
            amount(width)
        );
    }
}

fn print_left_out(left_out: &[Leak], without_outcome: usize, what: &str) {
    if without_outcome > 0 {
        let (rows, were) = if without_outcome == 1 { ("row", "was") } else { ("rows", "were") };
        println!("{without_outcome} {rows} without {what} {were} left out");
    }
    for leak in left_out {
        println!("left out: {}", leak.sentence());
    }
}

fn print_verdict(verdict: &Verdict, curve: Option<&LearningCurve>) {
    println!("verdict: {}: {}", verdict.grade.word(), verdict.reasons.join("; "));
    if let Some(curve) = curve {
        println!("\n{} by rows learned from, on the rows held out:", curve.measure.word());
        for point in &curve.points {
            println!("  {:>10} {:.3}", point.rows, point.mean());
        }
    }
}

fn print_influences(title: &str, influences: &[Influence], text: impl Fn(f64) -> String) {
    if !influences.is_empty() {
        println!("\n{title}:");
    }
    for influence in influences.iter().take(SHOWN) {
        println!("  {:<40} {}", influence.feature, text(influence.strength));
    }
}

fn amount(value: f64) -> String {
    number_text(&Feature::new("", Kind::Number), value)
}
