//! Files of a record: dropped or chosen, sent at once, and part of the record when the field is saved.

use leptos::{ev, html, prelude::*, task::spawn_local};
use serde_json::{Value as Json, json};
use web_sys::{File, FileList};

use super::Edit;
use crate::api;
use crate::kit::{Icon, show};
use crate::text::{t, tf};

pub fn several(edit: Edit) -> AnyView {
    let value = edit.value;
    let sending = RwSignal::new(Vec::<String>::new());
    let problem = RwSignal::new(None::<String>);
    let over = RwSignal::new(false);
    let input = NodeRef::<html::Input>::new();
    let send = move |file: File| {
        let name = file.name();
        sending.update(|all| all.push(name.clone()));
        problem.set(None);
        spawn_local(async move {
            let answer = api::upload_file(&file).await;
            sending.try_update(|all| {
                if let Some(at) = all.iter().position(|n| *n == name) {
                    all.remove(at);
                }
            });
            match answer {
                Ok(kept) => drop(value.try_update(|v| {
                    let mut list = v.as_array().cloned().unwrap_or_default();
                    list.push(kept);
                    *v = Json::Array(list);
                })),
                Err(failure) => drop(problem.try_set(Some(format!("{name}: {}", failure.message())))),
            }
        });
    };
    let send_all = move |files: Option<FileList>| {
        let Some(files) = files else { return };
        (0..files.length()).filter_map(|at| files.get(at)).for_each(send);
    };
    let chosen = move |_| send_all(input.get_untracked().and_then(|input| input.files()));
    let dropped = move |event: ev::DragEvent| {
        event.prevent_default();
        over.set(false);
        send_all(event.data_transfer().and_then(|d| d.files()));
    };
    let row = move |(at, file): (usize, Json)| {
        let name = show::file_name(&file);
        let label = format!("{} {name}", t("remove"));
        let remove = move |_| {
            value.update(|v| {
                let mut list = v.as_array().cloned().unwrap_or_default();
                if at < list.len() {
                    list.remove(at);
                }
                *v = json!(list);
            });
        };
        view! {
            <li class="with-button"><span class="grow ellipsis">{name}</span>
                <button type="button" class="button icon-only" aria-label=label on:click=remove><Icon name="x"/></button></li>
        }
    };
    let rows = move || {
        value.with(|v| v.as_array().cloned().unwrap_or_default()).into_iter().enumerate().map(row).collect_view()
    };
    view! {
        <div class="file-drop" class:over=move || over.get() on:drop=dropped on:dragover=move |e| { e.prevent_default(); over.set(true) } on:dragleave=move |_| over.set(false)>
            <ul>{rows}</ul>
            {move || sending.get().into_iter().map(|name| view! { <p class="small faint" role="status">{tf("file.sending", &[("name", &name)])}</p> }).collect_view()}
            <p class="hint error" role="alert">{move || problem.get()}</p>
            <label class="button small">
                <Icon name="file-up"/>{t("file.add")}
                <input id=edit.id.clone() class="sr" type="file" multiple node_ref=input aria-describedby=edit.note() on:change=chosen/>
            </label>
            <span class="faint small">{t("file.drop")}</span>
        </div>
    }
    .into_any()
}
