//! Container engines: the Engine trait; Docker and Podman through bollard.
