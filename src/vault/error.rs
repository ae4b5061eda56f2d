//! What can go wrong with keys and sealed bytes. No variant carries key material or plaintext.

use std::io;
use std::path::{Path, PathBuf};

/// An error of the vault. Messages name files, never secrets or contents.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// No wrapped key of the directory opens with the given secret.
    #[error("the unseal secret does not open this vault")]
    WrongSecret,
    /// The given text is neither a usable passphrase nor a usable age identity or recipient.
    #[error("unusable unseal secret: {0}")]
    InvalidSecret(&'static str),
    /// The directory holds a vault already.
    #[error("{}: there is a vault already", .0.display())]
    Exists(PathBuf),
    /// The directory holds no vault.
    #[error("{}: there is no vault", .0.display())]
    Missing(PathBuf),
    /// A file is torn, truncated, altered, or was sealed under another key or name.
    #[error("{}: {reason}", file.display())]
    Damaged {
        /// The file with the damage.
        file: PathBuf,
        /// What was found, and where in the file.
        reason: String,
    },
    /// A sealed value is altered, or was sealed under another key or context.
    #[error("sealed value does not authenticate")]
    Unauthentic,
    /// A name that may not be used for a sealed file.
    #[error("{0:?} is not a name for a sealed file")]
    InvalidName(String),
    /// A range outside of a sealed file.
    #[error("{}: bytes {start}..{end} were asked for, the file has {len}", file.display())]
    OutOfRange {
        /// The file that was read.
        file: PathBuf,
        /// First byte asked for.
        start: u64,
        /// End of the range, exclusive.
        end: u64,
        /// Length of the file's plaintext in bytes.
        len: u64,
    },
    /// The operating system gave no random bytes.
    #[error("no randomness from the operating system: {0}")]
    Random(getrandom::Error),
    /// The operating system refused to read or write a file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
}

impl VaultError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> VaultError + '_ {
        move |source| VaultError::Io { path: path.to_path_buf(), source }
    }

    pub(crate) fn damaged(file: &Path, reason: impl Into<String>) -> VaultError {
        VaultError::Damaged { file: file.to_path_buf(), reason: reason.into() }
    }

    /// Whether the cause is a file that does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, VaultError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl From<VaultError> for io::Error {
    /// Keeps the kind of an I/O error; damage becomes `InvalidData`.
    fn from(error: VaultError) -> io::Error {
        let kind = match &error {
            VaultError::Io { source, .. } => source.kind(),
            VaultError::Damaged { .. } | VaultError::Unauthentic => io::ErrorKind::InvalidData,
            VaultError::InvalidName(_) | VaultError::InvalidSecret(_) => io::ErrorKind::InvalidInput,
            VaultError::OutOfRange { .. } => io::ErrorKind::UnexpectedEof,
            VaultError::WrongSecret => io::ErrorKind::PermissionDenied,
            VaultError::Exists(_) => io::ErrorKind::AlreadyExists,
            VaultError::Missing(_) => io::ErrorKind::NotFound,
            VaultError::Random(_) => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}
