//! The names that people type: one per workspace, unique on this installation.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use crate::store::{Fault, Store};
use crate::{StoreError, UnixMillis};

const SELECT: &str = "SELECT name, workspace, container, reserved_at FROM names";

/// A name and what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name as in `ssh NAME.devctl`.
    pub name: String,
    /// The identity of the workspace, as the caller defines it (a folder with its configuration file, an image).
    pub workspace: String,
    /// The engine's id of the container, once there is one.
    pub container: Option<String>,
    /// When the name was reserved.
    pub reserved_at: UnixMillis,
}

impl Store {
    /// Reserves `wanted` for `workspace`. Of two processes that want the same name, one gets it.
    ///
    /// A workspace has one name: where it has one already, that one is returned, whatever was wanted.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`] where another workspace has the name.
    pub fn reserve_name(&self, wanted: &str, workspace: &str) -> Result<Name, StoreError> {
        // The common case, each `up` of a known workspace, needs no write.
        if let Some(name) = self.name_of_workspace(workspace)? {
            return Ok(name);
        }
        let reserved_at = self.now();
        self.write("reserve a name", |transaction| {
            if let Some(name) = find(transaction, "workspace", workspace)? {
                return Ok(name);
            }
            refuse_taken(transaction, wanted)?;
            transaction.execute(
                "INSERT INTO names (name, workspace, reserved_at) VALUES (?1, ?2, ?3)",
                params![wanted, workspace, reserved_at],
            )?;
            Ok(Name {
                name: wanted.to_owned(),
                workspace: workspace.to_owned(),
                container: None,
                reserved_at,
            })
        })
    }

    /// Ties a name to a container; a rebuilt container takes the place of the old one. A container that had another
    /// name loses that tie.
    ///
    /// # Errors
    /// [`StoreError::NameUnknown`] where the name is not reserved.
    pub fn bind_name(&self, name: &str, container: &str) -> Result<(), StoreError> {
        self.write("tie a name to a container", |transaction| {
            transaction.execute(
                "UPDATE names SET container = NULL WHERE container = ?1 AND name <> ?2",
                [container, name],
            )?;
            let changed = transaction.execute(
                "UPDATE names SET container = ?1 WHERE name = ?2",
                [container, name],
            )?;
            known(changed, name)
        })
    }

    /// What a name belongs to.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn find_name(&self, name: &str) -> Result<Option<Name>, StoreError> {
        self.read("look a name up", |transaction| find(transaction, "name", name))
    }

    /// The name of a container.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn name_of(&self, container: &str) -> Result<Option<Name>, StoreError> {
        self.read("look a container's name up", |transaction| {
            find(transaction, "container", container)
        })
    }

    /// The name of a workspace.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn name_of_workspace(&self, workspace: &str) -> Result<Option<Name>, StoreError> {
        self.read("look a workspace's name up", |transaction| {
            find(transaction, "workspace", workspace)
        })
    }

    /// All names, in their order.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn names(&self) -> Result<Vec<Name>, StoreError> {
        self.read("list the names", |transaction| {
            let mut statement = transaction.prepare_cached(&format!("{SELECT} ORDER BY name"))?;
            let names = statement.query_map([], from_row)?;
            Ok(names.collect::<Result<_, _>>()?)
        })
    }

    /// Gives the workspace that is called `old` the name `new`.
    ///
    /// # Errors
    /// [`StoreError::NameUnknown`] for `old`, [`StoreError::NameTaken`] for `new`.
    pub fn rename(&self, old: &str, new: &str) -> Result<(), StoreError> {
        self.write("rename", |transaction| {
            if old != new {
                refuse_taken(transaction, new)?;
            }
            known(
                transaction.execute("UPDATE names SET name = ?1 WHERE name = ?2", [new, old])?,
                old,
            )
        })
    }

    /// Gives a name back.
    ///
    /// # Errors
    /// [`StoreError::NameUnknown`] where nobody has it.
    pub fn release(&self, name: &str) -> Result<(), StoreError> {
        self.write("release a name", |transaction| {
            known(
                transaction.execute("DELETE FROM names WHERE name = ?1", [name])?,
                name,
            )
        })
    }
}

fn find(transaction: &Transaction<'_>, column: &'static str, value: &str) -> Result<Option<Name>, Fault> {
    Ok(transaction
        .prepare_cached(&format!("{SELECT} WHERE {column} = ?1"))?
        .query_row([value], from_row)
        .optional()?)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Name> {
    Ok(Name {
        name: row.get(0)?,
        workspace: row.get(1)?,
        container: row.get(2)?,
        reserved_at: row.get(3)?,
    })
}

fn refuse_taken(transaction: &Transaction<'_>, name: &str) -> Result<(), Fault> {
    match find(transaction, "name", name)? {
        Some(holder) => Err(StoreError::NameTaken {
            name: name.to_owned(),
            workspace: holder.workspace,
        }
        .into()),
        None => Ok(()),
    }
}

fn known(changed: usize, name: &str) -> Result<(), Fault> {
    if changed == 0 {
        return Err(StoreError::NameUnknown {
            name: name.to_owned(),
        }
        .into());
    }
    Ok(())
}
