//! Refused rows given back as a file that can be mended and imported again.

use std::collections::HashMap;
use std::io::Write;
use std::ops::ControlFlow;

use aplomb_model::{Error, Result};

use super::Imports;
use super::edits::Edits;
use super::source::SealedSource;
use super::state::{BatchDoc, Run, State};
use crate::export::guard;
use crate::map::table;

impl Imports {
    pub(super) fn write_errors(&self, state: &State, out: &mut dyn Write) -> Result<()> {
        let run = Run::load(&self.crm, state.id)?;
        let mut reasons: HashMap<u64, String> = HashMap::new();
        for number in 0..run.batches {
            let doc = BatchDoc::load(&self.crm, state.id, number)?.unwrap_or_default();
            for refused in doc.refused {
                let texts = refused.reasons.iter().map(|(column, _, detail)| match column {
                    Some(c) => format!("{}: {detail}", state.header(*c as usize)),
                    None => detail.clone(),
                });
                reasons.insert(refused.row, texts.collect::<Vec<String>>().join("; "));
            }
        }
        if run.file_gone {
            return reasons_only(reasons, out);
        }
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(out);
        let mut failed = None;
        let header = state.shape.headers.iter().map(String::as_str).chain(["aplomb_errors"]);
        writer.write_record(header).map_err(broken)?;
        if !reasons.is_empty() {
            let edits = Edits::load(&self.crm, state)?;
            let mut source = SealedSource::open(&self.uploads, state.id)?;
            table::data(state.format, &state.layout, &state.shape, &mut source, &mut |mut row| {
                let Some(reason) = reasons.remove(&row.number) else { return ControlFlow::Continue(()) };
                edits.apply(&mut row);
                let width = state.shape.headers.len();
                let mut cells: Vec<String> = row.cells.iter().map(|c| guard(c)).collect();
                // cells beyond the header are joined, so that the reason stands in its own column
                if cells.len() > width {
                    let beyond = cells.split_off(width.max(1) - 1);
                    cells.push(beyond.into_iter().take(100).collect::<Vec<_>>().join(" "));
                }
                cells.resize(width, String::new());
                cells.push(guard(&reason));
                match writer.write_record(&cells) {
                    Ok(()) if reasons.is_empty() => ControlFlow::Break(()),
                    Ok(()) => ControlFlow::Continue(()),
                    Err(e) => {
                        failed = Some(e);
                        ControlFlow::Break(())
                    }
                }
            })?;
        }
        match failed {
            Some(e) => Err(broken(e)),
            None => writer.flush().map_err(|_| Error::internal("the file cannot be written")),
        }
    }
}

/// When the file is no longer kept.
fn reasons_only(reasons: HashMap<u64, String>, out: &mut dyn Write) -> Result<()> {
    let mut reasons: Vec<(u64, String)> = reasons.into_iter().collect();
    reasons.sort();
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["row", "aplomb_errors"]).map_err(broken)?;
    for (row, reason) in reasons {
        writer.write_record([&row.to_string(), &guard(&reason)]).map_err(broken)?;
    }
    writer.flush().map_err(|_| Error::internal("the file cannot be written"))
}

fn broken(_: csv::Error) -> Error {
    Error::internal("the file cannot be written")
}
