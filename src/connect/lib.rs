//! Import and export of files: what another program wrote becomes records, and records become files again.
//!
//! `read` turns bytes into rows and knows no fields; `map` guesses which column fills which field and reads cells
//! into values; `import` checks, writes and reverts through `crm`, in the background; `export` writes files. Mail,
//! calendars and telephony will stand beside them. Nothing here speaks HTTP or touches the store.

pub mod export;
pub mod import;
pub mod map;
pub mod read;

pub use export::{ExportFormat, export, export_as};
pub use import::{ImportChange, Imports, Now, Upload};
pub use read::{Format, sniff};
pub use view::{
    Alike, CellEdit, ColumnView, DateOrder, Duplicate, DuplicateField, DuplicateOf, EditedRecord, ImportRow,
    ImportView, LeftOut, MapTo, NewChoices, Noted, OnMatch, Options, Pair, Preview, Problem, ProblemGroup, Progress,
    RevertReport, RowDecision, RowKind, RowProblem, RowsPage, Status, TargetView, UnknownChoice, UnknownOwner,
    UnknownReference,
};

pub(crate) use aplomb_model::import as view;
