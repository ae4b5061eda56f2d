//! The release binary under test: its data directory, its process, its memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::Client;

pub struct Server {
    process: Child,
    pub address: String,
    pub key: String,
    dir: PathBuf,
}

fn aplomb() -> Command {
    Command::new(env!("CARGO_BIN_EXE_aplomb"))
}

/// Runs the first-run set-up in `dir/data` and returns an API key.
pub fn init(dir: &Path) -> String {
    fs::create_dir_all(dir).expect("work directory");
    fs::write(dir.join("password"), "correct horse battery staple 42\n").expect("password file");
    fs::write(dir.join("unseal"), "bench unseal passphrase 4711\n").expect("unseal file");
    let data = dir.join("data");
    let status = aplomb()
        .args(["init", "--company", "Bench", "--admin", "admin@bench.example"])
        .arg("--data")
        .arg(&data)
        .arg("--password-file")
        .arg(dir.join("password"))
        .arg("--unseal-file")
        .arg(dir.join("unseal"))
        .stdout(Stdio::null())
        .status()
        .expect("aplomb init runs");
    assert!(status.success(), "aplomb init failed");
    let output = aplomb()
        .args(["token", "--user", "admin@bench.example", "--name", "bench"])
        .arg("--data")
        .arg(&data)
        .arg("--unseal-file")
        .arg(dir.join("unseal"))
        .output()
        .expect("aplomb token runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().trim().to_owned()
}

impl Server {
    /// Starts the server and returns it with the time until it was ready.
    pub fn start(dir: &Path, key: &str, port: u16) -> (Server, Duration) {
        let address = format!("127.0.0.1:{port}");
        let log = fs::File::create(dir.join("serve.log")).expect("log file");
        let started = Instant::now();
        let process = aplomb()
            .args(["serve", "--tls", "off", "--listen", &address])
            .arg("--data")
            .arg(dir.join("data"))
            .arg("--unseal-file")
            .arg(dir.join("unseal"))
            .env("APLOMB_RATE_PER_KEY", "1000000")
            .stdout(log.try_clone().expect("log file"))
            .stderr(log)
            .spawn()
            .expect("aplomb serve runs");
        let server = Server { process, address, key: key.to_owned(), dir: dir.to_owned() };
        loop {
            let ready = Client::new(&server.address, key).and_then(|mut c| c.get("/readyz"));
            if ready.is_ok_and(|a| a.status == 200) {
                return (server, started.elapsed());
            }
            assert!(started.elapsed() < Duration::from_secs(600), "not ready; see serve.log");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn client(&self) -> Client {
        Client::new(&self.address, &self.key).expect("server accepts")
    }

    /// (resident now, peak) in MB
    pub fn memory(&self) -> (u64, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find(|l| l.starts_with(name)).unwrap_or_default();
            line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    pub fn disk_bytes(&self) -> u64 {
        fn size(path: &Path) -> u64 {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries
                .map(|e| if e.path().is_dir() { size(&e.path()) } else { e.metadata().map(|m| m.len()).unwrap_or(0) })
                .sum()
        }
        size(&self.dir.join("data"))
    }

    pub fn stop(mut self) {
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}
