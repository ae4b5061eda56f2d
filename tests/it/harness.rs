//! Starts the real program on a directory of its own and takes it down again.

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

pub const ADMIN: &str = "admin@acme.example";
pub const PASSWORD: &str = "correct horse battery staple 42";
pub const UNSEAL: &str = "unseal passphrase of the tests 4711";

/// How long anything may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(5);

/// A port nobody listens on now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}

/// The program: the one that Cargo has just built, or that of `APLOMB_BIN`, which a long run keeps for itself.
pub fn program() -> PathBuf {
    std::env::var_os("APLOMB_BIN").map_or_else(|| env!("CARGO_BIN_EXE_aplomb").into(), PathBuf::from)
}

/// A data directory with the files that its commands need beside it.
pub struct Home {
    dir: tempfile::TempDir,
    pub data: PathBuf,
}

impl Home {
    pub fn new() -> Home {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::write(dir.path().join("password"), format!("{PASSWORD}\n")).expect("password file");
        fs::write(dir.path().join("unseal"), format!("{UNSEAL}\n")).expect("unseal file");
        let data = dir.path().join("data");
        Home { dir, data }
    }

    /// A directory that `aplomb init` has set up.
    pub fn set_up() -> Home {
        Home::new().initialised()
    }

    /// The same with the data elsewhere, in a directory that there is not yet.
    pub fn set_up_at(data: PathBuf) -> Home {
        Home { data, ..Home::new() }.initialised()
    }

    fn initialised(self) -> Home {
        let home = self;
        let output = home
            .command("init")
            .args(["--company", "Acme", "--admin", ADMIN, "--password-file"])
            .arg(home.path().join("password"))
            .output()
            .expect("aplomb runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        home
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program());
        command.arg(name).arg("--data").arg(self.data()).arg("--unseal-file").arg(self.path().join("unseal"));
        command
    }

    /// An API key of the administrator.
    pub fn token(&self) -> String {
        let output = self.command("token").args(["--user", ADMIN, "--name", "test"]).output().expect("aplomb runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().trim().to_owned()
    }

    /// Whether `aplomb verify` finds nothing wrong, and what it said.
    pub fn verify(&self) -> (bool, String) {
        let output = self.command("verify").output().expect("aplomb runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Serves without TLS on a free port; with `unsealed` the unseal secret is given.
    pub fn serve(&self, unsealed: bool) -> Server {
        self.serve_with(unsealed, |_| {})
    }

    /// The same with more arguments or another environment.
    pub fn serve_with(&self, unsealed: bool, adjust: impl FnOnce(&mut Command)) -> Server {
        self.serve_on(free_port(), unsealed, adjust)
    }

    /// The same on a port, such as the one of a server that has stopped.
    pub fn serve_on(&self, port: u16, unsealed: bool, adjust: impl FnOnce(&mut Command)) -> Server {
        let log = self.path().join(format!("serve-{port}.log"));
        let file = fs::File::create(&log).expect("log file");
        let mut command = Command::new(program());
        command.args(["serve", "--tls", "off", "--listen", &format!("127.0.0.1:{port}"), "--data"]).arg(self.data());
        if unsealed {
            command.arg("--unseal-file").arg(self.path().join("unseal"));
        }
        adjust(&mut command);
        let process = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("log file"))
            .stderr(file)
            .spawn()
            .expect("aplomb runs");
        let mut server = Server { process, port, log };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.process.try_wait().expect("a child");
            assert!(ended.is_none() && started.elapsed() < PATIENCE, "no answer ({ended:?}):\n{}", server.log());
            std::thread::sleep(STEP);
        }
        server
    }
}

pub struct Server {
    process: Child,
    pub port: u16,
    log: PathBuf,
}

impl Server {
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn log(&self) -> String {
        let mut text = String::new();
        let _ = fs::File::open(&self.log).and_then(|mut f| f.read_to_string(&mut text));
        text
    }

    /// The code for the first-run wizard that the console shows.
    pub fn setup_code(&self) -> String {
        let started = Instant::now();
        loop {
            let log = self.log();
            let line = log.lines().find(|l| l.to_lowercase().contains("set-up code"));
            if let Some(code) = line.and_then(|l| l.split_whitespace().last()) {
                return code.to_owned();
            }
            assert!(started.elapsed() < PATIENCE, "no set-up code:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until `/readyz` says yes.
    pub fn ready(self) -> Server {
        let started = Instant::now();
        while self.call(None, "GET", "/readyz", None).0 != 200 {
            assert!(started.elapsed() < PATIENCE, "never ready:\n{}", self.log());
            std::thread::sleep(STEP);
        }
        self
    }

    /// One call with an API key; (status, JSON).
    pub fn call(&self, key: Option<&str>, method: &str, path: &str, body: Option<Json>) -> (u16, Json) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let text = body.map(|b| b.to_string()).unwrap_or_default();
        if !text.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(text).expect("a request");
        match agent.run(request) {
            Ok(mut answer) => {
                let body = answer.body_mut().read_to_string().unwrap_or_default();
                let json = serde_json::from_str(&body).unwrap_or(Json::String(body));
                (answer.status().as_u16(), json)
            }
            Err(_) => (0, Json::Null),
        }
    }

    /// Ends it as a crash would, under the hands of whoever is using it.
    pub fn strike(&self) {
        let killed = Command::new("kill").args(["-9", &self.pid().to_string()]).status();
        assert!(killed.is_ok_and(|status| status.success()), "kill -9");
    }

    /// Ends it as a crash would.
    pub fn kill(mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Ends it as a service manager would, and waits for it.
    pub fn stop(mut self) {
        let told = Command::new("kill").arg(self.pid().to_string()).status();
        assert!(told.is_ok_and(|status| status.success()), "kill");
        assert!(self.process.wait().is_ok_and(|status| status.success()), "{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
