//! A keep-alive HTTP/1.1 client that costs next to nothing, so that the figures are the server's. Files are sent and
//! long answers are read as streams.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

pub struct Client {
    stream: BufReader<TcpStream>,
    authorization: String,
}

/// A request as a subject words it; the body is JSON and may be empty.
#[derive(Clone)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub body: String,
}

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// The body of an answer while it comes in.
struct Body<'a> {
    stream: &'a mut BufReader<TcpStream>,
    chunked: bool,
    /// of the body, or of the chunk at hand
    left: u64,
    done: bool,
}

impl Request {
    pub fn get(path: impl Into<String>) -> Request {
        Request { method: "GET", path: path.into(), body: String::new() }
    }

    pub fn post(path: impl Into<String>, body: &Json) -> Request {
        Request { method: "POST", path: path.into(), body: body.to_string() }
    }

    pub fn patch(path: impl Into<String>, body: &Json) -> Request {
        Request { method: "PATCH", path: path.into(), body: body.to_string() }
    }
}

impl Client {
    /// `authorization` is the whole value of that header, or empty.
    pub fn new(address: &str, authorization: &str) -> io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Client { stream: BufReader::with_capacity(64 * 1024, stream), authorization: authorization.to_owned() })
    }

    /// Any answer, whatever its status.
    pub fn send(&mut self, request: &Request) -> Result<Answer> {
        let mut bytes = self.head(request.method, &request.path, "application/json", request.body.len() as u64);
        bytes.extend_from_slice(request.body.as_bytes());
        self.stream.get_mut().write_all(&bytes)?;
        self.answer()
    }

    /// The JSON of a successful answer.
    pub fn json(&mut self, request: &Request) -> Result<Json> {
        let answer = self.send(request)?.ok(request)?;
        serde_json::from_slice(&answer.body).with_context(|| format!("{} answered no JSON", request.path))
    }

    /// A multipart form: `head`, then the file, then `tail`.
    pub fn upload(&mut self, path: &str, head: &str, mut file: File, tail: &str) -> Result<Json> {
        let length = (head.len() + tail.len()) as u64 + file.metadata()?.len();
        let request = self.head("POST", path, "multipart/form-data; boundary=b", length);
        let stream = self.stream.get_mut();
        stream.write_all(&request)?;
        stream.write_all(head.as_bytes())?;
        io::copy(&mut file, stream)?;
        stream.write_all(tail.as_bytes())?;
        let answer = self.answer()?.ok(&Request { method: "POST", path: path.to_owned(), body: String::new() })?;
        answer.json()
    }

    /// Hands over the lines of a long answer as they come in.
    pub fn lines(&mut self, path: &str, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
        let request = self.head("GET", path, "application/json", 0);
        self.stream.get_mut().write_all(&request)?;
        let (status, body) = self.receive()?;
        if status >= 300 {
            bail!("GET {path} answered {status}");
        }
        let mut lines = BufReader::with_capacity(1 << 20, body);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            each(line.trim_end())?;
            line.clear();
        }
        Ok(())
    }

    fn head(&self, method: &str, path: &str, media: &str, length: u64) -> Vec<u8> {
        let authorization = match self.authorization.as_str() {
            "" => String::new(),
            value => format!("Authorization: {value}\r\n"),
        };
        format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}Content-Type: {media}\r\n\
             Content-Length: {length}\r\n\r\n"
        )
        .into_bytes()
    }

    fn answer(&mut self) -> Result<Answer> {
        let (status, mut rest) = self.receive()?;
        let mut body = Vec::with_capacity(if rest.chunked { 0 } else { rest.left as usize });
        rest.read_to_end(&mut body)?;
        Ok(Answer { status, body })
    }

    fn receive(&mut self) -> Result<(u16, Body<'_>)> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|s| s.parse().ok()).context("no HTTP answer")?;
        let (mut left, mut chunked) = (0, false);
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => left = value.trim().parse()?,
                "transfer-encoding" => chunked = value.contains("chunked"),
                _ => {}
            }
        }
        Ok((status, Body { stream: &mut self.stream, chunked, left, done: false }))
    }
}

impl Read for Body<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.done {
            return Ok(0);
        }
        if self.left == 0 && self.chunked {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            self.left = u64::from_str_radix(line.trim(), 16).map_err(|_| io::ErrorKind::InvalidData)?;
        }
        if self.left == 0 {
            self.done = true;
            if self.chunked {
                self.stream.read_line(&mut String::new())?;
            }
            return Ok(0);
        }
        let most = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.stream.read(&mut out[..most])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        if self.left == 0 && self.chunked {
            self.stream.read_line(&mut String::new())?;
        }
        Ok(read)
    }
}

impl Answer {
    pub fn ok(self, request: &Request) -> Result<Answer> {
        if self.status >= 300 {
            let body = String::from_utf8_lossy(&self.body);
            bail!("{} {} answered {}: {body:.2000}", request.method, request.path, self.status);
        }
        Ok(self)
    }

    pub fn json(&self) -> Result<Json> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// Percent-encodes what stands in a query's value.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
