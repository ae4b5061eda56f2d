//! The list of an object: search, filter, columns, a table of any length or a board, and what can be done with the
//! records that are selected.

use std::sync::Arc;

use aplomb_model::{Action, Object};
use leptos::{ev, prelude::*, task::spawn_local};

use super::board::{BoardView, field_of_board};
use super::bulk::{BulkBar, ExportMenu};
use super::chosen::{Chosen, Scope};
use super::column_choice::ColumnChoice;
use super::columns::{self, Column};
use super::filter_chips::FilterBar;
use super::form::CreateDialog;
use super::grid::Grid;
use super::groups::{Grouped, groupable};
use super::jobs::JobStrip;
use super::list_choices::{GroupChoice, PipelineChoice, ViewChoice};
use super::list_url::ListUrl;
use super::table::Table;
use super::views::ViewMenu;
use crate::api::{self, Record, pause};
use crate::kit::{Empty, Hidden, Icon, Paged, Slice, Trouble, Waiting, toasts};
use crate::state::live::{Change, News};
use crate::state::{Query, Route, live, nav, router, signed, views};
use crate::text::{t, tf, tn};

#[component]
pub fn ListPage() -> impl IntoView {
    let name = router().part(|route, _| match route {
        Route::List { object } => object.clone(),
        _ => String::new(),
    });
    let signed = signed();
    move || match signed.object(&name.get()).filter(|o| signed.may(&o.name, Action::Read)) {
        Some(object) => view! { <List object/> }.into_any(),
        None => view! { <Hidden/> }.into_any(),
    }
}

#[component]
fn List(object: Arc<Object>) -> impl IntoView {
    let router = router();
    let signed = signed();
    let query = router.query();
    let url = Memo::new(move |_| ListUrl::read(&query.read()));
    let columns = {
        let object = object.clone();
        Memo::new(move |_| columns::columns(&object, &url.with(|url| url.columns.clone())))
    };
    let rows = records(&object, url, columns);
    let name = object.name.clone();
    let go = Callback::new(move |to: ListUrl| router.go(&to.write(&name)));
    // The palette's way to a new record; the URL forgets it at once.
    let creating = RwSignal::new(false);
    {
        let name = object.name.clone();
        Effect::new(move |_| {
            if query.read().get("new").is_some() {
                creating.set(true);
                router.replace(&nav::list_url(&name));
            }
        });
    }
    let plural = object.plural.clone();
    nav::name_tab(move || plural.clone());
    let may_create = signed.may(&object.name, Action::Create) && !object.internal;
    let may_import = signed.session.can("import");
    let created = {
        let name = object.name.clone();
        Callback::new(move |record: Record| router.go(&nav::record_url(&name, &record.id)))
    };
    open_by_key("n", creating, may_create);
    let selectable = signed.may(&object.name, Action::Update) || signed.may(&object.name, Action::Delete);
    let chosen = RwSignal::new(Chosen::default());
    let narrowing = Memo::new(move |_| url.with(|url| Scope { filter: url.filter.clone(), q: url.q.clone() }));
    Effect::new(move |_| narrowing.with(|scope| chosen.update(|chosen| chosen.keep_for(scope))));
    let editable = signed.may(&object.name, Action::Update);
    let prefix = String::new();
    let grid = Grid {
        object: object.clone(),
        rows,
        columns,
        url,
        go,
        chosen,
        selectable,
        editable,
        prefix,
        signed: signed.clone(),
        toasts: toasts(),
    };
    open_default_view(&object.name);
    let count = move || {
        rows.there.get().then(|| {
            let (len, exact) = rows.rows.with(|rows| (rows.len, rows.exact));
            let text = tn("list.count", len as u64);
            if exact { text } else { tf("list.more", &[("count", &text)]) }
        })
    };
    let body = {
        let grid = grid.clone();
        let shape = Memo::new(move |_| Shape::of(rows));
        let board = field_of_board(&object);
        let has_board = board.is_some();
        let is_board = Memo::new(move |_| has_board && url.with(|url| url.view == "board"));
        let groups = groupable(&object);
        let grouped = Memo::new(move |_| url.with(|url| groups.iter().find(|f| f.name == url.group).cloned()));
        move || match (board.clone().filter(|_| is_board.get()), grouped.get()) {
            (Some(field), swim) => {
                let swim = swim.filter(|swim| swim.name != field.name);
                view! { <BoardView object=grid.object.clone() field swim url/> }.into_any()
            }
            (None, Some(field)) => {
                view! { <section class="card table-card"><Grouped grid=grid.clone() field/></section> }.into_any()
            }
            (None, None) => {
                let body = {
                    let grid = grid.clone();
                    move || body(&grid, shape.get(), may_create.then_some(creating), may_import)
                };
                view! { <section class="card table-card" aria-busy=move || rows.busy.get().to_string()>{body}</section> }.into_any()
            }
        }
    };
    let object_of_columns = object.clone();
    view! {
        <div class="page list-page">
            <header class="page-head">
                <h1>{object.plural.clone()}</h1>
                <span class="count faint" role="status" data-testid="count">{count}</span>
                <div class="actions">
                    {signed.may(&object.name, Action::Export).then(|| view! { <ExportMenu object=object.clone() url columns/> })}
                    {may_create.then(|| view! {
                        <button type="button" class="button primary" data-testid="create" aria-keyshortcuts="n" on:click=move |_| creating.set(true)>
                            <Icon name="plus"/>{tf("list.create", &[("object", &object.label)])}
                        </button>
                    })}
                </div>
            </header>
            <div class="toolbar">
                <TextBox url go/>
                <FilterBar object=object.clone() url go/>
                <div class="toolbar-end">
                    <ViewMenu object=object.clone() url/>
                    <GroupChoice object=object.clone() url go/>
                    <PipelineChoice object=object.clone() url go/>
                    {field_of_board(&object).map(|_| view! { <ViewChoice url go/> })}
                    <Show when=move || url.with(|url| url.view != "board")><ColumnChoice object=object_of_columns.clone() url go/></Show>
                </div>
            </div>
            <JobStrip object=object.clone() on_end=Callback::new(move |()| rows.refresh())/>
            {body}
            <BulkBar object=object.clone() chosen url columns/>
        </div>
        <CreateDialog object=object.clone() open=creating on_done=created/>
    }
}

/// The records that the URL asks for, as far as they are looked at; kept up to date with what others change.
pub fn records(object: &Arc<Object>, url: Memo<ListUrl>, columns: Memo<Vec<Column>>) -> Paged<Record> {
    let rows = Paged::<Record>::new();
    let (name, title) = (object.name.clone(), object.title.clone());
    let wish = Memo::new(move |_| {
        let mut fields: Vec<String> = columns.get().into_iter().map(|c| c.field.name).collect();
        fields.retain(|name| !matches!(name.as_str(), "createdAt" | "updatedAt"));
        if !fields.contains(&title) {
            fields.push(title.clone());
        }
        (ListUrl { columns: String::new(), view: String::new(), group: String::new(), ..url.get() }, fields.join(","))
    });
    let own = name.clone();
    Effect::new(move |_| {
        let ((url, fields), name) = (wish.get(), name.clone());
        rows.ask(move |wanted, abort| {
            let query = url.query(&name, &fields, &wanted);
            async move {
                let page = api::list(query, &abort).await?;
                let next = page.next.filter(|next| !next.is_empty());
                Ok(Slice { rows: page.records, next, total: page.total.count as usize, exact: page.total.exact })
            }
        });
    });
    if let Some(live) = live() {
        // What this browser wrote itself stands there already, and stays where it stands.
        let is_news = move |news: &News| {
            let known = |change: &Change| {
                rows.rows
                    .with_untracked(|rows| rows.iter().any(|(_, r)| r.id == change.id && r.version >= change.version))
            };
            let mut changes = news.changes.iter().filter(|c| c.object == own).peekable();
            news.objects.contains(&own) && (news.more || changes.peek().is_none() || !changes.all(known))
        };
        live.follow(is_news, move || rows.refresh());
    }
    rows
}

/// What the body of a list shows.
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Waiting,
    Failed(api::Failure),
    Empty,
    Rows,
}

impl Shape {
    fn of(rows: Paged<Record>) -> Shape {
        let len = rows.rows.with(|rows| rows.len);
        match (rows.there.get(), rows.failure.get()) {
            (_, Some(failure)) if len == 0 || failure.status >= 400 => Shape::Failed(failure),
            (false, _) => Shape::Waiting,
            (true, _) if len == 0 => Shape::Empty,
            _ => Shape::Rows,
        }
    }
}

fn body(grid: &Grid, shape: Shape, creating: Option<RwSignal<bool>>, may_import: bool) -> AnyView {
    let (object, url, go, rows) = (&grid.object, grid.url, grid.go, grid.rows);
    match shape {
        Shape::Waiting => view! { <Waiting rows=10/> }.into_any(),
        Shape::Failed(failure) => {
            view! { <Trouble failure retry=Callback::new(move |()| rows.start())/> }.into_any()
        }
        Shape::Rows => view! { <Table grid=grid.clone()/> }.into_any(),
        Shape::Empty if url.with(ListUrl::is_narrowed) => view! {
            <Empty title=t("list.noMatch") body=t("list.noMatch.body") icon="search">
                <button type="button" class="button" on:click=move |_| go.run(url.get_untracked().without_filter())>{t("filter.clear")}</button>
            </Empty>
        }
        .into_any(),
        Shape::Empty => {
            let create = creating.map(|open| {
                let label = tf("list.create", &[("object", &object.label)]);
                view! { <button type="button" class="button primary" on:click=move |_| open.set(true)>{label}</button> }
            });
            let import = may_import.then(|| {
                let href = nav::with_query("/import", &[("object", &object.name)]);
                view! { <a class="button" href=href>{t("list.import")}</a> }
            });
            let title = tf("list.empty", &[("objects", &object.plural)]);
            view! { <Empty title body=t("list.empty.body") icon=object.icon.clone()>{create}{import}</Empty> }.into_any()
        }
    }
}

/// A list that is opened without a wish shows its default view; `plain` in the address asks for none.
fn open_default_view(object: &str) {
    let (router, views) = (router(), views());
    let query = router.query();
    let name = object.to_owned();
    Effect::new(move |done: Option<bool>| {
        let untouched = query.with_untracked(Query::is_empty);
        if done == Some(true) || !untouched {
            return true;
        }
        let Some(view) = views.known.get().then(|| views.default_of(&name)) else { return false };
        if let Some(view) = view {
            router.replace(&super::views::address(&view));
        }
        true
    });
}

/// A key that opens something while nobody types.
fn open_by_key(key: &'static str, open: RwSignal<bool>, allowed: bool) {
    let handle = window_event_listener(ev::keydown, move |event| {
        if allowed && event.key() == key && nav::is_shortcut(&event) {
            event.prevent_default();
            open.set(true);
        }
    });
    on_cleanup(move || handle.remove());
}

/// The list's own full-text box; what is typed goes into the URL after a moment.
#[component]
fn TextBox(url: Memo<ListUrl>, go: Callback<ListUrl>) -> impl IntoView {
    let navigate_to = move |q: &str| {
        let now = url.get_untracked();
        if now.q != q {
            go.run(now.with_q(q));
        }
    };
    let text = RwSignal::new(url.get_untracked().q);
    let from_url = Memo::new(move |_| url.with(|url| url.q.clone()));
    Effect::new(move |_| {
        let q = from_url.get();
        if text.with_untracked(|text| text.trim() != q) {
            text.set(q);
        }
    });
    let turn = StoredValue::new(0u32);
    let on_input = move |event: ev::Event| {
        text.set(event_target_value(&event));
        let mine = turn.with_value(|n| n + 1);
        turn.set_value(mine);
        spawn_local(async move {
            pause(200).await;
            if let (true, Some(text)) = (turn.try_get_value() == Some(mine), text.try_get_untracked()) {
                navigate_to(text.trim());
            }
        });
    };
    view! {
        <label class="textbox">
            <span class="sr">{t("list.search")}</span>
            <Icon name="search"/>
            <input class="input" type="search" id="list-search" placeholder=t("list.search") autocomplete="off"
                prop:value=move || text.get() on:input=on_input/>
        </label>
    }
}
