use std::collections::{HashSet, VecDeque};

use crate::RequestId;

/// How many ids are remembered. One that is forgotten only makes an own message look like somebody else's.
const CAPACITY: usize = 4096;

/// The latest request ids of a session, bounded.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    ids: HashSet<RequestId>,
    order: VecDeque<RequestId>,
}

impl Recent {
    pub(crate) fn insert(&mut self, id: RequestId) {
        if !self.ids.insert(id.clone()) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > CAPACITY
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }

    /// The id, if it is one of them.
    pub(crate) fn find(&self, id: &str) -> Option<RequestId> {
        self.ids.get(id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_id_is_forgotten_first() {
        let mut recent = Recent::default();
        let id = |n: usize| RequestId::from(n.to_string().as_str());
        for n in 0..=CAPACITY {
            recent.insert(id(n));
        }
        assert_eq!(recent.find("0"), None);
        assert_eq!(recent.find("1"), Some(id(1)));
    }
}
