//! The recovery kit, shown once: whoever has it opens the data when the unseal secret is lost.

use leptos::{html, prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlAnchorElement, Url};

use crate::api::Founded;
use crate::kit::{Icon, Notice, toasts};
use crate::text::{t, tf};

#[component]
pub fn Kit(founded: Founded, on_done: Callback<()>) -> impl IntoView {
    let toasts = toasts();
    let kept = RwSignal::new(false);
    let kit = &founded.recovery_kit;
    let mut text = if kit.text.is_empty() { kit.identity.clone() } else { kit.text.clone() };
    let passphrase = founded.unseal_passphrase.clone().filter(|p| !p.is_empty());
    if let Some(passphrase) = passphrase.as_ref().filter(|p| !text.contains(p.as_str())) {
        text = format!("{text}\n\n{}\n", tf("kit.passphraseLine", &[("passphrase", passphrase)]));
    }
    let (shown, copied, saved) = (text.clone(), text.clone(), text);
    let copy = move |_| {
        let text = copied.clone();
        spawn_local(async move {
            let clipboard = window().navigator().clipboard();
            if JsFuture::from(clipboard.write_text(&text)).await.is_ok() {
                toasts.say(t("kit.copied"));
            }
        });
    };
    let download = move |_| {
        if save("aplomb-recovery-kit.txt", &saved).is_err() {
            toasts.say(t("kit.notSaved"));
        }
    };
    let area = NodeRef::<html::Pre>::new();
    view! {
        <div class="form" data-testid="recovery-kit">
            <Notice tone="warn" text=t("kit.warning")/>
            {passphrase.map(|p| view! {
                <div class="row"><span class="label">{t("kit.passphrase")}</span><code class="passphrase" data-testid="unseal-passphrase">{p}</code></div>
            })}
            <pre class="kit" tabindex="0" aria-label=t("kit.title") node_ref=area>{shown}</pre>
            <div class="actions start-actions">
                <button type="button" class="button" on:click=download><Icon name="download"/>{t("kit.download")}</button>
                <button type="button" class="button" on:click=copy><Icon name="copy"/>{t("kit.copy")}</button>
            </div>
            <label class="check">
                <input id="kit-kept" type="checkbox" prop:checked=move || kept.get() on:change=move |e| kept.set(event_target_checked(&e))/>
                {t("kit.kept")}
            </label>
            <button type="button" class="button primary wide" disabled=move || !kept.get() on:click=move |_| on_done.run(())>
                {t("kit.continue")}
            </button>
        </div>
    }
}

/// Offers a text as a download, without asking the server.
fn save(name: &str, text: &str) -> Result<(), JsValue> {
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    let blob = Blob::new_with_str_sequence(&parts)?;
    let url = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.dyn_into()?;
    link.set_href(&url);
    link.set_download(name);
    link.click();
    Url::revoke_object_url(&url)
}
