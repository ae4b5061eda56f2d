//! Files of records: sent on their own, and named by the record that holds them.

use serde_json::Value as Json;
use web_sys::{File, FormData};

use super::{Call, Failure, Result};

/// What a field of the type file takes.
pub async fn upload_file(file: &File) -> Result<Json> {
    let lost = |_| Failure::network();
    let form = FormData::new().map_err(lost)?;
    form.append_with_blob_and_filename("file", file, &file.name()).map_err(lost)?;
    Ok(Call::upload("/files", form).send().await?.json)
}

/// Where a browser finds a file that a record holds; `inline` to show it instead of saving it.
pub fn file_address(object: &str, id: &str, file: &str, inline: bool) -> String {
    let inline = if inline { "&inline=1" } else { "" };
    format!("/api/v1/files/{file}?record={object}/{id}{inline}")
}
