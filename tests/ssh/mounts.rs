//! A directory of a container as a directory of this machine, by the real `sshfs`.

use devctl_tests::programs::{Background, ran, wait_until};
use devctl_tests::sandbox::{Sandbox, Up, config, skip};
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

/// What the container sees of the mounted directory.
const INSIDE: &str = "/root/shared";

/// Why nothing can be mounted here, if so.
fn obstacle() -> Option<String> {
    let known = || {
        let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
        known.lines().any(|line| line.ends_with("\tfuse"))
    };
    if !known() {
        // Where it is a module, nothing may have asked for it yet.
        let _loaded = Command::new("modprobe").arg("fuse").output();
    }
    if !known() {
        return Some("this kernel has no FUSE: /proc/filesystems does not name fuse".to_owned());
    }
    if let Err(error) = OpenOptions::new().read(true).write(true).open("/dev/fuse") {
        return Some(format!("/dev/fuse cannot be opened: {error}"));
    }
    let found = Command::new("sshfs").arg("--version").output();
    found.err().map(|error| format!("sshfs cannot be run: {error}"))
}

/// A mounted directory, until the value goes.
struct Mount {
    place: PathBuf,
    sshfs: Background,
}

impl Mount {
    fn of(home: &Sandbox, up: &Up) -> Self {
        let place = home.home().join("mounted");
        fs::create_dir(&place).unwrap();
        let mut sshfs = home.command("sshfs");
        sshfs
            .arg("-f")
            .arg("-F")
            .arg(home.ssh_dir().join("config"))
            .args(["-o", "BatchMode=yes"])
            .arg(format!("{}:{INSIDE}", up.host()))
            .arg(&place)
            .stdout(Stdio::null());
        let mut mount = Self {
            place,
            sshfs: Background::start(&mut sshfs),
        };
        wait_until("the mount", || {
            let ended = mount.sshfs.child().try_wait().unwrap();
            assert_eq!(ended, None, "sshfs ended instead of mounting");
            is_mounted(&mount.place)
        });
        mount
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    fn end(mut self) {
        ran(Command::new("fusermount3").arg("-u").arg(&self.place));
        assert_eq!(self.sshfs.end(), 0);
        assert!(!is_mounted(&self.place));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Before the home is removed: that would remove what is in the container. After an orderly end there is nothing
        // to unmount.
        let _unmounted = Command::new("fusermount3").arg("-uz").arg(&self.place).output();
    }
}

fn is_mounted(place: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let place = place.to_str().unwrap();
    mounts
        .lines()
        .any(|line| line.split(' ').nth(1) == Some(place) && line.contains("fuse.sshfs"))
}

fn mounted(word: &str) -> Option<(Sandbox, Up, Mount)> {
    if let Some(why) = obstacle() {
        skip(&why);
        return None;
    }
    let home = Sandbox::new()?;
    let up = home.up(&home.folder(word, &config("")));
    home.ssh(up.host(), &format!("mkdir {INSIDE}"));
    let mount = Mount::of(&home, &up);
    Some((home, up, mount))
}

#[test]
fn a_mounted_directory_is_one_like_others() {
    let Some((home, up, mount)) = mounted("mount") else {
        return;
    };
    let inside = |line: &str| home.ssh(up.host(), &format!("cd {INSIDE} && {line}"));

    // Files, names, and a file that takes another's place.
    fs::write(mount.path("one"), "first\n").unwrap();
    fs::write(mount.path("two"), "second\n").unwrap();
    assert_eq!(inside("cat one two"), "first\nsecond");
    fs::rename(mount.path("one"), mount.path("two")).unwrap();
    assert_eq!(inside("ls; cat two"), "two\nfirst");
    let odd = "it's \"odd\"\n\t%n * ü 🚀";
    fs::write(mount.path(odd), "odd").unwrap();
    assert_eq!(fs::read_to_string(mount.path(odd)).unwrap(), "odd");
    assert_eq!(inside("find . -type f | grep -zc odd"), "1");
    fs::remove_file(mount.path(odd)).unwrap();

    // Appending, writing in the middle, cutting off.
    let mut file = OpenOptions::new().append(true).open(mount.path("two")).unwrap();
    file.write_all(b"more\n").unwrap();
    drop(file);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(mount.path("two"))
        .unwrap();
    file.seek(SeekFrom::Start(6)).unwrap();
    file.write_all(b"M").unwrap();
    file.set_len(10).unwrap();
    file.rewind().unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    drop(file);
    assert_eq!(text, "first\nMore");
    assert_eq!(inside("cat two"), "first\nMore");

    // Times, modes, links.
    let then = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = OpenOptions::new().write(true).open(mount.path("two")).unwrap();
    file.set_times(FileTimes::new().set_accessed(then).set_modified(then))
        .unwrap();
    drop(file);
    fs::set_permissions(mount.path("two"), fs::Permissions::from_mode(0o751)).unwrap();
    assert_eq!(inside("stat -c '%a %X %Y' two"), "751 1000000000 1000000000");
    symlink("two", mount.path("soft")).unwrap();
    assert_eq!(fs::read_link(mount.path("soft")).unwrap(), Path::new("two"));
    assert_eq!(fs::read_to_string(mount.path("soft")).unwrap(), "first\nMore");
    fs::hard_link(mount.path("two"), mount.path("hard")).unwrap();
    assert_eq!(inside("readlink soft; stat -c %h hard"), "two\n2");

    // Directories, also a long one.
    fs::create_dir_all(mount.path("a/b/c")).unwrap();
    for number in 0..300 {
        File::create(mount.path(&format!("a/b/{number}"))).unwrap();
    }
    assert_eq!(fs::read_dir(mount.path("a/b")).unwrap().count(), 301);
    assert_eq!(inside("ls a/b | wc -l"), "301");
    let full = fs::remove_dir(mount.path("a/b")).unwrap_err();
    assert!(mount.path("a/b/c").is_dir(), "{full}");
    fs::remove_dir_all(mount.path("a")).unwrap();
    let gone = fs::metadata(mount.path("a")).unwrap_err();
    assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    assert_eq!(inside("ls -d a 2>/dev/null || echo none"), "none");

    // What is made inside is seen outside, with its size and mode.
    inside("mkdir made && echo inside > made/file && chmod 640 made/file");
    let made = fs::metadata(mount.path("made/file")).unwrap();
    assert_eq!((made.len(), made.mode() & 0o777), (7, 0o640));
    mount.end();
    assert_eq!(inside("cat two"), "first\nMore");
}

#[test]
fn much_is_carried_by_a_mount_and_its_room_is_told() {
    let Some((home, up, mount)) = mounted("room") else {
        return;
    };
    let hash = |path: &Path| {
        let line = ran(Command::new("sha256sum").arg(path));
        line.split(' ').next().unwrap().to_owned()
    };
    let local = home.home().join("noise");
    let mut noise = File::create(&local).unwrap();
    io::copy(
        &mut File::open("/dev/urandom").unwrap().take(20 << 20),
        &mut noise,
    )
    .unwrap();
    fs::copy(&local, mount.path("carried")).unwrap();
    let wanted = hash(&local);
    let there = home.ssh(up.host(), &format!("sha256sum < {INSIDE}/carried"));
    assert_eq!(there, format!("{wanted}  -"));
    // From the container again, not from what the kernel remembers of the writing.
    home.ssh(up.host(), &format!("cp {INSIDE}/carried {INSIDE}/copied"));
    assert_eq!(hash(&mount.path("copied")), wanted);

    let blocks = |text: &str| text.lines().last().unwrap().trim().parse::<u64>().unwrap();
    let outside = ran(Command::new("df").args(["-k", "--output=size"]).arg(&mount.place));
    let inside = home.ssh(up.host(), &format!("df -k --output=size {INSIDE}"));
    assert!(blocks(&outside) > 0);
    assert_eq!(blocks(&outside), blocks(&inside));
    mount.end();
}

#[test]
fn a_mount_of_a_container_that_stops_fails_instead_of_hanging() {
    let Some((home, up, mut mount)) = mounted("cutoff") else {
        return;
    };
    fs::write(mount.path("kept"), "kept").unwrap();
    let _stopped = home.run(&["stop", "--timeout", "0", up.name()]).expect(0);
    wait_until("sshfs to end", || {
        // The first word to a container that is gone is what tells sshfs.
        let _asked = fs::read_dir(&mount.place).map(Iterator::count);
        mount.sshfs.child().try_wait().unwrap().is_some()
    });
    assert_eq!(home.ssh(up.host(), &format!("cat {INSIDE}/kept")), "kept");
}
