//! A running server, for commands that take `--server`: the same API that everybody uses, with an API key.

use std::fs;
use std::io::{self, Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value as Json;
use ureq::http::{HeaderMap, Request, Response};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, AsSendBody, Body, SendBody};

use super::{Misused, settings};

#[derive(Args)]
pub struct RemoteArgs {
    /// A running server instead of a directory, e.g. https://crm.example.org
    #[arg(long, env = "APLOMB_SERVER", value_name = "URL")]
    server: Option<String>,
    /// File whose first line is the API key for --server; the key itself may also be in APLOMB_TOKEN
    #[arg(long, env = "APLOMB_TOKEN_FILE", value_name = "F")]
    token_file: Option<PathBuf>,
    /// PEM file of the authority behind the server's certificate, e.g. DIR/tls/ca.pem
    #[arg(long, env = "APLOMB_CA_FILE", value_name = "F")]
    ca_file: Option<PathBuf>,
}

pub struct Remote {
    agent: Agent,
    base: String,
    key: String,
}

impl RemoteArgs {
    /// `None` without `--server`. Errors: no key, a certificate that cannot be read.
    pub fn connect(&self) -> Result<Option<Remote>> {
        let Some(server) = &self.server else { return Ok(None) };
        let key = match (&self.token_file, std::env::var("APLOMB_TOKEN")) {
            (Some(path), _) => settings::first_line(path)?,
            (None, Ok(key)) if !key.is_empty() => key,
            _ => return Err(Misused("--server needs an API key: give --token-file F or APLOMB_TOKEN").into()),
        };
        let mut tls =
            TlsConfig::builder().unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
        if let Some(path) = &self.ca_file {
            let pem = fs::read(path).with_context(|| path.display().to_string())?;
            let certificate = Certificate::from_pem(&pem).with_context(|| path.display().to_string())?;
            tls = tls.root_certs(RootCerts::new_with_certs(&[certificate]));
        }
        let agent = Agent::config_builder().http_status_as_error(false).tls_config(tls.build()).build().into();
        Ok(Some(Remote { agent, base: format!("{}/api/v1", server.trim_end_matches('/')), key }))
    }
}

impl Remote {
    pub fn get(&self, path: &str) -> Result<Json> {
        self.call("GET", path, None)
    }

    /// JSON in, JSON out; null for an empty answer. Errors: the problem's code and detail.
    pub fn call(&self, method: &str, path: &str, body: Option<&Json>) -> Result<Json> {
        let text = body.map(Json::to_string).unwrap_or_default();
        let request = self.request(method, path).header("content-type", "application/json").body(text)?;
        let mut answer = accepted(self.send(request)?)?;
        let text = answer.body_mut().read_to_string()?;
        if text.is_empty() { Ok(Json::Null) } else { Ok(serde_json::from_str(&text)?) }
    }

    /// Writes the body to `out`; the headers of the answer.
    pub fn download(&self, path: &str, out: &mut dyn Write) -> Result<HeaderMap> {
        let request = self.request("GET", path).body(())?;
        let mut answer = accepted(self.send(request)?)?;
        io::copy(&mut answer.body_mut().with_config().limit(u64::MAX).reader(), out)?;
        Ok(answer.headers().clone())
    }

    /// Sends a file as the part `file` of a form, with the text parts before it.
    pub fn upload(&self, path: &str, texts: &[(&str, &str)], file: &Path) -> Result<Json> {
        const BOUNDARY: &str = "aplomb-form-b1946ac92492d2347c6235b4d2611184";
        let name =
            file.file_name().map(|name| name.to_string_lossy().replace(['"', '\r', '\n'], "_")).unwrap_or_default();
        let mut head = String::new();
        for (part, text) in texts {
            head += &format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{part}\"\r\n\r\n{text}\r\n");
        }
        head += &format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        let content = fs::File::open(file).with_context(|| file.display().to_string())?;
        let body = Cursor::new(head).chain(content).chain(Cursor::new(format!("\r\n--{BOUNDARY}--\r\n")));
        let request = self
            .request("POST", path)
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(SendBody::from_owned_reader(body))?;
        Ok(accepted(self.send(request)?)?.body_mut().read_json()?)
    }

    /// Errors: no answer, naming the server.
    fn send(&self, request: Request<impl AsSendBody>) -> Result<Response<Body>> {
        self.agent.run(request).with_context(|| format!("{}: no answer", self.base))
    }

    fn request(&self, method: &str, path: &str) -> ureq::http::request::Builder {
        let url = format!("{}{path}", self.base);
        Request::builder().method(method).uri(url).header("authorization", format!("Bearer {}", self.key))
    }
}

fn accepted(mut answer: Response<Body>) -> Result<Response<Body>> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status();
    let problem: Json = answer.body_mut().read_json().unwrap_or_default();
    let text = |name: &str| problem.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    bail!("{status}: {}: {}", text("code"), text("detail"))
}
