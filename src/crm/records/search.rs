//! Full text over everything the caller may see.

use aplomb_model::{Action, Object, ObjectCode, Pred, Record, Result};
use aplomb_search::{TextQuery, snippet};
use serde_json::{Value as Json, json};

use super::{Access, Render, page_limit, scan};
use crate::crm::Crm;
use crate::errors::OrStore;
use crate::{Ctx, SearchAnswer, SearchRequest};

const SNIPPET: usize = 160;
const MAX_TEXT: usize = 500;
/// Records read per object while there is no index.
const MOST_READ: usize = 50_000;

impl Crm {
    pub fn search(&self, ctx: &Ctx, request: &SearchRequest) -> Result<SearchAnswer> {
        let places = self.places(ctx, &request.objects)?;
        let text: String = request.q.trim().chars().take(MAX_TEXT).collect();
        let limit = page_limit(request.limit);
        if let Some(seq) = request.after {
            self.inner.caught_up(seq);
        }
        if text.is_empty() || places.is_empty() {
            return Ok(SearchAnswer { results: vec![], next: None, seq: self.inner.index.seq() });
        }
        if self.inner.follower.rebuilding() {
            return self.search_records(ctx, &places, &text, limit);
        }
        let objects: Vec<(ObjectCode, Pred)> = places.iter().map(|a| (a.object.code, a.rights())).collect();
        let query =
            TextQuery { text: text.clone(), objects, limit, cursor: request.cursor.clone(), count_up_to: 10_000 };
        let Some(page) = self.inner.ask_index(|index| index.text(&query))? else {
            return self.search_records(ctx, &places, &text, limit);
        };
        let view = self.inner.view()?;
        let schema = self.schema();
        let render = Render::new(&self.inner, &schema, &ctx.actor, &view)?;
        let mut results = Vec::with_capacity(page.hits.len());
        for hit in page.hits {
            let Some(access) = places.iter().find(|a| a.object.code == hit.object) else { continue };
            let record = access.load(&view, hit.id)?.filter(|r| r.trashed_at.is_none());
            results.extend(record.map(|r| found(&render, access, &r, &text, hit.score)));
        }
        Ok(SearchAnswer { results, next: page.next, seq: page.seq })
    }

    fn places(&self, ctx: &Ctx, names: &[String]) -> Result<Vec<Access>> {
        if !names.is_empty() {
            return names.iter().map(|name| self.inner.authorise(ctx, name, Action::Read)).collect();
        }
        let schema = self.schema();
        let objects = schema.objects().filter(|o| !o.internal);
        Ok(objects.filter_map(|o| self.inner.access(ctx, o, Action::Read)).collect())
    }

    fn search_records(&self, ctx: &Ctx, places: &[Access], text: &str, limit: usize) -> Result<SearchAnswer> {
        let view = self.inner.view()?;
        let schema = self.schema();
        let render = Render::new(&self.inner, &schema, &ctx.actor, &view)?;
        let mut results = Vec::new();
        for access in places {
            let (mut after, mut read) = (None, 0);
            while read < MOST_READ && results.len() < limit {
                let page = view.scan(access.object.code, after, true, 1_000).or_store()?;
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                read += page.len();
                let hits = page.iter().filter(|r| access.admits(r) && scan::mentions(&access.object, r, text));
                results.extend(hits.map(|r| found(&render, access, r, text, 0.0)));
            }
        }
        results.truncate(limit);
        Ok(SearchAnswer { results, next: None, seq: view.seq() })
    }
}

fn found(render: &Render<'_>, access: &Access, record: &Record, text: &str, score: f32) -> Json {
    let object = &access.object;
    json!({
        "object": object.name, "id": record.id, "title": object.title_of(record), "subtitle": subtitle(render, object, record),
        "snippet": best_snippet(object, record, text), "score": score, "updatedAt": record.updated_at,
    })
}

/// What tells records of the same name apart: the next columns of the list that have a value.
fn subtitle(render: &Render<'_>, object: &Object, record: &Record) -> String {
    let mut parts = Vec::new();
    for field in object.list.iter().filter(|n| **n != object.title).filter_map(|n| object.field(n)) {
        let Some(value) = record.get(field.code) else { continue };
        match value.links() {
            [] => {
                let key = value.text();
                let label = field.choices.iter().find(|c| c.key == key).map(|c| c.label.clone());
                parts.push(label.unwrap_or(key));
            }
            [link] if field.name == "company" => parts.extend(render.name(*link)),
            _ => {}
        }
        if parts.len() == 2 {
            break;
        }
    }
    parts.join(" · ")
}

/// From the field with the highest weight that shows a match.
fn best_snippet(object: &Object, record: &Record, text: &str) -> Json {
    let mut fields: Vec<_> = object.live().filter(|f| f.search > 0 && f.name != object.title).collect();
    fields.sort_by_key(|f| std::cmp::Reverse(f.search));
    for field in fields {
        let Some(value) = record.get(field.code) else { continue };
        if let Some(found) = snippet(&value.text(), text, SNIPPET) {
            let marks: Vec<_> = found.marks.iter().map(|m| json!({"start": m.start, "end": m.end})).collect();
            return json!({"field": field.name, "label": field.label, "text": found.text, "marks": marks});
        }
    }
    Json::Null
}
