//! The Secret Service, where the keyring crate says too little: which state it is in, and unlocking it.

use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use super::{KeychainState, Stop};
use crate::secret::SecretText;

const SERVICE: &str = "org.freedesktop.secrets";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
const SERVICE_INTERFACE: &str = "org.freedesktop.Secret.Service";
const COLLECTION_INTERFACE: &str = "org.freedesktop.Secret.Collection";
const PROMPT_INTERFACE: &str = "org.freedesktop.Secret.Prompt";

/// gnome-keyring's way to unlock without a screen, which its own tools use. No other keychain has it.
const PASSWORD_INTERFACE: &str = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";

/// Whether the default collection is unlocked. Raises no prompt.
pub(super) fn state() -> KeychainState {
    let asked = connect().and_then(|bus| {
        let collection = default_collection(&bus)?;
        is_locked(&bus, &collection)
    });
    match asked {
        Ok(false) => KeychainState::Ready,
        Ok(true) => KeychainState::Locked,
        Err(state) => state,
    }
}

/// Unlocks the default collection with its password, or by the prompt of the service.
pub(super) fn unlock(password: Option<&SecretText>, stop: &Stop) -> KeychainState {
    let unlocked = connect().and_then(|bus| {
        let collection = default_collection(&bus)?;
        if !is_locked(&bus, &collection)? {
            return Ok(());
        }
        match password {
            Some(password) => unlock_with(&bus, &collection, password)?,
            None => unlock_by_prompt(&bus, &collection, stop)?,
        }
        match is_locked(&bus, &collection)? {
            false => Ok(()),
            true => Err(KeychainState::Locked),
        }
    });
    match unlocked {
        Ok(()) => KeychainState::Ready,
        Err(state) => state,
    }
}

fn connect() -> Result<Connection, KeychainState> {
    Connection::session().map_err(|_| KeychainState::NoBus)
}

fn default_collection(bus: &Connection) -> Result<OwnedObjectPath, KeychainState> {
    let path: OwnedObjectPath = proxy(bus, SERVICE_PATH, SERVICE_INTERFACE)?
        .call("ReadAlias", &("default",))
        .map_err(state_of)?;
    match path.as_str() {
        "/" => Err(KeychainState::NoCollection),
        _ => Ok(path),
    }
}

fn is_locked(bus: &Connection, collection: &OwnedObjectPath) -> Result<bool, KeychainState> {
    proxy(bus, collection.as_str(), COLLECTION_INTERFACE)?
        .get_property("Locked")
        .map_err(state_of)
}

fn unlock_with(
    bus: &Connection,
    collection: &OwnedObjectPath,
    password: &SecretText,
) -> Result<(), KeychainState> {
    let (_, session): (OwnedValue, OwnedObjectPath) = proxy(bus, SERVICE_PATH, SERVICE_INTERFACE)?
        .call("OpenSession", &("plain", Value::from("")))
        .map_err(state_of)?;
    let no_parameters: &[u8] = &[];
    let secret = (
        &session,
        no_parameters,
        password.expose().as_bytes(),
        "text/plain",
    );
    let unlocked = proxy(bus, SERVICE_PATH, PASSWORD_INTERFACE)?
        .call_method("UnlockWithMasterPassword", &(collection, secret));
    match unlocked {
        Ok(_) => Ok(()),
        Err(zbus::Error::MethodError(name, _, _)) if name.ends_with(".Denied") => {
            Err(KeychainState::WrongPassword)
        }
        Err(zbus::Error::MethodError(name, _, _))
            if name.ends_with(".UnknownMethod") || name.ends_with(".UnknownInterface") =>
        {
            Err(KeychainState::Failed(
                "this keychain takes no password from a program, only in its own prompt".to_owned(),
            ))
        }
        Err(error) => Err(state_of(error)),
    }
}

fn unlock_by_prompt(
    bus: &Connection,
    collection: &OwnedObjectPath,
    stop: &Stop,
) -> Result<(), KeychainState> {
    let (unlocked, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) =
        proxy(bus, SERVICE_PATH, SERVICE_INTERFACE)?
            .call("Unlock", &(vec![collection],))
            .map_err(state_of)?;
    if !unlocked.is_empty() {
        return Ok(());
    }
    let prompt = proxy(bus, prompt.as_str(), PROMPT_INTERFACE)?;
    let mut completed = prompt.receive_signal("Completed").map_err(state_of)?;
    let no_window = "";
    prompt.call_method("Prompt", &(no_window,)).map_err(state_of)?;
    let connection = bus.clone();
    stop.when_stopped(move || {
        // Ends the wait below. The prompt is not told to go: gnome-keyring 42 aborts when it is (an assertion in
        // gkd-secret-unlock.c), and every program would lose its keychain. It stays until a person answers it.
        let _ = connection.close();
    });
    let answer = completed.next().ok_or(KeychainState::PromptRefused)?;
    let (dismissed, _): (bool, OwnedValue) = answer.body().deserialize().map_err(state_of)?;
    match dismissed {
        false => Ok(()),
        true => Err(KeychainState::PromptRefused),
    }
}

fn proxy<'a>(bus: &Connection, path: &'a str, interface: &'static str) -> Result<Proxy<'a>, KeychainState> {
    zbus::blocking::proxy::Builder::new(bus)
        .destination(SERVICE)
        .and_then(|builder| builder.path(path))
        .and_then(|builder| builder.interface(interface))
        .map(|builder| builder.cache_properties(zbus::proxy::CacheProperties::No))
        .and_then(zbus::blocking::proxy::Builder::build)
        .map_err(state_of)
}

fn state_of(error: zbus::Error) -> KeychainState {
    match &error {
        zbus::Error::MethodError(name, _, _)
            if name.starts_with("org.freedesktop.DBus.Error.ServiceUnknown")
                || name.starts_with("org.freedesktop.DBus.Error.NameHasNoOwner")
                || name.starts_with("org.freedesktop.DBus.Error.Spawn.") =>
        {
            KeychainState::NoService
        }
        _ => KeychainState::Failed(error.to_string()),
    }
}
