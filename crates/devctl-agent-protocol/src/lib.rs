//! What the proxy and the agent say to each other before SSH begins.
