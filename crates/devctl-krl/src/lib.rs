//! OpenSSH key revocation lists, format 1 (PROTOCOL.krl of OpenSSH): read by the agent, written by the host.
//!
//! What cannot be understood refuses the whole list, for a list that is only half read would let somebody in; what
//! `ssh-keygen` refuses is refused here too. The format has no checksum of its own, so the lists that are written here
//! bear one in the header's comment, which OpenSSH does not look at: one bit changed, or an end cut off between two
//! sections, is noticed on the way into a container.
//!
//! No clock, no files, no environment: bytes in, bytes out.

mod error;
mod list;
mod numbered;
mod read;
mod seal;
mod serials;
mod write;

pub use error::KrlError;
pub use list::{Entry, RevocationList, Revoked};
pub use read::MOST_BYTES;

/// `SSHKRL\n\0`.
const MAGIC: [u8; 8] = *b"SSHKRL\n\0";
const FORMAT_VERSION: u32 = 1;

const SECTION_CERTIFICATES: u8 = 1;
const SECTION_EXPLICIT_KEY: u8 = 2;
const SECTION_FINGERPRINT_SHA1: u8 = 3;
const SECTION_SIGNATURE: u8 = 4;
const SECTION_FINGERPRINT_SHA256: u8 = 5;
const SECTION_EXTENSION: u8 = 255;

const CERT_SERIAL_LIST: u8 = 0x20;
const CERT_SERIAL_RANGE: u8 = 0x21;
const CERT_SERIAL_BITMAP: u8 = 0x22;
const CERT_KEY_ID: u8 = 0x23;
const CERT_EXTENSION: u8 = 0x39;
