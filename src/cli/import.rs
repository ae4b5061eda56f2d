//! `aplomb import`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aplomb_connect::{ImportView, Imports, MapTo, Status};
use aplomb_crm::{Ctx, Map};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::data::{self, DataArgs};
use super::log;
use super::remote::{Remote, RemoteArgs};

/// How often progress is looked at.
const STEP: Duration = Duration::from_millis(250);

#[derive(Args)]
pub struct Import {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    server: RemoteArgs,
    /// What the rows are to become, e.g. `contact`
    #[arg(long, env = "APLOMB_OBJECT", value_name = "NAME")]
    object: String,
    /// JSON file: {"Header of the column": "field", ...}, or {"mapping": {...}, "options": {...}}
    #[arg(long, env = "APLOMB_MAP", value_name = "FILE")]
    map: Option<PathBuf>,
    /// Field that tells whether a row is a known record
    #[arg(long = "match", env = "APLOMB_MATCH", value_name = "FIELD")]
    matching: Option<String>,
    /// Check every row and write nothing
    #[arg(long, env = "APLOMB_DRY_RUN")]
    dry_run: bool,
    /// Print the result as JSON
    #[arg(long, env = "APLOMB_JSON")]
    json: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MapFile {
    /// field by header; null leaves the column out
    mapping: BTreeMap<String, Option<String>>,
    #[serde(default)]
    options: Map,
}

/// Where the import runs.
enum Target {
    Data { imports: Imports, ctx: Box<Ctx> },
    Server(Remote),
}

impl Import {
    pub fn run(self) -> Result<ExitCode> {
        log::for_command();
        if !self.file.is_file() {
            bail!("{}: there is no such file", self.file.display());
        }
        if let Some(remote) = self.server.connect()? {
            return self.import(&Target::Server(remote));
        }
        let open = self.data.open()?;
        let target = Target::Data { imports: open.imports.clone(), ctx: Box::new(data::ctx("cli: import")) };
        let done = self.import(&target);
        open.crm.close();
        done
    }

    fn import(&self, target: &Target) -> Result<ExitCode> {
        let mut view = target.start(&self.object, &self.file)?;
        let (mapping, options) = self.changes(&view)?;
        if !mapping.is_empty() || !options.is_empty() {
            view = target.change(&view, &mapping, &options)?;
        }
        if self.dry_run {
            return self.report_check(&target.act(&view, "check")?);
        }
        view = target.act(&view, "commit")?;
        while matches!(view.status, Status::Queued | Status::Running) {
            view = target.wait(&view)?;
            self.progress(&view, false);
        }
        self.progress(&view, true);
        self.report(target, &view)
    }

    /// What `--map` and `--match` say.
    fn changes(&self, view: &ImportView) -> Result<(Vec<MapTo>, Map)> {
        let file = match &self.map {
            None => MapFile::default(),
            Some(path) => read_map(path)?,
        };
        let mut options = file.options;
        if let Some(field) = &self.matching {
            options.insert("match".to_owned(), json!(field));
        }
        let column = |header: &str| view.columns.iter().find(|column| column.header.trim() == header.trim());
        let mapping = file.mapping.into_iter().map(|(header, field)| match column(&header) {
            Some(column) => Ok(MapTo { column: column.index, field }),
            None => bail!("the file has no column {header:?}"),
        });
        Ok((mapping.collect::<Result<_>>()?, options))
    }

    fn progress(&self, view: &ImportView, last: bool) {
        let progress = &view.progress;
        if io::stderr().is_terminal() {
            eprint!("\r{} of {} rows", progress.done, progress.total);
            let _ = if last { writeln!(io::stderr()) } else { io::stderr().flush() };
        }
    }

    fn report_check(&self, view: &ImportView) -> Result<ExitCode> {
        let Some(preview) = &view.preview else { bail!("no check came back") };
        if self.json {
            println!("{}", serde_json::to_string(view)?);
        } else {
            println!(
                "{} rows: would create {}, update {}, skip {}, refuse {}",
                preview.rows, preview.create, preview.update, preview.skip, preview.refused
            );
            preview
                .groups
                .iter()
                .for_each(|g| println!("{} x {}: {}", g.count, g.header.as_deref().unwrap_or("row"), g.detail));
        }
        Ok(if preview.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn report(&self, target: &Target, view: &ImportView) -> Result<ExitCode> {
        let progress = &view.progress;
        let errors = (progress.refused > 0).then(|| self.error_file());
        if let Some(path) = &errors {
            let mut out = File::create(path).with_context(|| path.display().to_string())?;
            target.errors(view, &mut out)?;
        }
        if self.json {
            let mut answer = serde_json::to_value(view)?;
            if let (Json::Object(answer), Some(path)) = (&mut answer, &errors) {
                answer.insert("errorFile".to_owned(), json!(path));
            }
            println!("{answer}");
        } else {
            println!(
                "created {}, updated {}, skipped {}, refused {}",
                progress.created, progress.updated, progress.skipped, progress.refused
            );
        }
        if let Some(path) = &errors {
            eprintln!("refused rows with their reasons: {}", path.display());
        }
        if view.status != Status::Done {
            bail!("the import stopped: {}", view.error.as_deref().unwrap_or("without a reason"));
        }
        Ok(if progress.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// `contacts.csv` gives `contacts.errors.csv` beside it.
    fn error_file(&self) -> PathBuf {
        self.file.with_extension("errors.csv")
    }
}

fn read_map(path: &Path) -> Result<MapFile> {
    let context = || path.display().to_string();
    let text = fs::read_to_string(path).with_context(context)?;
    let json: Json = serde_json::from_str(&text).with_context(context)?;
    let is_whole = json.get("mapping").is_some_and(Json::is_object);
    match is_whole {
        true => serde_json::from_value(json).with_context(context),
        false => Ok(MapFile { mapping: serde_json::from_value(json).with_context(context)?, options: Map::new() }),
    }
}

impl Target {
    fn start(&self, object: &str, file: &Path) -> Result<ImportView> {
        match self {
            Target::Data { imports, ctx } => {
                let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let mut content = File::open(file).with_context(|| file.display().to_string())?;
                Ok(imports.start(ctx, object, &name, &mut content)?)
            }
            Target::Server(remote) => {
                Ok(serde_json::from_value(remote.upload("/imports", &[("object", object)], file)?)?)
            }
        }
    }

    fn change(&self, view: &ImportView, mapping: &[MapTo], options: &Map) -> Result<ImportView> {
        match self {
            Target::Data { imports, ctx } => Ok(imports.set_mapping(ctx, view.id, mapping, options)?),
            Target::Server(remote) => {
                let body = json!({"mapping": mapping, "options": options});
                Ok(serde_json::from_value(remote.call("PATCH", &format!("/imports/{}", view.id), Some(&body))?)?)
            }
        }
    }

    /// `check` or `commit`.
    fn act(&self, view: &ImportView, verb: &str) -> Result<ImportView> {
        match self {
            Target::Data { imports, ctx } if verb == "check" => Ok(imports.check(ctx, view.id)?),
            Target::Data { imports, ctx } => Ok(imports.commit(ctx, view.id)?),
            Target::Server(remote) => {
                Ok(serde_json::from_value(remote.call("POST", &format!("/imports/{}/{verb}", view.id), None)?)?)
            }
        }
    }

    fn wait(&self, view: &ImportView) -> Result<ImportView> {
        match self {
            Target::Data { imports, ctx } => Ok(imports.wait(ctx, view.id, STEP)?),
            Target::Server(remote) => {
                std::thread::park_timeout(STEP);
                Ok(serde_json::from_value(remote.get(&format!("/imports/{}", view.id))?)?)
            }
        }
    }

    fn errors(&self, view: &ImportView, out: &mut dyn Write) -> Result<()> {
        match self {
            Target::Data { imports, ctx } => Ok(imports.errors_csv(ctx, view.id, out)?),
            Target::Server(remote) => remote.download(&format!("/imports/{}/errors.csv", view.id), out).map(drop),
        }
    }
}
