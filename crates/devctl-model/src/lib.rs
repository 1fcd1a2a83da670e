//! Nouns of the product, ids and error codes: plain data, no I/O.
