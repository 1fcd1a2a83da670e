//! The vault: how it is opened, and the ways into it.

use crate::caller::Caller;
use crate::config::CoreConfig;
use crate::core::Core;
use crate::error::OrProblem;
use crate::record::Target;
use devctl_model::{
    ChangeVault, Done, ErrorCode, KeychainInfo, MakeRecoveryKey, Problem, RecoveryKeyText,
    SecretText as Told, UnlockKeychain, VaultChanged, VaultInfo, VaultWay, VaultWayInfo,
};
use devctl_secrets::{
    KeySource, KeychainState, NewWay, RecoveryKey, RollbackWatch, SecretText, Unlock, Vault, VaultError,
    WayKind,
};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a person may take to answer the keychain's prompt.
const PROMPT: Duration = Duration::from_secs(120);
/// How often a passphrase may be mistyped.
const ATTEMPTS: usize = 3;

/// Asks a person for the passphrase of the vault; none where they give none.
pub type AskPassphrase = Arc<dyn Fn() -> Option<SecretText> + Send + Sync>;

/// Where the passphrase of a vault comes from that opens with nothing else. It is asked for once in a process.
#[derive(Clone, Default)]
pub struct VaultPassphrase {
    ask: Option<AskPassphrase>,
    typed: Arc<Mutex<Option<SecretText>>>,
}

impl std::fmt::Debug for VaultPassphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VaultPassphrase")
            .field("is_asked_for", &self.ask.is_some())
            .finish_non_exhaustive()
    }
}

impl VaultPassphrase {
    /// Asks like this, when it is needed. The default never asks.
    pub fn asked_by(ask: AskPassphrase) -> Self {
        Self {
            ask: Some(ask),
            typed: Arc::default(),
        }
    }
}

/// Opens the vault, or makes it.
pub(crate) fn open(config: &CoreConfig) -> Result<Vault, Problem> {
    keep_out_of_dumps();
    match Vault::open(&config.vault(), &config.key_sources) {
        Err(error @ VaultError::PassphraseNeeded { .. }) => open_asking(config, error),
        opened => opened.or_problem(),
    }
}

/// Opens it with the passphrase that a person types. Who comes meanwhile waits, and is not asked again.
fn open_asking(config: &CoreConfig, needed: VaultError) -> Result<Vault, Problem> {
    let mut typed = config
        .passphrase
        .typed
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = &*typed
        && let Ok(vault) = open_with(config, known)
    {
        return Ok(vault);
    }
    let mut refused = needed;
    for _ in 0..ATTEMPTS {
        let Some(answer) = config.passphrase.ask.as_ref().and_then(|ask| ask()) else {
            break;
        };
        match open_with(config, &answer) {
            Ok(vault) => {
                *typed = Some(answer);
                return Ok(vault);
            }
            Err(error @ VaultError::WrongPassphrase { .. }) => refused = error,
            Err(error) => return Err(error).or_problem(),
        }
    }
    Err(refused).or_problem()
}

fn open_with(config: &CoreConfig, passphrase: &SecretText) -> Result<Vault, VaultError> {
    let unlock = Unlock {
        passphrase: Some(passphrase.clone()),
        ..Unlock::default()
    };
    Vault::open_with(&config.vault(), &config.key_sources, &unlock)
}

/// A crash of this process must write down nothing of what it has in memory. Programs that it starts are as they were.
fn keep_out_of_dumps() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::warn!(%error, "a crash could write secrets into a core dump");
        }
    }
}

impl CoreConfig {
    /// The folder of the vault.
    pub(crate) fn vault(&self) -> PathBuf {
        self.state_dir.join("vault")
    }

    /// The file of the vault.
    pub(crate) fn vault_file(&self) -> PathBuf {
        self.vault().join("vault")
    }
}

/// The words of the product for a way in.
pub(crate) fn way_of(kind: WayKind) -> VaultWay {
    match kind {
        WayKind::Keychain => VaultWay::Keychain,
        WayKind::KeyFile => VaultWay::KeyFile,
        WayKind::SystemdCredential => VaultWay::SystemdCredential,
        WayKind::OwnFile => VaultWay::OwnFile,
        WayKind::Passphrase => VaultWay::Passphrase,
        WayKind::RecoveryKey => VaultWay::RecoveryKey,
    }
}

fn kind_of(way: VaultWay) -> WayKind {
    match way {
        VaultWay::Keychain => WayKind::Keychain,
        VaultWay::KeyFile => WayKind::KeyFile,
        VaultWay::SystemdCredential => WayKind::SystemdCredential,
        VaultWay::OwnFile => WayKind::OwnFile,
        VaultWay::Passphrase => WayKind::Passphrase,
        VaultWay::RecoveryKey => WayKind::RecoveryKey,
    }
}

fn secret(text: &Told) -> SecretText {
    SecretText::new(text.expose().to_owned())
}

fn new_way(way: VaultWay, passphrase: Option<&Told>) -> Result<NewWay, Problem> {
    Ok(match way {
        VaultWay::Keychain => NewWay::Keychain,
        VaultWay::KeyFile => NewWay::KeyFile,
        VaultWay::SystemdCredential => NewWay::SystemdCredential,
        VaultWay::OwnFile => NewWay::OwnFile,
        VaultWay::Passphrase => {
            NewWay::Passphrase(secret(passphrase.ok_or_else(|| {
                Problem::new(ErrorCode::RequestInvalid, "the new passphrase is missing")
            })?))
        }
        VaultWay::RecoveryKey => {
            return Err(
                Problem::new(ErrorCode::RequestInvalid, "a recovery key is made, not chosen")
                    .fix_command("Make one", "devctl secret vault recovery-key"),
            );
        }
    })
}

/// Opens the vault as the request says.
fn open_as_asked(
    config: &CoreConfig,
    passphrase: Option<&Told>,
    recovery_key: Option<&Told>,
    accept_older: bool,
) -> Result<Vault, Problem> {
    if !config.vault_file().exists() {
        return Err(
            Problem::new(ErrorCode::SecretsUnavailable, "there is no vault yet").fix(
                "It is made when the first key or secret has to be kept: devctl up, or devctl secret set",
            ),
        );
    }
    if passphrase.is_none() && recovery_key.is_none() && !accept_older {
        return open(config);
    }
    keep_out_of_dumps();
    let recovery_key = recovery_key
        .map(|text| RecoveryKey::parse(text.expose()))
        .transpose()
        .map_err(|error| {
            Problem::new(ErrorCode::SecretsPassphrase, error.to_string())
                .fix("Compare it with the paper, group by group")
        })?;
    let unlock = Unlock {
        passphrase: passphrase.map(secret),
        recovery_key,
        accept_older,
    };
    Vault::open_with(&config.vault(), &config.key_sources, &unlock).or_problem()
}

/// What can be said of a vault and its keychain.
pub(crate) fn info(config: &CoreConfig, opened: Option<&Vault>) -> VaultInfo {
    let path = config.vault_file();
    let exists = path.exists();
    let mut info = VaultInfo {
        path: path.display().to_string(),
        exists,
        ways: Vec::new(),
        opened_by: None,
        problem: None,
        entries: None,
        watched_in: None,
        keychain: keychain(config),
    };
    let own;
    let vault = match opened {
        Some(vault) => vault,
        None if exists => match open(config) {
            Ok(vault) => {
                own = vault;
                &own
            }
            Err(problem) => {
                info.problem = Some(problem.message);
                return info;
            }
        },
        None => return info,
    };
    info.opened_by = Some(way_of(vault.key_source().kind()));
    match (vault.ways(), vault.names()) {
        (Ok(ways), Ok(names)) => {
            info.ways = ways.iter().map(shown).collect();
            info.entries = Some(names.len() as u64);
        }
        (Err(error), _) | (_, Err(error)) => info.problem = Some(error.to_string()),
    }
    info.watched_in = Some(match vault.rollback_watch() {
        RollbackWatch::Keychain => "the OS keychain".to_owned(),
        RollbackWatch::File(path) => path.display().to_string(),
        other => format!("{other:?}"),
    });
    if let RollbackWatch::Behind(why) = vault.rollback_watch() {
        info.watched_in = None;
        info.problem
            .get_or_insert(format!("how often it was written could not be noted: {why}"));
    }
    info
}

fn shown(source: &KeySource) -> VaultWayInfo {
    VaultWayInfo {
        way: way_of(source.kind()),
        place: source.to_string(),
        opens_by_itself: source.kind().opens_by_itself(),
    }
}

/// What the keychain can do now; none where it is not to be asked.
pub(crate) fn keychain(config: &CoreConfig) -> Option<KeychainInfo> {
    let state = config.key_sources.keychain.as_ref()?.probe();
    Some(KeychainInfo {
        ready: state == KeychainState::Ready,
        code: state.code().to_owned(),
        words: state.to_string(),
        fix: state.fix(),
    })
}

impl Core {
    /// Runs `work` away from the threads that wait for others.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&CoreConfig) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let core = self.clone();
        tokio::task::spawn_blocking(move || work(&core.config))
            .await
            .map_err(|error| {
                Problem::new(ErrorCode::Internal, "the vault could not be worked with").why(error.to_string())
            })?
    }

    pub(crate) async fn vault_info(self: &Arc<Self>) -> Result<VaultInfo, Problem> {
        self.blocking(|config| Ok(info(config, None))).await
    }

    pub(crate) async fn change_ways(
        self: &Arc<Self>,
        caller: &Caller,
        request: ChangeVault,
    ) -> Result<VaultChanged, Problem> {
        let act = self.blocking(move |config| change(config, &request));
        self.recorded(caller, "change_vault", Target::other("vault", "vault"), act)
            .await
    }

    pub(crate) async fn recovery_key(
        self: &Arc<Self>,
        caller: &Caller,
        request: MakeRecoveryKey,
    ) -> Result<RecoveryKeyText, Problem> {
        let act = self.blocking(move |config| {
            let vault = open_as_asked(config, request.open_with.as_ref(), None, false)?;
            let key = vault.make_recovery_key().or_problem()?;
            Ok(RecoveryKeyText {
                recovery_key: Told::new(key.printable().expose().clone()),
            })
        });
        let target = Target::other("vault", "vault");
        self.recorded(caller, "make_recovery_key", target, act).await
    }

    pub(crate) async fn open_keychain(
        self: &Arc<Self>,
        caller: &Caller,
        request: UnlockKeychain,
    ) -> Result<Done, Problem> {
        let act = self.blocking(move |config| {
            let Some(keychain) = &config.key_sources.keychain else {
                return Err(Problem::new(
                    ErrorCode::SecretsUnavailable,
                    "the keychain is not to be used here (DEVCTL_KEYCHAIN=off)",
                ));
            };
            if keychain.probe() == KeychainState::Ready {
                return Ok(Done { changed: false });
            }
            match keychain
                .unlock(request.password.as_ref().map(secret))
                .wait(PROMPT)
            {
                KeychainState::Ready => Ok(Done { changed: true }),
                state => {
                    let problem = Problem::new(ErrorCode::SecretsKeychainLocked, state.to_string());
                    Err(match state.fix() {
                        Some(fix) => problem.fix(fix),
                        None => problem,
                    })
                }
            }
        });
        let target = Target::other("keychain", "keychain");
        self.recorded(caller, "unlock_keychain", target, act).await
    }
}

fn change(config: &CoreConfig, request: &ChangeVault) -> Result<VaultChanged, Problem> {
    let (mut remove, add) = (request.remove.map(kind_of), request.add);
    if remove.is_none() && add.is_none() && !request.accept_older {
        return Err(Problem::new(
            ErrorCode::RequestInvalid,
            "nothing is to be changed: a way to add or to take away is needed",
        ));
    }
    let new = add
        .map(|way| new_way(way, request.passphrase.as_ref()))
        .transpose()?;
    let recovery_key = request.recovery_key.as_ref();
    let vault = open_as_asked(
        config,
        request.open_with.as_ref(),
        recovery_key,
        request.accept_older,
    )?;
    if let (None, Some(new), Some(_)) = (remove, &new, recovery_key) {
        // The way whose key was lost is still there by name: the new one takes its place.
        let has = vault.ways().or_problem()?;
        remove = has.iter().map(KeySource::kind).find(|kind| *kind == new.kind());
    }
    let changed = match (remove, &new) {
        (Some(old), Some(new)) => Some(vault.replace_way(old, new).or_problem()?),
        (None, Some(new)) => Some(vault.add_way(new).or_problem()?),
        (Some(old), None) => Some(vault.remove_way(old).or_problem()?),
        (None, None) => None,
    };
    Ok(VaultChanged {
        vault: info(config, Some(&vault)),
        left_behind: changed
            .and_then(|changed| changed.left_behind)
            .map(|error| error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(root: &std::path::Path) -> CoreConfig {
        let mut config = crate::testing::config(root);
        config.key_sources.keychain = None;
        config
    }

    #[test]
    fn a_vault_that_has_lost_its_keychain_opens_with_the_recovery_key_and_gets_another_way() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let vault = open(&config).unwrap();
        vault.put("secret/person/A", b"hunter2".as_slice()).unwrap();
        let key = vault.make_recovery_key().unwrap();
        std::fs::remove_file(config.vault().join("master.key")).unwrap();
        let refused = open(&config).err().unwrap();
        assert_eq!(refused.code, ErrorCode::SecretsPassphrase);
        let change_to = |text: &str| ChangeVault {
            add: Some(VaultWay::OwnFile),
            recovery_key: Some(Told::new(text.to_owned())),
            ..ChangeVault::default()
        };
        let wrong = change(&config, &change_to("nonsense")).unwrap_err();
        assert_eq!(wrong.code, ErrorCode::SecretsPassphrase);
        change(&config, &change_to(key.printable().expose())).unwrap();
        let value = open(&config).unwrap().get("secret/person/A").unwrap().unwrap();
        assert_eq!(value.expose(), b"hunter2");
    }

    #[test]
    fn a_passphrase_is_asked_for_once_in_a_process() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        open(&config).unwrap().put("x", b"y".as_slice()).unwrap();
        let request = ChangeVault {
            remove: Some(VaultWay::OwnFile),
            add: Some(VaultWay::Passphrase),
            passphrase: Some(Told::new("correct horse".into())),
            ..ChangeVault::default()
        };
        change(&config, &request).unwrap();
        assert_eq!(open(&config).err().unwrap().code, ErrorCode::SecretsPassphrase);
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let times = asked.clone();
        config.passphrase = VaultPassphrase::asked_by(Arc::new(move || {
            let first = times.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            let text = if first { "correct hose" } else { "correct horse" };
            Some(SecretText::new(text.to_owned()))
        }));
        for _ in 0..2 {
            assert!(open(&config).unwrap().get("x").unwrap().is_some());
        }
        assert_eq!(
            asked.load(std::sync::atomic::Ordering::SeqCst),
            2,
            "once wrong, once right"
        );
    }
}
