//! The keys of a person: the container access key, and those that they make or bring here.
//!
//! All of it runs under the lock that lets one process sign at a time, so that what is checked still holds when it is
//! acted upon. The record of a key comes between its file being written and being put in its place, and goes last.

mod access;
mod agent;
pub(crate) mod findings;
mod records;
mod rotation;

pub(crate) use rotation::retirement_due;

use crate::caller::Caller;
use crate::core::Core;
use crate::error::OrProblem;
use crate::record::Target;
use crate::revocations::{parsed, written};
use crate::signer::{Signer, fingerprint};
use base64::Engine as _;
use devctl_model::{
    ChangeKeyPassphrase, ErrorCode, ExportKey, ExportedKey, GenerateKey, ImportKey, KeyList, KeyRecord,
    KeyType, Problem, RemovedKey, RotateKey, RotatedKey,
};
use devctl_ssh::{Certificate, KeyAlgorithm, KeyError, KeyName, PublicKey, SshError, UserKey};
use devctl_store::{Key, KeyOrigin, KeyState, PassphraseOf};
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The name of the container access key. Those that it has replaced are `access-1`, `access-2` …
pub(crate) const ACCESS: &str = "access";

/// A file with a shorter passphrase is opened by trying.
const SHORTEST_PASSPHRASE: usize = 8;

/// The entry of the vault that holds the passphrase of a key.
fn vault_entry(name: &str) -> String {
    format!("key/{name}/passphrase")
}

impl Core {
    /// The keys, the access key first.
    pub(crate) async fn key_list(self: &Arc<Self>) -> Result<KeyList, Problem> {
        self.ensure_identity().await?;
        let keys = self.signing(|signer| signer.key_records()).await?;
        Ok(KeyList { keys })
    }

    /// One key.
    pub(crate) async fn stored_key(self: &Arc<Self>, name: String) -> Result<KeyRecord, Problem> {
        self.ensure_identity().await?;
        self.signing(move |signer| signer.key_record(&name)).await
    }

    /// Makes a key.
    pub(crate) async fn make_key(
        self: &Arc<Self>,
        caller: &Caller,
        request: GenerateKey,
    ) -> Result<KeyRecord, Problem> {
        let target = target(&request.name);
        let act = self.signing(move |signer| signer.generate_key(&request));
        self.recorded(caller, "generate_key", target, act).await
    }

    /// Brings a key here.
    pub(crate) async fn bring_key(
        self: &Arc<Self>,
        caller: &Caller,
        request: ImportKey,
    ) -> Result<KeyRecord, Problem> {
        let target = target(&request.name);
        let act = self.signing(move |signer| signer.import_key(&request));
        self.recorded(caller, "import_key", target, act).await
    }

    /// Gives a key out.
    pub(crate) async fn give_key(
        self: &Arc<Self>,
        caller: &Caller,
        request: ExportKey,
    ) -> Result<ExportedKey, Problem> {
        self.ensure_identity().await?;
        let target = target(&request.name);
        let act = self.signing(move |signer| signer.export_key(&request));
        self.recorded(caller, "export_key", target, act).await
    }

    /// Changes what protects the private half of a key.
    pub(crate) async fn protect_key(
        self: &Arc<Self>,
        caller: &Caller,
        request: ChangeKeyPassphrase,
    ) -> Result<KeyRecord, Problem> {
        let target = target(&request.name);
        let act = self.signing(move |signer| signer.protect_key(&request));
        self.recorded(caller, "change_key_passphrase", target, act).await
    }

    /// Puts a new key in the place of one.
    pub(crate) async fn turn_key(
        self: &Arc<Self>,
        caller: &Caller,
        request: RotateKey,
    ) -> Result<RotatedKey, Problem> {
        self.ensure_identity().await?;
        let name = request.name.clone().unwrap_or_else(|| ACCESS.to_owned());
        let who = caller.who.clone();
        let subject = target(&name);
        let act = self.signing(move |signer| {
            let overlap = request.overlap_seconds.unwrap_or(rotation::OVERLAP);
            if name == ACCESS {
                signer.rotate_access_key(overlap, "the access key was rotated", &who)
            } else {
                signer.rotate_stored_key(&name, overlap, request.passphrase.as_deref(), &who)
            }
        });
        self.recorded(caller, "rotate_key", subject, act).await
    }

    /// Removes a key.
    pub(crate) async fn drop_key(
        self: &Arc<Self>,
        caller: &Caller,
        name: String,
    ) -> Result<RemovedKey, Problem> {
        let who = caller.who.clone();
        let target = target(&name);
        let act = self.signing(move |signer| signer.remove_key(&name, &who));
        self.recorded(caller, "remove_key", target, act).await
    }
}

impl Signer<'_> {
    fn generate_key(&mut self, request: &GenerateKey) -> Result<KeyRecord, Problem> {
        let name = own_name(&request.name)?;
        self.refuse_taken(&name)?;
        let comment = request
            .comment
            .clone()
            .unwrap_or_else(|| format!("{}@{}", self.config.user, self.config.machine));
        check_comment(&comment)?;
        let key = UserKey::generate(algorithm(request.key_type), &comment, &self.keygen()).or_problem()?;
        let own = request.passphrase.as_deref();
        self.keep_key(&name, &key, KeyOrigin::Generated, own, request.remember)?;
        self.key_record(name.as_str())
    }

    fn import_key(&mut self, request: &ImportKey) -> Result<KeyRecord, Problem> {
        let name = own_name(&request.name)?;
        self.refuse_taken(&name)?;
        let text = request.key.trim();
        if Certificate::from_openssh(text).is_ok() {
            return Err(
                Problem::new(ErrorCode::KeyFormatRefused, "this is a certificate, not a key")
                    .fix("Bring the key that it is for; its certificate is signed here")
                    .safe("nothing was changed"),
            );
        }
        if is_public_line(text) {
            let public = parsed(text)?;
            if request.passphrase.is_some() {
                return Err(
                    Problem::new(ErrorCode::RequestInvalid, "a public key has no passphrase")
                        .fix("Name the private key file, or leave the passphrase out"),
                );
            }
            self.refuse_known_key(&public)?;
            let key = record(&name, &public, KeyOrigin::Public, PassphraseOf::Nobody)?;
            self.store.add_key(&key).or_problem()?;
        } else {
            let own = request.passphrase.as_deref();
            let key = UserKey::import(request.key.as_bytes(), own.map(str::as_bytes)).or_problem()?;
            self.refuse_known_key(key.public_key())?;
            self.keep_key(&name, &key, KeyOrigin::Imported, own, request.remember)?;
        }
        self.key_record(name.as_str())
    }

    fn export_key(&mut self, request: &ExportKey) -> Result<ExportedKey, Problem> {
        let public_key = self.key_record(&request.name)?.public_key;
        let Some(passphrase) = &request.new_passphrase else {
            return Ok(ExportedKey {
                public_key,
                private_key: None,
            });
        };
        let key = self.stored_for_change(&request.name)?;
        refuse_short_passphrase(passphrase, "a key")?;
        let (private, _) = self.open_key(&key, request.passphrase.as_deref())?;
        let text = private.to_openssh_encrypted(passphrase.as_bytes()).or_problem()?;
        Ok(ExportedKey {
            public_key,
            private_key: Some(text.to_string()),
        })
    }

    fn protect_key(&mut self, request: &ChangeKeyPassphrase) -> Result<KeyRecord, Problem> {
        let key = self.stored_for_change(&request.name)?;
        let name = KeyName::new(&key.name).map_err(SshError::from).or_problem()?;
        let (private, _) = self.open_key(&key, request.passphrase.as_deref())?;
        let entry = vault_entry(&key.name);
        let keys = self.config.ssh().keys();
        let passphrase = match &request.new_passphrase {
            None => {
                check_remember(None, request.remember)?;
                let made = made_passphrase()?;
                // A key that nobody could open is worse than an entry of the vault that opens nothing.
                if key.passphrase == PassphraseOf::Vault {
                    return Err(Problem::new(
                        ErrorCode::RequestInvalid,
                        format!("{} is protected by a passphrase in the vault already", key.name),
                    )
                    .fix_command(
                        "Give it a new key instead",
                        format!("devctl key rotate {}", key.name),
                    ));
                }
                self.vault()?.put(&entry, made.as_bytes()).or_problem()?;
                keys.replace(&name, &private, made.as_bytes()).or_problem()?;
                PassphraseOf::Vault
            }
            Some(new) => {
                refuse_empty(new)?;
                keys.replace(&name, &private, new.as_bytes()).or_problem()?;
                if request.remember {
                    self.vault()?.put(&entry, new.as_bytes()).or_problem()?;
                    PassphraseOf::PersonInVault
                } else {
                    PassphraseOf::Person
                }
            }
        };
        self.store
            .update_key(&Key {
                passphrase,
                ..key.clone()
            })
            .or_problem()?;
        if passphrase == PassphraseOf::Person && key.passphrase != PassphraseOf::Person {
            self.vault()?.delete(&entry).or_problem()?;
        }
        self.key_record(&key.name)
    }

    fn remove_key(&mut self, name: &str, who: &str) -> Result<RemovedKey, Problem> {
        let key = self.stored_for_change(name)?;
        if key.state == KeyState::Retiring {
            // It would be accepted for ever, with nothing left to say which it was.
            self.revoke_key_line(&key.public_line, &format!("{name} was removed"), who)?;
        }
        let taken_from_agent = agent::forget(&self.config, &key.public_line);
        let in_files = KeyName::new(name).map_err(SshError::from).or_problem()?;
        self.config.ssh().keys().remove(&in_files).or_problem()?;
        if matches!(key.passphrase, PassphraseOf::Vault | PassphraseOf::PersonInVault) {
            self.vault()?.delete(&vault_entry(name)).or_problem()?;
        }
        self.store.remove_key(name).or_problem()?;
        Ok(RemovedKey {
            name: name.to_owned(),
            fingerprint: key.fingerprint,
            taken_from_agent,
        })
    }

    /// Records a key and writes its files, protected by the person's own passphrase or by one that is made here.
    fn keep_key(
        &mut self,
        name: &KeyName,
        key: &UserKey,
        origin: KeyOrigin,
        own: Option<&str>,
        remember: bool,
    ) -> Result<(), Problem> {
        check_remember(own, remember)?;
        let (passphrase, of) = match own {
            None => (made_passphrase()?, PassphraseOf::Vault),
            Some(own) => {
                refuse_empty(own)?;
                let of = if remember {
                    PassphraseOf::PersonInVault
                } else {
                    PassphraseOf::Person
                };
                (Zeroizing::new(own.to_owned()), of)
            }
        };
        if of != PassphraseOf::Person {
            self.vault()?
                .put(&vault_entry(name.as_str()), passphrase.as_bytes())
                .or_problem()?;
        }
        let recorded = record(name, key.public_key(), origin, of)?;
        let keys = self.config.ssh().keys();
        keys.add(name, key, passphrase.as_bytes(), || self.store.add_key(&recorded))
            .or_problem()?
            .or_problem()
    }

    /// The private half of a key, and the passphrase that opened it.
    fn open_key(&mut self, key: &Key, given: Option<&str>) -> Result<(UserKey, Zeroizing<String>), Problem> {
        let name = KeyName::new(&key.name).map_err(SshError::from).or_problem()?;
        let passphrase = match (given, key.passphrase) {
            (_, PassphraseOf::Nobody) => {
                return Err(Problem::new(
                    ErrorCode::KeyNotFound,
                    format!("the private half of {name} is not here"),
                )
                .fix("Only its public half was brought here; use it where the private one is"));
            }
            (Some(given), _) => Zeroizing::new(given.to_owned()),
            (None, PassphraseOf::Person) => {
                return Err(SshError::from(KeyError::PassphraseNeeded)).or_problem();
            }
            (None, PassphraseOf::Vault | PassphraseOf::PersonInVault) => {
                let kept = self.vault()?.get(&vault_entry(&key.name)).or_problem()?;
                let kept = kept.ok_or_else(|| {
                    Problem::new(
                        ErrorCode::KeyPassphrase,
                        format!("the passphrase of {name} is not in the vault any more"),
                    )
                    .fix("Give it with --passphrase-file, if you know it")
                    .fix_command("Else make another key", format!("devctl key remove {name}"))
                })?;
                let text = std::str::from_utf8(kept.expose()).map_err(|error| {
                    Problem::new(ErrorCode::KeyPassphrase, "a passphrase in the vault is no text")
                        .why(error.to_string())
                        .fix("Give the passphrase with --passphrase-file")
                })?;
                Zeroizing::new(text.to_owned())
            }
        };
        let private = self
            .config
            .ssh()
            .keys()
            .load(&name, Some(passphrase.as_bytes()))
            .or_problem()?;
        Ok((private, passphrase))
    }

    /// A recorded key; the access key is none.
    fn stored_for_change(&self, name: &str) -> Result<Key, Problem> {
        if is_access(name) {
            return Err(Problem::new(
                ErrorCode::RequestInvalid,
                "the container access key is made and protected by devctl itself",
            )
            .why("it is a plain file, as a login may ask nobody, and it opens nothing without a fresh certificate")
            .fix_command("Put a new one in its place", "devctl key rotate")
            .fix_command("Make a key of your own", "devctl key generate NAME"));
        }
        self.settle_new_keys()?;
        self.store.key(name).or_problem()
    }

    fn refuse_taken(&self, name: &KeyName) -> Result<(), Problem> {
        self.settle_new_keys()?;
        let taken = match self.store.key(name.as_str()) {
            Ok(_) => true,
            Err(devctl_store::StoreError::KeyUnknown { .. }) => false,
            Err(error) => return Err(error).or_problem(),
        };
        if taken || self.config.ssh().keys().private_path(name).exists() {
            let name = name.to_string();
            return Err(SshError::from(KeyError::NameTaken { name })).or_problem();
        }
        Ok(())
    }

    /// A key has one name: two would be rotated and revoked one without the other.
    fn refuse_known_key(&self, public: &PublicKey) -> Result<(), Problem> {
        let print = fingerprint(public);
        match self
            .key_records()?
            .iter()
            .find(|known| known.fingerprint == print)
        {
            None => Ok(()),
            Some(known) => Err(Problem::new(
                ErrorCode::KeyExists,
                format!("that key is here already, as {}", known.name),
            )
            .fix_command("See it", format!("devctl key show {}", known.name))),
        }
    }

    /// The program that makes RSA keys.
    fn keygen(&self) -> PathBuf {
        let name = if cfg!(windows) {
            "ssh-keygen.exe"
        } else {
            "ssh-keygen"
        };
        let path = self.config.env.get("PATH").cloned().unwrap_or_default();
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|program| program.is_file())
            .unwrap_or_else(|| PathBuf::from(name))
    }
}

fn target(name: &str) -> Target {
    Target::other("key", name)
}

/// Whether a name is that of the access key, or of one that it has replaced.
fn is_access(name: &str) -> bool {
    match name.strip_prefix(ACCESS) {
        Some("") => true,
        Some(rest) => rest
            .strip_prefix('-')
            .is_some_and(|number| number.parse::<u32>().is_ok()),
        None => false,
    }
}

fn own_name(name: &str) -> Result<KeyName, Problem> {
    if is_access(name) {
        return Err(Problem::new(
            ErrorCode::SshNameInvalid,
            format!("{name} is the name of the container access key"),
        )
        .fix("Choose another name"));
    }
    KeyName::new(name).map_err(SshError::from).or_problem()
}

/// A comment stands at the end of a line.
fn check_comment(comment: &str) -> Result<(), Problem> {
    if comment.len() > 256 || comment.chars().any(char::is_control) {
        return Err(Problem::new(
            ErrorCode::RequestInvalid,
            "a comment is one line of at most 256 bytes",
        )
        .fix("Choose a shorter one, without control characters"));
    }
    Ok(())
}

fn check_remember(own: Option<&str>, remember: bool) -> Result<(), Problem> {
    if remember && own.is_none() {
        return Err(Problem::new(
            ErrorCode::RequestInvalid,
            "there is no passphrase of your own that could be remembered",
        )
        .fix("Without one, the passphrase is made here and is in the vault anyway"));
    }
    Ok(())
}

fn refuse_empty(passphrase: &str) -> Result<(), Problem> {
    if passphrase.is_empty() {
        return Err(
            Problem::new(ErrorCode::KeyPassphrase, "an empty passphrase protects nothing")
                .fix("Choose one that is not empty, or none: then one is made here and kept in the vault")
                .safe("nothing was changed"),
        );
    }
    Ok(())
}

/// A private key that goes out of here is as safe as its passphrase. `whose` says which kind of key it is.
pub(crate) fn refuse_short_passphrase(passphrase: &str, whose: &str) -> Result<(), Problem> {
    if passphrase.chars().count() < SHORTEST_PASSPHRASE {
        return Err(Problem::new(
            ErrorCode::RequestInvalid,
            format!("the private half of {whose} is given out encrypted only"),
        )
        .fix(format!(
            "Choose a passphrase of at least {SHORTEST_PASSPHRASE} characters"
        )));
    }
    Ok(())
}

/// A passphrase that nobody has to type: 32 random bytes as text.
fn made_passphrase() -> Result<Zeroizing<String>, Problem> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| {
        Problem::new(ErrorCode::Internal, "the operating system gives no random bytes").why(error.to_string())
    })?;
    Ok(Zeroizing::new(
        base64::engine::general_purpose::STANDARD_NO_PAD.encode(*bytes),
    ))
}

/// Whether a text begins as a public key does: its type, as OpenSSH names it, and what follows in Base64.
fn is_public_line(text: &str) -> bool {
    let begins = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];
    !text.contains('\n') && begins.iter().any(|begin| text.starts_with(begin)) && text.contains(' ')
}

fn record(
    name: &KeyName,
    public: &PublicKey,
    origin: KeyOrigin,
    passphrase: PassphraseOf,
) -> Result<Key, Problem> {
    Ok(Key {
        name: name.to_string(),
        fingerprint: fingerprint(public),
        public_line: written(public)?,
        origin,
        passphrase,
        state: KeyState::Active,
        replaced_by: None,
        created_at: 0,
        changed_at: 0,
    })
}

fn algorithm(asked: KeyType) -> KeyAlgorithm {
    match asked {
        KeyType::Ed25519 => KeyAlgorithm::Ed25519,
        KeyType::EcdsaP256 => KeyAlgorithm::EcdsaP256,
        KeyType::EcdsaP384 => KeyAlgorithm::EcdsaP384,
        KeyType::EcdsaP521 => KeyAlgorithm::EcdsaP521,
        KeyType::Rsa3072 => KeyAlgorithm::Rsa3072,
        KeyType::Rsa4096 => KeyAlgorithm::Rsa4096,
    }
}

/// The type that a new key in the place of an old one has; of types that are not made here, the recommended one.
fn algorithm_like(old: &UserKey) -> KeyAlgorithm {
    KeyAlgorithm::parse(&old.key_type()).unwrap_or_default()
}
