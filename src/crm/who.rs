//! Who am I and what may I do: what a screen needs to show only what works.

use aplomb_access::{Via, can, scope};
use aplomb_model::{Action, Capability, Result};
use serde_json::{Map, Value as Json, json};

use crate::Ctx;
use crate::crm::Crm;

impl Crm {
    /// `{user, roles, teams, organisation, formats, permissions: {object: {read, ...}}, capabilities}`
    pub fn who_am_i(&self, ctx: &Ctx) -> Result<Json> {
        let directory = self.inner.directory()?;
        let settings = self.inner.settings();
        let actor = &ctx.actor;
        let user = directory.users.get(&actor.user);
        let mut permissions = Map::new();
        for object in self.schema().objects() {
            let scopes = Action::ALL
                .map(|a| (json!(a).as_str().unwrap_or_default().to_owned(), json!(scope(actor, &object.name, a))));
            permissions.insert(object.name.clone(), Json::Object(scopes.into_iter().collect()));
        }
        let capabilities: Vec<Capability> = Capability::ALL.into_iter().filter(|c| can(actor, *c)).collect();
        let teams: Vec<Json> = actor
            .teams
            .iter()
            .filter_map(|id| directory.teams.get(id).map(|t| json!({"id": id, "name": t.name})))
            .collect();
        Ok(json!({
            "user": {
                "id": actor.user,
                "name": directory.name(actor.user),
                "email": user.map(|u| u.email.as_str()),
                "language": user.and_then(|u| u.language.as_deref()),
                "timeZone": user.and_then(|u| u.time_zone.as_deref()),
            },
            "roles": actor.roles.iter().map(|r| r.key.as_str()).collect::<Vec<_>>(),
            "teams": teams,
            "organisation": settings.organisation,
            "formats": settings.formats,
            "permissions": permissions,
            "capabilities": capabilities,
            "via": match actor.via { Via::Session(_) => "session", Via::Token { .. } => "token", Via::System => "system" },
        }))
    }
}
