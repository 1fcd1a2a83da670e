//! Packets.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The largest packet that is read, as OpenSSH's server has it.
pub(super) const MAX_PACKET: usize = 256 * 1024;

/// The largest read or write: a packet without its header.
pub(super) const MAX_DATA: usize = MAX_PACKET - 1024;

/// Numbers of requests.
pub(super) mod request {
    pub(in crate::sftp) const INIT: u8 = 1;
    pub(in crate::sftp) const OPEN: u8 = 3;
    pub(in crate::sftp) const CLOSE: u8 = 4;
    pub(in crate::sftp) const READ: u8 = 5;
    pub(in crate::sftp) const WRITE: u8 = 6;
    pub(in crate::sftp) const LSTAT: u8 = 7;
    pub(in crate::sftp) const FSTAT: u8 = 8;
    pub(in crate::sftp) const SETSTAT: u8 = 9;
    pub(in crate::sftp) const FSETSTAT: u8 = 10;
    pub(in crate::sftp) const OPENDIR: u8 = 11;
    pub(in crate::sftp) const READDIR: u8 = 12;
    pub(in crate::sftp) const REMOVE: u8 = 13;
    pub(in crate::sftp) const MKDIR: u8 = 14;
    pub(in crate::sftp) const RMDIR: u8 = 15;
    pub(in crate::sftp) const REALPATH: u8 = 16;
    pub(in crate::sftp) const STAT: u8 = 17;
    pub(in crate::sftp) const RENAME: u8 = 18;
    pub(in crate::sftp) const READLINK: u8 = 19;
    pub(in crate::sftp) const SYMLINK: u8 = 20;
    pub(in crate::sftp) const EXTENDED: u8 = 200;
}

/// Numbers of answers.
pub(super) mod answer {
    pub(in crate::sftp) const VERSION: u8 = 2;
    pub(in crate::sftp) const STATUS: u8 = 101;
    pub(in crate::sftp) const HANDLE: u8 = 102;
    pub(in crate::sftp) const DATA: u8 = 103;
    pub(in crate::sftp) const NAME: u8 = 104;
    pub(in crate::sftp) const ATTRS: u8 = 105;
    pub(in crate::sftp) const EXTENDED_REPLY: u8 = 201;
}

/// Results of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok = 0,
    Eof = 1,
    NoSuchFile = 2,
    PermissionDenied = 3,
    Failure = 4,
    BadMessage = 5,
    Unsupported = 8,
}

/// A packet that ended too early.
#[derive(Debug)]
pub(super) struct Malformed;

/// Takes a packet apart.
#[derive(Debug)]
pub(super) struct Request<'a> {
    rest: &'a [u8],
}

impl<'a> Request<'a> {
    pub(super) fn new(packet: &'a [u8]) -> Self {
        Self { rest: packet }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn string(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u32()? as usize;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn path(&mut self) -> Result<&'a Path, Malformed> {
        self.string().map(|bytes| Path::new(OsStr::from_bytes(bytes)))
    }

    pub(super) fn attributes(&mut self) -> Result<Attributes, Malformed> {
        let flags = self.u32()?;
        let mut attributes = Attributes::default();
        if flags & Attributes::SIZE != 0 {
            attributes.size = Some(self.u64()?);
        }
        if flags & Attributes::OWNER != 0 {
            attributes.owner = Some((self.u32()?, self.u32()?));
        }
        if flags & Attributes::PERMISSIONS != 0 {
            attributes.permissions = Some(self.u32()?);
        }
        if flags & Attributes::TIMES != 0 {
            attributes.times = Some((self.u32()?, self.u32()?));
        }
        if flags & Attributes::EXTENDED != 0 {
            for _ in 0..self.u32()? {
                self.string()?;
                self.string()?;
            }
        }
        Ok(attributes)
    }
}

/// What a file has, or what is to be set.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Attributes {
    /// Bytes.
    pub(super) size: Option<u64>,
    /// User id, group id.
    pub(super) owner: Option<(u32, u32)>,
    /// With the type of the file in an answer, as `st_mode`.
    pub(super) permissions: Option<u32>,
    /// Last access and change, in seconds since 1970.
    pub(super) times: Option<(u32, u32)>,
}

impl Attributes {
    const SIZE: u32 = 1;
    const OWNER: u32 = 2;
    const PERMISSIONS: u32 = 4;
    const TIMES: u32 = 8;
    const EXTENDED: u32 = 0x8000_0000;
}

/// Puts one packet together at the end of a buffer.
#[derive(Debug)]
pub(super) struct Reply<'a> {
    buffer: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Reply<'a> {
    pub(super) fn into_end_of(buffer: &'a mut Vec<u8>) -> Self {
        let start = buffer.len();
        buffer.extend_from_slice(&[0; 4]);
        Self { buffer, start }
    }

    /// Forgets what was put in so far.
    pub(super) fn begin(&mut self, kind: u8, id: u32) -> &mut Self {
        self.buffer.truncate(self.start + 4);
        self.u8(kind).u32(id)
    }

    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.buffer.push(value);
        self
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.buffer.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.buffer.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn string(&mut self, value: &[u8]) -> &mut Self {
        // What does not fit 32 bits fits no packet either.
        self.u32(u32::try_from(value.len()).unwrap_or(u32::MAX));
        self.buffer.extend_from_slice(value);
        self
    }

    pub(super) fn attributes(&mut self, attributes: &Attributes) -> &mut Self {
        let flag = |present: bool, flag: u32| if present { flag } else { 0 };
        self.u32(
            flag(attributes.size.is_some(), Attributes::SIZE)
                | flag(attributes.owner.is_some(), Attributes::OWNER)
                | flag(attributes.permissions.is_some(), Attributes::PERMISSIONS)
                | flag(attributes.times.is_some(), Attributes::TIMES),
        );
        if let Some(size) = attributes.size {
            self.u64(size);
        }
        if let Some((user, group)) = attributes.owner {
            self.u32(user).u32(group);
        }
        if let Some(permissions) = attributes.permissions {
            self.u32(permissions);
        }
        if let Some((access, change)) = attributes.times {
            self.u32(access).u32(change);
        }
        self
    }

    /// Lets `fill` write up to `length` bytes straight into the packet as a string; gives how many it wrote.
    pub(super) fn fill<E>(
        &mut self,
        length: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let at = self.buffer.len();
        self.buffer.resize(at + 4 + length, 0);
        let filled = fill(self.buffer.get_mut(at + 4..).unwrap_or_default())?.min(length);
        self.buffer.truncate(at + 4 + filled);
        let size = u32::try_from(filled).unwrap_or(u32::MAX);
        if let Some(head) = self.buffer.get_mut(at..at + 4) {
            head.copy_from_slice(&size.to_be_bytes());
        }
        Ok(filled)
    }

    /// Sets the length of the packet.
    pub(super) fn finish(self) {
        let length = u32::try_from(self.buffer.len() - self.start - 4).unwrap_or(u32::MAX);
        if let Some(head) = self.buffer.get_mut(self.start..self.start + 4) {
            head.copy_from_slice(&length.to_be_bytes());
        }
    }
}
