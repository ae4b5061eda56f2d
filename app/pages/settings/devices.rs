//! Where one is logged in, with a way to end each of it or all at once; for whoever manages users also somebody else's.

use leptos::{prelude::*, task::spawn_local};

use crate::api::{self, Device};
use crate::app::gate;
use crate::kit::{Badge, Empty, Icon, Loaded, toasts};
use crate::state::{format, load};
use crate::text::{t, tf};

#[component]
pub fn Devices() -> impl IntoView {
    view! {
        <section class="card pad">
            <h2>{t("devices.title")}</h2><p class="faint">{t("devices.body")}</p>
            <DeviceList/>
        </section>
    }
}

/// The sessions of a user, one's own without an id.
#[component]
pub fn DeviceList(#[prop(optional)] user: Option<String>) -> impl IntoView {
    let (toasts, gate) = (toasts(), gate());
    let user = StoredValue::new(user);
    let own = user.with_value(Option::is_none);
    let devices = load(move || user.get_value(), |user, _| async move { api::devices(user.as_deref()).await });
    let end = Callback::new(move |device: Device| {
        spawn_local(async move {
            match api::end_device(&device.id).await {
                Ok(()) if device.current => gate.leave(),
                Ok(()) => devices.again(),
                Err(failure) => toasts.refuse(&failure),
            }
        });
    });
    let end_all = move |_| {
        spawn_local(async move {
            match api::end_devices(user.get_value().as_deref()).await {
                Ok(()) => {
                    toasts.say(t("devices.ended"));
                    devices.again();
                }
                Err(failure) => toasts.refuse(&failure),
            }
        });
    };
    let draw = move |list: Vec<Device>| {
        if list.is_empty() {
            return view! { <Empty title=t("devices.none") icon="monitor"/> }.into_any();
        }
        let several = list.iter().any(|device| !device.current);
        let rows = list.into_iter().map(|device| row(device, own, end)).collect_view();
        let all = several.then(|| {
            let label = if own { t("devices.endOthers") } else { t("devices.endAll") };
            view! { <div class="actions start-actions"><button type="button" class="button" data-testid="end-sessions" on:click=end_all><Icon name="log-out"/>{label}</button></div> }
        });
        view! { <ul class="plain-list" data-testid="devices">{rows}</ul>{all} }.into_any()
    };
    view! { <Loaded load=devices draw rows=2/> }
}

fn row(device: Device, own: bool, end: Callback<Device>) -> AnyView {
    let name = if device.device.is_empty() { t("devices.unknown").to_owned() } else { device.device.clone() };
    let used = tf(
        "devices.used",
        &[("when", &format::ago(if device.used_at.is_empty() { &device.created_at } else { &device.used_at }))],
    );
    let since = tf("devices.since", &[("when", &format::day(&device.created_at))]);
    let about: Vec<String> = [device.address.clone(), used, since].into_iter().filter(|s| !s.is_empty()).collect();
    let current = device.current.then(|| view! { <Badge text=t("devices.current") color="green"/> });
    // Whoever manages users ends all of somebody's sessions at once.
    let button = own.then(|| {
        let label = if device.current { t("frame.logout") } else { t("devices.end") };
        let spoken = format!("{label}: {name}");
        view! { <button type="button" class="button small push" aria-label=spoken on:click=move |_| end.run(device.clone())>{label}</button> }
    });
    view! {
        <li class="device"><span class="hit-icon"><Icon name="monitor"/></span>
            <div><strong>{name}</strong>" "{current}<br/><span class="faint small">{about.join(" · ")}</span></div>{button}</li>
    }
    .into_any()
}
