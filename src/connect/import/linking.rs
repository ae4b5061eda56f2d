//! From the words of a row to links: its owner, the company it names, the records it refers to by the old system's id.

use aplomb_access::read_filter;
use aplomb_model::record::Fields;
use aplomb_model::schema::system;
use aplomb_model::value::Link;
use aplomb_model::{Action, FieldCode, FieldType, Id, Value, fold};

use super::plan::{Entry, OpenLink, Plan, Planner};
use super::resolve::external_key;
use crate::map::convert::{CellProblem, Draft, Reference};
use crate::map::target::Key;
use crate::view::{UnknownOwner, UnknownReference};

impl Planner<'_> {
    /// Turns owner and references into values; makes companies that rows name.
    pub(super) fn link(&mut self, draft: &mut Draft, plan: &mut Plan) {
        self.people(draft, plan);
        let references = std::mem::take(&mut draft.references);
        let mut done: Vec<FieldCode> = Vec::new();
        for reference in &references {
            let many = self.object.by_code(reference.field).is_some_and(|f| f.kind == FieldType::References);
            if done.contains(&reference.field) {
                continue;
            }
            if let Some(id) = self.resolver.find(self.schema, reference)
                && !self.is_another(reference, &references, id)
            {
                self.set_link(draft, reference, id);
                if !many {
                    done.push(reference.field);
                }
            }
        }
        for reference in &references {
            let open = !done.contains(&reference.field) && draft.fields.get(reference.field).is_none();
            if open && draft.problems.is_empty() && self.can_make(reference) {
                let id = self.make(reference, &references, draft.number, plan);
                self.set_link(draft, reference, id);
                done.push(reference.field);
            }
        }
        for reference in references {
            if !done.contains(&reference.field) && draft.fields.get(reference.field).is_none() {
                self.leave_open(draft, reference, plan);
            }
        }
    }

    fn people(&mut self, draft: &mut Draft, plan: &mut Plan) {
        if let Some(creator) = draft.creator.take().and_then(|name| self.owners.find(&name))
            && let Some(users) = self.schema.by_name("user")
        {
            draft.fields.set(system::CREATED_BY, Some(Value::Ref(Link { object: users.code, id: creator })));
        }
        let Some(owner) = draft.owner.take() else { return };
        let Some(id) = self.owners.find(&owner.text) else {
            if self.options.unknown_owner == UnknownOwner::Refuse {
                draft.problems.push(self.problem(&owner, "unknown_owner", "is no user here"));
            } else {
                *plan.notes.unknown_owners.entry(fold(&owner.text)).or_default() += 1;
                let detail = || "is no user here; the record goes to whoever imports".to_owned();
                self.warn(draft.number, &owner, "unknown_owner", detail);
            }
            return;
        };
        // whoever may create only his own records takes over those of others
        match read_filter(&self.ctx.actor, &self.object, Action::Create).admits(Some(id)) {
            true => self.set_link(draft, &owner, id),
            false => {
                plan.notes.taken_over += 1;
                let detail = "is another user; the record goes to whoever imports, who may create only his own";
                self.warn(draft.number, &owner, "taken_over", || detail.to_owned());
            }
        }
    }

    /// Found by its name only, while it and the row give different ids of the old system: two of the same name.
    fn is_another(&self, reference: &Reference, all: &[Reference], found: Id) -> bool {
        let by_name = !matches!(reference.by, Key::Id | Key::External);
        let has_id = || all.iter().any(|r| r.field == reference.field && r.by == Key::External);
        by_name && has_id() && self.resolver.has_old_id(found)
    }

    fn can_make(&self, reference: &Reference) -> bool {
        self.options.create_companies
            && reference.object == "company"
            && matches!(reference.by, Key::Name | Key::Any)
            && reference.text.chars().any(char::is_alphabetic)
            && reference.text.parse::<Id>().is_err()
    }

    /// A company known by name only, with the id the old system gives it in this row.
    fn make(&mut self, reference: &Reference, all: &[Reference], row: u64, plan: &mut Plan) -> Id {
        let name = reference.text.trim().chars().take(500).collect::<String>();
        let external = all.iter().find(|r| r.field == reference.field && r.by == Key::External).map(|r| r.text.clone());
        let known_as = external.as_ref().map_or_else(|| fold(&name), |id| format!("\0{id}"));
        let id = self.ids.named(&reference.object, &known_as);
        let Some(object) = self.schema.by_name(&reference.object).cloned() else { return id };
        let mut fields = Fields::default();
        if let Some(title) = object.field(&object.title) {
            fields.set(title.code, Some(Value::Text(name.clone())));
        }
        if let (Some(code), Some(external)) = (self.crm.external_ids(&object), &external) {
            let key = external_key(&self.options.source, &object.name, external);
            fields.set(code, Some(Value::Texts(vec![key])));
        }
        self.resolver.learn(&object, &name, external.as_deref(), id);
        plan.named.push(Entry { object, id, before: None, fields, rows: vec![row], changed: true });
        id
    }

    fn leave_open(&mut self, draft: &mut Draft, reference: Reference, plan: &mut Plan) {
        // a record of the same object may stand in a later row
        if self.options.unknown_reference == UnknownReference::Refuse && reference.object != self.object.name {
            let detail = format!("there is no such {}", reference.object);
            draft.problems.push(self.problem(&reference, "unknown_reference", &detail));
            return;
        }
        if !draft.problems.is_empty() {
            return;
        }
        let record = self.ids.row(draft.number);
        let noted = plan.links.iter().any(|l| l.record == record && l.reference.field == reference.field);
        if !noted {
            *plan.notes.unknown_references.entry(reference.object.clone()).or_default() += 1;
            let detail = || format!("there is no such {} yet; it is linked when that is imported", reference.object);
            self.warn(draft.number, &reference, "unknown_reference", detail);
        }
        plan.links.push(OpenLink { record, reference });
    }

    fn set_link(&self, draft: &mut Draft, reference: &Reference, id: Id) {
        let (Some(field), Some(object)) =
            (self.object.by_code(reference.field), self.schema.by_name(&reference.object))
        else {
            return;
        };
        let link = Link { object: object.code, id };
        let value = match (field.kind, draft.fields.get(field.code)) {
            (FieldType::References, Some(Value::Refs(have))) => {
                let mut links = have.clone();
                if !links.contains(&link) {
                    links.push(link);
                }
                Value::Refs(links)
            }
            (FieldType::References, _) => Value::Refs(vec![link]),
            (_, Some(_)) => return,
            _ => Value::Ref(link),
        };
        draft.fields.set(field.code, Some(value));
    }

    fn warn(&mut self, row: u64, reference: &Reference, code: &str, detail: impl FnOnce() -> String) {
        if self.watch.is_some() {
            let problem = self.problem(reference, code, &detail());
            self.watch.iter_mut().for_each(|watch| watch.warn(row, problem.clone()));
        }
    }

    fn problem(&self, reference: &Reference, code: &str, detail: &str) -> CellProblem {
        CellProblem {
            column: Some(reference.column),
            field: self.object.by_code(reference.field).map(|f| f.name.clone()),
            value: Some(reference.text.clone()),
            code: code.to_owned(),
            detail: detail.to_owned(),
        }
    }
}
