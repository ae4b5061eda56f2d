//! Plaintext of sealed files that was lately read, bounded in bytes. Short ranges live in whole chunks,
//! long ones as they were asked for; each kind has its own bound, so that a scan of long columns does not
//! drive out the chunks that every search needs.

use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;

/// A range of one opened file: the opening's number, first byte, end.
pub(crate) type Key = (u64, u64, u64);

/// What an entry costs beside its bytes, roughly.
const OVERHEAD: usize = 128;

pub(crate) struct Lru {
    limit: usize,
    state: Mutex<State>,
}

struct State {
    entries: LruCache<Key, Arc<[u8]>>,
    used: usize,
}

impl Lru {
    pub(crate) fn new(limit: usize) -> Lru {
        Lru { limit, state: Mutex::new(State { entries: LruCache::unbounded(), used: 0 }) }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<[u8]>> {
        self.state.lock().entries.get(key).cloned()
    }

    /// Keeps `bytes`, forgetting what was not used for longest; bytes over the whole limit are not kept.
    pub(crate) fn put(&self, key: Key, bytes: Arc<[u8]>) {
        let cost = bytes.len() + OVERHEAD;
        if cost > self.limit {
            return;
        }
        let mut dropped = Vec::new();
        let mut state = self.state.lock();
        if let Some(old) = state.entries.put(key, bytes) {
            state.used -= old.len() + OVERHEAD;
            dropped.push(old);
        }
        state.used += cost;
        while state.used > self.limit {
            let Some((_, old)) = state.entries.pop_lru() else { break };
            state.used -= old.len() + OVERHEAD;
            dropped.push(old);
        }
        // Freeing megabytes must not make other readers wait.
        drop(state);
    }

    /// Forgets everything of one opened file.
    pub(crate) fn evict(&self, file: u64) {
        let mut state = self.state.lock();
        let keys: Vec<Key> = state.entries.iter().map(|(key, _)| *key).filter(|key| key.0 == file).collect();
        for key in keys {
            if let Some(old) = state.entries.pop(&key) {
                state.used -= old.len() + OVERHEAD;
            }
        }
    }

    pub(crate) fn used(&self) -> usize {
        self.state.lock().used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(len: usize) -> Arc<[u8]> {
        vec![0; len].into()
    }

    #[test]
    fn keeps_within_its_limit_and_forgets_the_oldest() {
        let lru = Lru::new(3 * (100 + OVERHEAD));
        for n in 0..3 {
            lru.put((n, 0, 100), bytes(100));
        }
        assert!(lru.get(&(0, 0, 100)).is_some());
        lru.put((3, 0, 100), bytes(100));
        assert!(lru.get(&(0, 0, 100)).is_some(), "used lately");
        assert!(lru.get(&(1, 0, 100)).is_none(), "oldest");
        lru.put((3, 0, 100), bytes(100));
        assert_eq!(lru.used(), 3 * (100 + OVERHEAD));
        lru.put((4, 0, 1000), bytes(1000));
        assert!(lru.get(&(4, 0, 1000)).is_none(), "larger than everything");
        for n in 0..4 {
            lru.evict(n);
        }
        assert_eq!(lru.used(), 0);
    }
}
