use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn entries(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

#[test]
fn an_exact_mode_holds_whatever_was_there() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("key");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    write_atomic(&path, b"new", Mode::PRIVATE).unwrap();
    assert_eq!(
        (fs::read(&path).unwrap().as_slice(), mode(&path)),
        (&b"new"[..], 0o600)
    );
    assert_eq!(entries(home.path()), 1);
}

#[test]
fn a_link_at_our_own_path_is_replaced_not_followed() {
    let home = tempfile::tempdir().unwrap();
    let victim = home.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let path = home.path().join("key");
    symlink(&victim, &path).unwrap();
    write_atomic(&path, b"ours", Mode::PRIVATE).unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
}

#[test]
fn links_are_kept_and_the_end_of_the_chain_is_replaced() {
    let home = tempfile::tempdir().unwrap();
    let dots = home.path().join("dots");
    fs::create_dir(&dots).unwrap();
    let real = dots.join("config");
    fs::write(&real, "old").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("dots/config", home.path().join("middle")).unwrap();
    symlink("middle", home.path().join("config")).unwrap();
    let path = home.path().join("config");
    assert!(replace_through_links(&path, b"new", 0o600, Some(b"old")).unwrap());
    assert_eq!(
        (fs::read(&real).unwrap().as_slice(), mode(&real)),
        (&b"new"[..], 0o640)
    );
    assert_eq!(fs::read_link(&path).unwrap(), Path::new("middle"));
}

#[test]
fn a_dangling_link_gets_its_target_made() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    symlink("elsewhere", &path).unwrap();
    assert!(replace_through_links(&path, b"new", 0o600, None).unwrap());
    assert_eq!(fs::read(home.path().join("elsewhere")).unwrap(), b"new");
    assert_eq!(mode(&home.path().join("elsewhere")), 0o600);
}

#[test]
fn links_in_a_circle_are_refused() {
    let home = tempfile::tempdir().unwrap();
    symlink("b", home.path().join("a")).unwrap();
    symlink("a", home.path().join("b")).unwrap();
    let error = replace_through_links(&home.path().join("a"), b"x", 0o600, None).unwrap_err();
    assert_eq!(error.code(), "files.untrusted");
}

#[test]
fn a_file_that_changed_meanwhile_is_not_overwritten() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    fs::write(&path, "somebody was here").unwrap();
    assert!(!replace_through_links(&path, b"new", 0o600, Some(b"old")).unwrap());
    assert_eq!(fs::read(&path).unwrap(), b"somebody was here");
    assert_eq!(entries(home.path()), 1);
}

#[test]
fn the_owner_is_kept() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: changing an owner needs root");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    fs::write(&path, "old").unwrap();
    std::os::unix::fs::chown(&path, Some(1234), Some(4321)).unwrap();
    assert!(replace_through_links(&path, b"new", 0o600, Some(b"old")).unwrap());
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.uid(), found.gid()), (1234, 4321));
}

#[test]
fn only_one_of_many_makes_a_new_file_and_readers_see_it_whole() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("key");
    let made: Vec<bool> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8u8)
            .map(|n| {
                let path = &path;
                scope.spawn(move || {
                    let ours = write_new(path, &[n; 4096], Mode::PRIVATE).unwrap();
                    let found = fs::read(path).unwrap();
                    assert!(found.len() == 4096 && found.iter().all(|byte| *byte == found[0]));
                    ours
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(made.iter().filter(|ours| **ours).count(), 1);
    assert_eq!(entries(home.path()), 1);
}

#[test]
fn unchanged_content_is_not_written_again_but_its_mode_is_corrected() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    assert!(write_if_changed(&path, b"x", Mode::PRIVATE).unwrap());
    let inode = fs::metadata(&path).unwrap().ino();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(!write_if_changed(&path, b"x", Mode::PRIVATE).unwrap());
    assert_eq!((fs::metadata(&path).unwrap().ino(), mode(&path)), (inode, 0o600));
}

#[test]
fn a_full_disk_is_named_and_leaves_the_old_file() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: mounting a small tmpfs needs root");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(home.path())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("SKIPPED: no tmpfs can be mounted here");
        return;
    }
    let path = home.path().join("state");
    fs::write(&path, "old").unwrap();
    let result = write_atomic(&path, &vec![7u8; 1 << 20], Mode::PRIVATE);
    let (kept, count) = (fs::read(&path), entries(home.path()));
    std::process::Command::new("umount")
        .arg(home.path())
        .status()
        .unwrap();
    let error = result.unwrap_err();
    assert_eq!((error.code(), error.path()), ("files.no_space", path.as_path()));
    assert_eq!((kept.unwrap().as_slice(), count), (&b"old"[..], 1));
}
