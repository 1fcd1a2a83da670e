//! Fakes, fixtures and the real-engine harness of the tests.
