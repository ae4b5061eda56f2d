//! Users, teams, roles, settings.

use aplomb_model::Result;
use serde_json::{Value as Json, json};

use crate::call::Call;
use crate::http::answer::Answer;

fn created(value: &Json) -> Result<Answer> {
    Ok(Answer::json(value)?.status(201))
}

pub fn users(call: &Call) -> Result<Answer> {
    Answer::json(&json!({"users": call.open.crm.users_list(&call.ctx)?}))
}

pub fn user_create(call: &Call) -> Result<Answer> {
    created(&call.open.crm.user_create(&call.ctx, call.map()?)?)
}

pub fn user_show(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.crm.user_get(&call.ctx, call.id()?)?)
}

pub fn user_update(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.crm.user_update(&call.ctx, call.id()?, call.map()?)?)
}

pub fn user_deactivate(call: &Call) -> Result<Answer> {
    call.open.crm.user_deactivate(&call.ctx, call.id()?)?;
    Ok(Answer::empty())
}

pub fn teams(call: &Call) -> Result<Answer> {
    Answer::json(&json!({"teams": call.open.crm.teams_list(&call.ctx)?}))
}

pub fn team_create(call: &Call) -> Result<Answer> {
    created(&call.open.crm.team_create(&call.ctx, call.map()?)?)
}

pub fn team_update(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.crm.team_update(&call.ctx, call.id()?, call.map()?)?)
}

pub fn team_delete(call: &Call) -> Result<Answer> {
    call.open.crm.team_delete(&call.ctx, call.id()?)?;
    Ok(Answer::empty())
}

pub fn roles(call: &Call) -> Result<Answer> {
    Answer::json(&json!({"roles": call.open.crm.roles_list(&call.ctx)?}))
}

pub fn role_create(call: &Call) -> Result<Answer> {
    created(&call.open.crm.role_create(&call.ctx, call.map()?)?)
}

pub fn role_update(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.crm.role_update(&call.ctx, &call.arg::<String>("key")?, call.map()?)?)
}

pub fn role_delete(call: &Call) -> Result<Answer> {
    call.open.crm.role_delete(&call.ctx, &call.arg::<String>("key")?)?;
    Ok(Answer::empty())
}

pub fn settings(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.crm.settings(&call.ctx)?)
}

pub fn settings_update(call: &Call) -> Result<Answer> {
    Answer::json(&call.open.crm.settings_patch(&call.ctx, call.map()?)?)
}
