use std::io::{self, Read, Write};

use zeroize::Zeroizing;

use crate::{AgentConfig, PROTOCOL_VERSION};

/// The largest document that is written or read: room for a revocation list of some hundred thousand serials.
pub const MAX_CONFIG_BYTES: usize = 8 * 1024 * 1024;

/// Four bytes that no SSH client starts with, so that a wrong caller is told so.
const MAGIC: [u8; 4] = *b"DVA\0";

/// Why a document could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The other side closed before the document was complete.
    #[error("the agent's configuration ended after {got} of {expected} bytes")]
    Truncated {
        /// Bytes that arrived of this part.
        got: usize,
        /// Bytes that this part has.
        expected: usize,
    },
    /// What came first is not a document of ours.
    #[error("standard input does not start with an agent configuration")]
    NotAConfig,
    /// The announced size is beyond [`MAX_CONFIG_BYTES`].
    #[error("the agent's configuration has {bytes} bytes, at most {MAX_CONFIG_BYTES} are accepted")]
    TooLarge {
        /// The announced size.
        bytes: usize,
    },
    /// The document is of another version of the protocol.
    #[error("the configuration is of protocol {found}, this side speaks {PROTOCOL_VERSION}")]
    Version {
        /// The version in the document.
        found: u32,
    },
    /// The document is not the JSON that was agreed on. The text of the document is not part of the error.
    #[error("the agent's configuration is not valid at line {line}, column {column}: {problem}")]
    Malformed {
        /// Line in the JSON text, from 1.
        line: usize,
        /// Column in the JSON text, from 1.
        column: usize,
        /// The kind of problem: `syntax`, `data`, `eof` or `io`.
        problem: &'static str,
    },
    /// Reading or writing failed.
    #[error("the transport of the agent's configuration failed")]
    Io(#[from] io::Error),
}

impl From<serde_json::Error> for WireError {
    fn from(error: serde_json::Error) -> Self {
        use serde_json::error::Category;
        // serde's own text can quote the value that it did not like, which may be the key.
        let problem = match error.classify() {
            Category::Io => "io",
            Category::Syntax => "syntax",
            Category::Data => "data",
            Category::Eof => "eof",
        };
        Self::Malformed {
            line: error.line(),
            column: error.column(),
            problem,
        }
    }
}

/// The document as it goes over the wire: magic, length as 32 bits big-endian, JSON.
///
/// # Errors
/// [`WireError::TooLarge`], or [`WireError::Malformed`] for what JSON cannot carry.
pub fn encode_config(config: &AgentConfig) -> Result<Zeroizing<Vec<u8>>, WireError> {
    let json = Zeroizing::new(serde_json::to_vec(config)?);
    let length = u32::try_from(json.len())
        .ok()
        .filter(|_| json.len() <= MAX_CONFIG_BYTES)
        .ok_or(WireError::TooLarge { bytes: json.len() })?;
    let mut frame = Zeroizing::new(Vec::with_capacity(MAGIC.len() + 4 + json.len()));
    frame.extend_from_slice(&MAGIC);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&json);
    Ok(frame)
}

/// Writes the document and flushes.
///
/// # Errors
/// As [`encode_config`], and [`WireError::Io`].
pub fn write_config(writer: &mut impl Write, config: &AgentConfig) -> Result<(), WireError> {
    writer.write_all(&encode_config(config)?)?;
    writer.flush()?;
    Ok(())
}

/// Reads one document and not a byte more: what follows is SSH.
///
/// # Errors
/// Every variant of [`WireError`].
pub fn read_config(reader: &mut impl Read) -> Result<AgentConfig, WireError> {
    let mut head = [0_u8; 8];
    fill(reader, &mut head)?;
    let [m0, m1, m2, m3, l0, l1, l2, l3] = head;
    if [m0, m1, m2, m3] != MAGIC {
        return Err(WireError::NotAConfig);
    }
    let bytes = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    if bytes > MAX_CONFIG_BYTES {
        return Err(WireError::TooLarge { bytes });
    }
    let mut json = Zeroizing::new(vec![0_u8; bytes]);
    fill(reader, &mut json)?;
    let version: VersionOnly = serde_json::from_slice(&json)?;
    if version.protocol != PROTOCOL_VERSION {
        return Err(WireError::Version {
            found: version.protocol,
        });
    }
    Ok(serde_json::from_slice(&json)?)
}

/// What every version of the document has.
#[derive(serde::Deserialize)]
struct VersionOnly {
    protocol: u32,
}

fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> Result<(), WireError> {
    let expected = buffer.len();
    let mut got = 0;
    while let Some(rest) = buffer.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => return Err(WireError::Truncated { got, expected }),
            Ok(n) => got += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Allow, HostPrivateKey, RevocationList};

    fn config() -> AgentConfig {
        AgentConfig {
            protocol: PROTOCOL_VERSION,
            host_private_key: HostPrivateKey::new("-----BEGIN very secret".into()),
            host_certificate: "ssh-ed25519-cert-v01@openssh.com AAAA".into(),
            user_authorities: vec!["ssh-ed25519 AAAA".into()],
            revocation_list: RevocationList::new(vec![0, 255, 7]),
            accepted_principals: BTreeMap::from([("dev".into(), vec!["owner-1".into()])]),
            environment: BTreeMap::from([("LANG".into(), "C.UTF-8 \"ü\"".into())]),
            unset_environment: vec!["OLD".into()],
            working_directory: Some("/work".into()),
            user: "dev".into(),
            banner: None,
            allow: Allow::ALL,
        }
    }

    #[test]
    fn a_document_comes_back_and_what_follows_stays() {
        let mut stream = Vec::new();
        write_config(&mut stream, &config()).unwrap();
        stream.extend_from_slice(b"SSH-2.0-x");
        let mut reader = stream.as_slice();
        assert_eq!(read_config(&mut reader).unwrap(), config());
        assert_eq!(reader, b"SSH-2.0-x");
    }

    #[test]
    fn every_cut_is_an_error_and_none_a_panic() {
        let frame = encode_config(&config()).unwrap();
        for length in 0..frame.len() {
            assert!(
                matches!(
                    read_config(&mut &frame[..length]),
                    Err(WireError::Truncated { .. })
                ),
                "{length}"
            );
        }
    }

    #[test]
    fn an_ssh_client_without_a_proxy_is_told_so() {
        assert!(matches!(
            read_config(&mut &b"SSH-2.0-OpenSSH_9.2\r\n"[..]),
            Err(WireError::NotAConfig)
        ));
    }

    #[test]
    fn a_huge_announcement_is_refused_before_memory_is_taken() {
        let frame = [b"DVA\0".as_slice(), &u32::MAX.to_be_bytes()].concat();
        assert!(matches!(
            read_config(&mut frame.as_slice()),
            Err(WireError::TooLarge { .. })
        ));
    }

    #[test]
    fn another_version_is_named_whatever_else_it_holds() {
        let json = br#"{"protocol":99,"somethingNew":true}"#;
        let mut frame = b"DVA\0".to_vec();
        frame.extend_from_slice(&u32::try_from(json.len()).unwrap().to_be_bytes());
        frame.extend_from_slice(json);
        assert!(matches!(
            read_config(&mut frame.as_slice()),
            Err(WireError::Version { found: 99 })
        ));
    }

    #[test]
    fn neither_debug_nor_errors_show_the_key() {
        assert!(!format!("{:?}", config()).contains("very secret"));
        let json = br#"{"protocol":1,"hostPrivateKey":"very secret","userAuthorities":"very secret"}"#;
        let mut frame = b"DVA\0".to_vec();
        frame.extend_from_slice(&u32::try_from(json.len()).unwrap().to_be_bytes());
        frame.extend_from_slice(json);
        let error = read_config(&mut frame.as_slice()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("very secret"));
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let mut value = serde_json::to_value(config()).unwrap();
        value["surprise"] = 1.into();
        let json = serde_json::to_vec(&value).unwrap();
        let mut frame = b"DVA\0".to_vec();
        frame.extend_from_slice(&u32::try_from(json.len()).unwrap().to_be_bytes());
        frame.extend_from_slice(&json);
        assert!(matches!(
            read_config(&mut frame.as_slice()),
            Err(WireError::Malformed { problem: "data", .. })
        ));
    }
}
