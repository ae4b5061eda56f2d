//! The fields of a record in their groups, each edited where it stands: Enter saves, Escape leaves it as it was.

use std::sync::Arc;

use aplomb_model::{Action, Field, FieldType, Object};
use leptos::{ev, prelude::*, task::spawn_local};
use serde_json::{Map, Value as Json};
use wasm_bindgen::JsCast;

use crate::api::{self, Abort, Failure, Record, pause};
use crate::kit::{FieldInput, Icon, Notice, Shown, field};
use crate::state::{Load, Signed, format, signed};
use crate::text::{t, tf, tn};

/// Groups in the order in which the declaration first names them.
fn grouped(object: &Object) -> Vec<(String, Vec<Field>)> {
    let mut groups: Vec<(String, Vec<Field>)> = Vec::new();
    for field in object.live().filter(|f| f.name != "externalIds") {
        let name = if field.group.is_empty() { t("record.details").to_owned() } else { field.group.clone() };
        match groups.iter_mut().find(|(n, _)| *n == name) {
            Some((_, fields)) => fields.push(field.clone()),
            None => groups.push((name, vec![field.clone()])),
        }
    }
    groups
}

#[component]
pub fn Groups(object: Arc<Object>, record: Load<Record>) -> impl IntoView {
    let editable = signed().may(&object.name, Action::Update);
    let always: Vec<String> = object.list.iter().chain([&object.title]).cloned().collect();
    let all = RwSignal::new(false);
    let groups = grouped(&object);
    let is_empty = move |name: &str| {
        record.value.with(|r| r.as_ref().is_none_or(|r| r.fields.get(name).is_none_or(Json::is_null)))
    };
    let optional: Vec<String> =
        groups.iter().flat_map(|(_, fields)| fields).map(|f| f.name.clone()).filter(|n| !always.contains(n)).collect();
    let hidden_count = Memo::new(move |_| optional.iter().filter(|name| is_empty(name)).count());
    let group = move |(name, fields): (String, Vec<Field>)| {
        // A field that was shown once stays: an edit that empties it must not take it from under the cursor.
        let shows = |field: &Field| {
            let (name, always) = (field.name.clone(), always.contains(&field.name));
            Memo::new(move |before: Option<&bool>| always || all.get() || before == Some(&true) || !is_empty(&name))
        };
        let shown: Vec<Memo<bool>> = fields.iter().map(shows).collect();
        let is_shown = shown.clone();
        let lines = fields.into_iter().zip(shown).map(|(field, shown)| {
            view! { <div hidden=move || !shown.get()><Line field record editable/></div> }
        });
        let lines = lines.collect_view();
        view! {
            <section class="group" hidden=move || !is_shown.iter().any(|s| s.get())>
                <h2 class="group-name">{name}</h2><div class="lines">{lines}</div>
            </section>
        }
    };
    let more = move || {
        (!all.get() && hidden_count.get() > 0).then(|| {
        let label = tn("record.empty", hidden_count.get() as u64);
        view! { <div class="group"><button type="button" class="button link" data-testid="show-empty" on:click=move |_| all.set(true)>{label}</button></div> }
    })
    };
    view! { {groups.into_iter().map(group).collect_view()} {more} }
}

/// Where the editing of one field stands.
#[derive(Clone, Copy)]
struct Editing {
    open: RwSignal<bool>,
    draft: RwSignal<Json>,
    error: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
    saved: RwSignal<bool>,
    /// the record as somebody else has written it meanwhile
    theirs: RwSignal<Option<Record>>,
    /// the value that stood there when the editing began
    began: RwSignal<Json>,
    /// somebody else has just changed this field
    fresh: RwSignal<bool>,
}

impl Editing {
    fn new() -> Editing {
        Editing {
            open: RwSignal::new(false),
            draft: RwSignal::new(Json::Null),
            error: RwSignal::new(None),
            busy: RwSignal::new(false),
            saved: RwSignal::new(false),
            theirs: RwSignal::new(None),
            began: RwSignal::new(Json::Null),
            fresh: RwSignal::new(false),
        }
    }

    fn close(self) {
        self.open.try_set(false);
        self.error.try_set(None);
        self.theirs.try_set(None);
    }

    /// Sends the draft on top of `base`.
    fn save(self, signed: &Signed, field: &Field, record: Load<Record>, base: Record) {
        let draft = self.draft.get_untracked();
        let value = match field::prepare(&signed.schema, signed.currency(), field, &draft) {
            Ok(value) => value,
            Err(error) => {
                return self.error.set(Some(tf("form.wrong", &[("field", &field.label), ("detail", &error.detail)])));
            }
        };
        self.error.set(None);
        self.theirs.set(None);
        self.busy.set(true);
        let name = field.name.clone();
        spawn_local(async move {
            let fields = Map::from_iter([(name.clone(), value)]);
            let answer = api::update(&base.object, &base.id, base.version, fields).await;
            self.busy.try_set(false);
            match answer {
                Ok(written) => {
                    self.saved.try_set(true);
                    record.set(written);
                    self.close();
                    pause(2_000).await;
                    self.saved.try_set(false);
                }
                Err(failure) if failure.status == 412 => self.meet(&base).await,
                Err(failure) => self.refuse(&failure, &name),
            }
        });
    }

    /// Fetches what is there now, so that both values can be shown.
    async fn meet(self, base: &Record) {
        match api::record(&base.object, &base.id, &Abort::new()).await {
            Ok(current) => drop(self.theirs.try_set(Some(current))),
            Err(failure) => self.refuse(&failure, ""),
        }
    }

    fn refuse(self, failure: &Failure, name: &str) {
        let text = failure.of_field(name).unwrap_or_else(|| failure.message());
        self.error.try_set(Some(text));
    }
}

#[component]
fn Line(field: Field, record: Load<Record>, editable: bool) -> impl IntoView {
    let signed = signed();
    let editing = Editing::new();
    let editable = editable && field::is_editable(&field);
    let name = field.name.clone();
    let value = Memo::new(move |_| {
        record.value.with(|r| r.as_ref().and_then(|r| r.fields.get(&name).cloned()).unwrap_or_default())
    });
    Effect::new(move |before: Option<Json>| {
        let now = value.get();
        let own = editing.saved.get_untracked() || editing.open.get_untracked() || editing.busy.get_untracked();
        if before.is_some_and(|before| before != now) && !own {
            editing.fresh.set(true);
            spawn_local(async move {
                pause(2_500).await;
                editing.fresh.try_set(false);
            });
        }
        now
    });
    let id = format!("field-{}", field.name);
    let pencil_id = format!("{id}-edit");
    give_focus_back(editing.open, pencil_id.clone());
    let begin = {
        let id = id.clone();
        move || {
            if !editable || editing.open.get_untracked() {
                return;
            }
            editing.draft.set(value.get_untracked());
            editing.began.set(value.get_untracked());
            editing.open.set(true);
            focus_soon(id.clone());
        }
    };
    let save = {
        let (signed, field) = (signed.clone(), field.clone());
        Callback::new(move |base: Option<Record>| {
            let current = record.value.get_untracked();
            match (base, current) {
                (Some(base), _) => editing.save(&signed, &field, record, base),
                // The page has learnt of another's change while this field was being edited.
                (None, Some(current)) if value.get_untracked() != editing.began.get_untracked() => {
                    editing.theirs.set(Some(current));
                }
                (None, Some(current)) => editing.save(&signed, &field, record, current),
                (None, None) => {}
            }
        })
    };
    let body = {
        let (field, id) = (field.clone(), id.clone());
        move || {
            if editing.open.get() {
                return view! { <Editor field=field.clone() id=id.clone() editing record save/> }.into_any();
            }
            let value = value.get();
            let shown = if value.is_null() {
                view! { <span class="none">{if editable { t("record.add") } else { "–" }}</span> }.into_any()
            } else {
                view! { <Shown field=field.clone() value/> }.into_any()
            };
            let begin_by_click = begin.clone();
            let begin_by_key = begin.clone();
            // A link inside the value is followed, anything else is edited.
            let click = move |event: ev::MouseEvent| {
                let target = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
                let on_link = target.and_then(|e| e.closest("a, button").ok().flatten()).is_some();
                if !on_link {
                    begin_by_click();
                }
            };
            let pencil = editable.then(|| view! {
                <button type="button" id=pencil_id.clone() class="button icon-only pencil" aria-label=tf("record.edit", &[("field", &field.label)])
                    on:click=move |_| begin_by_key()><Icon name="pencil"/></button>
            });
            view! {
                <div class=if editable { "value editable" } else { "value" } class:fresh=move || editing.fresh.get() dir="auto" on:click=click>
                    {shown}
                    <span class="saved" role="status">{move || editing.saved.get().then(|| view! { <Icon name="check"/>{t("record.saved")} })}</span>
                    {pencil}
                </div>
            }
            .into_any()
        }
    };
    let tall = matches!(field.kind, FieldType::LongText);
    view! {
        <div class=if tall { "line tall" } else { "line" } data-field=field.name.clone()>
            <label class="line-label" for=id.clone() id=format!("{id}-label") title=field.help.clone()>{field.label.clone()}</label>
            {body}
        </div>
    }
}

#[component]
fn Editor(
    field: Field,
    id: String,
    editing: Editing,
    record: Load<Record>,
    save: Callback<Option<Record>>,
) -> impl IntoView {
    let long = field.kind == FieldType::LongText;
    let on_key = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Enter" if !long || event.ctrl_key() || event.meta_key() => {
            let on_button = event.target().and_then(|t| t.dyn_into::<web_sys::HtmlButtonElement>().ok()).is_some();
            if !on_button {
                event.prevent_default();
                save.run(None);
            }
        }
        "Escape" => {
            event.stop_propagation();
            editing.close();
        }
        _ => {}
    };
    let conflict = {
        let field = field.clone();
        move || editing.theirs.get().map(|theirs| view! { <Conflict field=field.clone() theirs editing record save/> })
    };
    let note = format!("{id}-note");
    view! {
        <div class="editor" on:keydown=on_key>
            <FieldInput field value=editing.draft id error=editing.error/>
            <p id=note class="hint error" role="alert">{move || editing.error.get()}</p>
            {conflict}
            <div class="actions">
                <button type="button" class="button primary small" disabled=move || editing.busy.get() on:click=move |_| save.run(None)>{t("save")}</button>
                <button type="button" class="button small" on:click=move |_| editing.close()>{t("cancel")}</button>
                {long.then(|| view! { <span class="faint small wide-only">{t("record.ctrlEnter")}</span> })}
            </div>
        </div>
    }
}

/// Both values of a field that two people changed, and which to keep.
#[component]
fn Conflict(
    field: Field,
    theirs: Record,
    editing: Editing,
    record: Load<Record>,
    save: Callback<Option<Record>>,
) -> impl IntoView {
    let there = theirs.fields.get(&field.name).cloned().unwrap_or_default();
    let mine = editing.draft;
    let field_of_mine = field.clone();
    let who = format::plain(&theirs.updated_by);
    let again = theirs.clone();
    let take = move |_| {
        record.set(theirs.clone());
        editing.close();
    };
    view! {
        <div class="conflict" role="alert" data-testid="conflict">
            <Notice tone="warn" text=tf("conflict.body", &[("who", &who)])/>
            <dl>
                <dt>{t("conflict.theirs")}</dt><dd><Shown field=field value=there flat=true/></dd>
                <dt>{t("conflict.mine")}</dt><dd>{move || view! { <Shown field=field_of_mine.clone() value=mine.get() flat=true/> }}</dd>
            </dl>
            <div class="actions">
                <button type="button" class="button small" on:click=take>{t("conflict.take")}</button>
                <button type="button" class="button small" on:click=move |_| save.run(Some(again.clone()))>{t("conflict.keep")}</button>
            </div>
        </div>
    }
}

/// When an editor closes, the focus goes to the button that opens it, so that a keyboard stays in its place.
fn give_focus_back(open: RwSignal<bool>, id: String) {
    Effect::new(move |was_open: Option<bool>| {
        let is_open = open.get();
        if was_open == Some(true) && !is_open {
            focus_soon(id.clone());
        }
        is_open
    });
}

/// Focuses an input once it has been drawn.
fn focus_soon(id: String) {
    request_animation_frame(move || {
        let found = document().get_element_by_id(&id).and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(element) = found {
            let _ = element.focus();
        }
    });
}
