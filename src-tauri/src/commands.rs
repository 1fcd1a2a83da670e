//! What the webview may call. `src-tauri/permissions/door.toml` repeats these names for the shell's own check.

use crate::{door::Door, listeners::Listeners};
use devctl_model::{ErrorCode, Problem};
use serde::Serialize;
use serde_json::Value;
use tauri::{AppHandle, Runtime, State, ipc::Channel, ipc::Invoke};
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;

/// What a stream tells the page.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum StreamMessage {
    /// The next item.
    Item {
        /// In the shape that the list of operations gives it.
        item: Value,
    },
    /// Nothing more comes.
    End,
}

/// The commands, for the builder.
pub(crate) fn handler<R: Runtime>() -> impl Fn(Invoke<R>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![startup, call, listen, unlisten, pick_folder]
}

/// Waits until the core is open, or says why it is not. `again` makes another attempt.
#[tauri::command]
async fn startup(door: State<'_, Door>, again: bool) -> Result<(), Problem> {
    door.opened(again).await.map(drop)
}

/// Carries out one operation of the list.
#[tauri::command]
async fn call(door: State<'_, Door>, name: String, request: Value) -> Result<Value, Problem> {
    door.call(&name, request).await
}

/// Opens one stream of the list. The page chooses `id`, so that it can stop the stream before the first item.
#[tauri::command]
async fn listen(
    door: State<'_, Door>,
    listeners: State<'_, Listeners>,
    id: u32,
    name: String,
    request: Value,
    channel: Channel<StreamMessage>,
) -> Result<(), Problem> {
    let mut items = door.listen(&name, request).await?;
    let task = tauri::async_runtime::spawn(async move {
        while let Some(item) = items.recv().await {
            if channel.send(StreamMessage::Item { item }).is_err() {
                return;
            }
        }
        if let Err(error) = channel.send(StreamMessage::End) {
            tracing::debug!(%error, stream = name, "the page was gone before its stream ended");
        }
    });
    listeners.add(id, task);
    Ok(())
}

/// Stops a stream.
#[tauri::command]
fn unlisten(listeners: State<'_, Listeners>, id: u32) {
    listeners.stop(id);
}

/// Lets a person choose a folder; none when they changed their mind.
#[tauri::command]
async fn pick_folder<R: Runtime>(app: AppHandle<R>) -> Result<Option<String>, Problem> {
    let (sender, chosen) = oneshot::channel();
    app.dialog().file().pick_folder(move |folder| {
        // The other end only goes away together with the window.
        drop(sender.send(folder));
    });
    let Ok(Some(folder)) = chosen.await else {
        return Ok(None);
    };
    let path = folder.into_path().map_err(|error| {
        Problem::new(
            ErrorCode::RequestInvalid,
            "the chosen place is not a folder of this computer",
        )
        .why(error.to_string())
    })?;
    path.into_os_string().into_string().map(Some).map_err(|path| {
        Problem::new(
            ErrorCode::RequestInvalid,
            format!("the name of the folder {} is not valid UTF-8", path.display()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use serde_json::json;
    use tauri::{
        WebviewWindowBuilder,
        ipc::{CallbackFn, InvokeBody},
        test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder, mock_context, noop_assets},
        webview::InvokeRequest,
    };

    fn window() -> tauri::WebviewWindow<MockRuntime> {
        let door = Door::new(|| {
            async {
                Err(Problem::new(
                    ErrorCode::StoreUnwritable,
                    "the state folder is read-only",
                ))
            }
            .boxed()
        });
        let app = mock_builder()
            .manage(door)
            .manage(Listeners::default())
            .invoke_handler(handler())
            .build(mock_context(noop_assets()))
            .unwrap();
        WebviewWindowBuilder::new(&app, "main", tauri::WebviewUrl::default())
            .build()
            .unwrap()
    }

    fn invoke(command: &str, body: Value) -> Result<Value, Value> {
        let request = InvokeRequest {
            cmd: command.to_owned(),
            callback: CallbackFn(0),
            error: CallbackFn(1),
            url: "tauri://localhost".parse().unwrap(),
            body: InvokeBody::Json(body),
            headers: tauri::http::HeaderMap::default(),
            invoke_key: INVOKE_KEY.to_owned(),
        };
        get_ipc_response(&window(), request).map(|body| body.deserialize().unwrap())
    }

    #[test]
    fn a_problem_reaches_the_page_whole() {
        let answer = invoke("call", json!({"name": "list_containers", "request": {}})).unwrap_err();
        assert_eq!(answer["code"], "store.unwritable");
        assert_eq!(answer["message"], "the state folder is read-only");
        assert_eq!(invoke("startup", json!({"again": false})).unwrap_err(), answer);
    }

    #[test]
    fn stopping_a_stream_that_is_not_there_is_no_error() {
        assert_eq!(invoke("unlisten", json!({"id": 7})), Ok(Value::Null));
    }

    #[test]
    fn a_command_that_is_not_in_the_list_does_not_exist() {
        assert!(invoke("run_shell", json!({})).is_err());
    }
}
