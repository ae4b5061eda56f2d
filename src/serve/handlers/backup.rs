//! A backup of the running server, streamed to whoever may have it.

use std::io::{self, Write};

use aplomb_model::{Error, Result};
use aplomb_vault::envelope::Recipient;

use crate::backup::Kind;
use crate::call::Call;
use crate::download::Download;

/// Recipients of one backup at most.
const MOST_RECIPIENTS: usize = 20;

/// Errors: `forbidden`, `invalid` for recipients or a batch that cannot be meant, `conflict` while another one is made.
pub fn download(call: &Call) -> Result<Download> {
    let open = call.open.clone();
    open.crm.may_back_up(&call.ctx)?;
    let to: Vec<_> = call.query.list("recipient").into_iter().map(Recipient::Public).collect();
    if !(1..=MOST_RECIPIENTS).contains(&to.len()) {
        let detail = format!("give 1 to {MOST_RECIPIENTS} age public keys (age1...), with commas between them");
        return Err(Error::field("recipient", "required", detail));
    }
    let prepared = open.backups.prepare(&call.ctx, call.seq("since")?)?;
    let seq = prepared.about.until;
    tracing::info!(user = %call.user(), seq, since = prepared.about.since, "a backup goes out");
    let kind = match prepared.about.kind {
        Kind::Full => "full",
        Kind::Increment => "increment",
    };
    let name = format!("aplomb-{}-{kind}-{}.age", call.now.date(), seq.unwrap_or_default());
    let ctx = call.ctx.clone();
    let write = move |out: &mut dyn Write| {
        let mut counted = Counted { out, bytes: 0 };
        prepared.pack(&to, &mut counted, &|_| {})?;
        counted.flush().map_err(|e| Error::internal(e.to_string()))?;
        // A backup is a backup even where nothing can be written any more.
        if let Err(error) = open.crm.backed_up(&ctx, counted.bytes) {
            tracing::warn!(code = error.code.name(), "the time of a backup was not kept");
        }
        Ok(())
    };
    Ok(Download { seq, compress: false, ..Download::new("application/octet-stream", name, write) })
}

/// Counts what goes through.
struct Counted<'a> {
    out: &'a mut dyn Write,
    bytes: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
