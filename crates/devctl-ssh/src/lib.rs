//! SSH keys, authorities, certificates, revocation lists, ssh_config and known_hosts files.
