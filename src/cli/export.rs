//! `aplomb export`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use aplomb_connect::ExportFormat;
use aplomb_model::Query;
use clap::{Args, ValueEnum};

use super::data::{self, DataArgs};
use super::remote::{Remote, RemoteArgs};
use super::{Misused, log};

#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    server: RemoteArgs,
    /// Which object, e.g. `contact`
    #[arg(long, env = "APLOMB_OBJECT", value_name = "NAME")]
    object: Option<String>,
    /// Every object, each into a file of its own; PATH is a directory then
    #[arg(long, env = "APLOMB_ALL", conflicts_with = "object")]
    all: bool,
    /// What is written
    #[arg(long, env = "APLOMB_FORMAT", value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// File, or `-` for stdout; a directory with `--all`
    #[arg(short, long, env = "APLOMB_OUTPUT", value_name = "PATH")]
    output: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Csv,
    Jsonl,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
        }
    }
}

/// Where records come from.
enum Source {
    Data(Box<aplomb_serve::data::Open>),
    Server(Remote),
}

impl Export {
    pub fn run(self) -> Result<ExitCode> {
        log::for_command();
        if self.object.is_none() && !self.all {
            return Err(Misused("give --object NAME or --all").into());
        }
        let source = match self.server.connect()? {
            Some(remote) => Source::Server(remote),
            None => Source::Data(Box::new(self.data.open()?)),
        };
        let done = self.write(&source);
        if let Source::Data(open) = &source {
            open.crm.close();
        }
        done.map(|()| ExitCode::SUCCESS)
    }

    fn write(&self, source: &Source) -> Result<()> {
        let Some(object) = &self.object else {
            fs::create_dir_all(&self.output).with_context(|| self.output.display().to_string())?;
            for object in source.objects()? {
                let path = self.output.join(format!("{object}.{}", self.format.name()));
                self.to_file(source, &object, &path)?;
            }
            return Ok(());
        };
        match self.output.as_os_str() == "-" {
            true => source.write(object, self.format, &mut io::stdout().lock()),
            false => self.to_file(source, object, &self.output),
        }
    }

    /// The file appears when it is complete.
    fn to_file(&self, source: &Source, object: &str, path: &Path) -> Result<()> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let mut out = BufWriter::new(File::create(&part).with_context(|| part.display().to_string())?);
        let written = source.write(object, self.format, &mut out).and_then(|()| Ok(out.flush()?));
        written.inspect_err(|_| drop(fs::remove_file(&part)))?;
        fs::rename(&part, path).with_context(|| path.display().to_string())?;
        eprintln!("{}", path.display());
        Ok(())
    }
}

impl Source {
    fn objects(&self) -> Result<Vec<String>> {
        match self {
            Source::Data(open) => {
                let objects = open.crm.objects(&data::ctx("cli: export"))?;
                Ok(objects.iter().filter(|object| !object.internal).map(|object| object.name.clone()).collect())
            }
            Source::Server(remote) => {
                let answer = remote.get("/objects")?;
                let objects = answer.get("objects").and_then(|list| list.as_array()).context("no objects came back")?;
                let exported = objects.iter().filter(|object| object.get("internal").is_none_or(|yes| yes == false));
                Ok(exported.filter_map(|object| object.get("name")?.as_str().map(str::to_owned)).collect())
            }
        }
    }

    fn write(&self, object: &str, format: Format, out: &mut dyn Write) -> Result<()> {
        match self {
            Source::Data(open) => {
                let format = match format {
                    Format::Csv => ExportFormat::Csv,
                    Format::Jsonl => ExportFormat::Jsonl,
                };
                aplomb_connect::export(&open.crm, &data::ctx("cli: export"), object, &Query::default(), format, out)?;
                Ok(())
            }
            Source::Server(remote) => {
                remote.download(&format!("/export/{object}?format={}", format.name()), out).map(drop)
            }
        }
    }
}
