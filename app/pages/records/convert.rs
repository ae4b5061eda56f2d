//! Turning a lead into a contact, its company and, if wanted, a deal.

use leptos::{ev, prelude::*, task::spawn_local};
use serde_json::{Value as Json, json};

use crate::api::{self, Failure, Record};
use crate::kit::{Dialog, Icon, Notice, Plain, toasts};
use crate::state::{Load, format, nav, router};
use crate::text::t;

/// An id out of an id, `{id}` or a whole record.
fn id_of(json: &Json) -> Option<String> {
    json.as_str().or_else(|| json.get("id").and_then(Json::as_str)).map(str::to_owned)
}

#[component]
pub fn ConvertButton(id: String, record: Load<Record>) -> impl IntoView {
    let open = RwSignal::new(false);
    let id = StoredValue::new(id);
    view! {
        <button type="button" class="button primary" data-testid="convert" on:click=move |_| open.set(true)>
            <Icon name="arrow-right"/>{t("lead.convert")}
        </button>
        <Dialog title=t("lead.convert.title").to_owned() open>
            <ConvertForm id=id.get_value() record open/>
        </Dialog>
    }
}

#[component]
fn ConvertForm(id: String, record: Load<Record>, open: RwSignal<bool>) -> impl IntoView {
    let router = router();
    let toasts = toasts();
    let with_deal = RwSignal::new(true);
    let company =
        record.value.with_untracked(|r| r.as_ref().and_then(|r| r.fields.get("companyName")).map(format::plain));
    let deal = RwSignal::new(company.unwrap_or_default());
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        busy.set(true);
        let mut options = json!({ "createDeal": with_deal.get_untracked() });
        let name = deal.get_untracked().trim().to_owned();
        if with_deal.get_untracked() && !name.is_empty() {
            options["dealName"] = json!(name);
        }
        let id = id.clone();
        spawn_local(async move {
            let answer = api::convert_lead(&id, options).await;
            busy.try_set(false);
            match answer {
                Ok(made) => {
                    open.try_set(false);
                    toasts.say(t("lead.converted"));
                    match made.get("contact").and_then(id_of) {
                        Some(contact) => router.go(&nav::record_url("contact", &contact)),
                        None => record.again(),
                    }
                }
                Err(f) => {
                    failure.try_set(Some(f));
                }
            }
        });
    };
    view! {
        <form class="form" on:submit=submit data-testid="convert-form">
            <p>{t("lead.convert.body")}</p>
            {move || failure.get().map(|f| view! { <Notice tone="bad" text=f.message()/> })}
            <label class="check">
                <input type="checkbox" prop:checked=move || with_deal.get() on:change=move |e| with_deal.set(event_target_checked(&e))/>
                {t("lead.convert.deal")}
            </label>
            <Show when=move || with_deal.get()>
                <Plain id="deal-name" label=t("lead.convert.dealName") value=deal required=false/>
            </Show>
            <div class="actions">
                <button type="submit" class="button primary" disabled=move || busy.get()>{t("lead.convert.submit")}</button>
            </div>
        </form>
    }
}
