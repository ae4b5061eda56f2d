//! Answers too large for memory: files written page by page while they go out.

use std::io::{self, Write};

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{self, Bytes};
use aplomb_model::{Error, Result};
use futures_util::stream;
use tokio::sync::{mpsc, oneshot};

use crate::call::Call;
use crate::http::encode::{self, Encoding};
use crate::http::streams;

/// Writes the content; called once, on a thread that may block.
pub type Writer = Box<dyn FnOnce(&mut dyn Write) -> Result<()> + Send>;

/// A file to be sent.
pub struct Download {
    pub media_type: &'static str,
    /// without quotes and control characters
    pub file_name: String,
    pub write: Writer,
}

/// What is known before the first byte goes out.
struct Begin {
    media_type: &'static str,
    file_name: String,
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
    let Download { media_type, file_name, write } = match handler(call) {
        Ok(download) => download,
        Err(error) => return drop(begun.send(Err(error))),
    };
    let encoding = encode::choose(&call.head.accept_encoding);
    let begin = Begin { media_type, file_name, encoding };
    let mut first = FirstByte { begin: Some((begun, begin)), packer: encode::writer(writer, encoding) };
    let written = write(&mut first);
    match (written, first.begin.take()) {
        (Err(error), Some((begun, _))) => drop(begun.send(Err(error))),
        (Err(error), None) => {
            tracing::warn!(code = error.code.name(), "a download broke off");
            if let Ok(writer) = first.packer.finish() {
                writer.fail(io::Error::other("the download broke off"));
            }
        }
        (Ok(()), begin) => {
            if let Some((begun, begin)) = begin {
                let _ = begun.send(Ok(begin));
            }
            let _ = first.packer.finish().and_then(|mut writer| writer.flush());
        }
    }
}

/// Tells the async side to begin when the first byte is written.
struct FirstByte<W: Write> {
    begin: Option<(oneshot::Sender<Result<Begin>>, Begin)>,
    packer: encode::Packer<W>,
}

impl<W: Write> Write for FirstByte<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some((begun, begin)) = self.begin.take() {
            let _ = begun.send(Ok(begin));
        }
        self.packer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.packer.flush()
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
