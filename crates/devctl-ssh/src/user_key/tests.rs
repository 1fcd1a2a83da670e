use std::fs;
use std::process::{Command, Output};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::key_error::KeyError;

fn keygen() -> &'static Path {
    Path::new("ssh-keygen")
}

fn run(program: &str, folder: &TempDir, arguments: &[&str]) -> Output {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A key that the real `ssh-keygen` made, and its public line.
fn made_by_keygen(arguments: &[&str], passphrase: &str) -> (Vec<u8>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut all = vec!["-q", "-f", "key", "-C", "by keygen", "-N", passphrase];
    all.extend_from_slice(arguments);
    run("ssh-keygen", &folder, &all);
    let public = fs::read_to_string(folder.path().join("key.pub")).unwrap();
    (fs::read(folder.path().join("key")).unwrap(), public)
}

/// A private key that `openssl` made.
fn made_by_openssl(arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    run("openssl", &folder, arguments).stdout
}

/// Whether `openssl` is here. Where everything has to be tested it must be.
fn openssl_is_here() -> bool {
    let here = Command::new("openssl").arg("version").output().is_ok();
    if !here {
        let required = std::env::var_os("DEVCTL_REQUIRE_ALL").is_some();
        assert!(!required, "openssl is not installed");
        eprintln!("SKIPPED: openssl is not installed, its files are not tried");
    }
    here
}

fn same_key(key: &UserKey, public_line: &str) {
    let public = PublicKey::from_openssh(public_line).unwrap();
    assert_eq!(key.public_key().key_data(), public.key_data());
}

fn refusal(bytes: &[u8], passphrase: Option<&[u8]>) -> KeyError {
    match UserKey::import(bytes, passphrase).unwrap_err() {
        SshError::Key(error) => error,
        other => panic!("{other:?}"),
    }
}

/// The file is refused under this name, with a command.
fn refused_as(bytes: &[u8], name: &str) {
    match refusal(bytes, Some(b"whatever")) {
        KeyError::FormatRefused { format, fix, .. } => {
            assert_eq!(format, name);
            assert!(fix.contains('`'), "{fix}");
        }
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn ssh_keygen_reads_what_we_make_in_the_clear_and_encrypted() {
    for algorithm in KeyAlgorithm::ALL {
        let key = UserKey::generate(algorithm, "made here", keygen()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (text, passphrase) in [
            (key.to_openssh_plain().unwrap(), ""),
            (
                key.to_openssh_encrypted(b"four words of it").unwrap(),
                "four words of it",
            ),
        ] {
            let file = folder.path().join("key");
            devctl_files::write_atomic(&file, text.as_bytes(), devctl_files::Mode::PRIVATE).unwrap();
            let read = run("ssh-keygen", &folder, &["-y", "-P", passphrase, "-f", "key"]).stdout;
            let read = String::from_utf8(read).unwrap();
            assert_eq!(read.trim_end(), key.public_line().unwrap(), "{algorithm}");
            let again = UserKey::import(text.as_bytes(), Some(passphrase.as_bytes())).unwrap();
            same_key(&again, &read);
            assert_eq!(
                (again.comment(), again.key_type()),
                ("made here", algorithm.to_string())
            );
        }
        assert_eq!(weakness(key.public_key()), None);
        assert_eq!(KeyAlgorithm::parse(algorithm.as_str()), Some(algorithm));
    }
}

#[test]
fn two_keys_are_never_the_same() {
    for algorithm in [
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::EcdsaP256,
        KeyAlgorithm::EcdsaP521,
    ] {
        let make = || UserKey::generate(algorithm, "", keygen()).unwrap().fingerprint();
        assert_ne!(make(), make());
    }
}

#[test]
fn an_rsa_key_needs_the_program_and_says_so() {
    let error = UserKey::generate(KeyAlgorithm::Rsa3072, "", Path::new("/nowhere/ssh-keygen")).unwrap_err();
    assert_eq!(error.code(), "ssh.client_failed");
    let error = UserKey::generate(KeyAlgorithm::Rsa3072, "", Path::new("false")).unwrap_err();
    assert_eq!(error.code(), "ssh.keygen_failed");
    let error = UserKey::generate(KeyAlgorithm::Rsa3072, "", Path::new("true")).unwrap_err();
    assert!(error.to_string().contains("no private key"), "{error}");
}

#[test]
fn plain_keys_of_all_formats_of_ssh_keygen_are_read() {
    for kind in [
        &["-t", "ed25519"][..],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "ecdsa", "-b", "521"],
        &["-t", "rsa", "-b", "2048"],
    ] {
        for format in ["RFC4716", "PEM", "PKCS8"] {
            let (private, public) = made_by_keygen(&[kind, &["-m", format]].concat(), "");
            let key = UserKey::import(&private, None).unwrap();
            same_key(&key, &public);
            // A passphrase that is not needed does no harm.
            same_key(&UserKey::import(&private, Some(b"idle")).unwrap(), &public);
            // What was read is whole: it can be written and read again.
            same_key(
                &UserKey::import(key.to_openssh_plain().unwrap().as_bytes(), None).unwrap(),
                &public,
            );
            let windows = String::from_utf8(private).unwrap().replace('\n', "\r\n");
            same_key(&UserKey::import(windows.as_bytes(), None).unwrap(), &public);
        }
    }
}

#[test]
fn encrypted_keys_open_with_their_passphrase_only() {
    for kind in [
        &["-t", "ed25519"][..],
        &["-t", "ecdsa", "-b", "521"],
        &["-t", "rsa", "-b", "2048"],
    ] {
        for cipher in [
            "aes256-ctr",
            "aes128-ctr",
            "aes256-cbc",
            "aes256-gcm@openssh.com",
            "chacha20-poly1305@openssh.com",
        ] {
            let (private, public) =
                made_by_keygen(&[kind, &["-a", "2", "-Z", cipher]].concat(), "correct horse");
            same_key(
                &UserKey::import(&private, Some(b"correct horse")).unwrap(),
                &public,
            );
            for wrong in [&b"wrong horse"[..], b"correct hors", b"correct horse "] {
                let error = refusal(&private, Some(wrong));
                assert!(matches!(error, KeyError::PassphraseWrong), "{cipher}: {error:?}");
            }
            for none in [None, Some(&b""[..])] {
                assert!(matches!(refusal(&private, none), KeyError::PassphraseNeeded));
            }
        }
    }
}

#[test]
fn a_key_under_an_old_cipher_is_refused_with_the_command_that_rewrites_it() {
    let (private, _) = made_by_keygen(&["-t", "ed25519", "-a", "2", "-Z", "3des-cbc"], "correct horse");
    refused_as(&private, "OpenSSH (3des-cbc)");
    // The rounds stand behind the salt of 16 bytes.
    let (private, _) = made_by_keygen(&["-t", "ed25519", "-a", "2"], "correct horse");
    let mut bytes = PrivateKey::from_openssh(&private)
        .unwrap()
        .to_bytes()
        .unwrap()
        .to_vec();
    let name = bytes.windows(6).position(|window| window == b"bcrypt").unwrap();
    let rounds = name + 6 + 4 + 4 + 16;
    assert_eq!(bytes[rounds..rounds + 4], 2_u32.to_be_bytes());
    bytes[rounds..rounds + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    let endless = PrivateKey::from_bytes(&bytes).unwrap();
    let text = endless.to_openssh(ssh_key::LineEnding::LF).unwrap();
    refused_as(text.as_bytes(), "OpenSSH (more than 2048 rounds of bcrypt)");
}

#[test]
fn a_hundred_p521_keys_of_ssh_keygen_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..100 {
        let name = format!("key{number}");
        run(
            "ssh-keygen",
            &folder,
            &["-q", "-t", "ecdsa", "-b", "521", "-N", "", "-f", &name],
        );
        let key = UserKey::import(&fs::read(folder.path().join(&name)).unwrap(), None).unwrap();
        let public = fs::read_to_string(folder.path().join(format!("{name}.pub"))).unwrap();
        same_key(&key, &public);
    }
}

#[test]
fn the_example_of_rfc_8410_is_read() {
    let private = b"-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    let key = UserKey::import(private, None).unwrap();
    let KeyData::Ed25519(public) = key.public_key().key_data() else {
        panic!("{key:?}");
    };
    assert_eq!(public.0[..4], [0x19, 0xbf, 0x44, 0x09]);
}

#[test]
fn what_openssl_writes_is_read() {
    if !openssl_is_here() {
        return;
    }
    let ed25519 = made_by_openssl(&["genpkey", "-algorithm", "ed25519"]);
    assert_eq!(UserKey::import(&ed25519, None).unwrap().key_type(), "ed25519");
    // Two blocks in one file: the parameters and the key.
    let ec = made_by_openssl(&["ecparam", "-name", "prime256v1", "-genkey"]);
    assert!(ec.starts_with(b"-----BEGIN EC PARAMETERS-----"));
    assert_eq!(UserKey::import(&ec, None).unwrap().key_type(), "ecdsa-p256");
    let rsa = made_by_openssl(&["genrsa", "-traditional", "3072"]);
    assert_eq!(UserKey::import(&rsa, None).unwrap().key_type(), "rsa-3072");
}

#[test]
fn curves_and_types_that_ssh_does_not_have_are_named() {
    if !openssl_is_here() {
        return;
    }
    for (bytes, name) in [
        (
            made_by_openssl(&["ecparam", "-name", "secp256k1", "-genkey", "-noout"]),
            "1.3.132.0.10",
        ),
        (
            made_by_openssl(&["genpkey", "-algorithm", "x25519"]),
            "1.3.101.110",
        ),
        (
            made_by_openssl(&["genpkey", "-algorithm", "ed448"]),
            "1.3.101.113",
        ),
    ] {
        match refusal(&bytes, None) {
            KeyError::TypeRefused { algorithm, .. } => assert!(algorithm.contains(name), "{algorithm}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn dsa_of_openssl_is_refused() {
    if !openssl_is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    run("openssl", &folder, &["dsaparam", "-out", "parameters", "1024"]);
    let pkcs8 = run("openssl", &folder, &["gendsa", "parameters"]).stdout;
    refused_as(&pkcs8, "DSA");
    fs::write(folder.path().join("pkcs8"), &pkcs8).unwrap();
    let pem = run("openssl", &folder, &["dsa", "-in", "pkcs8"]).stdout;
    assert!(pem.starts_with(b"-----BEGIN"));
    refused_as(&pem, "DSA");
}

#[test]
fn dsa_of_old_ssh_is_refused() {
    refused_as(
        b"-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----\n",
        "DSA",
    );
    // OpenSSH's own format: made here, since OpenSSH 10 makes none.
    let number = |byte| ssh_key::Mpint::from_positive_bytes(&[byte; 20]);
    let public = ssh_key::public::DsaPublicKey::new(number(1), number(2), number(3), number(4)).unwrap();
    let private = ssh_key::private::DsaPrivateKey::new(number(5)).unwrap();
    let pair = ssh_key::private::DsaKeypair::new(public, private).unwrap();
    let key = PrivateKey::new(KeypairData::Dsa(pair), "old").unwrap();
    assert_eq!(weakness(key.public_key()), Some(Weakness::Dsa));
    refused_as(key.to_openssh(LineEnding::LF).unwrap().as_bytes(), "DSA");
}

#[test]
fn the_formats_of_putty_are_refused_by_version() {
    for (version, name) in [
        ("1", "PuTTY version 1"),
        ("2", "PuTTY version 2"),
        ("3", "PuTTY version 3"),
    ] {
        let file = format!(
            "PuTTY-User-Key-File-{version}: ssh-ed25519\r\nEncryption: none\r\nComment: c\r\nPublic-Lines: 2\r\n\
             AAAAC3NzaC1lZDI1NTE5AAAAIBm/RAlphM3+hUG6wWfcO5bIUIaqMLa2ywxcOK1wMWbh\r\nPrivate-Lines: 1\r\n"
        );
        refused_as(file.as_bytes(), name);
    }
}

#[test]
fn encrypted_pem_and_pkcs8_are_refused_and_the_named_command_makes_them_readable() {
    for (format, name) in [("PEM", "encrypted PEM"), ("PKCS8", "encrypted PKCS#8")] {
        let (private, public) = made_by_keygen(&["-t", "ecdsa", "-m", format], "correct horse");
        refused_as(&private, name);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("COPY");
        devctl_files::write_atomic(&file, &private, devctl_files::Mode::PRIVATE).unwrap();
        let passphrases = ["-P", "correct horse", "-N", "correct horse"];
        run(
            "ssh-keygen",
            &folder,
            &[&["-p", "-f", "COPY"][..], &passphrases].concat(),
        );
        let key = UserKey::import(&fs::read(file).unwrap(), Some(b"correct horse")).unwrap();
        same_key(&key, &public);
    }
}

#[test]
fn pkcs12_is_refused() {
    if !openssl_is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let subject = ["-subj", "/CN=x", "-keyout", "key", "-out", "certificate"];
    let arguments = ["req", "-x509", "-newkey", "ed25519", "-noenc"];
    run("openssl", &folder, &[&arguments[..], &subject].concat());
    let output = ["-out", "both", "-passout", "pass:x"];
    let input = ["pkcs12", "-export", "-inkey", "key", "-in", "certificate"];
    run("openssl", &folder, &[&input[..], &output].concat());
    refused_as(&fs::read(folder.path().join("both")).unwrap(), "PKCS#12");
    let certificate = fs::read(folder.path().join("certificate")).unwrap();
    assert!(matches!(
        refusal(&certificate, None),
        KeyError::NotAKey { why } if why.contains("X.509")
    ));
}

#[test]
fn binary_keys_are_refused() {
    if !openssl_is_here() {
        return;
    }
    for arguments in [
        &["genpkey", "-algorithm", "ed25519", "-outform", "DER"][..],
        &[
            "ecparam",
            "-name",
            "prime256v1",
            "-genkey",
            "-noout",
            "-outform",
            "DER",
        ],
    ] {
        refused_as(&made_by_openssl(arguments), "DER");
    }
}

#[test]
fn ssh_com_protocol_1_and_openpgp_keys_are_refused() {
    refused_as(
        b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: \"x\"\nP2/56wAAA\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\n",
        "SSH.COM",
    );
    refused_as(b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0\0\0\0\0", "SSH protocol 1");
    refused_as(
        b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ==\n-----END PGP PRIVATE KEY BLOCK-----\n",
        "OpenPGP",
    );
}

#[test]
fn the_handle_of_a_security_key_is_refused() {
    let public = ssh_key::public::SkEd25519::from(ssh_key::public::Ed25519PublicKey([7; 32]));
    let handle = ssh_key::private::SkEd25519::new(public, 1, vec![1, 2, 3]).unwrap();
    let key = PrivateKey::new(KeypairData::SkEd25519(handle), "token").unwrap();
    assert_eq!(key_type(key.public_key()), "sk-ed25519");
    refused_as(key.to_openssh(LineEnding::LF).unwrap().as_bytes(), "security key");
}

#[test]
fn what_is_no_private_key_is_told_apart() {
    let (_, public) = made_by_keygen(&["-t", "ed25519"], "");
    for (bytes, why) in [
        (&b""[..], "empty"),
        (public.as_bytes(), "public key"),
        (
            b"-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n",
            "public key",
        ),
        (b"hello", "not known"),
        (&[0x30, 0x82], "not known"),
        (&vec![b'x'; 300 * 1024], "too long"),
    ] {
        match refusal(bytes, None) {
            KeyError::NotAKey { why: said } => assert!(said.contains(why), "{said}"),
            other => panic!("{why}: {other:?}"),
        }
    }
}

#[test]
fn a_short_rsa_key_is_read_and_called_weak() {
    let (private, _) = made_by_keygen(&["-t", "rsa", "-b", "2048"], "");
    let key = UserKey::import(&private, None).unwrap();
    assert_eq!(
        weakness(key.public_key()),
        Some(Weakness::ShortRsa { bits: 2048 })
    );
}

#[test]
fn debug_shows_no_private_half() {
    for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::EcdsaP384] {
        let key = UserKey::generate(algorithm, "", keygen()).unwrap();
        let shown = format!("{key:?}");
        assert!(shown.contains("SHA256:") && shown.len() < 200, "{shown}");
    }
}

#[test]
fn an_empty_passphrase_encrypts_nothing() {
    let key = UserKey::generate(KeyAlgorithm::Ed25519, "", keygen()).unwrap();
    assert_eq!(
        key.to_openssh_encrypted(b"").unwrap_err().code(),
        "ssh.passphrase_empty"
    );
}

#[test]
fn a_number_outside_the_curve_is_no_key() {
    for curve in [EcdsaCurve::NistP256, EcdsaCurve::NistP384, EcdsaCurve::NistP521] {
        assert!(curve::pair(curve, &[]).is_none(), "zero");
        assert!(curve::pair(curve, &[0xff; 66]).is_none(), "too large");
        assert!(curve::pair(curve, &[0; 67]).is_none(), "too long");
        assert!(curve::pair(curve, &[1]).is_some());
    }
}

proptest! {
    #[test]
    fn damaged_files_are_an_error_and_never_a_panic(
        format in 0usize..4,
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = FILES.with(|files| files[format].clone());
        let place = place.index(bytes.len());
        if cut {
            bytes.truncate(place);
        } else {
            bytes[place] = byte;
        }
        // A changed comment or a changed character of the base64 may still be a key; it is then whole.
        if let Ok(key) = UserKey::import(&bytes, Some(b"x")) {
            prop_assert!(key.to_openssh_plain().is_ok());
        }
    }
}

thread_local! {
    static FILES: Vec<Vec<u8>> = vec![
        made_by_keygen(&["-t", "ed25519"], "").0,
        made_by_keygen(&["-t", "rsa", "-b", "1024", "-m", "PEM"], "").0,
        made_by_keygen(&["-t", "ecdsa", "-m", "PKCS8"], "").0,
        made_by_keygen(&["-t", "ecdsa", "-m", "PEM"], "").0,
    ];
}
