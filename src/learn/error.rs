//! What can go wrong, in words that name the field and the remedy.

/// Why a table could not be read, or a model not be fitted, saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    #[error("the file has no header; name the columns in its first line")]
    NoHeader,
    #[error("line {line} cannot be read as CSV ({detail}); correct or remove it")]
    Csv { line: u64, detail: String },
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("there is no column \"{name}\"; the columns are {have}")]
    NoColumn { name: String, have: String },
    #[error("column \"{name}\" stands {times} times in the header; rename all but one")]
    SameName { name: String, times: usize },
    #[error("column \"{name}\" is empty: there is nothing to learn from; name another one")]
    NoValues { name: String },
    #[error("column \"{name}\" always has the value {value}: there is nothing to tell apart; name another one")]
    OneValue { name: String, value: String },
    #[error(
        "column \"{name}\" is neither a yes or no nor an amount: its values are {have}; say which value counts as yes, or \
         name a column of two values or of numbers"
    )]
    NeitherOutcomeNorAmount { name: String, have: String },
    #[error(
        "line {line} of column \"{name}\" has \"{text}\" where a finite number is needed; correct or empty the cell"
    )]
    NoAmount { name: String, line: u64, text: String },
    #[error("column \"{name}\" never has the value \"{value}\"; its values are {have}")]
    NoSuchValue { name: String, value: String, have: String },
    #[error("a row has {given} cells and the table {expected} features; give one cell for each feature")]
    RowLength { given: usize, expected: usize },
    #[error("feature \"{feature}\" is {expected} and the row gives {given}; convert the cell")]
    WrongKind { feature: String, expected: &'static str, given: &'static str },
    #[error("the table has more than {0} rows; take the latest ones or a sample")]
    TooManyRows(usize),
    #[error("row {row} does not exist; the table has {rows}")]
    NoRow { row: usize, rows: usize },
    #[error("the model needs feature \"{0}\", which the table does not have with the same kind")]
    NoFeature(String),
    #[error("not enough data: {yes} outcomes are yes and {no} are no; at least {least} of each are needed")]
    TooFewOutcomes { yes: usize, no: usize, least: usize },
    #[error("the table has no outcomes to learn from; name the target")]
    NoOutcomes,
    #[error("rule \"{rule}\": {problem}")]
    Rule { rule: String, problem: &'static str },
    #[error("the fit did not settle on finite numbers; look for extreme values in the features")]
    NotFinite,
    #[error("boosting failed: {0}")]
    Boosting(String),
    #[error("this is no saved model: {0}")]
    Malformed(String),
    #[error("the saved model is of kind \"{found}\", not \"{expected}\"")]
    OtherKind { found: String, expected: &'static str },
    #[error("the saved model has format {found} and this program reads up to {newest}; use a newer program")]
    TooNew { found: u16, newest: u16 },
    #[error("the series has {have} values; at least {least} are needed")]
    ShortSeries { have: usize, least: usize },
    #[error("there are {have} rows; at least {least} are needed")]
    FewRows { have: usize, least: usize },
    #[error("there are {have} {what}; at least {least} are needed")]
    TooFew { what: &'static str, have: usize, least: usize },
    #[error("all rows are alike; give features in which they differ")]
    AllAlike,
    #[error("value {at} of the series is no number; fill the gap")]
    GapInSeries { at: usize },
    #[error("{what} {at} is {value}; it must be {must}")]
    OutOfRange { what: &'static str, at: usize, value: f64, must: &'static str },
    #[error("{left} has {left_len} entries and {right} {right_len}; give one for each")]
    UnequalLengths { left: &'static str, left_len: usize, right: &'static str, right_len: usize },
    #[error("feature \"{feature}\" cannot be declared so: {problem}")]
    Declaration { feature: String, problem: String },
    #[error("no model could be fitted: {0}")]
    NoModel(String),
    #[error("the saved features cannot be used: {0}; build them again from the events")]
    SavedFeatures(String),
    #[error("training was cancelled")]
    Cancelled,
    #[error("this is no checkpoint of a training; start the training anew")]
    NoCheckpoint,
    #[error("the checkpoint was changed or cut after it was written; start the training anew")]
    AlteredCheckpoint,
    #[error("the checkpoint has format {found} and this program reads {known}; start the training anew")]
    CheckpointFormat { found: u16, known: u16 },
    #[error("the checkpoint belongs to another {0}; give the one that it was made with, or start the training anew")]
    OtherCheckpoint(&'static str),
}
