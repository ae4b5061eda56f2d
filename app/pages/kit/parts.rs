//! Parts that show and lead: buttons, badges, figures, layers, states.

use leptos::prelude::*;

use super::part;
use crate::api::Failure;
use crate::kit::{
    Avatar, Avatars, Badge, Bar, BarChart, Crumbs, Dialog, Empty, Icon, Menu, Notice, Popover, Progress, Sparkline,
    Tabs, Trouble, Waiting, toasts,
};
use crate::text::t;

const LONG: &str = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft 😀";
const RIGHT_TO_LEFT: &str = "شركة الاتصالات المتحدة";

pub fn all() -> AnyView {
    view! { {buttons()}{words()}{figures()}<Layers/>{ways()}{states()} }.into_any()
}

fn buttons() -> AnyView {
    let body = view! {
        <button type="button" class="button primary">"Primary"</button>
        <button type="button" class="button"><Icon name="plus"/>"Plain"</button>
        <button type="button" class="button small">"Small"</button>
        <button type="button" class="button link">"Link"</button>
        <button type="button" class="button icon-only" aria-label="Settings" title="Settings"><Icon name="settings"/></button>
        <button type="button" class="button primary" disabled=true>"Disabled"</button>
        <button type="button" class="button" aria-pressed="true">"Pressed"</button>
        <button type="button" class="button"><span class="ellipsis">{LONG}</span></button>
    };
    part("Buttons", body)
}

fn words() -> AnyView {
    let tones = ["blue", "green", "amber", "red", "purple", "slate"];
    let badges = tones.map(|tone| view! { <Badge text=tone color=tone/> }).collect_view();
    let people = ["Ada Lovelace", "Grace Hopper", RIGHT_TO_LEFT, "😀", "Émilie du Châtelet", "Sofia"];
    let faces = people.map(|name| view! { <Avatar name/> }).collect_view();
    let names = Signal::stored(people.map(str::to_owned).to_vec());
    let body = view! {
        <span class="badges">{badges}</span><span class="badges">{faces}</span>
        <Avatars names label=Signal::stored(people.join(", "))/>
        <span class="tag"><span class="ellipsis" dir="auto">{RIGHT_TO_LEFT}</span><button type="button" class="button icon-only" aria-label=t("remove")><Icon name="x"/></button></span>
        <span class="chip">"Stage is any of Won"<button type="button" class="button icon-only" aria-label="Remove filter"><Icon name="x"/></button></span>
        <p class="grow" dir="auto">{LONG}</p><kbd>"Ctrl K"</kbd>
    };
    part("Words", body)
}

fn figures() -> AnyView {
    let bar = |(label, value): (&str, f64)| Bar { label: label.to_owned(), value, text: value.to_string() };
    let bars: Vec<Bar> = [("Qualification", 12.0), (LONG, 30.0), (RIGHT_TO_LEFT, 7.0), ("None", 0.0)].map(bar).to_vec();
    let body = view! {
        <Sparkline values=vec![3.0, 5.0, 4.0, 8.0, 9.0, 7.0, 12.0] label="Deals won in seven weeks: from 3 to 12"/>
        <Sparkline values=vec![2.0, 2.0, 2.0] label="Three weeks without change: 2"/>
        <Progress value=Signal::stored(Some(0.6)) label="60 percent"/>
        <Progress value=Signal::stored(None) label="Something goes on"/>
        <BarChart bars label="Deals by stage"/>
    };
    part("Figures", body)
}

#[component]
fn Layers() -> impl IntoView {
    let (dialog, drawer, popover) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let toasts = toasts();
    let stop = cfg!(debug_assertions).then(|| {
        let stop = |_| panic!("stopped on purpose");
        view! { <button type="button" class="button" data-testid="panic" on:click=stop>"Panic"</button> }
    });
    let item = |label: &'static str| view! { <button type="button" role="menuitem" class="menu-item">{label}</button> };
    let body = view! {
        <button type="button" class="button" data-testid="open-dialog" on:click=move |_| dialog.set(true)>"Dialog"</button>
        <button type="button" class="button" data-testid="open-drawer" on:click=move |_| drawer.set(true)>"Drawer"</button>
        <Popover label="Popover" class="button" open=popover trigger=|| "Popover"><p>"Anything may stand here."</p></Popover>
        <Menu label="Menu" class="button" trigger=|| "Menu">{item("First")}{item("Second")}<hr/>{item("Third")}</Menu>
        <button type="button" class="button" title="What a control is for" data-testid="tip">"Tooltip"</button>
        <button type="button" class="button" data-testid="toast-undo" on:click=move |_| toasts.offer("It is gone.", t("undo"), move || toasts.say("It is back."))>"Toast with undo"</button>
        <button type="button" class="button" on:click=move |_| toasts.warn("It did not work.")>"Toast that warns"</button>
        {stop}
        <Dialog title="A dialog".to_owned() open=dialog><p>"One thing at a time."</p><div class="actions"><button type="button" class="button primary" on:click=move |_| dialog.set(false)>"Done"</button></div></Dialog>
        <Dialog title="A drawer".to_owned() open=drawer drawer=true><p dir="auto">{LONG}</p></Dialog>
    };
    part("Layers", body)
}

fn ways() -> AnyView {
    let chosen = RwSignal::new("one");
    let body = view! {
        <Crumbs above=vec![("/".to_owned(), "My day".to_owned()), ("/kit".to_owned(), LONG.to_owned())] here=Signal::stored("Here".to_owned())/>
        <Tabs label="Tabs" tabs=vec![("one", "One"), ("two", "Two"), ("three", "Three")] chosen/>
        <div role="tabpanel" id=move || format!("panel-{}", chosen.get()) aria-labelledby=move || format!("tab-{}", chosen.get())><p>{move || chosen.get()}</p></div>
    };
    part("Ways", body)
}

fn states() -> AnyView {
    let failure =
        Failure { status: 500, code: "internal".to_owned(), request_id: "01a1b2c3".to_owned(), ..Failure::default() };
    let hidden = Failure { status: 404, code: "not_found".to_owned(), ..Failure::default() };
    let body = view! {
        <Notice text="Good to know."/><Notice tone="good" text="It worked."/><Notice tone="warn" text="Have a look."/><Notice tone="bad" text=LONG/>
        <Waiting rows=3/>
        <Empty title="Nothing yet" body="Make the first one."><button type="button" class="button primary">"New"</button></Empty>
        <Trouble failure retry=Callback::new(|()| ())/><Trouble failure=hidden/>
    };
    part("States", body)
}
