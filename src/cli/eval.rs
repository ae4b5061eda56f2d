//! `aplomb eval`: the models against the references on public data sets, and the model card of a user's own CSV file.
//! The sets are brought by `deploy/eval/fetch`, which is run when they are missing and the command stands in a checkout;
//! the references' figures come from `deploy/eval/reference`. All else opens files only.

mod binary;
mod card;
mod fetch;
mod groups;
mod suites;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use aplomb_learn::choose::Settings;
use aplomb_learn::table::CsvOptions;
use clap::{Args, ValueEnum};

use super::log;

#[derive(Args)]
pub struct Eval {
    /// The suite to measure; all when missing
    #[arg(value_enum, conflicts_with = "csv")]
    suite: Option<Suite>,
    /// Where the sets are; those that are missing are brought by `deploy/eval/fetch` of the checkout that one stands in
    #[arg(long, env = "APLOMB_EVAL_SETS", value_name = "DIR", default_value = "eval-sets")]
    sets: PathBuf,
    /// A CSV file of your own with a header, instead of a suite
    #[arg(long, env = "APLOMB_EVAL_CSV", value_name = "FILE", requires = "target")]
    csv: Option<PathBuf>,
    /// Its column with what is to be predicted: an outcome of two values, or an amount
    #[arg(long, env = "APLOMB_EVAL_TARGET", value_name = "COLUMN", requires = "csv")]
    target: Option<String>,
    /// The outcome's value that counts as yes; the rarer one when missing
    #[arg(long, env = "APLOMB_EVAL_YES", value_name = "VALUE", requires = "csv")]
    yes: Option<String>,
    /// Its column with the time of prediction: the model is then tested on later rows than it learned from
    #[arg(long, env = "APLOMB_EVAL_TIME", value_name = "COLUMN", requires = "csv")]
    time: Option<String>,
    /// Its column whose equal values belong together, as the rows of one customer do
    #[arg(long, env = "APLOMB_EVAL_GROUP", value_name = "COLUMN", requires = "csv")]
    group: Option<String>,
    /// A column to leave out
    #[arg(long, env = "APLOMB_EVAL_IGNORE", value_name = "COLUMN", requires = "csv")]
    ignore: Vec<String>,
    /// Threads to use; the result does not depend on it
    #[arg(long, env = "APLOMB_EVAL_THREADS", value_name = "N", default_value_t = 2)]
    threads: usize,
    /// Print the result as JSON
    #[arg(long, env = "APLOMB_JSON")]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Suite {
    /// Churn, attrition, credit, lending, default, loans, leads
    Binary,
    /// The same with only 20, 50, 200 and 1,000 outcomes known
    Cold,
    /// Monthly and quarterly series, a year ahead
    Series,
    /// How long until it happens
    Survival,
    /// Purchases and their value, CDNOW
    Customers,
    /// What to offer next, MovieLens
    Recommend,
    /// Clusters, anomalies and odd moments of labelled sets
    Groups,
}

impl Suite {
    /// Of its sets, below that of all.
    fn folder(self) -> &'static str {
        match self {
            Suite::Binary | Suite::Cold => "binary",
            Suite::Series => "series",
            Suite::Survival => "survival",
            Suite::Customers => "customers",
            Suite::Recommend => "recommend",
            Suite::Groups => "groups",
        }
    }
}

impl Eval {
    pub fn run(self) -> Result<ExitCode> {
        log::for_command();
        match &self.csv {
            Some(file) => self.card(file),
            None => {
                // the first days take many minutes: only when asked for
                let usual = |suite: &&Suite| !matches!(suite, Suite::Cold);
                let all = || Suite::value_variants().iter().filter(usual).copied().collect();
                let suites = self.suite.map_or_else(all, |one| vec![one]);
                fetch::missing(&self.sets, suites.iter().map(|suite| suite.folder()))?;
                suites.into_iter().try_for_each(|suite| self.suite(suite))?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    fn suite(&self, suite: Suite) -> Result<()> {
        match suite {
            Suite::Binary => binary::binary(&self.sets, &self.settings(), self.json),
            Suite::Cold => binary::cold(&self.sets, &self.settings(), self.json),
            Suite::Series => suites::series(&self.sets, self.json),
            Suite::Survival => suites::survival(&self.sets, self.settings(), self.json),
            Suite::Customers => suites::customers(&self.sets, self.json),
            Suite::Recommend => suites::recommend(&self.sets, self.json),
            Suite::Groups => groups::groups(&self.sets, self.json),
        }
    }

    fn settings(&self) -> Settings {
        Settings { threads: self.threads.max(1), ..Settings::default() }
    }

    fn card(&self, file: &Path) -> Result<ExitCode> {
        let options = CsvOptions {
            target: self.target.clone(),
            yes: self.yes.clone(),
            time: self.time.clone(),
            group: self.group.clone(),
            ignore: self.ignore.clone(),
        };
        card::print(file, &options, &self.settings(), self.json)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Progress on stderr; never cancels.
fn steps(done: usize, all: usize) -> bool {
    static SHOWN: AtomicUsize = AtomicUsize::new(usize::MAX);
    if SHOWN.swap(done, Ordering::Relaxed) != done {
        eprint!("\r{done} of {all} fits{}", if done == all { "\n" } else { "" });
    }
    true
}
