//! The log of record of one installation: events, consents, names, serials (SQLite).
