//! API keys: made here, shown once, taken back here.

use leptos::{ev, prelude::*, task::spawn_local};

use crate::api::{self, Token};
use crate::kit::{Empty, Icon, Loaded, Notice, Plain, PlainSelect, toasts};
use crate::state::{format, load};
use crate::text::{t, tf};

#[component]
pub fn KeysSection() -> impl IntoView {
    let toasts = toasts();
    let tokens = load(|| (), |(), _| async { api::tokens().await });
    let name = RwSignal::new(String::new());
    let scope = RwSignal::new("read".to_owned());
    let made = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        busy.set(true);
        let scopes = match scope.get_untracked().as_str() {
            "write" => vec!["read".to_owned(), "write".to_owned()],
            "admin" => vec!["read".to_owned(), "write".to_owned(), "admin".to_owned()],
            _ => vec!["read".to_owned()],
        };
        spawn_local(async move {
            let answer = api::create_token(name.get_untracked().trim(), &scopes).await;
            busy.try_set(false);
            match answer {
                Ok(key) => {
                    made.try_set(Some(key));
                    name.try_set(String::new());
                    tokens.again();
                }
                Err(failure) => toasts.refuse(&failure),
            }
        });
    };
    let revoke = Callback::new(move |id: String| {
        spawn_local(async move {
            match api::revoke_token(&id).await {
                Ok(()) => tokens.again(),
                Err(failure) => toasts.refuse(&failure),
            }
        });
    });
    let draw = move |list: Vec<Token>| {
        if list.is_empty() {
            return view! { <Empty title=t("keys.none") icon="key-round"/> }.into_any();
        }
        let rows = list.into_iter().map(|token| row(token, revoke)).collect_view();
        view! { <ul class="plain-list">{rows}</ul> }.into_any()
    };
    let scopes = ["read", "write", "admin"].into_iter().zip(["keys.read", "keys.write", "keys.admin"]);
    let scopes: Vec<(String, String)> = scopes.map(|(key, text)| (key.to_owned(), t(text).to_owned())).collect();
    view! {
        <section class="card pad">
            <h2>{t("settings.keys")}</h2>
            <p class="faint">{t("keys.body")}</p>
            {move || made.get().map(|key| view! {
                <Notice tone="warn" text=t("keys.once")/>
                <code class="passphrase" data-testid="new-key">{key}</code>
            })}
            <form class="inline-form" on:submit=submit>
                <Plain id="key-name" label=t("keys.name") value=name/>
                <PlainSelect id="key-scope" label=t("keys.scope") value=scope options=Signal::stored(scopes)/>
                <button type="submit" class="button primary" disabled=move || busy.get()><Icon name="plus"/>{t("keys.create")}</button>
            </form>
            <Loaded load=tokens draw/>
        </section>
    }
}

fn row(token: Token, revoke: Callback<String>) -> AnyView {
    let used = token
        .last_used_at
        .as_deref()
        .map_or_else(|| t("keys.unused").to_owned(), |at| tf("keys.used", &[("when", &format::ago(at))]));
    let id = token.id.clone();
    view! {
        <li>
            <div><strong>{token.name.clone()}</strong><br/><span class="faint small">{token.scopes.join(", ")}" · "{used}</span></div>
            <button type="button" class="button small push" aria-label=tf("keys.revokeOne", &[("name", &token.name)]) on:click=move |_| revoke.run(id.clone())>
                {t("keys.revoke")}
            </button>
        </li>
    }
    .into_any()
}
