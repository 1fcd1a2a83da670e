/// Why a list was refused, or an entry was not taken into one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KrlError {
    /// No bytes at all. OpenSSH reads that as a list that revokes nothing; here it is damage.
    #[error("the revocation list is empty; an empty list still has a header")]
    Empty,
    /// More than [`MOST_BYTES`](crate::MOST_BYTES).
    #[error("the revocation list has {bytes} bytes, which is more than any list has")]
    Oversized {
        /// Its length.
        bytes: usize,
    },
    /// The first bytes are not those of a list.
    #[error("this is not an OpenSSH revocation list")]
    NotAKrl,
    /// Another format than 1.
    #[error("the revocation list has format {0}, only format 1 is known")]
    Format(u32),
    /// It ends too early.
    #[error("the revocation list ends in the middle of {what}")]
    Truncated {
        /// Where.
        what: &'static str,
    },
    /// Something stands behind the end of a part.
    #[error("the revocation list has trailing bytes in {what}")]
    Trailing {
        /// Where.
        what: &'static str,
    },
    /// A field that has to be empty is not.
    #[error("the revocation list has bytes in the reserved field of {what}")]
    Reserved {
        /// Where.
        what: &'static str,
    },
    /// The checksum that we put into lists of ours does not fit the content.
    #[error("the revocation list is damaged: its checksum does not fit")]
    Damaged,
    /// A section that we do not know.
    #[error("the revocation list has a section of unknown type {0}")]
    UnknownSection(u8),
    /// A section about certificates that we do not know.
    #[error("the revocation list has a section about certificates of unknown type {0:#04x}")]
    UnknownCertificateSection(u8),
    /// A signature section.
    #[error("the revocation list carries a signature; OpenSSH since 9.4 does not read such lists either")]
    Signed,
    /// An extension that has to be understood and is not.
    #[error("the revocation list has the critical extension {0:?}, which is not known")]
    CriticalExtension(String),
    /// The authority of a section cannot be read.
    #[error("the revocation list names an authority whose key cannot be read")]
    Authority(#[source] ssh_key::Error),
    /// A range that ends before it begins.
    #[error("the revocation list has a range of serials from {first} to {last}")]
    BackwardRange {
        /// Its first serial.
        first: u64,
        /// Its last serial.
        last: u64,
    },
    /// Serial 0 means "not numbered" and revokes nothing.
    #[error("serial 0 cannot be revoked: it stands for certificates without a number")]
    SerialZero,
    /// A bitmap of serials that OpenSSH would not read either.
    #[error("the revocation list has a bitmap of serials that {why}")]
    Bitmap {
        /// What is wrong with it.
        why: &'static str,
    },
    /// More ranges of serials than a list of [`MOST_BYTES`](crate::MOST_BYTES) can hold without bitmaps.
    #[error("the revocation list has more serials than can be kept in memory")]
    TooManySerials,
    /// Fingerprints stand in numeric order.
    #[error("the {what} fingerprints of the revocation list are not in order")]
    Unsorted {
        /// `SHA-1` or `SHA-256`.
        what: &'static str,
    },
    /// A fingerprint of the wrong length.
    #[error("the revocation list has a {what} fingerprint of {bytes} bytes")]
    FingerprintLength {
        /// `SHA-1` or `SHA-256`.
        what: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// A zero byte in a key id or in the comment, where OpenSSH would stop reading.
    #[error("there is a zero byte in {what} of the revocation list")]
    ZeroByte {
        /// Where.
        what: &'static str,
    },
    /// A key that cannot be written as bytes.
    #[error("the key cannot be encoded")]
    Key(#[source] ssh_key::Error),
}
