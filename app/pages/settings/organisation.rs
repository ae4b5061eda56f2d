//! What holds for the whole organisation: its name, currency and time zone, and how it writes numbers and dates.

use leptos::{ev, prelude::*, task::spawn_local};

use crate::api::{self, Failure, Organisation, Settings};
use crate::app::gate;
use crate::kit::{Loaded, Notice, Plain, PlainSelect, toasts};
use crate::state::format::{self, Formats};
use crate::state::load;
use crate::text::{maybe, t};

#[component]
pub fn OrganisationSection() -> impl IntoView {
    let held = load(|| (), |(), _| async { api::settings().await });
    let draw = |settings: Settings| view! { <Form settings/> }.into_any();
    view! { <section class="card pad"><h2>{t("settings.organisation")}</h2><Loaded load=held draw/></section> }
}

/// The patterns themselves are the clearest names of what they do.
fn same(values: &[&str]) -> Signal<Vec<(String, String)>> {
    Signal::stored(values.iter().map(|v| ((*v).to_owned(), (*v).to_owned())).collect())
}

/// Keys with their words in the catalogue, below `format.`.
fn named(values: &[&str]) -> Signal<Vec<(String, String)>> {
    let word = |v: &&str| maybe(&format!("format.{v}")).unwrap_or(v).to_owned();
    Signal::stored(values.iter().map(|v| ((*v).to_owned(), word(v))).collect())
}

/// How numbers, dates and times are written, as the wizard and the settings ask for it.
#[derive(Clone, Copy)]
pub struct FormatsDraft {
    number: RwSignal<String>,
    date: RwSignal<String>,
    time: RwSignal<String>,
    week_start: RwSignal<String>,
}

impl FormatsDraft {
    pub fn new(formats: Formats) -> FormatsDraft {
        let Formats { number, date, time, week_start } = formats;
        let [number, date, time, week_start] = [number, date, time, week_start].map(RwSignal::new);
        FormatsDraft { number, date, time, week_start }
    }

    pub fn get(self) -> Formats {
        let [number, date, time, week_start] =
            [self.number, self.date, self.time, self.week_start].map(|s| s.get_untracked());
        Formats { number, date, time, week_start }
    }

    pub fn inputs(self) -> impl IntoView {
        view! {
            <div class="columns">
                <PlainSelect id="format-number" label=t("format.number") value=self.number options=same(&Formats::NUMBERS)/>
                <PlainSelect id="format-date" label=t("format.date") value=self.date options=named(&Formats::DATES)/>
                <PlainSelect id="format-time" label=t("format.time") value=self.time options=named(&Formats::TIMES)/>
                <PlainSelect id="format-week" label=t("format.week") value=self.week_start options=named(&Formats::WEEK_STARTS)/>
            </div>
        }
    }
}

#[component]
fn Form(settings: Settings) -> impl IntoView {
    let toasts = toasts();
    let gate = gate();
    let o = settings.organisation;
    let name = RwSignal::new(o.name);
    let currency = RwSignal::new(o.currency);
    let zone = RwSignal::new(o.time_zone);
    let language = o.language;
    let formats = FormatsDraft::new(settings.formats);
    let failure = RwSignal::new(None::<Failure>);
    let busy = RwSignal::new(false);
    let of =
        move |field: &'static str| Signal::derive(move || failure.with(|f| f.as_ref().and_then(|f| f.of_field(field))));
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        busy.set(true);
        let organisation = Organisation {
            name: name.get_untracked().trim().to_owned(),
            currency: currency.get_untracked().trim().to_uppercase(),
            time_zone: zone.get_untracked().trim().to_owned(),
            language: language.clone(),
        };
        let wanted = Settings { organisation, formats: formats.get() };
        spawn_local(async move {
            let answer = api::set_settings(&wanted).await;
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    failure.try_set(None);
                    toasts.say(t("settings.saved"));
                    gate.open();
                }
                Err(f) => drop(failure.try_set(Some(f))),
            }
        });
    };
    let zones = format::zones().into_iter().map(|zone| view! { <option value=zone></option> }).collect_view();
    view! {
        <form class="form" on:submit=submit>
            {move || failure.get().map(|f| view! { <Notice tone="bad" text=f.message()/> })}
            <Plain id="organisation-name" label=t("organisation.name") value=name error=of("organisation.name")/>
            <div class="columns">
                <Plain id="organisation-currency" label=t("organisation.currency") value=currency hint=t("organisation.currency.hint") error=of("organisation.currency")/>
                <Plain id="organisation-zone" label=t("organisation.zone") value=zone hint=t("organisation.zone.hint") list="zones" error=of("organisation.timeZone")/>
            </div>
            <datalist id="zones">{zones}</datalist>
            {formats.inputs()}
            <div class="actions"><button type="submit" class="button primary" disabled=move || busy.get()>{t("save")}</button></div>
        </form>
    }
}
