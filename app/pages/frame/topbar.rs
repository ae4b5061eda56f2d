//! The bar above the page: the sidebar's button on a phone, the search box, the notices, the user's menu.

use leptos::prelude::*;

use super::notices::Bell;
use super::search_box::SearchBox;
use crate::app::gate;
use crate::kit::{Avatar, Icon, Menu, screen};
use crate::state::theme::{self, Theme};
use crate::state::{preferences, router, signed};
use crate::text::t;

#[component]
pub fn TopBar(folded: RwSignal<bool>) -> impl IntoView {
    view! {
        <header class="topbar">
            <button type="button" class="button icon-only burger" aria-label=t("frame.menu") aria-controls="sidebar"
                aria-expanded=move || folded.get().to_string() on:click=move |_| folded.update(|f| *f = !*f)>
                <Icon name="menu"/>
            </button>
            <SearchBox/>
            <span class="end"><Bell/><UserMenu/></span>
        </header>
    }
}

#[component]
fn UserMenu() -> impl IntoView {
    let gate = gate();
    let person = signed().session.user.clone();
    let shown = RwSignal::new(theme::stored());
    let (name, email) = (person.name.clone(), person.email.clone());
    let trigger = move || view! { <Avatar name=person.name.clone()/> };
    let choice = move |(key, icon, label): (Theme, &'static str, &'static str)| {
        let choose = move |_| {
            theme::choose(key);
            shown.set(key);
        };
        view! {
            <button type="button" role="menuitem" class="menu-item" on:click=choose>
                <Icon name=icon/>{label}
                {move || (shown.get() == key).then(|| view! { <span class="push"><Icon name="check"/></span> })}
            </button>
        }
    };
    let compact = screen().compact;
    let density = move |_| {
        compact.update(|c| *c = !*c);
        preferences::set_compact(compact.get_untracked());
    };
    let strong = RwSignal::new(theme::strong());
    let contrast = move |_| {
        strong.update(|s| *s = !*s);
        theme::set_strong(strong.get_untracked());
    };
    let router = router();
    let themes = [
        (Theme::System, "monitor", t("theme.system")),
        (Theme::Light, "sun", t("theme.light")),
        (Theme::Dark, "moon", t("theme.dark")),
    ];
    view! {
        <Menu label=t("frame.user") class="button icon-only user-button" trigger>
            <div class="menu-head"><strong>{name.clone()}</strong><span class="faint small">{email.clone()}</span></div>
            {themes.into_iter().map(choice).collect_view()}
            <hr/>
            <button type="button" role="menuitemcheckbox" class="menu-item" aria-checked=move || compact.get().to_string() on:click=density>
                <Icon name="list"/>{t("frame.compact")}{move || compact.get().then(|| view! { <span class="push"><Icon name="check"/></span> })}
            </button>
            <button type="button" role="menuitemcheckbox" class="menu-item" aria-checked=move || strong.get().to_string() on:click=contrast>
                <Icon name="eye"/>{t("theme.contrast")}{move || strong.get().then(|| view! { <span class="push"><Icon name="check"/></span> })}
            </button>
            <hr/>
            <button type="button" role="menuitem" class="menu-item" on:click=move |_| router.go("/settings/account")>
                <Icon name="user-round"/>{t("settings.account")}
            </button>
            <button type="button" role="menuitem" class="menu-item" data-testid="logout" on:click=move |_| gate.log_out()>
                <Icon name="log-out"/>{t("frame.logout")}
            </button>
        </Menu>
    }
}
