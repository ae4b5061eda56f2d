//! Time and chance as a test wants them.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use aplomb_model::{Id, Timestamp};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct Clock(AtomicI64);

impl Clock {
    /// Noon of 1 March 2026.
    pub fn new() -> Clock {
        Clock::at(Timestamp::from_seconds(1_772_366_400))
    }

    pub fn at(now: Timestamp) -> Clock {
        Clock(AtomicI64::new(now.micros()))
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }

    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::Relaxed);
    }

    /// Moves it forward and tells the new time.
    pub fn advance(&self, seconds: i64) -> Timestamp {
        let by = seconds * 1_000_000;
        Timestamp::from_micros(self.0.fetch_add(by, Ordering::Relaxed) + by)
    }
}

impl Default for Clock {
    fn default() -> Clock {
        Clock::new()
    }
}

/// Chance that is the same in every run: SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub struct Random(AtomicU64);

impl Random {
    pub fn seeded(seed: u64) -> Random {
        Random(AtomicU64::new(seed))
    }

    pub fn next_u64(&self) -> u64 {
        const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `n - 1`; 0 when `n` is 0.
    pub fn below(&self, n: u64) -> u64 {
        self.next_u64().checked_rem(n).unwrap_or(0)
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
        out
    }

    pub fn id(&self, at: Timestamp) -> Id {
        Id::new(at, self.bytes())
    }

    pub fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}
