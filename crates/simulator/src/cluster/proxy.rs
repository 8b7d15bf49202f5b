//! A proxy: forwards each index once, in order, and remembers what came through.

use papo_core::chat::Delivery;
use papo_core::log::Index;

#[derive(Debug, Default)]
pub struct Proxy {
    last: Index,
    pub forwarded: Vec<Index>,
    /// What came with an index that does not grow.
    pub repeated: usize,
}

impl Proxy {
    /// Takes a publication; whether it is forwarded.
    pub fn take(&mut self, delivery: &Delivery) -> bool {
        let index = delivery.said.index;
        let grows = index > self.last;
        if grows {
            self.last = index;
            self.forwarded.push(index);
        } else {
            self.repeated += 1;
        }
        grows
    }
}
