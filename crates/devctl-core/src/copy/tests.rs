use super::ends::{Name, Outside};
use super::*;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// An archive with entries of these names, kinds, and contents or link targets, written without any check.
fn archive(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o4755);
        header.set_mtime(1_700_000_000);
        header.set_uid(0);
        header.set_gid(0);
        let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
        let data = if is_link { "" } else { content };
        if is_link {
            header.as_gnu_mut().unwrap().linkname[..content.len()].copy_from_slice(content.as_bytes());
        }
        header.set_size(data.len() as u64);
        header.set_cksum();
        builder.append(&header, data.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

async fn unpack_bytes(bytes: Vec<u8>, folder: &Path, name: Option<Name>) -> Result<Copied, Problem> {
    // In small pieces, so that entries are cut everywhere.
    let pieces: Vec<io::Result<Bytes>> = bytes
        .chunks(333)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let to = Outside {
        folder: folder.to_owned(),
        name,
    };
    let progress = Arc::<CopyProgress>::default();
    let stream = futures_util::stream::iter(pieces).boxed();
    let skipped = unpack::unpack(stream, to, false, progress.clone()).await?;
    Ok(progress.copied(skipped))
}

#[tokio::test]
async fn nothing_is_written_outside_whatever_the_archive_says() {
    use EntryType::{Directory, Link, Regular, Symlink};
    let hostile: [&[(&str, EntryType, &str)]; 9] = [
        &[("../evil", Regular, "x")],
        &[("/evil", Regular, "x")],
        &[("a/../../evil", Regular, "x")],
        &[("a", Symlink, ".."), ("a/evil", Regular, "x")],
        &[("a", Symlink, "../outside"), ("a", Directory, "")],
        &[("a", Symlink, "../outside"), ("a/b/evil", Regular, "x")],
        &[("a", Link, "../outside/secret")],
        &[("l", Symlink, "../outside"), ("a", Link, "l/secret")],
        &[("d", Directory, ""), ("d", Regular, "x")],
    ];
    for entries in hostile {
        let home = tempfile::tempdir().unwrap();
        let (inside, outside) = (home.path().join("inside"), home.path().join("outside"));
        fs::create_dir(&inside).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret"), "secret").unwrap();
        let before = fs::metadata(&outside).unwrap().mode();
        let refused = unpack_bytes(archive(entries), &inside, None).await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::PathRefused, "{entries:?}");
        assert!(!home.path().join("evil").exists(), "{entries:?}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1, "{entries:?}");
        assert_eq!(
            fs::metadata(outside.join("secret")).unwrap().nlink(),
            1,
            "{entries:?}"
        );
        assert_eq!(fs::metadata(&outside).unwrap().mode(), before);
    }
}

#[tokio::test]
async fn a_link_in_the_way_is_replaced_and_not_written_through() {
    let home = tempfile::tempdir().unwrap();
    let inside = home.path().join("inside");
    fs::create_dir(&inside).unwrap();
    fs::write(home.path().join("precious"), "mine").unwrap();
    symlink("../precious", inside.join("file")).unwrap();
    let copied = unpack_bytes(archive(&[("file", EntryType::Regular, "theirs")]), &inside, None).await;
    assert_eq!(copied.unwrap().bytes, 6);
    assert_eq!(fs::read_to_string(home.path().join("precious")).unwrap(), "mine");
    let file = fs::symlink_metadata(inside.join("file")).unwrap();
    assert!(file.is_file());
    assert_eq!(file.mode() & 0o7777, 0o755, "no rights are lent");
    assert_eq!(file.mtime(), 1_700_000_000);
}

#[tokio::test]
async fn an_archive_that_ends_early_is_an_error_and_devices_are_told() {
    let home = tempfile::tempdir().unwrap();
    let whole = archive(&[("file", EntryType::Regular, &"x".repeat(5000))]);
    let cut = unpack_bytes(whole[..2000].to_vec(), home.path(), None).await;
    assert_eq!(cut.unwrap_err().code, ErrorCode::EngineAnswer);
    let device = archive(&[("device", EntryType::Char, ""), ("pipe", EntryType::Fifo, "")]);
    let copied = unpack_bytes(device, home.path(), None).await.unwrap();
    assert_eq!((copied.files, copied.skipped.len()), (0, 2));
    assert!(copied.skipped[0].ends_with("device"), "{copied:?}");
}

/// Packs a folder and unpacks it elsewhere.
async fn round_trip(from: &Path, name: Name, to: &Path, new: Option<Name>) -> Copied {
    let config = crate::testing::config(from);
    let local = ends::Local::of(from.to_str().unwrap(), &config).unwrap();
    let progress = Arc::<CopyProgress>::default();
    let (packed, archive) = pack::pack(local, name, progress.clone());
    let to = Outside {
        folder: to.to_owned(),
        name: new,
    };
    let came = Arc::<CopyProgress>::default();
    let (packed, unpacked) = tokio::join!(packed, unpack::unpack(archive, to, false, came.clone()));
    assert_eq!(packed.unwrap(), unpacked.unwrap());
    assert_eq!((progress.files(), progress.bytes()), (came.files(), came.bytes()));
    came.copied(Vec::new())
}

#[tokio::test]
async fn what_is_packed_comes_out_the_same() {
    let home = tempfile::tempdir().unwrap();
    let from = home.path().join("from");
    let deep = from.join("d".repeat(120)).join("e".repeat(120));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("file"), "deep").unwrap();
    fs::write(from.join("script"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(from.join("script"), fs::Permissions::from_mode(0o750)).unwrap();
    fs::hard_link(from.join("script"), from.join("same")).unwrap();
    symlink("/nowhere/at/all", from.join("link")).unwrap();
    let sparse = fs::File::create(from.join("sparse")).unwrap();
    sparse.set_len(64 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"end", (32 << 20) + 7).unwrap();
    fs::create_dir(from.join("closed")).unwrap();
    fs::set_permissions(from.join("closed"), fs::Permissions::from_mode(0o500)).unwrap();

    let to = home.path().join("to");
    fs::create_dir(&to).unwrap();
    let copied = round_trip(&from, Name::Is("from".into()), &to, Some(Name::Is("new".into()))).await;
    let new = to.join("new");
    assert_eq!(copied.files, 9);
    let file = new.join("d".repeat(120)).join("e".repeat(120)).join("file");
    assert_eq!(fs::read_to_string(file).unwrap(), "deep");
    let script = fs::metadata(new.join("script")).unwrap();
    assert_eq!(script.mode() & 0o777, 0o750);
    assert_eq!(script.ino(), fs::metadata(new.join("same")).unwrap().ino());
    assert_eq!(
        fs::read_link(new.join("link")).unwrap(),
        Path::new("/nowhere/at/all")
    );
    assert_eq!(fs::metadata(new.join("closed")).unwrap().mode() & 0o777, 0o500);
    let (was, is) = (
        sparse.metadata().unwrap(),
        fs::metadata(new.join("sparse")).unwrap(),
    );
    assert_eq!(is.len(), was.len());
    if was.blocks() * 512 < 1 << 20 {
        assert!(is.blocks() * 512 < 4 << 20, "it has its holes: {}", is.blocks());
    }
    assert!(fs::read(from.join("sparse")).unwrap() == fs::read(new.join("sparse")).unwrap());

    let contents = home.path().join("contents");
    fs::create_dir(&contents).unwrap();
    round_trip(&from, Name::Contents, &contents, None).await;
    assert!(contents.join("script").exists() && !contents.join("from").exists());
}
