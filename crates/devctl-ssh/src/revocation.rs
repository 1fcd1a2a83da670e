use std::path::Path;

use devctl_files::{Mode, read_optional, write_atomic};
use devctl_krl::{KrlError, RevocationList};

use crate::error::SshError;

/// Writes a revocation list, whole or not at all: the bytes are read back and compared before they take the old file's
/// place, for a list that cannot be read locks everybody out.
///
/// # Errors
/// [`SshError::RevocationList`] for a list that would not be read back, [`SshError::Files`] if the file cannot be
/// written; the old list is then still in force.
pub fn write_revocation_list(path: &Path, list: &RevocationList) -> Result<(), SshError> {
    let bytes = list.to_bytes();
    let unusable = |source| SshError::RevocationList {
        path: path.to_path_buf(),
        source,
    };
    if RevocationList::parse(&bytes).map_err(unusable)? != *list {
        return Err(unusable(KrlError::Damaged));
    }
    Ok(write_atomic(path, &bytes, Mode::PRIVATE)?)
}

/// Reads a revocation list; `None` where there is no file.
///
/// # Errors
/// [`SshError::RevocationList`] for a damaged one: nobody may be let in by half a list.
pub fn read_revocation_list(path: &Path) -> Result<Option<RevocationList>, SshError> {
    let Some(bytes) = read_optional(path)? else {
        return Ok(None);
    };
    let list = RevocationList::parse(&bytes).map_err(|source| SshError::RevocationList {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(Some(list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::{Authority, AuthorityKind};
    use std::fs;

    #[test]
    fn what_was_written_is_read_and_damage_is_named() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("revoked");
        assert_eq!(read_revocation_list(&path).unwrap(), None);
        let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
        let mut list = RevocationList::new(3, 1_800_000_000);
        list.revoke_serials(authority.public_key(), 7..=9).unwrap();
        list.revoke_key_id(authority.public_key(), "user:dev/50").unwrap();
        write_revocation_list(&path, &list).unwrap();
        assert_eq!(read_revocation_list(&path).unwrap(), Some(list));

        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        let error = read_revocation_list(&path).unwrap_err();
        assert_eq!(error.code(), "ssh.revocation_list_unusable");
        fs::write(&path, "").unwrap();
        assert!(read_revocation_list(&path).is_err());
    }

    #[test]
    fn a_list_that_nobody_could_read_leaves_the_old_one_in_force() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("revoked");
        let old = RevocationList::new(1, 1);
        write_revocation_list(&path, &old).unwrap();
        let mut large = RevocationList::new(2, 2);
        let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
        let id = "x".repeat(devctl_krl::MOST_BYTES);
        large.revoke_key_id(authority.public_key(), &id).unwrap();
        assert!(write_revocation_list(&path, &large).is_err());
        assert_eq!(read_revocation_list(&path).unwrap(), Some(old));
    }
}
