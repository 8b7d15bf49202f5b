//! What the chat promises.
