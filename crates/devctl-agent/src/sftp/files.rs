//! What the requests do.

use std::collections::HashMap;
use std::fs::{self, File, Metadata, ReadDir};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{
    AtFlags, CWD, Gid, Mode, OFlags, RenameFlags, StatVfs, StatVfsMountFlags, Timespec, Timestamps, Uid,
    chownat, fchown, futimens, renameat_with, utimensat,
};

use crate::sftp::listing::long_name;
use crate::sftp::wire::{
    Attributes, MAX_DATA, MAX_PACKET, Malformed, Reply, Request, Status, answer, request,
};

const VERSION: u32 = 3;

/// Files and folders that a client may hold open at once.
const MAX_HANDLES: usize = 512;

/// Names in one answer to READDIR, as OpenSSH's server has it.
const NAMES_PER_ANSWER: usize = 100;

const EXTENSIONS: [(&str, &str); 8] = [
    ("posix-rename@openssh.com", "1"),
    ("statvfs@openssh.com", "2"),
    ("fstatvfs@openssh.com", "2"),
    ("hardlink@openssh.com", "1"),
    ("fsync@openssh.com", "1"),
    ("lsetstat@openssh.com", "1"),
    ("limits@openssh.com", "1"),
    ("expand-path@openssh.com", "1"),
];

/// The flags of OPEN.
mod open {
    pub(super) const READ: u32 = 1;
    pub(super) const WRITE: u32 = 2;
    pub(super) const APPEND: u32 = 4;
    pub(super) const CREATE: u32 = 8;
    pub(super) const TRUNCATE: u32 = 0x10;
    pub(super) const EXCLUSIVE: u32 = 0x20;
}

/// Why a request failed.
#[derive(Debug)]
enum Failure {
    Status(Status),
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<rustix::io::Errno> for Failure {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

impl From<Malformed> for Failure {
    fn from(Malformed: Malformed) -> Self {
        Self::Status(Status::BadMessage)
    }
}

#[derive(Debug)]
enum Handle {
    File(File),
    Folder { entries: ReadDir, path: PathBuf },
}

/// The state of one client.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    home: PathBuf,
    handles: HashMap<u32, Handle>,
    next_handle: u32,
}

impl Files {
    /// Relative paths begin in `folder`, `~` is `home`.
    pub(super) fn new(folder: PathBuf, home: PathBuf) -> Self {
        Self {
            folder,
            home,
            handles: HashMap::new(),
            next_handle: 0,
        }
    }

    /// Answers one packet; false when it is not even one that could be answered.
    pub(super) fn answer(&mut self, packet: &[u8], reply: &mut Reply<'_>) -> bool {
        let mut packet = Request::new(packet);
        let (Ok(kind), Ok(id)) = (packet.u8(), packet.u32()) else {
            return false;
        };
        if kind == request::INIT {
            // What would be the id is the client's version; ours is what counts.
            reply.begin(answer::VERSION, VERSION);
            for (name, version) in EXTENSIONS {
                reply.string(name.as_bytes()).string(version.as_bytes());
            }
            return true;
        }
        match self.perform(kind, id, &mut packet, reply) {
            Ok(Some(status)) => write_status(reply, id, status, ""),
            Ok(None) => {}
            Err(Failure::Status(status)) => write_status(reply, id, status, ""),
            Err(Failure::Io(error)) => write_status(reply, id, status_of(&error), &error.to_string()),
        }
        true
    }

    /// Does it; `None` when the answer is in the reply already.
    fn perform(
        &mut self,
        kind: u8,
        id: u32,
        packet: &mut Request<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<Option<Status>, Failure> {
        match kind {
            request::OPEN => {
                let (path, flags) = (self.path(packet)?, packet.u32()?);
                let file = open_file(&path, flags, &packet.attributes()?)?;
                self.keep(Handle::File(file), id, reply)?;
                return Ok(None);
            }
            request::OPENDIR => {
                let path = self.path(packet)?;
                let entries = fs::read_dir(&path)?;
                self.keep(Handle::Folder { entries, path }, id, reply)?;
                return Ok(None);
            }
            request::CLOSE => {
                let handle = handle_number(packet)?;
                self.handles
                    .remove(&handle)
                    .ok_or(Failure::Status(Status::Failure))?;
            }
            request::READ => {
                let file = self.file(packet)?;
                let (offset, length) = (packet.u64()?, packet.u32()? as usize);
                reply.begin(answer::DATA, id);
                if reply.fill(length.min(MAX_DATA), |buffer| file.read_at(buffer, offset))? == 0 && length > 0
                {
                    return Ok(Some(Status::Eof));
                }
                return Ok(None);
            }
            request::WRITE => {
                let file = self.file(packet)?;
                let offset = packet.u64()?;
                file.write_all_at(packet.string()?, offset)?;
            }
            request::STAT => {
                write_attributes(reply, id, &fs::metadata(self.path(packet)?)?);
                return Ok(None);
            }
            request::LSTAT => {
                write_attributes(reply, id, &fs::symlink_metadata(self.path(packet)?)?);
                return Ok(None);
            }
            request::FSTAT => {
                let metadata = match self.handle(packet)? {
                    Handle::File(file) => file.metadata()?,
                    Handle::Folder { path, .. } => fs::metadata(path)?,
                };
                write_attributes(reply, id, &metadata);
                return Ok(None);
            }
            request::SETSTAT => set_attributes(&self.path(packet)?, &packet.attributes()?)?,
            request::FSETSTAT => match self.handle(packet)? {
                Handle::File(file) => set_file_attributes(file, &packet.attributes()?)?,
                Handle::Folder { path, .. } => set_attributes(path, &packet.attributes()?)?,
            },
            request::READDIR => return self.read_folder(id, packet, reply),
            request::REMOVE => rustix::fs::unlink(&self.path(packet)?)?,
            request::MKDIR => {
                let path = self.path(packet)?;
                let mode = packet.attributes()?.permissions.unwrap_or(0o777) & 0o7777;
                fs::DirBuilder::new().mode(mode).create(path)?;
            }
            request::RMDIR => fs::remove_dir(self.path(packet)?)?,
            request::REALPATH => {
                let path = real_path(&self.path(packet)?)?;
                write_name(reply, id, &path);
                return Ok(None);
            }
            request::RENAME => rename(&self.path(packet)?, &self.path(packet)?)?,
            request::READLINK => {
                let target = fs::read_link(self.path(packet)?)?;
                write_name(reply, id, &target);
                return Ok(None);
            }
            // OpenSSH has had the two paths the wrong way round from the beginning; every client follows it.
            request::SYMLINK => {
                let target = packet.path()?;
                std::os::unix::fs::symlink(target, self.path(packet)?)?;
            }
            request::EXTENDED => return self.extended(id, packet, reply),
            _ => return Ok(Some(Status::Unsupported)),
        }
        Ok(Some(Status::Ok))
    }

    fn extended(
        &mut self,
        id: u32,
        packet: &mut Request<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<Option<Status>, Failure> {
        match packet.string()? {
            b"posix-rename@openssh.com" => fs::rename(self.path(packet)?, self.path(packet)?)?,
            b"hardlink@openssh.com" => fs::hard_link(self.path(packet)?, self.path(packet)?)?,
            b"fsync@openssh.com" => self.file(packet)?.sync_all()?,
            b"lsetstat@openssh.com" => {
                let path = self.path(packet)?;
                set_link_attributes(&path, &packet.attributes()?)?;
            }
            b"statvfs@openssh.com" => {
                write_file_system(reply, id, &rustix::fs::statvfs(&self.path(packet)?)?);
                return Ok(None);
            }
            b"fstatvfs@openssh.com" => {
                let statistics = match self.handle(packet)? {
                    Handle::File(file) => rustix::fs::fstatvfs(file)?,
                    Handle::Folder { path, .. } => rustix::fs::statvfs(path)?,
                };
                write_file_system(reply, id, &statistics);
                return Ok(None);
            }
            b"limits@openssh.com" => {
                reply
                    .begin(answer::EXTENDED_REPLY, id)
                    .u64(MAX_PACKET as u64)
                    .u64(MAX_DATA as u64)
                    .u64(MAX_DATA as u64)
                    .u64(MAX_HANDLES as u64);
                return Ok(None);
            }
            b"expand-path@openssh.com" => {
                let path = packet.path()?;
                let expanded = match path.strip_prefix("~") {
                    Ok(rest) => self.home.join(rest),
                    // "~somebody" would need a name service.
                    Err(_) if path.as_os_str().as_bytes().first() == Some(&b'~') => {
                        return Ok(Some(Status::NoSuchFile));
                    }
                    Err(_) => self.folder.join(path),
                };
                write_name(reply, id, &real_path(&expanded)?);
                return Ok(None);
            }
            _ => return Ok(Some(Status::Unsupported)),
        }
        Ok(Some(Status::Ok))
    }

    fn read_folder(
        &mut self,
        id: u32,
        packet: &mut Request<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<Option<Status>, Failure> {
        let number = handle_number(packet)?;
        let Some(Handle::Folder { entries, .. }) = self.handles.get_mut(&number) else {
            return Ok(Some(Status::Failure));
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
        let mut names = Vec::new();
        for entry in entries.take(NAMES_PER_ANSWER) {
            let entry = entry?;
            // Gone since it was listed.
            let Ok(metadata) = entry.metadata() else { continue };
            names.push((entry.file_name(), metadata));
        }
        if names.is_empty() {
            return Ok(Some(Status::Eof));
        }
        reply
            .begin(answer::NAME, id)
            .u32(u32::try_from(names.len()).unwrap_or(0));
        for (name, metadata) in &names {
            reply
                .string(name.as_bytes())
                .string(&long_name(name.as_bytes(), metadata, now))
                .attributes(&attributes_of(metadata));
        }
        Ok(None)
    }

    fn path(&self, packet: &mut Request<'_>) -> Result<PathBuf, Failure> {
        Ok(self.folder.join(packet.path()?))
    }

    fn handle(&self, packet: &mut Request<'_>) -> Result<&Handle, Failure> {
        self.handles
            .get(&handle_number(packet)?)
            .ok_or(Failure::Status(Status::Failure))
    }

    fn file(&self, packet: &mut Request<'_>) -> Result<&File, Failure> {
        match self.handle(packet)? {
            Handle::File(file) => Ok(file),
            Handle::Folder { .. } => Err(Failure::Status(Status::Failure)),
        }
    }

    fn keep(&mut self, handle: Handle, id: u32, reply: &mut Reply<'_>) -> Result<(), Failure> {
        if self.handles.len() >= MAX_HANDLES {
            return Err(Failure::Status(Status::Failure));
        }
        let mut number = self.next_handle;
        while self.handles.contains_key(&number) {
            number = number.wrapping_add(1);
        }
        self.next_handle = number.wrapping_add(1);
        self.handles.insert(number, handle);
        reply.begin(answer::HANDLE, id).string(&number.to_be_bytes());
        Ok(())
    }
}

fn handle_number(packet: &mut Request<'_>) -> Result<u32, Failure> {
    let bytes = packet.string()?;
    bytes
        .try_into()
        .map(u32::from_be_bytes)
        .map_err(|_| Failure::Status(Status::Failure))
}

fn open_file(path: &Path, flags: u32, attributes: &Attributes) -> Result<File, Failure> {
    let has = |flag: u32| flags & flag != 0;
    let mut open = match (has(open::READ), has(open::WRITE)) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        _ => OFlags::RDONLY,
    } | OFlags::CLOEXEC;
    open.set(OFlags::APPEND, has(open::APPEND));
    open.set(OFlags::CREATE, has(open::CREATE));
    open.set(OFlags::TRUNC, has(open::TRUNCATE));
    open.set(OFlags::EXCL, has(open::EXCLUSIVE));
    let mode = Mode::from_raw_mode(attributes.permissions.unwrap_or(0o666) & 0o7777);
    Ok(File::from(rustix::fs::open(path, open, mode)?))
}

/// As rename(2), but never over something: that is what version 3 says.
fn rename(from: &Path, to: &Path) -> Result<(), Failure> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system or kernel that cannot promise it: looking first is the next best.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            if fs::symlink_metadata(to).is_ok() {
                return Err(io::Error::from(io::ErrorKind::AlreadyExists).into());
            }
            Ok(fs::rename(from, to)?)
        }
        result => Ok(result?),
    }
}

/// The absolute path without links; the last part need not exist.
fn real_path(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => Ok(fs::canonicalize(parent)?.join(name)),
            _ => Err(error),
        },
        result => result,
    }
}

fn timestamps((access, change): (u32, u32)) -> Timestamps {
    let time = |seconds: u32| Timespec {
        tv_sec: i64::from(seconds),
        tv_nsec: 0,
    };
    Timestamps {
        last_access: time(access),
        last_modification: time(change),
    }
}

fn set_attributes(path: &Path, attributes: &Attributes) -> Result<(), Failure> {
    if let Some(size) = attributes.size {
        fs::OpenOptions::new().write(true).open(path)?.set_len(size)?;
    }
    if let Some(mode) = attributes.permissions {
        fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7777))?;
    }
    if let Some(times) = attributes.times {
        utimensat(CWD, path, &timestamps(times), AtFlags::empty())?;
    }
    if let Some((user, group)) = attributes.owner {
        chownat(
            CWD,
            path,
            Some(Uid::from_raw(user)),
            Some(Gid::from_raw(group)),
            AtFlags::empty(),
        )?;
    }
    Ok(())
}

fn set_file_attributes(file: &File, attributes: &Attributes) -> Result<(), Failure> {
    if let Some(size) = attributes.size {
        file.set_len(size)?;
    }
    if let Some(mode) = attributes.permissions {
        file.set_permissions(fs::Permissions::from_mode(mode & 0o7777))?;
    }
    if let Some(times) = attributes.times {
        futimens(file, &timestamps(times))?;
    }
    if let Some((user, group)) = attributes.owner {
        fchown(file, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))?;
    }
    Ok(())
}

/// The attributes of a link itself. Linux gives a link no mode of its own.
fn set_link_attributes(path: &Path, attributes: &Attributes) -> Result<(), Failure> {
    let is_link = fs::symlink_metadata(path)?.is_symlink();
    if attributes.size.is_some() || (attributes.permissions.is_some() && is_link) {
        return Err(Failure::Status(Status::Unsupported));
    }
    if let Some(mode) = attributes.permissions {
        fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7777))?;
    }
    if let Some(times) = attributes.times {
        utimensat(CWD, path, &timestamps(times), AtFlags::SYMLINK_NOFOLLOW)?;
    }
    if let Some((user, group)) = attributes.owner {
        let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
        chownat(CWD, path, user, group, AtFlags::SYMLINK_NOFOLLOW)?;
    }
    Ok(())
}

fn attributes_of(metadata: &Metadata) -> Attributes {
    // Version 3 has 32 bits for a time; what does not fit is shown as its nearest end.
    let time = |seconds: i64| u32::try_from(seconds.max(0)).unwrap_or(u32::MAX);
    Attributes {
        size: Some(metadata.size()),
        owner: Some((metadata.uid(), metadata.gid())),
        permissions: Some(metadata.mode()),
        times: Some((time(metadata.atime()), time(metadata.mtime()))),
    }
}

fn write_attributes(reply: &mut Reply<'_>, id: u32, metadata: &Metadata) {
    reply
        .begin(answer::ATTRS, id)
        .attributes(&attributes_of(metadata));
}

fn write_name(reply: &mut Reply<'_>, id: u32, path: &Path) {
    let bytes = path.as_os_str().as_bytes();
    reply
        .begin(answer::NAME, id)
        .u32(1)
        .string(bytes)
        .string(bytes)
        .attributes(&Attributes::default());
}

fn write_status(reply: &mut Reply<'_>, id: u32, status: Status, detail: &str) {
    let text = match status {
        Status::Ok => "Success",
        Status::Eof => "End of file",
        Status::NoSuchFile => "No such file",
        Status::PermissionDenied => "Permission denied",
        Status::Failure => "Failure",
        Status::BadMessage => "Bad message",
        Status::Unsupported => "Operation unsupported",
    };
    let text = if detail.is_empty() { text } else { detail };
    reply
        .begin(answer::STATUS, id)
        .u32(status as u32)
        .string(text.as_bytes())
        .string(b"");
}

fn write_file_system(reply: &mut Reply<'_>, id: u32, statistics: &StatVfs) {
    let flag = |flag: StatVfsMountFlags, value: u64| {
        if statistics.f_flag.contains(flag) {
            value
        } else {
            0
        }
    };
    reply
        .begin(answer::EXTENDED_REPLY, id)
        .u64(statistics.f_bsize)
        .u64(statistics.f_frsize)
        .u64(statistics.f_blocks)
        .u64(statistics.f_bfree)
        .u64(statistics.f_bavail)
        .u64(statistics.f_files)
        .u64(statistics.f_ffree)
        .u64(statistics.f_favail)
        .u64(statistics.f_fsid)
        .u64(flag(StatVfsMountFlags::RDONLY, 1) | flag(StatVfsMountFlags::NOSUID, 2))
        .u64(statistics.f_namemax);
}

/// As OpenSSH's server maps them.
fn status_of(error: &io::Error) -> Status {
    use rustix::io::Errno;
    match Errno::from_io_error(error) {
        Some(Errno::NOENT | Errno::NOTDIR | Errno::BADF | Errno::LOOP) => Status::NoSuchFile,
        Some(Errno::PERM | Errno::ACCESS | Errno::FAULT) => Status::PermissionDenied,
        Some(Errno::NAMETOOLONG | Errno::INVAL) => Status::BadMessage,
        Some(Errno::NOSYS) => Status::Unsupported,
        _ => match error.kind() {
            io::ErrorKind::NotFound => Status::NoSuchFile,
            io::ErrorKind::PermissionDenied => Status::PermissionDenied,
            _ => Status::Failure,
        },
    }
}
