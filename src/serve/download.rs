//! Answers too large for memory: files written page by page while they go out.

use std::io::{self, Write};

use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Bytes};
use actix_web::{HttpResponse, HttpResponseBuilder};
use aplomb_model::{Error, Result, Seq};
use futures_util::stream;
use tokio::sync::{mpsc, oneshot};

use crate::call::Call;
use crate::http::answer::set;
use crate::http::encode::{self, Encoding};
use crate::http::range::Part;
use crate::http::streams;

/// Bytes kept back at the beginning.
const HELD: usize = 64 << 10;

/// Writes the content; called once, on a thread that may block.
pub type Writer = Box<dyn FnOnce(&mut dyn Write) -> Result<()> + Send>;

/// A file to be sent.
pub struct Download {
    pub media_type: &'static str,
    pub file_name: String,
    /// shown in the browser's window, not kept
    pub inline: bool,
    /// the last batch in it, when it is of one moment
    pub seq: Option<Seq>,
    /// false for what does not get smaller
    pub compress: bool,
    /// what `write` gives, where its length is known; it is not compressed then
    pub part: Option<Part>,
    /// the ETag of what never changes
    pub tag: Option<String>,
    /// a content security policy of its own
    pub policy: Option<&'static str>,
    pub write: Writer,
}

impl Download {
    /// An attachment, compressed where the caller can take it.
    pub fn new(
        media_type: &'static str,
        file_name: String,
        write: impl FnOnce(&mut dyn Write) -> Result<()> + Send + 'static,
    ) -> Download {
        Download {
            media_type,
            file_name,
            inline: false,
            seq: None,
            compress: true,
            part: None,
            tag: None,
            policy: None,
            write: Box::new(write),
        }
    }

    fn head(&self, accept_encoding: &str) -> Begin {
        let compress = self.compress && self.part.is_none();
        Begin {
            media_type: self.media_type,
            disposition: disposition(self.inline, &self.file_name),
            seq: self.seq,
            part: self.part.clone(),
            tag: self.tag.clone(),
            policy: self.policy,
            encoding: encode::choose(accept_encoding).filter(|_| compress),
        }
    }
}

/// What is known before the first byte goes out.
struct Begin {
    media_type: &'static str,
    disposition: String,
    seq: Option<Seq>,
    part: Option<Part>,
    tag: Option<String>,
    policy: Option<&'static str>,
    encoding: Option<Encoding>,
}

impl Begin {
    fn response(&self) -> HttpResponseBuilder {
        let mut response = HttpResponse::Ok();
        response.insert_header((header::CONTENT_TYPE, self.media_type));
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        response.insert_header((header::VARY, "accept-encoding"));
        set(&mut response, "content-disposition", &self.disposition);
        if let Some(seq) = self.seq {
            set(&mut response, "x-aplomb-seq", &seq.to_string());
        }
        if let Some(tag) = &self.tag {
            set(&mut response, "etag", tag);
        }
        if let Some(policy) = self.policy {
            set(&mut response, "content-security-policy", policy);
        }
        if let Some(encoding) = self.encoding {
            response.insert_header((header::CONTENT_ENCODING, encoding.name()));
        }
        if let Some(part) = &self.part {
            response.insert_header((header::ACCEPT_RANGES, "bytes"));
            response.no_chunking(part.len());
            if !part.is_whole() {
                response.status(StatusCode::PARTIAL_CONTENT);
                set(&mut response, "content-range", &part.content_range());
            }
        }
        response
    }
}

/// RFC 6266, with the name in plain ASCII for those who read nothing else.
fn disposition(inline: bool, name: &str) -> String {
    let kind = if inline { "inline" } else { "attachment" };
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ' { c } else { '_' }).collect();
    if plain == name {
        return format!("{kind}; filename=\"{plain}\"");
    }
    let escape = |byte: u8| match byte {
        b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    let exact: String = name.bytes().map(escape).collect();
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

/// An error before the first bytes is a problem document; a later one breaks the connection off, so that nobody takes
/// a part for the whole.
pub async fn answer(call: Call, handler: fn(&Call) -> Result<Download>) -> Result<HttpResponse> {
    let (begun, begin) = oneshot::channel::<Result<Begin>>();
    let (writer, chunks) = streams::writer();
    web::block(move || produce(&call, handler, begun, writer)).then_nothing();
    let begin = begin.await.map_err(|_| Error::internal("a handler panicked"))??;
    Ok(begin.response().streaming(as_stream(chunks)))
}

fn as_stream(chunks: mpsc::Receiver<io::Result<Bytes>>) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    stream::unfold(chunks, |mut chunks| async move { chunks.recv().await.map(|chunk| (chunk, chunks)) })
}

fn produce(
    call: &Call,
    handler: fn(&Call) -> Result<Download>,
    begun: oneshot::Sender<Result<Begin>>,
    writer: streams::ChannelWriter,
) {
    let download = match handler(call) {
        Ok(download) => download,
        Err(error) => return drop(begun.send(Err(error))),
    };
    let begin = download.head(&call.head.accept_encoding);
    let packer = encode::writer(writer, begin.encoding);
    let mut out = HeldBack { begin: Some((begun, begin)), held: Vec::new(), packer };
    let written = (download.write)(&mut out).and_then(|()| out.begin().map_err(|e| Error::internal(e.to_string())));
    match (written, out.begin.take()) {
        (Ok(()), _) => drop(out.packer.finish().and_then(|mut writer| writer.flush())),
        (Err(error), Some((begun, _))) => drop(begun.send(Err(error))),
        (Err(error), None) => {
            tracing::warn!(code = error.code.name(), "a download broke off");
            if let Ok(writer) = out.packer.finish() {
                writer.fail(io::Error::other("the download broke off"));
            }
        }
    }
}

/// Keeps the first bytes back, so that an error that shows early is still a problem document.
struct HeldBack<W: Write> {
    begin: Option<(oneshot::Sender<Result<Begin>>, Begin)>,
    held: Vec<u8>,
    packer: encode::Packer<W>,
}

impl<W: Write> HeldBack<W> {
    /// Tells the async side to begin, once.
    fn begin(&mut self) -> io::Result<()> {
        let Some((begun, begin)) = self.begin.take() else { return Ok(()) };
        let _ = begun.send(Ok(begin));
        self.packer.write_all(&std::mem::take(&mut self.held))
    }
}

impl<W: Write> Write for HeldBack<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.begin.is_none() {
            return self.packer.write(bytes);
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() >= HELD {
            self.begin()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.begin.is_some() { Ok(()) } else { self.packer.flush() }
    }
}

/// Lets a task run on by itself.
trait ThenNothing {
    fn then_nothing(self);
}

impl<F: Future + 'static> ThenNothing for F {
    fn then_nothing(self) {
        actix_web::rt::spawn(async move {
            let _ = self.await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_into_the_header_unharmed() {
        for (name, expect) in [
            ("contact-2026.csv", "attachment; filename=\"contact-2026.csv\""),
            ("a b.pdf", "attachment; filename=\"a b.pdf\""),
            ("Größe.pdf", "attachment; filename=\"Gr__e.pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.pdf"),
            ("a\"; x=\"b", "attachment; filename=\"a_; x=_b\"; filename*=UTF-8''a%22%3B%20x%3D%22b"),
            ("a\r\nb", "attachment; filename=\"a__b\"; filename*=UTF-8''a%0D%0Ab"),
        ] {
            assert_eq!(disposition(false, name), expect);
        }
        assert!(disposition(true, "x").starts_with("inline;"));
    }
}
