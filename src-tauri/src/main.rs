//! The desktop binary.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    devctl_desktop::run(tauri::generate_context!())
}
