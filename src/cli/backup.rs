//! `aplomb backup`: of a directory at rest or of a running server, whole or what changed since another backup.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use aplomb_model::Seq;
use aplomb_serve::backup::{Packed, pack_at_rest};
use aplomb_store::{Options, Store};
use aplomb_vault::envelope::Recipient;
use aplomb_vault::{DEFAULT_WORK, KeyRing, Unseal};
use clap::Args;
use serde_json::json;

use super::data::{self, DataArgs};
use super::remote::{Remote, RemoteArgs};
use super::{Misused, log};

#[derive(Args)]
pub struct Backup {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    server: RemoteArgs,
    /// Where to write the archive
    #[arg(short, long, env = "APLOMB_OUTPUT", value_name = "FILE.age")]
    output: PathBuf,
    /// age public key that opens the archive; several may be given. Missing: the unseal secret opens it, which with
    /// --server must be an identity
    #[arg(long, env = "APLOMB_RECIPIENT", value_name = "AGE", value_delimiter = ',')]
    recipient: Vec<String>,
    /// Only what changed after this batch: the number that the backup before it printed
    #[arg(long, env = "APLOMB_SINCE", value_name = "SEQ")]
    since: Option<Seq>,
    /// Print the result as JSON
    #[arg(long, env = "APLOMB_JSON")]
    json: bool,
}

/// What was written.
struct Done {
    /// unknown when a server packed them
    files: Option<u64>,
    bytes: u64,
    /// unknown without the unseal secret
    seq: Option<Seq>,
}

impl Backup {
    pub fn run(self) -> Result<ExitCode> {
        log::for_command();
        let remote = self.server.connect()?;
        let mut part = self.output.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let mut out = File::create(&part).with_context(|| part.display().to_string())?;
        let made = match (&remote, self.since) {
            (Some(remote), _) => self.of_server(remote, &mut out),
            (None, Some(since)) => self.increment(since, &mut out),
            (None, None) => self.at_rest(&mut out),
        };
        let made = made.and_then(|done| out.sync_all().map(|()| done).map_err(Into::into));
        let done = made.inspect_err(|_| drop(fs::remove_file(&part)))?;
        fs::rename(&part, &self.output).with_context(|| self.output.display().to_string())?;
        self.report(&done);
        Ok(ExitCode::SUCCESS)
    }

    fn report(&self, done: &Done) {
        if self.json {
            let answer = json!({
                "file": self.output, "files": done.files, "bytes": done.bytes, "since": self.since, "seq": done.seq,
            });
            return println!("{answer}");
        }
        let files = done.files.map_or(String::new(), |files| format!("{files} files, "));
        println!("{}: {files}{} bytes", self.output.display(), done.bytes);
        if let Some(seq) = done.seq {
            println!("up to batch {seq}; what comes after it: aplomb backup --since {seq} ...");
        }
    }

    /// The store's lock is kept while its file is copied.
    fn at_rest(&self, out: &mut File) -> Result<Done> {
        let dir = &self.data.data;
        let Some(lock) = data::lock(dir)? else { bail!("{}: there is no store to back up", dir.display()) };
        let unseal = match self.recipient.is_empty() {
            true => self.data.unseal.given_or_asked()?,
            false => self.data.unseal.given()?,
        };
        let to = self.recipients(unseal.as_ref())?;
        drop(lock);
        let seq = unseal.as_ref().map(|unseal| last_batch(dir, unseal)).transpose()?;
        let lock = data::lock(dir)?;
        let Packed { files, bytes } = pack_at_rest(dir, seq, &to, out, &progress())?;
        drop(lock);
        Ok(Done { files: Some(files), bytes, seq })
    }

    fn increment(&self, since: Seq, out: &mut File) -> Result<Done> {
        let unseal = self.data.unseal.given_or_asked()?;
        let to = self.recipients(unseal.as_ref())?;
        let open = self.data.open_with(unseal)?;
        let packed = open.backups.prepare(&data::ctx("cli: backup"), Some(since)).and_then(|prepared| {
            let Packed { files, bytes } = prepared.pack(&to, out, &progress())?;
            Ok(Done { files: Some(files), bytes, seq: prepared.about.until })
        });
        open.crm.close();
        Ok(packed?)
    }

    fn of_server(&self, remote: &Remote, out: &mut File) -> Result<Done> {
        let recipients = match (self.recipient.is_empty(), self.data.unseal.given()?) {
            (false, _) => self.recipient.clone(),
            (true, Some(unseal @ Unseal::Identity(_))) => public(&Recipient::of(&unseal, DEFAULT_WORK)?),
            (true, _) => {
                return Err(Misused(
                    "give --recipient AGE, or --unseal-file with an age identity: the server does not keep the unseal \
                     secret; the public key of the recovery kit is a good one",
                )
                .into());
            }
        };
        let mut path = format!("/backup?recipient={}", recipients.join(","));
        if let Some(since) = self.since {
            path += &format!("&since={since}");
        }
        let progress = progress();
        let mut counted = Counted { out, bytes: 0, progress: &progress };
        let seq =
            remote.download(&path, &mut counted)?.get("x-aplomb-seq").and_then(|seq| seq.to_str().ok()?.parse().ok());
        Ok(Done { files: None, bytes: counted.bytes, seq })
    }

    /// Those given, else whoever knows the unseal secret; it is tried first, so that the backup can be opened again.
    fn recipients(&self, unseal: Option<&Unseal>) -> Result<Vec<Recipient>> {
        if !self.recipient.is_empty() {
            return Ok(self.recipient.iter().cloned().map(Recipient::Public).collect());
        }
        let unseal = unseal.context("give --recipient AGE, or --unseal-file F")?;
        KeyRing::open(&self.data.data, unseal)?;
        Ok(Recipient::of(unseal, DEFAULT_WORK)?)
    }
}

fn public(recipients: &[Recipient]) -> Vec<String> {
    let key = |one: &Recipient| match one {
        Recipient::Public(key) => Some(key.clone()),
        Recipient::Passphrase(..) => None,
    };
    recipients.iter().filter_map(key).collect()
}

/// Opens the store alone: nothing of the business starts.
fn last_batch(dir: &Path, unseal: &Unseal) -> Result<Seq> {
    const CACHE: usize = 8 << 20;
    let key = KeyRing::open(dir, unseal)?;
    let store = Store::open(Options { path: dir.join("store.redb"), key, cache_bytes: CACHE })?;
    let seq = store.seq();
    store.close();
    Ok(seq)
}

/// Bytes on the terminal, if there is one.
fn progress() -> impl Fn(u64) {
    const STEP: u64 = 16 << 20;
    let (shown, terminal) = (Cell::new(0), io::stderr().is_terminal());
    move |bytes| {
        if terminal && bytes >= shown.get() + STEP {
            shown.set(bytes);
            eprint!("\r{} MiB", bytes >> 20);
        }
    }
}

struct Counted<'a> {
    out: &'a mut File,
    bytes: u64,
    progress: &'a dyn Fn(u64),
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        (self.progress)(self.bytes);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
