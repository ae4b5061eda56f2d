//! Own PEM files as certificate: the chain that is served, pairs that do not fit, and another pair put in while it runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::harness::{Home, free_port};

/// A chain, its key and its authority, made by the program itself.
fn pair(home: &Home) -> (PathBuf, PathBuf, PathBuf) {
    let server = Tls::start(home, "auto", free_port());
    drop(server);
    let at = |name: &str| home.data().join("tls").join(name);
    (at("leaf.pem"), at("leaf.key"), at("ca.pem"))
}

struct Tls {
    process: Child,
    port: u16,
}

impl Tls {
    fn start(home: &Home, tls: &str, port: u16) -> Tls {
        let process = Command::new(env!("CARGO_BIN_EXE_aplomb"))
            .args(["serve", "--tls", tls, "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(home.data())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Tls { process, port };
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(60), "no answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Whether a client that trusts only `ca` is answered.
    fn answers(&self, ca: &Path) -> bool {
        let root = Certificate::from_pem(&fs::read(ca).unwrap()).unwrap();
        let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[root])).build();
        let agent: ureq::Agent = ureq::Agent::config_builder().tls_config(tls).proxy(None).build().into();
        agent.get(format!("https://127.0.0.1:{}/healthz", self.port)).call().is_ok()
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn own_files_are_served_checked_and_read_again() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (one, two, home) = (Home::new(), Home::new(), Home::new());
    let ((cert, key, ca), (other_cert, other_key, other_ca)) = (pair(&one), pair(&two));
    for (cert, key, part) in [
        (&cert, &other_key, "does not belong"),
        (&home.path().join("none.pem"), &key, "none.pem"),
        (&key, &key, "no certificate"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_aplomb"))
            .args(["serve", "--listen", "127.0.0.1:0", "--tls", &format!("{},{}", cert.display(), key.display())])
            .arg("--data")
            .arg(home.data())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(part), "{said}");
    }
    let (mine, my_key) = (home.path().join("mine.pem"), home.path().join("mine.key"));
    fs::copy(&cert, &mine).unwrap();
    fs::copy(&key, &my_key).unwrap();
    let server = Tls::start(&home, &format!("{},{}", mine.display(), my_key.display()), free_port());
    assert!(server.answers(&ca) && !server.answers(&other_ca));

    fs::copy(&other_key, &my_key).unwrap();
    hang_up(&server);
    std::thread::sleep(Duration::from_millis(300));
    assert!(server.answers(&ca), "a pair that does not fit leaves the present one in force");
    fs::copy(&other_cert, &mine).unwrap();
    hang_up(&server);
    let started = Instant::now();
    while !server.answers(&other_ca) {
        assert!(started.elapsed() < Duration::from_secs(60), "the other pair never came into force");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(!server.answers(&ca));
}

fn hang_up(server: &Tls) {
    let sent = Command::new("kill").arg("-HUP").arg(server.process.id().to_string()).status().unwrap();
    assert!(sent.success());
}
