//! Teams: users who share their records, as far as their roles say so.

use aplomb_access::can;
use aplomb_model::{Capability, Code, Error, Id, Object, Record, Result};
use serde_json::{Value as Json, json};

use crate::crm::Crm;
use crate::errors::{OrStore, forbidden};
use crate::records::plan::{Origin, Plan};
use crate::records::{Columns, Render};
use crate::{Ctx, Map};

impl Crm {
    pub fn teams_list(&self, ctx: &Ctx) -> Result<Vec<Json>> {
        let object = self.inner.internal("team")?;
        let directory = self.inner.directory()?;
        let view = self.inner.view()?;
        let schema = self.schema();
        let render = Render::new(&self.inner, &schema, &ctx.actor, &view)?;
        let ids: Vec<Id> = directory.teams.keys().copied().collect();
        let records = view.get_many(object.code, &ids).or_store()?;
        Ok(records.into_iter().flatten().map(|r| show(&render, &object, &r)).collect())
    }

    /// `{name, members?, lead?, description?, parent?}`
    pub fn team_create(&self, ctx: &Ctx, fields: Map) -> Result<Json> {
        self.team_write(ctx, |plan, object| {
            let given = plan.read_fields(object, &fields)?;
            plan.create(object, None, given, Origin::Api)
        })
    }

    pub fn team_update(&self, ctx: &Ctx, id: Id, fields: Map) -> Result<Json> {
        self.team_write(ctx, |plan, object| {
            let record = plan.live(object.code, id)?.ok_or_else(|| Error::not_found("team"))?;
            let given = plan.read_fields(object, &fields)?;
            plan.update(object, &record, given, Origin::Api)
        })
    }

    pub fn team_delete(&self, ctx: &Ctx, id: Id) -> Result<()> {
        let directory = self.inner.directory()?;
        if directory.teams.values().any(|t| t.parent == Some(id)) {
            return Err(Error::new(Code::InUse, "other teams are part of this one"));
        }
        self.team_write(ctx, |plan, object| {
            let record = plan.live(object.code, id)?.ok_or_else(|| Error::not_found("team"))?;
            plan.set_trashed(object, &record, true)
        })?;
        Ok(())
    }

    fn team_write(
        &self,
        ctx: &Ctx,
        mut decide: impl FnMut(&mut Plan<'_>, &std::sync::Arc<Object>) -> Result<Record>,
    ) -> Result<Json> {
        if !can(&ctx.actor, Capability::ManageTeams) {
            return Err(forbidden());
        }
        let object = self.inner.internal("team")?;
        let (json, _) = self.inner.write(ctx, "team", |plan| {
            let record = decide(plan, &object)?;
            Ok(show(&plan.render()?, &object, &record))
        })?;
        Ok(json)
    }
}

fn show(render: &Render<'_>, object: &Object, record: &Record) -> Json {
    let mut json = render.record(object, record, &Columns::ALL);
    let fields = json["fields"].take();
    let mut team: Map =
        [("id".to_owned(), json!(record.id)), ("version".to_owned(), json!(record.version))].into_iter().collect();
    if let Json::Object(fields) = fields {
        team.extend(fields);
    }
    Json::Object(team)
}
