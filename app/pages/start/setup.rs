//! The first-run wizard: one thing at a time, then one call.

use leptos::{ev, prelude::*, task::spawn_local};
use serde_json::json;
use wasm_bindgen::JsCast;

use super::{Start, kit::Kit};
use crate::api::{self, Failure, Founded};
use crate::app::gate;
use crate::kit::{Notice, Plain, Secret, Strength};
use crate::pages::settings::organisation::FormatsDraft;
use crate::state::format::{Formats, browser_zone, zones};
use crate::text::{t, tf};

const CURRENCIES: [&str; 12] = ["EUR", "USD", "GBP", "CHF", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN", "JPY", "INR"];
const STEPS: [&str; 5] =
    ["setup.step.code", "setup.step.organisation", "setup.step.admin", "setup.step.unseal", "setup.step.start"];

/// What the wizard gathers.
#[derive(Clone, Copy)]
struct Draft {
    code: RwSignal<String>,
    organisation: RwSignal<String>,
    currency: RwSignal<String>,
    zone: RwSignal<String>,
    language: RwSignal<String>,
    name: RwSignal<String>,
    email: RwSignal<String>,
    password: RwSignal<String>,
    generate: RwSignal<bool>,
    passphrase: RwSignal<String>,
    start: RwSignal<&'static str>,
    formats: FormatsDraft,
}

impl Draft {
    fn new() -> Draft {
        let text = |s: &str| RwSignal::new(s.to_owned());
        Draft {
            code: text(""),
            organisation: text(""),
            currency: text("EUR"),
            zone: RwSignal::new(browser_zone()),
            language: text("en"),
            name: text(""),
            email: text(""),
            password: text(""),
            generate: RwSignal::new(true),
            passphrase: text(""),
            start: RwSignal::new("sample"),
            formats: FormatsDraft::new(Formats::of_browser()),
        }
    }

    fn body(self) -> serde_json::Value {
        let text = |signal: RwSignal<String>| signal.get_untracked().trim().to_owned();
        let unseal = if self.generate.get_untracked() {
            json!({})
        } else {
            json!({ "passphrase": self.passphrase.get_untracked() })
        };
        json!({
            "code": text(self.code),
            "organisation": {
                "name": text(self.organisation),
                "currency": text(self.currency).to_uppercase(),
                "timeZone": text(self.zone),
                "language": text(self.language),
            },
            "admin": { "name": text(self.name), "email": text(self.email), "password": self.password.get_untracked() },
            "unseal": unseal,
            "start": self.start.get_untracked(),
        })
    }
}

/// The step that shows the inputs an error is about.
fn step_of(failure: &Failure) -> Option<usize> {
    let field = failure.errors.first().map(|e| e.field.clone()).unwrap_or_default();
    let starts = [("code", 0), ("organisation", 1), ("admin", 2), ("unseal", 3)];
    starts.into_iter().find(|(prefix, _)| field.starts_with(prefix)).map(|(_, step)| step)
}

#[component]
pub fn SetUp() -> impl IntoView {
    let gate = gate();
    let draft = Draft::new();
    let step = RwSignal::new(0usize);
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let founded = RwSignal::new(None::<Founded>);
    let send = move || {
        busy.set(true);
        failure.set(None);
        spawn_local(async move {
            let answer = api::set_up(draft.body()).await;
            busy.try_set(false);
            match answer {
                Ok(kit) => {
                    // Whoever came this far is logged in. What fails here can be said again in the settings.
                    let _ = api::set_formats(&draft.formats.get()).await;
                    founded.try_set(Some(kit));
                }
                Err(f) => {
                    step_of(&f).map(|at| step.try_set(at));
                    failure.try_set(Some(f));
                }
            }
        });
    };
    // A wrong code is said at once, not after four more questions.
    let check = move || {
        busy.set(true);
        failure.set(None);
        spawn_local(async move {
            let answer = api::check_code(draft.code.get_untracked().trim()).await;
            busy.try_set(false);
            match answer {
                Ok(()) => drop(step.try_set(1)),
                Err(f) => drop(failure.try_set(Some(f))),
            }
        });
    };
    focus_first_input(step);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        match step.get_untracked() {
            0 => check(),
            at if at + 1 < STEPS.len() => step.set(at + 1),
            _ => send(),
        }
    };
    let enter = Callback::new(move |()| {
        if draft.start.get_untracked() == "import" {
            let _ = window()
                .history()
                .and_then(|h| h.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some("/import")));
            let _ = window().location().reload();
        } else {
            gate.open();
        }
    });
    let title = Signal::derive(move || {
        if founded.with(Option::is_some) { t("kit.title").to_owned() } else { t(STEPS[step.get()]).to_owned() }
    });
    let form = move || {
        view! {
            <p class="faint small">{move || tf("setup.progress", &[("step", &(step.get() + 1).to_string()), ("of", &STEPS.len().to_string())])}</p>
            <progress class="progress" max=STEPS.len().to_string() prop:value=move || (step.get() + 1) as f64 aria-label=t("setup.title")></progress>
            <form class="form" on:submit=submit data-testid="setup">
                {move || failure.get().map(|f| view! { <Notice tone="bad" text=f.message()/> })}
                {move || fields(draft, step.get())}
                <div class="actions">
                    <Show when=move || { step.get() > 0 }>
                        <button type="button" class="button" on:click=move |_| step.update(|s| *s -= 1)>{t("back")}</button>
                    </Show>
                    <button type="submit" class="button primary" disabled=move || busy.get()>
                        {move || if step.get() + 1 < STEPS.len() { t("next") } else if busy.get() { t("setup.busy") } else { t("setup.finish") }}
                    </button>
                </div>
            </form>
        }
    };
    view! {
        <Start title wide=true>
            {move || match founded.get() {
                Some(founded) => view! { <Kit founded on_done=enter/> }.into_any(),
                None => form().into_any(),
            }}
        </Start>
    }
}

/// Each step begins at its first input, or at the chosen one of several.
fn focus_first_input(step: RwSignal<usize>) {
    crate::state::watch(move || {
        step.track();
        request_animation_frame(|| {
            let found = ["input:checked", "input"]
                .iter()
                .find_map(|css| document().query_selector(&format!("[data-testid=setup] {css}")).ok().flatten());
            if let Some(input) = found.and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
                let _ = input.focus();
            }
        });
    });
}

fn fields(draft: Draft, step: usize) -> AnyView {
    match step {
        0 => view! {
            <p>{t("setup.welcome")}</p>
            <Plain id="setup-code" label=t("setup.code") value=draft.code hint=t("setup.code.hint") autofocus=true/>
        }
        .into_any(),
        1 => organisation(draft),
        2 => view! {
            <Plain id="admin-name" label=t("person.name") value=draft.name autocomplete="name"/>
            <Plain id="admin-email" label=t("person.email") value=draft.email kind="email" autocomplete="email"/>
            <Secret id="admin-password" label=t("person.password") value=draft.password autocomplete="new-password" hint=t("setup.password.hint")/>
            <Strength value=draft.password/>
        }
        .into_any(),
        3 => unseal(draft),
        _ => start(draft),
    }
}

fn organisation(draft: Draft) -> AnyView {
    let option = |text: &'static str| view! { <option value=text></option> };
    view! {
        <Plain id="organisation-name" label=t("organisation.name") value=draft.organisation autocomplete="organization"/>
        <div class="columns">
            <Plain id="organisation-currency" label=t("organisation.currency") value=draft.currency list="currencies" hint=t("organisation.currency.hint")/>
            <Plain id="organisation-zone" label=t("organisation.zone") value=draft.zone list="zones" hint=t("organisation.zone.hint")/>
        </div>
        <datalist id="currencies">{CURRENCIES.into_iter().map(option).collect_view()}</datalist>
        <datalist id="zones">{zones().into_iter().map(|zone| view! { <option value=zone></option> }).collect_view()}</datalist>
        <div class="row">
            <label for="organisation-language">{t("organisation.language")}</label>
            <select id="organisation-language" class="input" on:change=move |e| draft.language.set(event_target_value(&e))>
                <option value="en">"English"</option>
            </select>
        </div>
        {draft.formats.inputs()}
    }
    .into_any()
}

/// One of several, as a card with a radio button.
fn option(
    name: &'static str,
    id: &'static str,
    title: &'static str,
    body: &'static str,
    chosen: Signal<bool>,
    choose: impl Fn() + 'static,
) -> AnyView {
    view! {
        <label class="option-card">
            <input type="radio" id=id name=name prop:checked=move || chosen.get() on:change=move |_| choose()/>
            <span><strong>{title}</strong><span class="faint small">{body}</span></span>
        </label>
    }
    .into_any()
}

fn unseal(draft: Draft) -> AnyView {
    let generate = draft.generate;
    view! {
        <p>{t("setup.unseal.body")}</p>
        <fieldset class="options-list">
            <legend class="sr">{t("setup.step.unseal")}</legend>
            {option("unseal", "unseal-generate", t("setup.unseal.generate"), t("setup.unseal.generate.body"),
                Signal::derive(move || generate.get()), move || generate.set(true))}
            {option("unseal", "unseal-own", t("setup.unseal.own"), t("setup.unseal.own.body"),
                Signal::derive(move || !generate.get()), move || generate.set(false))}
        </fieldset>
        <Show when=move || !generate.get()>
            <Secret id="unseal-passphrase" label=t("setup.unseal.passphrase") value=draft.passphrase autocomplete="new-password"/>
            <Strength value=draft.passphrase/>
        </Show>
    }
    .into_any()
}

fn start(draft: Draft) -> AnyView {
    let is = move |key: &'static str| Signal::derive(move || draft.start.get() == key);
    view! {
        <fieldset class="options-list">
            <legend class="sr">{t("setup.step.start")}</legend>
            {option("start", "start-sample", t("setup.start.sample"), t("setup.start.sample.body"), is("sample"), move || draft.start.set("sample"))}
            {option("start", "start-import", t("setup.start.import"), t("setup.start.import.body"), is("import"), move || draft.start.set("import"))}
            {option("start", "start-empty", t("setup.start.empty"), t("setup.start.empty.body"), is("empty"), move || draft.start.set("empty"))}
        </fieldset>
    }
    .into_any()
}
