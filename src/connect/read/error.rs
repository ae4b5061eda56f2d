//! Why a file cannot be read at all. What is wrong with one row stands in that row.

use aplomb_model::{Code, Error};

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the file is empty")]
    Empty,
    #[error("the file is larger than {} MiB", super::MAX_FILE >> 20)]
    TooLarge,
    #[error("this is not a table: the file holds binary data")]
    Binary,
    #[error("this is {0}; save it as CSV or XLSX")]
    Foreign(&'static str),
    #[error("the file has more than {} columns", super::MAX_COLUMNS)]
    Columns,
    #[error("the workbook would unpack to more than {0} MiB; save the sheet as CSV")]
    Bomb(u64),
    #[error("the workbook cannot be read: {0}")]
    Workbook(String),
    #[error("quotes are left open in more than {0} places, first in row {1}")]
    Quotes(u32, u64),
    #[error("the first rows are no JSON objects, one a line: {0}")]
    Json(String),
    #[error("there is no vCard in the file")]
    NoCard,
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
}

impl From<ReadError> for Error {
    fn from(e: ReadError) -> Error {
        let code = match &e {
            ReadError::TooLarge | ReadError::Bomb(_) => Code::TooLarge,
            ReadError::Binary | ReadError::Foreign(_) => Code::UnsupportedMedia,
            ReadError::Io(_) => Code::Internal,
            _ => Code::Invalid,
        };
        Error::new(code, e.to_string())
    }
}
