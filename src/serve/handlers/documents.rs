//! The API's own description: the OpenAPI document and a page to read and try it.

use aplomb_model::Result;

use crate::call::Door;
use crate::http::answer::Answer;
use crate::openapi;

const PAGE: &str = include_str!("../../../assets/docs/index.html");
const SCRIPT: &str = include_str!("../../../assets/docs/docs.js");
const STYLE: &str = include_str!("../../../assets/docs/docs.css");

/// The general part for anybody; the objects for whoever may read them.
pub fn openapi(door: &Door) -> Result<Answer> {
    let objects = match (door.caller(), door.app.open()) {
        (Some(ctx), Ok(open)) => open.crm.objects(&ctx)?,
        _ => Vec::new(),
    };
    Answer::json(&openapi::document(&objects))
}

pub fn page(_: &Door) -> Result<Answer> {
    Ok(Answer::new(200, "text/html; charset=utf-8", PAGE))
}

pub fn script(_: &Door) -> Result<Answer> {
    Ok(Answer::new(200, "text/javascript; charset=utf-8", SCRIPT))
}

pub fn style(_: &Door) -> Result<Answer> {
    Ok(Answer::new(200, "text/css; charset=utf-8", STYLE))
}
