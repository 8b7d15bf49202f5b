//! Every message that crosses a socket, as types.
