//! Who asks.

use crate::operations::Role;

/// Who asks for an operation, and through which door.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user on this computer.
    pub who: String,
    /// The door (`cli`, `desktop`).
    pub door: &'static str,
    /// What they may do.
    pub role: Role,
}
