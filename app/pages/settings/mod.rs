//! Settings: the organisation, one's own account, people, keys, jobs, backups, sample data, the trash. Sections show for those who may use them.

mod account;
mod audit;
mod backups;
mod devices;
mod jobs;
mod keys;
mod objects;
pub mod organisation;
mod roles;
mod sample;
mod system;
mod trash;
mod users;

use leptos::prelude::*;

use crate::kit::{Hidden, Icon, reveal};
use crate::state::{Route, nav, router, signed};
use crate::text::t;

/// Key in the URL, text, icon, and the capability that is needed.
const SECTIONS: [(&str, &str, &str, Option<&str>); 12] = [
    ("organisation", "settings.organisation", "building-2", Some("manageSettings")),
    ("account", "settings.account", "user-round", None),
    ("users", "settings.users", "users", Some("manageUsers")),
    ("roles", "settings.roles", "shield", Some("manageRoles")),
    ("objects", "settings.objects", "database", Some("manageSchema")),
    ("keys", "settings.keys", "key-round", None),
    ("audit", "settings.audit", "scroll-text", Some("readAudit")),
    ("jobs", "settings.jobs", "clipboard-list", Some("manageSettings")),
    ("backups", "settings.backups", "database", Some("backup")),
    ("system", "settings.system", "activity", Some("readMetrics")),
    ("sample", "settings.sample", "box", Some("manageSettings")),
    ("trash", "settings.trash", "trash-2", None),
];

/// Key, text and icon of each section that this user may open.
pub fn sections() -> Vec<(&'static str, &'static str, &'static str)> {
    let session = signed().session;
    let open = SECTIONS.into_iter().filter(|(.., needs)| needs.is_none_or(|c| session.can(c)));
    open.map(|(key, label, icon, _)| (key, t(label), icon)).collect()
}

#[component]
pub fn SettingsPage() -> impl IntoView {
    let session = signed().session;
    let open: Vec<_> = SECTIONS.into_iter().filter(|(.., needs)| needs.is_none_or(|c| session.can(c))).collect();
    let keys: Vec<&'static str> = open.iter().map(|(key, ..)| *key).collect();
    let wanted = router().part(|route, _| match route {
        Route::Settings { section } => section.clone(),
        _ => String::new(),
    });
    let section = Memo::new(move |_| {
        let wanted = wanted.get();
        if wanted.is_empty() { keys.first().copied() } else { keys.iter().find(|key| **key == wanted).copied() }
    });
    let item = move |(key, label, icon, _): (&'static str, &'static str, &'static str, Option<&'static str>)| {
        view! {
            <li><a class="nav-item" href=format!("/settings/{key}") aria-current=move || (section.get() == Some(key)).then_some("page")>
                <Icon name=icon/>{t(label)}
            </a></li>
        }
    };
    let body = move || match section.get() {
        Some("organisation") => view! { <organisation::OrganisationSection/> }.into_any(),
        Some("account") => view! { <account::AccountSection/> }.into_any(),
        Some("jobs") => view! { <jobs::JobsSection/> }.into_any(),
        Some("backups") => view! { <backups::BackupsSection/> }.into_any(),
        Some("users") => view! { <users::UsersSection/> }.into_any(),
        Some("roles") => view! { <roles::RolesSection/> }.into_any(),
        Some("objects") => view! { <objects::ObjectsSection/> }.into_any(),
        Some("audit") => view! { <audit::AuditSection/> }.into_any(),
        Some("system") => view! { <system::SystemSection/> }.into_any(),
        Some("keys") => view! { <keys::KeysSection/> }.into_any(),
        Some("sample") => view! { <sample::SampleSection/> }.into_any(),
        Some("trash") => view! { <trash::TrashSection/> }.into_any(),
        _ => view! { <Hidden/> }.into_any(),
    };
    // On a phone the sections stand in a row that scrolls.
    crate::state::watch(move || {
        section.track();
        reveal(".settings nav [aria-current=page]");
    });
    nav::name_tab(|| t("settings.title").to_owned());
    view! {
        <div class="page">
            <header class="page-head"><h1>{t("settings.title")}</h1></header>
            <div class="settings">
                <nav aria-label=t("settings.title")><ul class="nav">{open.into_iter().map(item).collect_view()}</ul></nav>
                <div class="settings-body">{body}</div>
            </div>
        </div>
    }
}
