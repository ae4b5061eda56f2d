//! The fields of a record in their groups, each edited where it stands: Enter saves, Escape leaves it as it was.

use std::sync::Arc;

use aplomb_model::{Action, Field, FieldType, Object};
use leptos::{ev, prelude::*, task::spawn_local};
use serde_json::{Map, Value as Json};
use wasm_bindgen::JsCast;

use crate::api::{self, Failure, Record, pause};
use crate::kit::{Avatar, FieldInput, Icon, Notice, Shown, field, reveal, toasts};
use crate::state::presence::presence;
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

/// Milliseconds after which a change that is on its way says so.
const LATE: i32 = 700;
/// Milliseconds for which a change can be taken back where it was made, and another's stays marked.
const MARKED: i32 = 6_000;

/// Where the editing of one field stands.
#[derive(Clone, Copy)]
struct Editing {
    open: RwSignal<bool>,
    draft: RwSignal<Json>,
    error: RwSignal<Option<String>>,
    /// shown as if it were there already; taken back when it is refused
    sent: RwSignal<Option<Json>>,
    late: RwSignal<bool>,
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
            sent: RwSignal::new(None),
            late: RwSignal::new(false),
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

    fn is_own(self) -> bool {
        self.saved.get_untracked() || self.open.get_untracked() || self.sent.with_untracked(Option::is_some)
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
        // What is sent names a record by its id; people see its name.
        let named = matches!(field.kind, FieldType::Reference | FieldType::References);
        self.sent.set(Some(if named { draft } else { value.clone() }));
        self.close();
        let (name, toasts) = (field.name.clone(), toasts());
        spawn_local(async move {
            pause(LATE).await;
            let on_its_way = self.sent.try_with_untracked(Option::is_some) == Some(true);
            self.late.try_set(on_its_way);
        });
        spawn_local(async move {
            let answer = api::set_fields(&base, &Map::from_iter([(name.clone(), value)])).await;
            self.late.try_set(false);
            match answer {
                Ok(written) => {
                    self.saved.try_set(true);
                    // A later change of another field may have been quicker.
                    if record.value.try_with_untracked(|r| r.as_ref().is_some_and(|r| r.version <= written.version))
                        == Some(true)
                    {
                        record.set(written);
                    }
                    self.sent.try_set(None);
                    pause(MARKED).await;
                    self.saved.try_set(false);
                }
                // The page has gone meanwhile: there is no editor to open again.
                Err(failure) if self.open.is_disposed() => toasts.refuse(&failure),
                Err(failure) => self.refuse(&failure, &name),
            }
        });
    }

    /// Opens the editor again with what was typed, and says why.
    fn refuse(self, failure: &Failure, name: &str) {
        match api::there(failure).filter(|_| failure.status == 412) {
            Some(there) => drop(self.theirs.try_set(Some(there))),
            None => drop(self.error.try_set(Some(failure.of_field(name).unwrap_or_else(|| failure.message())))),
        }
        self.open.try_set(true);
        self.sent.try_set(None);
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
    mark_others_changes(value, editing);
    let id = format!("field-{}", field.name);
    let pencil_id = format!("{id}-edit");
    move_focus(editing.open, id.clone(), pencil_id.clone());
    let begin = move || {
        if editable && !editing.open.get_untracked() && editing.sent.with_untracked(Option::is_none) {
            editing.draft.set(value.get_untracked());
            editing.began.set(value.get_untracked());
            editing.open.set(true);
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
    let take_back = Callback::new(move |()| {
        editing.saved.set(false);
        let before = editing.began.get_untracked();
        editing.began.set(value.get_untracked());
        editing.draft.set(before);
        save.run(None);
    });
    let presence = presence();
    if let Some(presence) = presence {
        let name = field.name.clone();
        Effect::new(move |before: Option<bool>| {
            let open = editing.open.get();
            if before.is_some_and(|before| before != open) {
                presence.change(&name, open);
            }
            open
        });
    }
    let name = field.name.clone();
    let other = move || {
        presence.and_then(|p| p.at(&name)).map(|p| {
            let says = tf("presence.edits", &[("name", &p.name)]);
            view! { <span class="editing-other" role="status" data-testid="edits"><Avatar name=p.name/>{says}</span> }
        })
    };
    let body = {
        let (field, id) = (field.clone(), id.clone());
        move || {
            if editing.open.get() {
                return view! { <Editor field=field.clone() id=id.clone() editing record save/> }.into_any();
            }
            let value = editing.sent.get().unwrap_or_else(|| value.get());
            let shown = if value.is_null() {
                view! { <span class="none">{if editable { t("record.add") } else { "–" }}</span> }.into_any()
            } else {
                view! { <Shown field=field.clone() value/> }.into_any()
            };
            // A link inside the value is followed, anything else is edited.
            let click = move |event: ev::MouseEvent| {
                let target = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
                let on_link = target.and_then(|e| e.closest("a, button").ok().flatten()).is_some();
                if !on_link {
                    begin();
                }
            };
            let pencil = editable.then(|| view! {
                <button type="button" id=pencil_id.clone() class="button icon-only pencil" aria-label=tf("record.edit", &[("field", &field.label)])
                    on:click=move |_| begin()><Icon name="pencil"/></button>
            });
            view! {
                <div class=if editable { "value editable" } else { "value" } class:fresh=move || editing.fresh.get() dir="auto" on:click=click>
                    {shown}<Mark editing take_back/>{pencil}
                </div>
            }
            .into_any()
        }
    };
    let tall = matches!(field.kind, FieldType::LongText);
    view! {
        <div class=if tall { "line tall" } else { "line" } data-field=field.name.clone()>
            <label class="line-label" for=id.clone() id=format!("{id}-label") title=field.help.clone()>{field.label.clone()}{other}</label>
            {body}
        </div>
    }
}

/// Marks a value for a while when it changes and the change was not made here.
fn mark_others_changes(value: Memo<Json>, editing: Editing) {
    Effect::new(move |before: Option<Json>| {
        let now = value.get();
        if before.is_some_and(|before| before != now) && !editing.is_own() {
            editing.fresh.set(true);
            spawn_local(async move {
                pause(MARKED).await;
                editing.fresh.try_set(false);
            });
        }
        now
    });
}

/// What becomes of a change, beside its value: on its way, waiting for the server, there, with a way to take it back.
#[component]
fn Mark(editing: Editing, take_back: Callback<()>) -> impl IntoView {
    let mark = move || {
        if editing.late.get() {
            let words = if api::waiting().get() > 0 { t("record.waiting") } else { t("record.saving") };
            return Some(
                view! { <span class="pending-mark" data-testid="late"><Icon name="clock"/>{words}</span> }.into_any(),
            );
        }
        editing.saved.get().then(|| view! {
            <Icon name="check"/>{t("record.saved")}<button type="button" class="button link" on:click=move |_| take_back.run(())>{t("undo")}</button>
        }.into_any())
    };
    view! { <span class="saved" role="status">{mark}</span> }
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
                <button type="button" class="button primary small" on:click=move |_| save.run(None)>{t("save")}</button>
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
    reveal(".conflict .actions");
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

/// An editor that opens gets the focus, unless somebody is typing elsewhere; when it closes, the button that opens it.
fn move_focus(open: RwSignal<bool>, input: String, pencil: String) {
    Effect::new(move |before: Option<bool>| {
        let now = open.get();
        if before.is_some_and(|before| before != now) {
            let active = document().active_element();
            let elsewhere = active.is_some_and(|e| crate::state::nav::is_typing(Some(e.into())));
            if !now || !elsewhere {
                focus_soon(if now { input.clone() } else { pencil.clone() });
            }
        }
        now
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
