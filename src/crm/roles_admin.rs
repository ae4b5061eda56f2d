//! Roles: the eight standard ones and those that admins make.

use std::sync::Arc;

use aplomb_access::{can, standard_roles};
use aplomb_model::{Capability, Code, Error, FieldError, Result, Role};
use aplomb_store::Op;
use serde_json::Value as Json;

use crate::crm::Crm;
use crate::directory::ROLE;
use crate::errors::{OrInternal, forbidden};
use crate::{Ctx, Map};

impl Crm {
    /// Everybody may read what the roles are.
    pub fn roles_list(&self, _ctx: &Ctx) -> Result<Vec<Json>> {
        let directory = self.inner.directory()?;
        directory.roles.values().map(|r| serde_json::to_value(&**r).or_internal("a role")).collect()
    }

    pub fn role_create(&self, ctx: &Ctx, role: Map) -> Result<Json> {
        let mut role = self.read_role(ctx, Json::Object(role))?;
        if self.inner.directory()?.roles.contains_key(&role.key) {
            return Err(Error::new(Code::NotUnique, "there is a role with this key"));
        }
        role.custom = true;
        self.write_role(ctx, role)
    }

    /// A merge patch. The System Admin stays as he is, so that nobody locks everybody out.
    pub fn role_update(&self, ctx: &Ctx, key: &str, patch: Map) -> Result<Json> {
        let old = self.role(key)?;
        if key == "systemAdmin" {
            return Err(Error::new(Code::Conflict, "the System Admin cannot be changed"));
        }
        let mut json = serde_json::to_value(&*old).or_internal("a role")?;
        crate::settings::merge(&mut json, &Json::Object(patch));
        let role = self.read_role(ctx, json)?;
        if role.key != key {
            return Err(Error::field("key", "read_only", "cannot be changed"));
        }
        self.write_role(ctx, Role { custom: old.custom, ..role })
    }

    /// Removes a role of one's own making, or takes a standard one back to what it was.
    pub fn role_delete(&self, ctx: &Ctx, key: &str) -> Result<()> {
        if !can(&ctx.actor, Capability::ManageRoles) {
            return Err(forbidden());
        }
        let role = self.role(key)?;
        let directory = self.inner.directory()?;
        if role.custom && directory.users.values().any(|u| u.roles.iter().any(|r| r == key)) {
            return Err(Error::new(Code::InUse, "users have this role"));
        }
        let op = Op::Doc { kind: ROLE, key: key.as_bytes().to_vec(), value: None, logged: true };
        self.inner.commit_docs(ctx, "role", vec![op], vec![])?;
        Ok(())
    }

    fn role(&self, key: &str) -> Result<Arc<Role>> {
        self.inner.directory()?.roles.get(key).cloned().ok_or_else(|| Error::not_found("role"))
    }

    fn read_role(&self, ctx: &Ctx, json: Json) -> Result<Role> {
        if !can(&ctx.actor, Capability::ManageRoles) {
            return Err(forbidden());
        }
        let role: Role = serde_json::from_value(json).map_err(|e| Error::new(Code::Invalid, format!("role: {e}")))?;
        let mut errors = Vec::new();
        let plain = !role.key.is_empty() && role.key.len() <= 60 && role.key.bytes().all(|b| b.is_ascii_alphanumeric());
        if !plain || !role.key.starts_with(|c: char| c.is_ascii_lowercase()) {
            errors.push(FieldError::new("key", "value", "must be a camelCase name of letters and digits"));
        }
        if role.label.trim().is_empty() || role.label.chars().count() > 200 {
            errors.push(FieldError::new("label", "value", "must have 1 to 200 characters"));
        }
        let schema = self.schema();
        for name in role.objects.keys().filter(|n| *n != "*" && schema.by_name(n).is_none()) {
            let shown: String = name.chars().take(60).collect();
            errors.push(FieldError::new(format!("objects.{shown}"), "unknown_object", "there is no such object"));
        }
        if errors.is_empty() { Ok(role) } else { Err(Error::invalid(errors)) }
    }

    fn write_role(&self, ctx: &Ctx, role: Role) -> Result<Json> {
        let json = serde_json::to_value(&role).or_internal("a role")?;
        let same = standard_roles().contains(&role);
        let value = if same { None } else { Some(serde_json::to_vec(&role).or_internal("a role")?) };
        let op = Op::Doc { kind: ROLE, key: role.key.into_bytes(), value, logged: true };
        self.inner.commit_docs(ctx, "role", vec![op], vec![])?;
        Ok(json)
    }
}
