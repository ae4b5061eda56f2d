//! Ways to begin, as long as there is nothing to work with.

use aplomb_model::Action;
use leptos::prelude::*;

use crate::api::{self, ListQuery};
use crate::kit::Empty;
use crate::state::{load, nav, signed};
use crate::text::{t, tf};

#[component]
pub fn FirstSteps() -> impl IntoView {
    let names = StoredValue::new(signed().objects().iter().map(|o| o.name.clone()).collect::<Vec<_>>());
    // One request where there is something, one for each object where there is nothing.
    let nothing = load(
        move || names.get_value(),
        |names, abort| async move {
            for object in names {
                let query = ListQuery { object, limit: 1, ..ListQuery::default() };
                if !api::list(query, &abort).await?.records.is_empty() {
                    return Ok(false);
                }
            }
            Ok(true)
        },
    );
    move || (nothing.value.get() == Some(true)).then(steps)
}

fn steps() -> AnyView {
    let signed = signed();
    let link = |class: &'static str, href: String, text: String| view! { <a class=class href=href>{text}</a> };
    let import =
        signed.session.can("import").then(|| link("button primary", "/import".to_owned(), t("list.import").to_owned()));
    let contact = signed.object("contact").filter(|o| signed.may(&o.name, Action::Create)).map(|o| {
        let href = nav::with_query(&nav::list_url(&o.name), &[("new", "1")]);
        link("button", href, tf("list.create", &[("object", &o.label)]))
    });
    let board = signed.object("deal").filter(|o| signed.may(&o.name, Action::Read)).map(|o| {
        let href = nav::with_query(&nav::list_url(&o.name), &[("view", "board")]);
        link("button", href, t("home.first.board").to_owned())
    });
    let sample = signed
        .session
        .can("manageSettings")
        .then(|| link("button", "/settings/sample".to_owned(), t("home.first.sample").to_owned()));
    view! {
        <section class="card" aria-label=t("home.first") data-testid="first-steps">
            <Empty title=t("home.first") body=t("home.first.body") icon="flag">{import}{contact}{board}{sample}</Empty>
        </section>
    }
    .into_any()
}
