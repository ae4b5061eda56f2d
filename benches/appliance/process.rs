//! A server's process: started on a free port, watched through /proc, stopped or killed.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::http::{Client, Request};

pub struct Process {
    child: Child,
    pub address: String,
}

/// A port nobody listens on.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Process {
    /// Runs `command`, which is to listen on `address`, with its output in the file `log`; returns when `ready` answers
    /// 200, with the time that took.
    pub fn start(mut command: Command, address: &str, log: &Path, ready: &str) -> Result<(Process, Duration)> {
        let out = fs::File::options().create(true).append(true).open(log)?;
        let started = Instant::now();
        let child = command.stdout(out.try_clone()?).stderr(out).spawn().context("the server does not start")?;
        let mut process = Process { child, address: address.to_owned() };
        loop {
            let answer = Client::new(address, "").ok().and_then(|mut c| c.send(&Request::get(ready)).ok());
            if answer.is_some_and(|a| a.status == 200) {
                return Ok((process, started.elapsed()));
            }
            if started.elapsed() > Duration::from_secs(120) || process.child.try_wait()?.is_some() {
                bail!("the server did not become ready; see {}", log.display());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// (resident now, peak) in MB
    pub fn memory(&self) -> (f64, f64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find(|l| l.starts_with(name)).unwrap_or_default();
            line.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// Seconds of processor time so far: tells a slow server from a busy machine.
    pub fn processor(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok());
        ticks.sum::<f64>() / 100.0
    }

    /// The peak counts from now on.
    pub fn reset_peak(&self) -> Result<()> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?)
    }

    pub fn stop(&mut self) -> Result<()> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Until it has ended.
    pub fn wait(&mut self) -> Result<()> {
        self.child.wait()?;
        Ok(())
    }
}

/// `kill -9`
pub fn kill(pid: u32) -> Result<()> {
    Command::new("kill").args(["-9", &pid.to_string()]).status()?;
    Ok(())
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes that the files under a path take on disk; they may be sparse.
pub fn bytes(path: &Path) -> u64 {
    if path.is_file() {
        return fs::metadata(path).map_or(0, |m| m.blocks() * 512);
    }
    fs::read_dir(path).into_iter().flatten().flatten().map(|e| bytes(&e.path())).sum()
}
