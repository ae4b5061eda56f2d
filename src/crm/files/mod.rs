//! Files that records refer to: sealed as they arrive, described by a document each, given back to whoever may read a
//! record that refers to them. What no record refers to is its uploader's, and goes after a day.

mod follow;
mod kept;
mod loose;
mod sniff;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use aplomb_access::decide;
use aplomb_model::{Action, Code, Error, FileRef, Id, Record, Result, Seq, Value};
use aplomb_vault::{DataKey, SealedDir, SealedFile, SealedWriter, VaultError};

use crate::Ctx;
use crate::crm::Crm;
use crate::errors;
pub(crate) use follow::Moves;
use kept::Kept;
pub(crate) use loose::{release, remove_content, remove_loose, remove_unknown};
pub use sniff::{INLINE, MEDIA_TYPES};

/// The directory below the data directory, and what its key is for.
const FILES: &str = "files";
/// Chunks of files that were lately read.
const CACHE: usize = 4 << 20;
/// Longest name in characters.
const LONGEST_NAME: usize = 200;

/// Opens the directory of sealed files.
pub(crate) fn open(dir: &Path, key: &DataKey) -> Result<Arc<SealedDir>> {
    SealedDir::new(&dir.join(FILES), key.subkey(FILES), CACHE).map_err(vault)
}

/// A file on its way in, sealed as it comes. Dropped without [`Crm::file_keep`], it is removed.
pub struct FileUpload {
    id: Id,
    files: Arc<SealedDir>,
    writer: Option<SealedWriter>,
    /// the first bytes, which tell what it is
    head: Vec<u8>,
}

/// A file and how to read it.
pub struct OpenedFile {
    pub about: FileRef,
    pub content: SealedFile,
}

impl Crm {
    /// Somewhere to write a file to, piece by piece; then [`Crm::file_keep`].
    ///
    /// Errors: `forbidden` for who may change no record at all; no room, a directory that cannot be written.
    pub fn file_begin(&self, ctx: &Ctx) -> Result<FileUpload> {
        let schema = self.schema();
        let writes =
            |action| schema.objects().any(|object| !object.internal && decide(&ctx.actor, object, action).is_ok());
        if !writes(Action::Create) && !writes(Action::Update) {
            return Err(errors::forbidden());
        }
        let (id, files) = (ctx.new_id(), self.inner.files.clone());
        let writer = files.create(&id.to_string()).map_err(|error| disk(error.into()))?;
        Ok(FileUpload { id, files, writer: Some(writer), head: Vec::new() })
    }

    /// Makes the file durable under the name that its sender gave it. Until a record refers to it, only he may read it.
    pub fn file_keep(&self, ctx: &Ctx, mut upload: FileUpload, name: &str) -> Result<(FileRef, Seq)> {
        let size = upload.finish()?;
        let name = clean(name);
        let media_type = sniff::media_type(&upload.head, &name).to_owned();
        let file = FileRef { id: upload.id, name, size, media_type };
        let kept = Kept::new(file.clone(), ctx.actor.user, ctx.now);
        let seq = self.inner.commit_docs(ctx, "file", kept.put(None), vec![])?;
        upload.writer = None;
        Ok((file, seq))
    }

    /// A file that a record which the caller may read refers to, named by its object and id; without one, a file of his
    /// own that no record refers to yet. Errors: `not_found`.
    pub fn file_open(&self, ctx: &Ctx, id: Id, record: Option<(&str, Id)>) -> Result<OpenedFile> {
        let view = self.inner.view()?;
        let refers = match record {
            Some((object, record)) => {
                let access = self.inner.authorise(ctx, object, Action::Read)?;
                let record = access.load(&view, record)?.ok_or_else(|| Error::not_found("record"))?;
                let mut values = access.object.live().filter_map(|field| record.get(field.code));
                Some(values.any(|value| matches!(value, Value::Files(files) if files.iter().any(|file| file.id == id))))
            }
            None => None,
        };
        let kept = Kept::load(&view, id)?.filter(|kept| refers.unwrap_or_else(|| kept.is_of(ctx.actor.user)));
        let about = kept.ok_or_else(|| Error::not_found("file"))?.file;
        let content = self.inner.files.open(&id.to_string()).map_err(vault)?;
        Ok(OpenedFile { about, content })
    }

    /// Reads every file whole; what is damaged or missing, one line each.
    pub(crate) fn verify_files(&self) -> Result<Vec<String>> {
        let mut problems = Vec::new();
        Kept::each(&self.inner.view()?, |kept| {
            let name = kept.file.id.to_string();
            match self.inner.files.verify(&name) {
                Ok(size) if size == kept.file.size => {}
                Ok(size) => problems.push(format!("file {name} has {size} bytes instead of {}", kept.file.size)),
                Err(error) => problems.push(error.to_string()),
            }
        })?;
        Ok(problems)
    }
}

impl FileUpload {
    fn finish(&mut self) -> Result<u64> {
        let Some(writer) = &mut self.writer else { return Err(Error::internal("the upload failed before")) };
        let size = writer.finish().map_err(disk)?;
        self.files.sync().map_err(|error| disk(error.into()))?;
        Ok(size)
    }
}

impl Write for FileUpload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let writer = self.writer.as_mut().ok_or_else(|| io::Error::other("the upload is finished"))?;
        let written = writer.write(bytes)?;
        let wanted = sniff::HEAD.saturating_sub(self.head.len()).min(written);
        self.head.extend_from_slice(&bytes[..wanted]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for FileUpload {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            remove(&self.files, self.id);
        }
    }
}

/// The files that a record refers to.
fn files_of(record: &Record) -> impl Iterator<Item = &FileRef> {
    record.fields.iter().flat_map(|(_, value)| match value {
        Value::Files(files) => files.as_slice(),
        _ => &[],
    })
}

/// Best effort: what stays is removed at the next start, because no document tells of it.
fn remove(files: &SealedDir, id: Id) {
    if let Err(error) = files.remove(&id.to_string()) {
        tracing::warn!(file = %id, %error, "a file could not be removed");
    }
}

/// The last part of a path, without what no file system or header takes.
fn clean(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown: String = last.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    match shown.trim() {
        "" | "." | ".." => "file".to_owned(),
        name => name.to_owned(),
    }
}

pub(crate) fn vault(error: VaultError) -> Error {
    tracing::error!(%error, "files");
    Error::internal("a file cannot be stored or read; details are in the log")
}

pub(crate) fn disk(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::new(Code::DiskFull, "there is no room left for the file")
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            Error::new(Code::ReadOnly, "the data directory cannot be written to")
        }
        _ => {
            tracing::error!(%error, "files");
            Error::internal("the file cannot be stored; details are in the log")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned() {
        for (given, expect) in [
            ("offer.pdf", "offer.pdf"),
            ("C:\\Users\\ada\\Angebot für Ö.pdf", "Angebot für Ö.pdf"),
            ("../../etc/passwd", "passwd"),
            ("a\r\nset-cookie: x", "aset-cookie: x"),
            ("  ", "file"),
            ("..", "file"),
            ("", "file"),
        ] {
            assert_eq!(clean(given), expect, "{given:?}");
        }
        assert_eq!(clean(&"x".repeat(5_000)).len(), LONGEST_NAME);
    }
}
