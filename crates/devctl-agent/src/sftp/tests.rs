use std::fs;
use std::os::unix::fs::MetadataExt as _;

use tempfile::TempDir;

use super::wire::{Request, Status, answer, request};
use super::*;

/// A client that sends one packet and reads one answer.
struct Client {
    files: Files,
    folder: TempDir,
}

impl Client {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            files: Files::new(folder.path().to_owned(), folder.path().to_owned()),
            folder,
        }
    }

    /// The answer without its length: kind and what follows the id.
    fn ask(&mut self, kind: u8, body: &[&[u8]]) -> (u8, Vec<u8>) {
        let packet = [&[kind], 7_u32.to_be_bytes().as_slice(), &body.concat()].concat();
        let mut answers = Vec::new();
        let mut reply = Reply::into_end_of(&mut answers);
        assert!(self.files.answer(&packet, &mut reply));
        reply.finish();
        assert_eq!(
            answers.len() - 4,
            u32::from_be_bytes(*answers.first_chunk().unwrap()) as usize
        );
        let mut reader = Request::new(&answers[4..]);
        let kind = reader.u8().unwrap();
        if kind != answer::VERSION {
            assert_eq!(reader.u32().unwrap(), 7);
        }
        (kind, answers[9..].to_vec())
    }

    fn status(&mut self, kind: u8, body: &[&[u8]]) -> u32 {
        let (kind, body) = self.ask(kind, body);
        assert_eq!(kind, answer::STATUS);
        u32::from_be_bytes(*body.first_chunk().unwrap())
    }

    fn open(&mut self, name: &str, flags: u32) -> Vec<u8> {
        let (kind, handle) = self.ask(request::OPEN, &[&text(name), &flags.to_be_bytes(), &[0; 4]]);
        assert_eq!(kind, answer::HANDLE);
        handle
    }
}

fn text(value: &str) -> Vec<u8> {
    [
        u32::try_from(value.len()).unwrap().to_be_bytes().as_slice(),
        value.as_bytes(),
    ]
    .concat()
}

const OK: u32 = Status::Ok as u32;

#[test]
fn what_is_written_is_read() {
    let mut client = Client::new();
    let handle = client.open("a", 1 | 2 | 8);
    assert_eq!(
        client.status(request::WRITE, &[&handle, &3_u64.to_be_bytes(), &text("hello")]),
        OK
    );
    let (kind, data) = client.ask(
        request::READ,
        &[&handle, &3_u64.to_be_bytes(), &100_u32.to_be_bytes()],
    );
    assert_eq!((kind, data), (answer::DATA, text("hello")));
    let at_end = [handle.as_slice(), &8_u64.to_be_bytes(), &100_u32.to_be_bytes()].concat();
    assert_eq!(client.status(request::READ, &[&at_end]), Status::Eof as u32);
    assert_eq!(client.status(request::CLOSE, &[&handle]), OK);
    assert_eq!(client.status(request::CLOSE, &[&handle]), Status::Failure as u32);
    assert_eq!(fs::read(client.folder.path().join("a")).unwrap(), b"\0\0\0hello");
}

#[test]
fn a_rename_never_replaces_and_a_posix_rename_does() {
    let mut client = Client::new();
    fs::write(client.folder.path().join("a"), "a").unwrap();
    fs::write(client.folder.path().join("b"), "b").unwrap();
    assert_eq!(
        client.status(request::RENAME, &[&text("a"), &text("b")]),
        Status::Failure as u32
    );
    let posix = text("posix-rename@openssh.com");
    assert_eq!(
        client.status(request::EXTENDED, &[&posix, &text("a"), &text("b")]),
        OK
    );
    assert_eq!(fs::read(client.folder.path().join("b")).unwrap(), b"a");
    assert_eq!(client.status(request::RENAME, &[&text("b"), &text("c")]), OK);
}

#[test]
fn links_are_made_the_way_of_openssh() {
    let mut client = Client::new();
    fs::write(client.folder.path().join("a"), "a").unwrap();
    assert_eq!(client.status(request::SYMLINK, &[&text("a"), &text("link")]), OK);
    assert_eq!(
        fs::read_link(client.folder.path().join("link")).unwrap().to_str(),
        Some("a")
    );
    assert_eq!(
        client.status(
            request::EXTENDED,
            &[&text("hardlink@openssh.com"), &text("a"), &text("h")]
        ),
        OK
    );
    assert_eq!(fs::metadata(client.folder.path().join("h")).unwrap().nlink(), 2);
    let (_, name) = client.ask(request::READLINK, &[&text("link")]);
    assert_eq!(&name[4..9], text("a"));
}

#[test]
fn a_folder_is_listed_whole() {
    let mut client = Client::new();
    for number in 0..250 {
        fs::write(client.folder.path().join(number.to_string()), "").unwrap();
    }
    let (_, handle) = client.ask(request::OPENDIR, &[&text(".")]);
    let mut seen = 0;
    loop {
        let (kind, body) = client.ask(request::READDIR, &[&handle]);
        if kind == answer::STATUS {
            assert_eq!(
                u32::from_be_bytes(*body.first_chunk().unwrap()),
                Status::Eof as u32
            );
            break;
        }
        seen += u32::from_be_bytes(*body.first_chunk().unwrap());
    }
    assert_eq!(seen, 250);
}

#[test]
fn attributes_are_set() {
    let mut client = Client::new();
    let path = client.folder.path().join("a");
    fs::write(&path, "hello").unwrap();
    let size_mode_times = [
        13_u32.to_be_bytes().as_slice(),
        &2_u64.to_be_bytes(),
        &0o640_u32.to_be_bytes(),
    ]
    .concat();
    let times = [1_000_u32.to_be_bytes(), 2_000_u32.to_be_bytes()].concat();
    assert_eq!(
        client.status(request::SETSTAT, &[&text("a"), &size_mode_times, &times]),
        OK
    );
    let metadata = fs::metadata(path).unwrap();
    assert_eq!(
        (metadata.size(), metadata.mode() & 0o7777, metadata.mtime()),
        (2, 0o640, 2_000)
    );
}

#[test]
fn what_is_missing_is_named_and_what_is_unknown_refused() {
    let mut client = Client::new();
    assert_eq!(
        client.status(request::STAT, &[&text("no")]),
        Status::NoSuchFile as u32
    );
    assert_eq!(
        client.status(request::RMDIR, &[&text("no")]),
        Status::NoSuchFile as u32
    );
    assert_eq!(client.status(99, &[]), Status::Unsupported as u32);
    assert_eq!(
        client.status(request::EXTENDED, &[&text("x@y")]),
        Status::Unsupported as u32
    );
    assert_eq!(
        client.status(request::OPEN, &[&text("cut")]),
        Status::BadMessage as u32
    );
    let (kind, body) = client.ask(request::REALPATH, &[&text("new")]);
    assert_eq!(kind, answer::NAME);
    let real = fs::canonicalize(client.folder.path()).unwrap().join("new");
    assert!(body[4..].starts_with(&text(real.to_str().unwrap())));
}

#[test]
fn random_packets_are_survived() {
    let mut client = Client::new();
    let mut seed = 1_u64;
    for _ in 0..20_000 {
        let mut next = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 56) as u8
        };
        let length = usize::from(next() % 40);
        let mut packet: Vec<u8> = (0..length).map(|_| next()).collect();
        // Lengths that fit now and then, and requests that exist, but none that could write somewhere.
        for byte in &mut packet {
            *byte = if *byte < 200 { *byte % 4 } else { *byte };
        }
        if let Some(kind) = packet.first_mut() {
            *kind = [5, 6, 7, 8, 11, 12, 16, 17, 19, 200][usize::from(*kind) % 10];
        }
        let mut answers = Vec::new();
        let mut reply = Reply::into_end_of(&mut answers);
        client.files.answer(&packet, &mut reply);
    }
}

#[test]
fn a_packet_beyond_the_limit_ends_the_conversation() {
    let mut buffer = BytesMut::from(&(u32::try_from(MAX_PACKET).unwrap() + 1).to_be_bytes()[..]);
    assert!(next_packet(&mut buffer).is_err());
    let mut buffer = BytesMut::from(&b"\0\0\0\x02ab\0"[..]);
    assert_eq!(next_packet(&mut buffer).ok().flatten().unwrap(), "ab");
    assert!(next_packet(&mut buffer).ok().flatten().is_none());
}
