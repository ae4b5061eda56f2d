//! What can go wrong with a backup.

use std::io;
use std::path::{Path, PathBuf};

use aplomb_model::Error;
use aplomb_vault::VaultError;
use aplomb_vault::envelope::OpenError;

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{}: {cause}", path.display())]
    File { path: PathBuf, cause: io::Error },
    #[error("the recipients: {0}")]
    Recipients(io::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("{0}")]
    Crm(#[from] Error),
    #[error("{}: there is data already", .0.display())]
    NotEmpty(PathBuf),
    #[error("not a backup of this program, or of a newer one")]
    NotABackup,
    #[error("damaged: {0}")]
    Damaged(String),
    /// Archives that do not belong together.
    #[error("{0}")]
    DoesNotFit(String),
    /// The archive's name, and what is wrong with it.
    #[error("{}: {cause}", archive.display())]
    Archive { archive: PathBuf, cause: Box<BackupError> },
}

impl BackupError {
    pub fn file(path: &Path) -> impl FnOnce(io::Error) -> BackupError + '_ {
        move |cause| BackupError::File { path: path.to_path_buf(), cause }
    }

    pub fn damaged(what: impl Into<String>) -> BackupError {
        BackupError::Damaged(what.into())
    }

    pub fn of(archive: &Path) -> impl FnOnce(BackupError) -> BackupError + '_ {
        move |cause| BackupError::Archive { archive: archive.to_path_buf(), cause: Box::new(cause) }
    }
}

impl From<BackupError> for Error {
    fn from(error: BackupError) -> Error {
        let full = |e: &io::Error| matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        match error {
            BackupError::Crm(error) => error,
            BackupError::Recipients(cause) => Error::field("recipient", "value", cause.to_string()),
            BackupError::File { cause, .. } | BackupError::Io(cause) if full(&cause) => {
                Error::new(aplomb_model::Code::DiskFull, "there is no room to make the backup")
            }
            other => Error::internal(format!("backup: {other}")),
        }
    }
}
