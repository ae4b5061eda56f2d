//! Certificates from a real ACME authority on this machine: Debian's `pebble`, with its own DNS.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::harness::{Home, free_port};

const NAME: &str = "crm.aplomb.test";

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command, port: u16) -> Running {
    let running = Running(command.stdin(Stdio::null()).spawn().unwrap());
    wait_for(&format!("port {port}"), || TcpStream::connect(("127.0.0.1", port)).is_ok());
    running
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}: never");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// `None` when the machine has no pebble, which `deploy/test` installs.
fn pebble(home: &Home, validates_at: u16) -> Option<(Running, Running, u16, u16)> {
    if Command::new("pebble").arg("-h").output().is_err() {
        return None;
    }
    let [api, management, dns, dns_management] = [free_port(), free_port(), free_port(), free_port()];
    let tls = home.data().join("tls");
    let config = serde_json::json!({"pebble": {
        "listenAddress": format!("127.0.0.1:{api}"), "managementListenAddress": format!("127.0.0.1:{management}"),
        "certificate": tls.join("leaf.pem"), "privateKey": tls.join("leaf.key"),
        "httpPort": 1, "tlsPort": validates_at, "ocspResponderURL": "", "externalAccountBindingRequired": false,
    }});
    let path = home.path().join("pebble.json");
    fs::write(&path, config.to_string()).unwrap();
    let names = start(
        Command::new("pebble-challtestsrv")
            .args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""])
            .args(["-dns01", &format!("127.0.0.1:{dns}"), "-management", &format!("127.0.0.1:{dns_management}")])
            .stdout(Stdio::null()),
        dns_management,
    );
    let authority = start(
        Command::new("pebble")
            .args(["-dnsserver", &format!("127.0.0.1:{dns}"), "-config"])
            .arg(path)
            .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "0")])
            .stdout(Stdio::null()),
        api,
    );
    Some((authority, names, api, management))
}

fn agent(root: &[u8]) -> ureq::Agent {
    let root = Certificate::from_pem(root).unwrap();
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[root])).build();
    ureq::Agent::config_builder().tls_config(tls).proxy(None).build().into()
}

/// Whether the server shows a certificate of `root` for the name.
fn is_trusted(root: &[u8], port: u16) -> bool {
    use std::sync::Arc;
    let mut roots = rustls::RootCertStore::empty();
    let pem = Certificate::from_pem(root).unwrap();
    roots.add(pem.der().to_vec().into()).unwrap();
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = NAME.try_into().unwrap();
    let Ok(mut client) = rustls::ClientConnection::new(Arc::new(config), name) else { return false };
    let Ok(mut socket) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    client.complete_io(&mut socket).is_ok()
}

fn serve(home: &Home, port: u16, directory: &str, ca: &Path) -> Running {
    let command = &mut Command::new(env!("CARGO_BIN_EXE_aplomb"));
    command.args(["serve", "--tls", "acme", "--base-url", &format!("https://{NAME}"), "--acme-directory", directory]);
    command.arg("--acme-ca-file").arg(ca).args(["--listen", &format!("127.0.0.1:{port}")]);
    command.arg("--data").arg(home.data()).arg("--unseal-file").arg(home.path().join("unseal"));
    let log = fs::File::create(home.path().join("serve.log")).unwrap();
    start(command.stdout(Stdio::null()).stderr(log), port)
}

#[test]
fn an_authority_gives_a_certificate_that_lies_sealed_and_is_kept() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (home, port) = (Home::set_up(), free_port());
    // The own authority's files serve as the directory's certificate.
    drop(start(
        Command::new(env!("CARGO_BIN_EXE_aplomb"))
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(home.data())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
        port,
    ));
    let ca = home.data().join("tls/ca.pem");
    let Some((authority, _names, api, management)) = pebble(&home, port) else {
        eprintln!("skipped: there is no pebble on this machine; deploy/test installs it");
        return;
    };
    let own = agent(&fs::read(&ca).unwrap());
    let root =
        own.get(format!("https://127.0.0.1:{management}/roots/0")).call().unwrap().body_mut().read_to_vec().unwrap();
    let server = serve(&home, port, &format!("https://127.0.0.1:{api}/dir"), &ca);
    let log = || fs::read_to_string(home.path().join("serve.log")).unwrap_or_default();
    wait_for("an answer of the authority", || log().contains("acme: "));
    assert!(log().contains("a certificate is in force"), "{}", log());
    assert!(is_trusted(&root, port));
    for entry in fs::read_dir(home.data().join("acme")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("PRIVATE KEY") && !text.contains(NAME), "keys lie sealed");
    }
    drop(server);
    // Without the authority the kept one serves.
    drop(authority);
    let _server = serve(&home, port, &format!("https://127.0.0.1:{api}/dir"), &ca);
    wait_for("the kept certificate", || is_trusted(&root, port));
}
