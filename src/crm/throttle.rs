//! Slows down guessing of passwords, per e-mail address and per network address. In memory: a restart forgives.

use std::collections::HashMap;

use aplomb_model::{Code, Error, Result, Timestamp, fold};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// Failures that cost nothing.
const FREE: u32 = 5;
/// The same from one network address, behind which there may be an office.
const FREE_PER_ADDRESS: u32 = 30;
const LONGEST_SECONDS: u32 = 900;
const FORGET_SECONDS: i64 = 3_600;
const MOST_ENTRIES: usize = 50_000;

/// Keys are hashes: what was typed is not kept.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<[u8; 32], Failures>>);

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl Throttle {
    /// `TooManyRequests` with the seconds to wait.
    pub fn check(&self, now: Timestamp, email: &str, address: &str) -> Result<()> {
        let table = self.0.lock();
        let wait = |key: [u8; 32], free: u32| {
            let failures = table.get(&key)?;
            let over = failures.count.checked_sub(free)?;
            let pause = 2u32.saturating_pow(over.min(20)).min(LONGEST_SECONDS);
            let passed = now.seconds().saturating_sub(failures.last.seconds());
            u32::try_from(i64::from(pause) - passed).ok().filter(|s| *s > 0)
        };
        let seconds = wait(email_key(email), FREE).max(wait(address_key(address), FREE_PER_ADDRESS));
        let Some(seconds) = seconds else { return Ok(()) };
        let error =
            Error::new(Code::TooManyRequests, format!("too many failed log-ins; try again in {seconds} seconds"));
        Err(Error { retry_after_seconds: Some(seconds), ..error })
    }

    pub fn failed(&self, now: Timestamp, email: &str, address: &str) {
        let mut table = self.0.lock();
        if table.len() >= MOST_ENTRIES {
            table.retain(|_, f| now.seconds() - f.last.seconds() < FORGET_SECONDS);
        }
        for key in [email_key(email), address_key(address)] {
            let entry = table.entry(key).or_insert(Failures { count: 0, last: now });
            if now.seconds() - entry.last.seconds() >= FORGET_SECONDS {
                entry.count = 0;
            }
            *entry = Failures { count: entry.count.saturating_add(1), last: now };
        }
    }

    pub fn succeeded(&self, email: &str) {
        self.0.lock().remove(&email_key(email));
    }
}

fn email_key(email: &str) -> [u8; 32] {
    Sha256::new().chain_update(b"e").chain_update(fold(email.trim())).finalize().into()
}

fn address_key(address: &str) -> [u8; 32] {
    Sha256::new().chain_update(b"a").chain_update(address).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_cost_more_and_more_and_are_forgiven() {
        let throttle = Throttle::default();
        let at = Timestamp::from_seconds;
        for _ in 0..FREE {
            assert_eq!(throttle.check(at(0), "a@x.org", "1.1.1.1"), Ok(()));
            throttle.failed(at(0), "a@x.org", "1.1.1.1");
        }
        let waits: Vec<_> = (0..4)
            .map(|_| {
                let error = throttle.check(at(0), "A@x.org ", "2.2.2.2").unwrap_err();
                throttle.failed(at(0), "a@x.org", "1.1.1.1");
                error.retry_after_seconds
            })
            .collect();
        assert_eq!(waits, [Some(1), Some(2), Some(4), Some(8)]);
        assert_eq!(throttle.check(at(0), "b@x.org", "1.1.1.1"), Ok(()));
        assert_eq!(throttle.check(at(100), "a@x.org", "1.1.1.1"), Ok(()));
        throttle.succeeded("a@x.org");
        assert_eq!(throttle.check(at(0), "a@x.org", "1.1.1.1"), Ok(()));
    }
}
