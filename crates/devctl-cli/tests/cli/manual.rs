//! Man pages, and the reference in the documentation.

use crate::sandbox::Sandbox;
use std::path::Path;

#[test]
fn every_man_page_renders_without_a_warning() {
    let home = Sandbox::without_engine();
    let written = home.run(&["man", "pages", "--json"]).expect(0).json();
    let files = written["files"].as_array().unwrap();
    assert!(files.len() > 20, "{files:?}");
    let have_man = std::process::Command::new("man")
        .arg("--version")
        .output()
        .is_ok();
    if !have_man {
        eprintln!("SKIPPED: man is not installed");
    }
    for file in files {
        let file = home.home().join(file.as_str().unwrap());
        assert!(std::fs::read_to_string(&file).unwrap().contains(".TH"));
        if have_man {
            let output = home
                .command("man")
                .args(["--warnings", "-l"])
                .arg(&file)
                .output()
                .unwrap();
            assert!(
                output.status.success() && output.stderr.is_empty(),
                "{}: {output:?}",
                file.display()
            );
            assert!(String::from_utf8_lossy(&output.stdout).contains("NAME"));
        }
    }
}

#[test]
fn the_committed_reference_is_that_of_this_binary() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let committed = std::fs::read_to_string(committed).unwrap();
    assert!(
        committed == devctl_cli::markdown(),
        "docs/cli.md is stale: `cargo xtask generate` writes it again"
    );
}
