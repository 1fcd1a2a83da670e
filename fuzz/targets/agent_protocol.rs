//! What proxy and agent say to each other: the framed document, the reports, the secrets. What is taken for a message is
//! one, whole, and is written and read as the same; what stands behind it stays in the stream.

#![no_main]

use devctl_agent_protocol::{
    AgentReport, MAX_CONFIG_BYTES, OwnReport, ProbeReport, SecretsDocument, WireError, encode_config,
    read_config,
};
use libfuzzer_sys::fuzz_target;
use serde_json::{from_slice, to_vec};

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    match read_config(&mut rest) {
        Ok(config) => {
            let frame = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize + 8;
            assert_eq!(rest, &bytes[frame..], "not a byte more than the frame is taken");
            let written = encode_config(&config).expect("what was read is written");
            let mut again = [written.as_slice(), b"SSH-2.0-x"].concat();
            let mut stream = again.as_slice();
            assert_eq!(read_config(&mut stream).expect("what is written is read"), config);
            assert_eq!(stream, b"SSH-2.0-x");
            again.truncate(written.len() - 1);
            assert!(matches!(
                read_config(&mut again.as_slice()),
                Err(WireError::Truncated { .. })
            ));
        }
        Err(WireError::TooLarge { bytes }) => assert!(bytes > MAX_CONFIG_BYTES),
        Err(WireError::Io(error)) => panic!("{error}"),
        Err(_) => {}
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        match AgentReport::from_line(text) {
            Ok(report) => {
                let line = report.to_line().expect("what was read is written");
                assert_eq!(line.find('\n'), Some(line.len() - 1));
                assert_eq!(
                    AgentReport::from_line(&line).expect("what is written is read"),
                    report
                );
            }
            Err(error) => assert!(error.line.chars().count() <= 200),
        }
    }
    if let Ok(document) = from_slice::<SecretsDocument>(bytes) {
        let written = to_vec(&document).expect("what was read is written");
        assert_eq!(
            from_slice::<SecretsDocument>(&written).expect("what is written is read"),
            document
        );
        let shown = format!("{document:?}");
        for (name, value) in document.environment.iter().chain(&document.files) {
            // A short value may stand in a name.
            let value = String::from_utf8_lossy(value.expose());
            let named = document.environment.keys().chain(document.files.keys());
            let is_named = named
                .into_iter()
                .any(|other| format!("{other:?}").contains(&*value));
            assert!(
                value.len() < 30 || is_named || !shown.contains(&*value),
                "{name} is shown"
            );
        }
    }
    if let Ok(report) = from_slice::<ProbeReport>(bytes) {
        let written = to_vec(&report).expect("what was read is written");
        assert_eq!(
            from_slice::<ProbeReport>(&written).expect("what is written is read"),
            report
        );
    }
    if let Ok(report) = from_slice::<OwnReport>(bytes) {
        let written = to_vec(&report).expect("what was read is written");
        assert_eq!(
            from_slice::<OwnReport>(&written).expect("what is written is read"),
            report
        );
    }
});
