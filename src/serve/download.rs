//! Answers too large for memory: files written page by page while they go out.

use std::io::{self, Write};

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{self, Bytes};
use aplomb_model::{Error, Result, Seq};
use futures_util::stream;
use tokio::sync::{mpsc, oneshot};

use crate::call::Call;
use crate::http::encode::{self, Encoding};
use crate::http::streams;

/// Bytes kept back at the beginning.
const HELD: usize = 64 << 10;

/// Writes the content; called once, on a thread that may block.
pub type Writer = Box<dyn FnOnce(&mut dyn Write) -> Result<()> + Send>;

/// A file to be sent.
pub struct Download {
    pub media_type: &'static str,
    /// without quotes and control characters
    pub file_name: String,
    /// the last batch in it, when it is of one moment
    pub seq: Option<Seq>,
    /// false for what does not get smaller
    pub compress: bool,
    pub write: Writer,
}

/// What is known before the first byte goes out.
struct Begin {
    media_type: &'static str,
    file_name: String,
    seq: Option<Seq>,
    encoding: Option<Encoding>,
}

/// An error before the first bytes is a problem document; a later one breaks the connection off, so that nobody takes
/// a part for the whole.
pub async fn answer(call: Call, handler: fn(&Call) -> Result<Download>) -> Result<HttpResponse> {
    let (begun, begin) = oneshot::channel::<Result<Begin>>();
    let (writer, chunks) = streams::writer();
    web::block(move || produce(&call, handler, begun, writer)).then_nothing();
    let begin = begin.await.map_err(|_| Error::internal("a handler panicked"))??;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, begin.media_type));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response.insert_header((header::VARY, "accept-encoding"));
    response.insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", begin.file_name)));
    if let Some(seq) = begin.seq {
        response.insert_header(("x-aplomb-seq", seq.to_string()));
    }
    if let Some(encoding) = begin.encoding {
        response.insert_header((header::CONTENT_ENCODING, encoding.name()));
    }
    Ok(response.streaming(as_stream(chunks)))
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
    let Download { media_type, file_name, seq, compress, write } = match handler(call) {
        Ok(download) => download,
        Err(error) => return drop(begun.send(Err(error))),
    };
    let encoding = encode::choose(&call.head.accept_encoding).filter(|_| compress);
    let begin = Begin { media_type, file_name, seq, encoding };
    let mut out = HeldBack { begin: Some((begun, begin)), held: Vec::new(), packer: encode::writer(writer, encoding) };
    let written = write(&mut out).and_then(|()| out.begin().map_err(|e| Error::internal(e.to_string())));
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
