//! devcontainer.json: read, substitute, merge, plan. Pure.
