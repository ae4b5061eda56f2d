//! Bodies too large for memory: bridges between the async side of a connection and code that blocks.

use std::io::{self, Read, Write};

use actix_web::web::Bytes;
use tokio::sync::mpsc;

/// Chunks under way at once; with 64 KiB chunks, 1 MiB a stream.
const AHEAD: usize = 16;
const CHUNK: usize = 64 << 10;

/// Reads what the async side sends.
pub struct ChannelReader {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

/// Both ends of an upload.
pub fn reader() -> (mpsc::Sender<io::Result<Bytes>>, ChannelReader) {
    let (sender, chunks) = mpsc::channel(AHEAD);
    (sender, ChannelReader { chunks, current: Bytes::new() })
}

impl Read for ChannelReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                Some(chunk) => self.current = chunk?,
                None => return Ok(0),
            }
        }
        let n = out.len().min(self.current.len());
        out[..n].copy_from_slice(&self.current.split_to(n));
        Ok(n)
    }
}

/// Gathers writes into chunks and sends them to the async side; an error when the other side has gone.
pub struct ChannelWriter {
    chunks: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

/// Both ends of a download.
pub fn writer() -> (ChannelWriter, mpsc::Receiver<io::Result<Bytes>>) {
    let (chunks, receiver) = mpsc::channel(AHEAD);
    (ChannelWriter { chunks, buffer: Vec::with_capacity(CHUNK) }, receiver)
}

impl ChannelWriter {
    /// Breaks the stream off, so that the caller does not take a part for the whole.
    pub fn fail(self, error: io::Error) {
        let _ = self.chunks.blocking_send(Err(error));
    }

    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK)));
        self.chunks
            .blocking_send(Ok(chunk))
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the caller went away"))
    }
}

impl Write for ChannelWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_pass_in_order_and_errors_arrive() {
        let (sender, mut reader) = reader();
        let feed = std::thread::spawn(move || {
            for part in [&b"ab"[..], b"", b"cde"] {
                sender.blocking_send(Ok(Bytes::from_static(part))).unwrap();
            }
            sender.blocking_send(Err(io::Error::other("cut off"))).unwrap();
        });
        let mut got = [0; 5];
        reader.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"abcde");
        assert_eq!(reader.read(&mut got).unwrap_err().to_string(), "cut off");
        feed.join().unwrap();
    }

    #[test]
    fn a_writer_notices_that_nobody_reads() {
        let (mut writer, receiver) = writer();
        drop(receiver);
        assert_eq!(writer.write_all(&[0; CHUNK]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
