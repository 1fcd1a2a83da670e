//! The secret vault: one master key in the OS keychain, everything else in an encrypted file.
