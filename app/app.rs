//! Which door one stands at: set-up, unseal, log-in, or inside. The URL is kept through all of them.

use leptos::{prelude::*, task::spawn_local};

use crate::api::{self, Failure};
use crate::kit::{Screen, ToastRegion, Toasts, Tooltips, Trouble, Waiting};
use crate::pages;
use crate::state::{Router, Signed, format, theme};

#[derive(Clone)]
enum Door {
    Opening,
    SetUp,
    Sealed,
    LogIn,
    Inside(Signed),
    Shut(Failure),
}

/// Moves between the doors; context of every page.
#[derive(Clone, Copy)]
pub struct Gate {
    door: RwSignal<Door>,
    /// the session ended while a page was open: one logs in over it, and what was typed stays
    pub expired: RwSignal<bool>,
}

impl Gate {
    /// Asks the server where we stand, and goes there.
    pub fn open(self) {
        spawn_local(async move {
            let door = match api::standing().await {
                Ok(standing) if standing.required => Door::SetUp,
                Ok(standing) if standing.sealed => Door::Sealed,
                Ok(_) => enter().await,
                Err(failure) if failure.is("sealed") => Door::Sealed,
                // Once set up, the server need not know the call any more.
                Err(failure) if failure.status == 404 => enter().await,
                Err(failure) => Door::Shut(failure),
            };
            self.door.try_set(door);
        });
    }

    pub fn log_out(self) {
        spawn_local(async move {
            let _ = api::log_out().await;
            self.leave();
        });
    }

    /// To the log-in page, because there is no session any more and its user knows.
    pub fn leave(self) {
        self.expired.try_set(false);
        self.door.try_set(Door::LogIn);
    }

    fn refused(self, failure: &Failure) {
        if failure.is("sealed") {
            self.door.try_set(Door::Sealed);
        } else if matches!(self.door.get_untracked(), Door::Inside(_)) {
            self.expired.try_set(true);
        }
    }
}

async fn enter() -> Door {
    let session = match api::session().await {
        Ok(session) => session,
        Err(failure) if failure.status == 401 => return Door::LogIn,
        Err(failure) if failure.is("sealed") => return Door::Sealed,
        Err(failure) => return Door::Shut(failure),
    };
    let organisation = &session.organisation;
    format::use_ways(&organisation.language, &organisation.time_zone, session.formats.clone());
    match api::objects().await {
        Ok(objects) => Door::Inside(Signed::new(session, objects)),
        Err(failure) => Door::Shut(failure),
    }
}

#[component]
pub fn App() -> impl IntoView {
    theme::show(theme::stored());
    theme::show_strong(theme::strong());
    provide_context(Router::start());
    provide_context(Toasts::new());
    provide_context(Screen::watch());
    let gate = Gate { door: RwSignal::new(Door::Opening), expired: RwSignal::new(false) };
    provide_context(gate);
    api::when_refused(move |failure| gate.refused(failure));
    gate.open();
    let page = move || match gate.door.get() {
        Door::Opening => view! { <main class="start"><Waiting/></main> }.into_any(),
        Door::SetUp => view! { <pages::start::SetUp/> }.into_any(),
        Door::Sealed => view! { <pages::start::Unseal/> }.into_any(),
        Door::LogIn => view! { <pages::start::LogIn/> }.into_any(),
        Door::Inside(signed) => view! { <pages::frame::Frame signed/> }.into_any(),
        Door::Shut(failure) => {
            let retry = Callback::new(move |()| gate.open());
            view! { <main class="start"><div class="card"><Trouble failure retry/></div></main> }.into_any()
        }
    };
    view! {
        {page}
        <ToastRegion/>
        <Tooltips/>
    }
}

/// The doors; only below [`App`].
pub fn gate() -> Gate {
    expect_context::<Gate>()
}
