//! What the referencia decides, apart from its socket: so that the simulator can ask it, too.

pub mod registry;
