//! Roles as a table that one can read: whose records of which object may be seen, made, changed, deleted, taken out. The
//! standard ones stay as they are; one's own begin as a copy.

use aplomb_model::{Action, Role, Scope};
use leptos::{prelude::*, task::spawn_local};

use crate::api;
use crate::kit::{Badge, Icon, Loaded, PlainSelect, toasts};
use crate::state::{Load, load, signed};
use crate::text::{maybe, t, tf};

const SCOPES: [Scope; 4] = [Scope::None, Scope::Own, Scope::Team, Scope::All];

fn scope_key(scope: Scope) -> &'static str {
    match scope {
        Scope::None => "none",
        Scope::Own => "own",
        Scope::Team => "team",
        Scope::All => "all",
    }
}

fn action_text(action: Action) -> &'static str {
    match action {
        Action::Read => t("roles.read"),
        Action::Create => t("roles.create"),
        Action::Update => t("roles.update"),
        Action::Delete => t("roles.delete"),
        Action::Export => t("roles.export"),
    }
}

#[component]
pub fn RolesSection() -> impl IntoView {
    let roles = load(|| (), |(), _| async { api::roles_in_full().await });
    let shown = RwSignal::new(String::new());
    let draw = move |all: Vec<Role>| {
        if !all.iter().any(|r| r.key == shown.get_untracked()) {
            shown.set(all.first().map(|r| r.key.clone()).unwrap_or_default());
        }
        let options: Vec<(String, String)> = all.iter().map(|r| (r.key.clone(), r.label.clone())).collect();
        let one =
            move || all.iter().find(|r| r.key == shown.get()).cloned().map(|role| view! { <Matrix role roles shown/> });
        view! { <PlainSelect id="role" label=t("users.role") value=shown options=Signal::stored(options)/>{one} }
            .into_any()
    };
    view! { <section class="card pad"><h2>{t("settings.roles")}</h2><p class="faint">{t("roles.body")}</p><Loaded load=roles draw/></section> }
}

#[component]
fn Matrix(role: Role, roles: Load<Vec<Role>>, shown: RwSignal<String>) -> impl IntoView {
    let toasts = toasts();
    let mut names: Vec<(String, String)> =
        signed().objects().iter().map(|o| (o.name.clone(), o.plural.clone())).collect();
    names.push(("*".to_owned(), t("roles.others").to_owned()));
    let write = {
        let role = role.clone();
        Callback::new(move |(object, action, scope): (String, Action, Scope)| {
            let mut role = role.clone();
            let mut grants = *role
                .objects
                .get(&object)
                .or_else(|| role.objects.get("*"))
                .unwrap_or(&aplomb_model::rights::Grants::default());
            match action {
                Action::Read => grants.read = scope,
                Action::Create => grants.create = scope,
                Action::Update => grants.update = scope,
                Action::Delete => grants.delete = scope,
                Action::Export => grants.export = scope,
            }
            role.objects.insert(object, grants);
            spawn_local(async move {
                match api::change_role(&role).await {
                    Ok(()) => toasts.say(tf("roles.saved", &[("role", &role.label)])),
                    Err(failure) => toasts.refuse(&failure),
                }
                roles.refresh();
            });
        })
    };
    let row = |(name, plural): (String, String)| {
        let grants = role.objects.get(&name).or_else(|| role.objects.get("*")).copied().unwrap_or_default();
        let cell = |action: Action| {
            let scope = grants.get(action);
            let word = maybe(&format!("scope.{}", scope_key(scope))).unwrap_or_default();
            if !role.custom {
                return view! { <td class=format!("scope scope-{}", scope_key(scope)) data-label=action_text(action)>{word}</td> }.into_any();
            }
            let name = name.clone();
            let label = format!("{plural}, {}", action_text(action));
            let option = |s: Scope| view! { <option value=scope_key(s) selected=s == scope>{maybe(&format!("scope.{}", scope_key(s))).unwrap_or_default()}</option> };
            let change = move |event| {
                let key = event_target_value(&event);
                if let Some(scope) = SCOPES.into_iter().find(|s| scope_key(*s) == key) {
                    write.run((name.clone(), action, scope));
                }
            };
            view! { <td data-label=action_text(action)><select class="input" aria-label=label on:change=change>{SCOPES.map(option).collect_view()}</select></td> }.into_any()
        };
        view! { <tr><th scope="row">{plural.clone()}</th>{Action::ALL.map(cell).collect_view()}</tr> }
    };
    let rows = names.into_iter().map(row).collect_view();
    let heads = Action::ALL.map(|a| view! { <th scope="col">{action_text(a)}</th> }).collect_view();
    let capabilities = role.capabilities.iter().map(|c| {
        let key = serde_json::to_value(c).ok().and_then(|k| k.as_str().map(str::to_owned)).unwrap_or_default();
        view! { <Badge text=maybe(&format!("capability.{key}")).map_or_else(|| key.clone(), str::to_owned)/> }
    });
    let capabilities = capabilities.collect_view();
    let copied = role.clone();
    let copy = move |_| {
        let n = roles.value.with_untracked(|all| all.as_ref().map_or(0, Vec::len));
        let label = tf("roles.copyOf", &[("role", &copied.label)]);
        let role = Role { key: format!("{}{n}", copied.key), label, custom: true, ..copied.clone() };
        spawn_local(async move {
            match api::create_role(&role).await {
                Ok(()) => {
                    shown.try_set(role.key.clone());
                    roles.again();
                }
                Err(failure) => toasts.refuse(&failure),
            }
        });
    };
    let key = role.key.clone();
    let remove = move |_| {
        let key = key.clone();
        spawn_local(async move {
            match api::delete_role(&key).await {
                Ok(()) => roles.again(),
                Err(failure) => toasts.refuse(&failure),
            }
        });
    };
    view! {
        <p>{role.description.clone()}</p>
        <div class="scroll" tabindex="0" role="region" aria-label=role.label.clone()>
            <table class="table matrix" data-testid="matrix"><thead><tr><th scope="col">{t("roles.object")}</th>{heads}</tr></thead><tbody>{rows}</tbody></table>
        </div>
        <h3>{t("roles.capabilities")}</h3>
        <div class="badges">{capabilities}</div>
        {role.capabilities.is_empty().then(|| view! { <p class="none">{t("roles.none")}</p> })}
        <div class="actions start-actions">
            <button type="button" class="button" on:click=copy><Icon name="copy"/>{t("roles.copy")}</button>
            {role.custom.then(|| view! { <button type="button" class="button" on:click=remove><Icon name="trash-2"/>{t("roles.remove")}</button> })}
        </div>
    }
}
