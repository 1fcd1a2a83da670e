//! The desktop door: one window, and the commands through which it reaches the core.
//!
//! No business logic lives here. The webview asks by operation name; what exists, what it takes and who may ask is
//! declared in [`devctl_core::operations`], so a new operation needs no change in this crate.

mod commands;
mod door;
mod listeners;
mod wiring;

use door::Door;
use listeners::Listeners;
use std::process::ExitCode;
use tauri::{Context, Manager, Runtime, Wry, webview::PageLoadEvent};

/// Opens the window and returns when it is closed.
///
/// `context` is the compiled `tauri.conf.json`; it comes from the binary because it embeds the built user interface.
pub fn run(context: Context<Wry>) -> ExitCode {
    let built = tauri::Builder::default()
        // Has to be the first plugin: a second start only raises the window of the first one.
        .plugin(tauri_plugin_single_instance::init(|app, _arguments, _folder| {
            raise_window(app);
        }))
        .plugin(tauri_plugin_dialog::init())
        .manage(Door::new(wiring::open_core))
        .manage(Listeners::default())
        .on_page_load(|webview, payload| {
            // A reloaded page has forgotten what it listened to.
            if payload.event() == PageLoadEvent::Started {
                webview.state::<Listeners>().stop_all();
            }
        })
        .invoke_handler(commands::handler())
        .build(context);
    match built {
        Ok(app) => {
            app.run(|_app, _event| {});
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(%error, "the window could not be opened");
            ExitCode::FAILURE
        }
    }
}

fn raise_window<R: Runtime>(app: &tauri::AppHandle<R>) {
    for window in app.webview_windows().values() {
        for outcome in [window.unminimize(), window.show(), window.set_focus()] {
            if let Err(error) = outcome {
                tracing::warn!(%error, "the window could not be raised");
            }
        }
    }
}
