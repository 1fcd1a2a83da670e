//! The use cases: one list of operations, jobs, the event bus, reconciliation.
