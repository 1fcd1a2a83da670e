//! Desktop door.
/// Opens the window.
pub fn run() {}
