//! The program that shows a keyring's prompts, in the place of the desktop's: nobody has to sit there.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::message::Header;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

const NAME: &str = "org.gnome.keyring.SystemPrompter";
const PATH: &str = "/org/gnome/keyring/Prompter";
const CALLBACK: &str = "org.gnome.keyring.internal.Prompter.Callback";

/// What the person does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Refuses,
    WaitsForever,
}

pub(crate) struct Prompter {
    shown: Receiver<()>,
    _bus: Connection,
}

impl Prompter {
    pub(crate) fn start(manner: Manner) -> Self {
        let (is_shown, shown) = channel();
        let service = Service {
            manner,
            is_shown: Mutex::new(is_shown),
        };
        let bus = Builder::session()
            .unwrap()
            .name(NAME)
            .unwrap()
            .serve_at(PATH, service)
            .unwrap()
            .build()
            .unwrap();
        Self { shown, _bus: bus }
    }

    /// Waits until a prompt is to be shown.
    pub(crate) fn shown(&self, patience: Duration) {
        self.shown.recv_timeout(patience).unwrap();
    }
}

struct Service {
    manner: Manner,
    is_shown: Mutex<Sender<()>>,
}

#[zbus::interface(name = "org.gnome.keyring.internal.Prompter")]
impl Service {
    async fn begin_prompting(
        &self,
        callback: OwnedObjectPath,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &zbus::Connection,
    ) {
        // The first word is only that the prompt may be asked.
        answer(bus, &header, callback, Some(""));
    }

    async fn perform_prompt(
        &self,
        callback: OwnedObjectPath,
        _kind: String,
        _properties: HashMap<String, OwnedValue>,
        _exchange: String,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &zbus::Connection,
    ) {
        // Whoever does not look any more does not mind.
        let _ = self.is_shown.lock().unwrap().send(());
        if self.manner == Manner::Refuses {
            answer(bus, &header, callback, Some("no"));
        }
    }

    async fn stop_prompting(
        &self,
        callback: OwnedObjectPath,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &zbus::Connection,
    ) {
        answer(bus, &header, callback, None);
    }
}

/// Calls back, with a reply or that all is over; after the caller has its own answer: it is not ready for a call before.
fn answer(
    bus: &zbus::Connection,
    header: &Header<'_>,
    callback: OwnedObjectPath,
    reply: Option<&'static str>,
) {
    let (bus, caller) = (bus.clone(), header.sender().unwrap().to_owned());
    let executor = bus.executor().clone();
    let calling = async move {
        let called = match reply {
            Some(reply) => {
                let no_properties: HashMap<&str, Value<'_>> = HashMap::new();
                let body = (reply, no_properties, "");
                bus.call_method(Some(caller), &callback, Some(CALLBACK), "PromptReady", &body)
                    .await
            }
            None => {
                bus.call_method(Some(caller), &callback, Some(CALLBACK), "PromptDone", &())
                    .await
            }
        };
        // A caller that is gone needs no answer.
        drop(called);
    };
    executor.spawn(calling, "answer").detach();
}
