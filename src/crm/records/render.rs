//! Records as the API shows them: names instead of codes, and the names of what they refer to.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use aplomb_access::{Actor, RowFilter, read_filter};
use aplomb_model::schema::{Schema, system};
use aplomb_model::value::Link;
use aplomb_model::{Action, Code, Error, Field, FieldError, Id, Object, ObjectCode, Record, Result, Value, json};
use aplomb_store::View;
use serde_json::{Map, Value as Json, json};

use super::holder;
use crate::crm::{Inner, Names};
use crate::directory::Directory;

/// Which fields an answer has; all when `None`.
pub(crate) struct Columns(Option<Vec<String>>);

impl Columns {
    pub const ALL: Columns = Columns(None);

    /// Names of fields; those that every record has are always there.
    pub fn parse(object: &Object, names: &[String]) -> Result<Columns> {
        if names.is_empty() {
            return Ok(Columns::ALL);
        }
        let mut kept = Vec::new();
        for name in names {
            match object.live().find(|f| &f.name == name) {
                Some(field) => kept.push(field.name.clone()),
                None if system::by_name(name).is_some() => {}
                None => {
                    let e = FieldError::new(name, "unknown_field", format!("{} has no such field", object.name));
                    return Err(Error { code: Code::BadFilter, ..Error::invalid(vec![e]) });
                }
            }
        }
        Ok(Columns(Some(kept)))
    }

    fn has(&self, field: &Field) -> bool {
        self.0.as_ref().is_none_or(|names| names.contains(&field.name))
    }
}

/// Renders the records of one answer; looks every name up once.
pub(crate) struct Render<'a> {
    schema: &'a Schema,
    actor: &'a Actor,
    view: &'a View,
    directory: Arc<Directory>,
    names: RefCell<Names>,
    rows: RefCell<HashMap<ObjectCode, RowFilter>>,
}

impl<'a> Render<'a> {
    pub fn new(inner: &Inner, schema: &'a Schema, actor: &'a Actor, view: &'a View) -> Result<Render<'a>> {
        let directory = inner.directory()?;
        Ok(Render { schema, actor, view, directory, names: RefCell::default(), rows: RefCell::default() })
    }

    /// So that records of the same batch find each other's names.
    pub fn knows(&self, record: &Record) {
        if let Some(object) = self.schema.by_code(record.object) {
            self.names.borrow_mut().insert(record.link(), Some(object.title_of(record)));
        }
    }

    pub fn record(&self, object: &Object, record: &Record, columns: &Columns) -> Json {
        let mut fields = Map::new();
        for field in object.live().filter(|f| columns.has(f)) {
            if let Some(value) = record.get(field.code) {
                fields.insert(field.name.clone(), self.value(value));
            }
        }
        let mut out = Map::new();
        out.insert("id".into(), json!(record.id));
        out.insert("object".into(), json!(object.name));
        out.insert("title".into(), json!(object.title_of(record)));
        out.insert("version".into(), json!(record.version));
        out.insert("createdAt".into(), json!(record.created_at));
        out.insert("updatedAt".into(), json!(record.updated_at));
        out.insert("createdBy".into(), self.user(record.created_by));
        out.insert("updatedBy".into(), self.user(record.updated_by));
        if let Some(at) = record.trashed_at {
            out.insert("trashedAt".into(), json!(at));
        }
        out.insert("fields".into(), Json::Object(fields));
        Json::Object(out)
    }

    pub fn value(&self, value: &Value) -> Json {
        match value {
            Value::Ref(link) => self.link(*link),
            Value::Refs(links) => links.iter().map(|l| self.link(*l)).collect(),
            other => json::write(other),
        }
    }

    pub fn user(&self, id: Id) -> Json {
        json!({"id": id, "name": self.directory.name(id)})
    }

    /// `{id, object, name}`; the name is null when there is no such record or the caller may not see it.
    pub fn link(&self, link: Link) -> Json {
        let object = self.schema.by_code(link.object).map(|o| o.name.as_str());
        json!({"id": link.id, "object": object, "name": self.name(link)})
    }

    pub fn name(&self, link: Link) -> Option<String> {
        if let Some(known) = self.names.borrow().get(&link) {
            return known.clone();
        }
        let name = self.look_up(link);
        self.names.borrow_mut().insert(link, name.clone());
        name
    }

    fn look_up(&self, link: Link) -> Option<String> {
        let object = self.schema.by_code(link.object)?;
        match object.name.as_str() {
            "user" => return self.directory.name(link.id).map(str::to_owned),
            "team" => return self.directory.teams.get(&link.id).map(|t| t.name.clone()),
            _ => {}
        }
        let mut rows = self.rows.borrow_mut();
        let rows = rows.entry(link.object).or_insert_with(|| read_filter(self.actor, object, Action::Read));
        if *rows == RowFilter::None {
            return None;
        }
        let record = self.view.get(link.object, link.id).ok()??;
        rows.admits(holder(object, &record)).then(|| object.title_of(&record))
    }
}
