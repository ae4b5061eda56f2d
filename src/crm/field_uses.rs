//! What hangs on a field, for whoever is about to retire it.

use aplomb_access::can;
use aplomb_model::query::{Check, Kind, Path, Pred, Test};
use aplomb_model::{Capability, Error, Field, Object, Result, Schema};
use aplomb_search::ListQuery;
use serde_json::{Value as Json, json};

use crate::Ctx;
use crate::crm::Crm;
use crate::errors::forbidden;

impl Crm {
    /// `{records, exact, views, otherViews, layout, references, unique, indexed, removable, reasons}`. Views of others
    /// that are not shared are counted, not named.
    ///
    /// Errors: `forbidden` without `manageSchema`, `not_found`.
    pub fn field_uses(&self, ctx: &Ctx, object: &str, field: &str) -> Result<Json> {
        if !can(&ctx.actor, Capability::ManageSchema) {
            return Err(forbidden());
        }
        let schema = self.schema();
        let object = schema.by_name(object).filter(|o| !o.internal).ok_or_else(|| Error::not_found("object"))?;
        let field = object.field(field).ok_or_else(|| Error::not_found("field"))?;
        let (records, exact) = self.records_with(object, field)?;
        let (views, other_views) =
            self.views_with(ctx, &|view, words| mentions(&schema, object, field, view, words))?;
        let reasons = standing(object, field);
        Ok(json!({
            "records": records,
            "exact": exact,
            "views": views,
            "otherViews": other_views,
            "layout": {
                "title": object.title == field.name,
                "subtitle": object.title != field.name && object.list.contains(&field.name),
                "columns": object.list.contains(&field.name),
                "required": field.required,
                "owner": object.owner().is_some_and(|f| f.code == field.code),
            },
            // whose pages list records by this field
            "references": field.target.iter().map(|name| json!({"object": name, "field": field.name})).collect::<Vec<_>>(),
            "unique": field.unique,
            "indexed": field.indexed,
            "removable": reasons.is_empty(),
            "reasons": reasons,
        }))
    }

    /// Live records with a value; not exact while the index is built again.
    fn records_with(&self, object: &Object, field: &Field) -> Result<(u64, bool)> {
        let path = Path {
            steps: vec![],
            field: field.code,
            part: None,
            kind: Kind::of(field.kind),
            field_type: Some(field.kind),
        };
        let query = ListQuery {
            object: object.code,
            pred: Pred::Not(Box::new(Pred::Test(Test { path, check: Check::Empty }))),
            rights: Pred::Const(true),
            text: None,
            sort: vec![],
            limit: 1,
            cursor: None,
            offset: 0,
            count_up_to: usize::MAX,
        };
        let shows_all = self.inner.caught_up(self.seq()) && !self.inner.follower.rebuilding();
        let page = self.inner.ask_index(|index| index.list(&query))?;
        Ok(page.map_or((0, false), |page| (page.total.count, shows_all && page.total.exact)))
    }
}

/// Why it cannot be retired.
fn standing(object: &Object, field: &Field) -> Vec<&'static str> {
    let mut reasons = Vec::new();
    if !field.custom && !object.custom {
        reasons.push("it is a standard field");
    }
    if object.title == field.name {
        reasons.push("it names the records");
    }
    if field.retired {
        reasons.push("it is retired already");
    }
    reasons
}

/// Whether the address of a list of `view`'s object names the field: as one of its own, or at the end of a path.
fn mentions(schema: &Schema, object: &Object, field: &Field, view: &str, words: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '.';
    let mut paths = words.split(|c| !is_part(c)).filter(|path| !path.is_empty());
    let Some(listed) = schema.by_name(view) else { return false };
    paths.any(|path| {
        let mut steps = path.split('.');
        let mut at = vec![listed.name.clone()];
        steps.any(|step| {
            let found = step == field.name && at.contains(&object.name);
            at = at
                .iter()
                .filter_map(|name| schema.by_name(name)?.field(step))
                .flat_map(|f| f.target.iter().cloned())
                .collect();
            found
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_name_fields_by_themselves_and_by_paths() {
        let object = |code: u16, name: &str, fields: Json| -> Object {
            let object =
                json!({"code": code, "name": name, "label": name, "plural": name, "title": "name", "fields": fields});
            serde_json::from_value(object).unwrap()
        };
        let text = |code: u16, name: &str| json!({"code": code, "name": name, "label": name, "type": "text"});
        let link = json!({"code": 2, "name": "company", "label": "c", "type": "reference", "target": ["company"]});
        let schema = Schema::new(
            1,
            [
                object(1, "contact", json!([text(1, "name"), link, text(3, "size")])),
                object(2, "company", json!([text(1, "name"), text(4, "size")])),
            ],
        );
        let company = schema.by_name("company").unwrap();
        let size = company.field("size").unwrap();
        for (view, words, expect) in [
            ("company", "sort=-size", true),
            ("company", r#"filter={"field":"size","op":"eq"}"#, true),
            ("company", "columns=name,sizes", false),
            ("contact", "sort=company.size", true),
            ("contact", "sort=size", false),
            ("contact", "sort=name.size", false),
            ("gone", "sort=size", false),
        ] {
            assert_eq!(mentions(&schema, company, size, view, words), expect, "{view} {words}");
        }
    }
}
