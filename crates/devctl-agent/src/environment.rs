//! The variables of what is started.

use std::collections::BTreeMap;

use crate::setup::Setup;

/// The search path of an image that says nothing about it.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What `sshd -i` says of a connection that has no address.
const NO_ADDRESS: &str = "UNKNOWN 65535 UNKNOWN 65535";

/// Variables that a client may set: how it speaks and what its terminal can do, nothing that changes what is run.
pub(crate) fn client_may_set(name: &str) -> bool {
    name == "LANG"
        || matches!(
            name,
            "COLORTERM" | "NO_COLOR" | "TERM_PROGRAM" | "TERM_PROGRAM_VERSION"
        )
        || name.strip_prefix("LC_").is_some_and(|rest| {
            !rest.is_empty()
                && rest
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
}

/// The whole environment of a session: our defaults, what the proxy found and was asked for, what the client sent,
/// what belongs to this session; later ones win. At last the names that are to be unset go.
pub(crate) fn compose(
    setup: &Setup,
    client: &BTreeMap<String, String>,
    session: impl IntoIterator<Item = (&'static str, String)>,
) -> BTreeMap<String, String> {
    let account = &setup.account;
    let mut environment = BTreeMap::from([
        ("PATH".to_owned(), DEFAULT_PATH.to_owned()),
        ("HOME".to_owned(), account.home.to_string_lossy().into_owned()),
        ("USER".to_owned(), account.name.clone()),
        ("LOGNAME".to_owned(), account.name.clone()),
        ("SHELL".to_owned(), account.shell.to_string_lossy().into_owned()),
        ("SSH_CONNECTION".to_owned(), NO_ADDRESS.to_owned()),
        ("SSH_CLIENT".to_owned(), "UNKNOWN 65535 65535".to_owned()),
    ]);
    environment.extend(
        setup
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    environment.extend(client.iter().map(|(name, value)| (name.clone(), value.clone())));
    environment.extend(session.into_iter().map(|(name, value)| (name.to_owned(), value)));
    for name in &setup.unset_environment {
        environment.remove(name);
    }
    // The system takes neither; a variable that cannot exist must not keep a shell from starting.
    environment
        .retain(|name, value| !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0'));
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_speak_its_language_and_change_nothing_else() {
        for name in ["LANG", "LC_ALL", "LC_CTYPE", "COLORTERM", "NO_COLOR"] {
            assert!(client_may_set(name), "{name}");
        }
        for name in [
            "PATH",
            "LD_PRELOAD",
            "LC_",
            "LC_A=B",
            "LANGUAGE_X",
            "BASH_ENV",
            "SSH_AUTH_SOCK",
            "",
        ] {
            assert!(!client_may_set(name), "{name}");
        }
    }
}
