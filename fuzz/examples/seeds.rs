//! Writes the first inputs of each target into `corpus`, and into `genuine` what the targets hold their input against.
//! Run by hand when a form changes: `cargo run --example seeds` in the folder `fuzz`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use devctl_agent_protocol::{
    AgentConfig, AgentReport, Allow, HostPrivateKey, OwnReport, PROTOCOL_VERSION, ProbeReport, RefusalCode,
    RevocationList, SecretValue, SecretsDocument, encode_config,
};
use devctl_ssh::{Certificate, Suffix, read_trusted_authorities, render_known_hosts};
use ssh_key::PublicKey;

type Done = Result<(), Box<dyn Error>>;

fn main() -> Done {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let keys = tempfile::tempdir()?;
    genuine(&fuzz.join("genuine"), keys.path())?;
    let corpus = |target: &str| {
        let folder = fuzz.join("corpus").join(target);
        fs::create_dir_all(&folder)?;
        Ok::<_, std::io::Error>(Seeds(folder))
    };
    key_import(&corpus("key_import")?, keys.path())?;
    certificates(&corpus("certificate")?, &fuzz.join("genuine"), keys.path())?;
    lists(&corpus("krl")?, &fuzz.join("genuine"), keys.path())?;
    vaults(&corpus("vault_header")?, &fuzz.join("genuine"))?;
    known_hosts(&corpus("known_hosts")?, keys.path())?;
    ssh_configs(&corpus("ssh_config")?)?;
    protocol(&corpus("agent_protocol")?)?;
    configurations(&corpus("devcontainer_json")?)
}

/// The folder of a target.
struct Seeds(PathBuf);

impl Seeds {
    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> Done {
        Ok(fs::write(self.0.join(name), content)?)
    }
}

fn ssh_keygen(folder: &Path, arguments: &[&str]) -> Done {
    let output = Command::new("ssh-keygen")
        .current_dir(folder)
        .args(arguments)
        .output()?;
    if !output.status.success() {
        return Err(format!(
            "ssh-keygen {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    Ok(())
}

fn generate(folder: &Path, name: &str, arguments: &[&str]) -> Done {
    let fixed = ["-q", "-N", "", "-C", "ann@laptop", "-f", name];
    ssh_keygen(folder, &[&fixed, arguments].concat())
}

/// What the targets hold their input against.
fn genuine(folder: &Path, keys: &Path) -> Done {
    for name in ["authority", "user"] {
        generate(keys, name, &["-t", "ed25519"])?;
    }
    let options = [
        "-V",
        "20200101:21000101",
        "-O",
        "force-command=id",
        "-O",
        "source-address=10.0.0.0/8",
    ];
    let who = ["-s", "authority", "-I", "dev/7", "-n", "ct-web", "-z", "7"];
    ssh_keygen(keys, &[&who[..], &options, &["user.pub"]].concat())?;
    for name in ["authority.pub", "user.pub", "user-cert.pub"] {
        fs::copy(keys.join(name), folder.join(name))?;
    }
    let authority = PublicKey::from_openssh(&fs::read_to_string(keys.join("authority.pub"))?)?;
    let user = PublicKey::from_openssh(&fs::read_to_string(keys.join("user.pub"))?)?;
    let mut list = devctl_krl::RevocationList::new(3, devctl_fuzz::NOW);
    list.revoke_serials(&authority, 4..=9)?;
    list.revoke_serials(&authority, 70..=70)?;
    list.revoke_key_id(&authority, "dev/7")?;
    list.revoke_key(&user)?;
    list.revoke_sha256([4; 32]);
    fs::write(folder.join("list.krl"), list.to_bytes())?;
    let entries = [("ca/user", &b"a secret"[..]), ("secret/TOKEN", b"another")];
    fs::write(folder.join("vault"), devctl_secrets::fuzz::seal(&entries)?)?;
    Ok(())
}

fn key_import(seeds: &Seeds, keys: &Path) -> Done {
    for (name, arguments) in [
        ("ed25519", &["-t", "ed25519"][..]),
        ("p256", &["-t", "ecdsa", "-b", "256"]),
        ("p384", &["-t", "ecdsa", "-b", "384"]),
        ("p521", &["-t", "ecdsa", "-b", "521"]),
        ("rsa", &["-t", "rsa", "-b", "1024"]),
        ("p256-pem", &["-t", "ecdsa", "-b", "256", "-m", "PEM"]),
        ("p256-pkcs8", &["-t", "ecdsa", "-b", "256", "-m", "PKCS8"]),
        ("rsa-pem", &["-t", "rsa", "-b", "1024", "-m", "PEM"]),
        ("rsa-pkcs8", &["-t", "rsa", "-b", "1024", "-m", "PKCS8"]),
        ("encrypted", &["-t", "ed25519", "-a", "1", "-N", "words"]),
    ] {
        generate(keys, name, arguments)?;
        seeds.put(name, fs::read(keys.join(name))?)?;
    }
    // The first example of RFC 8410, and beginnings that are refused by name.
    seeds.put(
        "ed25519-pkcs8",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
         -----END PRIVATE KEY-----\n",
    )?;
    seeds.put("putty", "PuTTY-User-Key-File-3: ssh-ed25519\r\n")?;
    seeds.put("pkcs12", [0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x03, 0x30])
}

fn certificates(seeds: &Seeds, genuine: &Path, keys: &Path) -> Done {
    let line = fs::read_to_string(keys.join("user-cert.pub"))?;
    seeds.put("user", Certificate::from_openssh(&line)?.to_bytes()?)?;
    seeds.put("user-line", line)?;
    let host = [
        "-s",
        "authority",
        "-I",
        "an id",
        "-h",
        "-n",
        "web.devctl",
        "-V",
        "20200101:21000101",
        "p256.pub",
    ];
    ssh_keygen(keys, &host)?;
    let host = Certificate::from_openssh(&fs::read_to_string(keys.join("p256-cert.pub"))?)?.to_bytes()?;
    fs::write(genuine.join("host-cert"), &host)?;
    seeds.put("host", host)?;
    // By authorities that are not trusted: what the trusted one signed is genuine.
    for (name, signer, kind) in [
        ("p521", "p384", &["-n", "ct-web,ct-api", "-O", "clear"][..]),
        ("rsa", "p384", &["-n", "ct-web", "-O", "no-pty"]),
        (
            "ed25519",
            "p256",
            &["-n", "ct-web", "-O", "critical:later@example=1"],
        ),
    ] {
        let file = format!("{name}.pub");
        ssh_keygen(keys, &[&["-s", signer, "-I", "an id"], kind, &[&file]].concat())?;
        let line = fs::read_to_string(keys.join(format!("{name}-cert.pub")))?;
        seeds.put(name, Certificate::from_openssh(&line)?.to_bytes()?)?;
    }
    Ok(())
}

fn lists(seeds: &Seeds, genuine: &Path, keys: &Path) -> Done {
    seeds.put("ours", fs::read(genuine.join("list.krl"))?)?;
    seeds.put("empty", devctl_krl::RevocationList::new(1, 1).to_bytes())?;
    let specifications =
        "serial: 1\nserial: 5-900\nserial: 2000-2001\nserial: 2003\nserial: 2005\nid: dev/7\n";
    fs::write(keys.join("numbers"), specifications)?;
    let hashes = format!(
        "sha1: {0}\nsha256: {0}\nkey: {0}\n",
        fs::read_to_string(keys.join("p256.pub"))?.trim_end()
    );
    fs::write(keys.join("hashes"), hashes)?;
    ssh_keygen(
        keys,
        &[
            "-k",
            "-f",
            "of-ssh-keygen",
            "-s",
            "authority.pub",
            "-z",
            "9",
            "numbers",
        ],
    )?;
    ssh_keygen(keys, &["-k", "-f", "hashes.krl", "hashes", "ed25519.pub"])?;
    seeds.put("numbers", fs::read(keys.join("of-ssh-keygen"))?)?;
    seeds.put("hashes", fs::read(keys.join("hashes.krl"))?)?;
    seeds.put(
        "wishes",
        b"WISHES\x00\0\0\0\0\0\0\0\x05\0\x03\x01\0\0\0\0\0\0\0\x09\x01\0\x02some id 10\x03",
    )?;
    seeds.put("change", b"CHANGE\x00\x40\x01")
}

fn vaults(seeds: &Seeds, genuine: &Path) -> Done {
    let vault = fs::read(genuine.join("vault"))?;
    seeds.put("cut", &vault[..200])?;
    seeds.put("whole", vault)?;
    let entry = |name: &str| [&[0, name.len() as u8], name.as_bytes(), &[0; 12], &[7; 24]].concat();
    let index = [&b"INDEX\0\0\0\x02"[..], &entry("ca/user"), &entry("ü")].concat();
    seeds.put("index", index)
}

fn known_hosts(seeds: &Seeds, keys: &Path) -> Done {
    let line = |name: &str| fs::read_to_string(keys.join(format!("{name}.pub")));
    let several = [line("authority")?, "\n".to_owned(), line("p256")?].concat();
    seeds.put("authorities", &several)?;
    seeds.put(
        "curves",
        [line("p384")?, line("p521")?, line("rsa")?]
            .concat()
            .replace('\n', "\r\n"),
    )?;
    fs::write(keys.join("authorities"), several)?;
    let trusted = read_trusted_authorities(&keys.join("authorities"))?;
    seeds.put("known-hosts", render_known_hosts(&Suffix::default(), &trusted)?)?;
    seeds.put("options", format!("command=\"id\",no-pty {}", line("user")?))?;
    seeds.put(
        "security-key",
        "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gAAAABHNzaDo= ann\n",
    )
}

fn ssh_configs(seeds: &Seeds) -> Done {
    for (name, text) in [
        (
            "hosts",
            "Host web *.box !no.box\n  Port 7\n  IdentityFile \"~/a b\"\nHost *\n  User=ann\n",
        ),
        (
            "match",
            "Match originalhost web exec \"true\"\n  ProxyCommand nc %h %p # no comment\nMatch all\n  Port 9\n",
        ),
        (
            "include",
            "Include config\nInclude \"devctl/con*\" 'c d'\r\nHost [web\n\tPort\t7\r\n\u{feff}Host x\n",
        ),
        ("ours", "Include devctl/config\nHost *\n  Include devctl/config\n"),
        (
            "ours-in-block",
            "Host web.devctl\nUser eve\nInclude \"devctl/config\"\nMatch final host web\n Port 2",
        ),
        (
            "devpod",
            "# DevPod Start web.devpod\nHost web.devpod\n  ForwardAgent yes\n# DevPod End web.devpod\n",
        ),
        (
            "coder",
            "# ------------START-CODER-----------\nHost coder.*\n# ------------END-CODER------------\n",
        ),
        ("utf16", "\u{feff}H\0o\0s\0t\0 \0a\0"),
        ("nothing", ""),
    ] {
        seeds.put(name, text)?;
    }
    Ok(())
}

fn protocol(seeds: &Seeds) -> Done {
    let config = AgentConfig {
        protocol: PROTOCOL_VERSION,
        host_private_key: HostPrivateKey::new("-----BEGIN OPENSSH PRIVATE KEY-----".to_owned()),
        host_certificate: "ssh-ed25519-cert-v01@openssh.com AAAA".to_owned(),
        user_authorities: vec!["ssh-ed25519 AAAA".to_owned()],
        revocation_list: RevocationList::new(vec![1, 2, 3]),
        accepted_principals: BTreeMap::from([("dev".to_owned(), vec!["owner-1".to_owned()])]),
        environment: BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]),
        unset_environment: vec!["X".to_owned()],
        working_directory: Some("/w".to_owned()),
        user: "dev".to_owned(),
        banner: None,
        allow: Allow::ALL,
    };
    let frame = encode_config(&config)?;
    seeds.put("config", [frame.as_slice(), b"SSH-2.0-x\r\n"].concat())?;
    let refused = AgentReport::LoginRefused {
        user: "a\nb".into(),
        code: RefusalCode::NotValidNow,
        reason: "ended \"yesterday\"".into(),
        serial: Some(u64::MAX),
        key_id: Some("k".into()),
        fingerprint: None,
    };
    seeds.put("refused", refused.to_line()?)?;
    let warning = AgentReport::Warning {
        message: "a \"message\"".to_owned(),
    };
    seeds.put("warning", warning.to_line()?)?;
    let secrets = SecretsDocument {
        environment: BTreeMap::from([("TOKEN".to_owned(), SecretValue::new(vec![b'x'; 40]))]),
        files: BTreeMap::from([("KEY".to_owned(), SecretValue::new(vec![0, 255, 10]))]),
    };
    seeds.put("secrets", serde_json::to_vec(&secrets)?)?;
    let probe = ProbeReport {
        environment: BTreeMap::from([("LANG".to_owned(), "C".to_owned())]),
        home: "/root".into(),
        shell: "/bin/sh".into(),
        uid: 0,
        gid: 0,
        user: "root".into(),
        timed_out: false,
        warnings: vec!["late".into()],
    };
    seeds.put("probe", serde_json::to_vec(&probe)?)?;
    seeds.put("own", serde_json::to_vec(&OwnReport::default())?)
}

fn configurations(seeds: &Seeds) -> Done {
    for (name, text) in [
        (
            "image",
            "{ // a comment\n \"image\": \"debian\", \"remoteUser\": \"dev\", }",
        ),
        (
            "build",
            r#"{"build":{"dockerfile":"Dockerfile","args":{"A":"${localEnv:A:x}"},"options":["--pull"]}}"#,
        ),
        (
            "compose",
            r#"{"dockerComposeFile":["a.yml"],"service":"web","workspaceFolder":"/w"}"#,
        ),
        (
            "much",
            r#"{"image":"x","runArgs":["--cap-add=SYS_PTRACE","-p","80:80/udp","--gpus","all"],"mounts":["source=${devcontainerId},target=/a,type=volume",{"type":"bind","source":"/b","target":"/c"}],"forwardPorts":[80,"db:1"],"portsAttributes":{"80":{"label":"web"}},"postCreateCommand":{"a":["b","c"],"d":"e"},"hostRequirements":{"cpus":2,"memory":"4gb","gpu":"optional"},"containerEnv":{"B":"${containerEnv:B}"},"customizations":{"vscode":{"extensions":["a.b"]}},"shutdownAction":"none","userEnvProbe":"loginShell","workspaceMount":"source=/w,target=/x,type=bind","workspaceFolder":"/x"}"#,
        ),
        (
            "label",
            "{\"image\":\"x\"}\n----\n[{\"id\":\"f\",\"entrypoint\":\"/e\",\"privileged\":true},{\"remoteEnv\":{\"A\":null},\"mounts\":[{\"target\":\"/m\"}]}]",
        ),
        (
            "secrets",
            r#"{"image":"x","secrets":{"TOKEN":{"description":"d","documentationUrl":"https://e"}}}"#,
        ),
        (
            "features",
            r#"{"image":"x","features":{"ghcr.io/devcontainers/features/git:1":{}}}"#,
        ),
    ] {
        seeds.put(name, text)?;
    }
    Ok(())
}
