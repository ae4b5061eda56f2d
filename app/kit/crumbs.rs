//! The way from the top to where one is.

use leptos::prelude::*;

use super::Icon;
use crate::text::t;

/// Links to what lies above, and the name of the page itself; what stands at the far end comes as children.
#[component]
pub fn Crumbs(
    above: Vec<(String, String)>,
    #[prop(into)] here: Signal<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let step = |(href, label): (String, String)| view! { <a href=href>{label}</a><Icon name="chevron-right"/> };
    view! {
        <nav class="crumbs" aria-label=t("record.where")>
            {above.into_iter().map(step).collect_view()}
            <span aria-current="page" class="ellipsis" dir="auto">{move || here.get()}</span>
            {children.map(|children| children())}
        </nav>
    }
}
