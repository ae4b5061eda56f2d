//! How often somebody may ask. The key is the session or API key where there is a valid one, else the address, so that
//! neither a flood of invented cookies nor a shared office address spoils it for others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use aplomb_model::{Code, Error, Id, Result, Timestamp};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;

use crate::Limits;

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// of a session or an API key
    Known(Id),
    Address(IpAddr),
}

/// All counters. An absent one never refuses.
pub struct Rates {
    requests: Option<DefaultKeyedRateLimiter<Caller>>,
    /// wrong secrets a minute that are let through; 0: any number
    wrong_per_minute: u32,
    wrong: Mutex<HashMap<IpAddr, Wrong>>,
    clock: DefaultClock,
}

/// Failed log-ins of one address in the minute that began at `since`.
struct Wrong {
    since: Timestamp,
    count: u32,
}

const MINUTE: i64 = 60_000_000;

impl Rates {
    pub fn new(limits: &Limits) -> Rates {
        let requests = NonZeroU32::new(limits.requests_per_second).map(|rate| {
            let burst = NonZeroU32::new(limits.requests_burst).unwrap_or(rate);
            RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst))
        });
        let wrong_per_minute = limits.logins_per_minute;
        Rates { requests, wrong_per_minute, wrong: Mutex::default(), clock: DefaultClock::default() }
    }

    /// Counts one request. Errors: `too_many_requests` with the time to wait.
    pub fn request(&self, caller: Caller) -> Result<()> {
        let Some(limiter) = &self.requests else { return Ok(()) };
        limiter.check_key(&caller).map_err(|until| too_many(until.wait_time_from(self.clock.now())))
    }

    /// Errors: `too_many_requests` when an address has sent too many wrong passwords or codes within a minute.
    pub fn may_log_in(&self, address: IpAddr, now: Timestamp) -> Result<()> {
        let wrong = self.wrong.lock();
        let Some(entry) = wrong.get(&network(address)) else { return Ok(()) };
        let left = MINUTE - (now.micros() - entry.since.micros());
        match self.wrong_per_minute > 0 && entry.count >= self.wrong_per_minute && left > 0 {
            true => Err(too_many(Duration::from_micros(left.unsigned_abs()))),
            false => Ok(()),
        }
    }

    /// Counts a wrong password, set-up code or unseal secret.
    pub fn wrong_log_in(&self, address: IpAddr, now: Timestamp) {
        let mut wrong = self.wrong.lock();
        let entry = wrong.entry(network(address)).or_insert(Wrong { since: now, count: 0 });
        if now.micros() - entry.since.micros() >= MINUTE {
            *entry = Wrong { since: now, count: 0 };
        }
        entry.count += 1;
    }

    /// Forgets callers that have been quiet; called now and then, because the tables only grow otherwise.
    pub fn forget_quiet(&self, now: Timestamp) {
        if let Some(limiter) = &self.requests {
            limiter.retain_recent();
        }
        self.wrong.lock().retain(|_, entry| now.micros() - entry.since.micros() < MINUTE);
    }
}

/// An IPv6 customer owns at least a /64: all of it counts as one address.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

fn too_many(wait: Duration) -> Error {
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    let mut error = Error::new(Code::TooManyRequests, format!("try again in {seconds} s"));
    error.retry_after_seconds = Some(seconds);
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_burst_passes_and_the_next_is_told_to_wait() {
        let limits = Limits { requests_per_second: 1, requests_burst: 3, logins_per_minute: 2, ..Limits::default() };
        let rates = Rates::new(&limits);
        let (one, other) = (Caller::Address(address("192.0.2.1")), Caller::Known(Id::from_u128(1)));
        for _ in 0..3 {
            rates.request(one).unwrap();
        }
        let error = rates.request(one).unwrap_err();
        assert_eq!(error.code, Code::TooManyRequests);
        assert!(error.retry_after_seconds.is_some_and(|s| (1..=2).contains(&s)));
        rates.request(other).unwrap();
    }

    #[test]
    fn wrong_passwords_lock_an_address_for_the_rest_of_the_minute() {
        let rates = Rates::new(&Limits { logins_per_minute: 2, ..Limits::default() });
        let start = Timestamp::from_seconds(1_000);
        for at in 0..2 {
            rates.may_log_in(address("2001:db8::1"), start.plus_seconds(at)).unwrap();
            rates.wrong_log_in(address("2001:db8::2"), start.plus_seconds(at));
        }
        let error = rates.may_log_in(address("2001:db8::3"), start.plus_seconds(20)).unwrap_err();
        assert_eq!(error.retry_after_seconds, Some(41), "one /64 is one address");
        assert!(rates.may_log_in(address("2001:db8:0:1::1"), start.plus_seconds(20)).is_ok());
        assert!(rates.may_log_in(address("2001:db8::3"), start.plus_seconds(61)).is_ok());
    }

    #[test]
    fn zero_turns_a_limit_off() {
        let rates = Rates::new(&Limits { requests_per_second: 0, logins_per_minute: 0, ..Limits::default() });
        for _ in 0..10_000 {
            rates.request(Caller::Address(address("192.0.2.1"))).unwrap();
            rates.wrong_log_in(address("192.0.2.1"), Timestamp::from_seconds(1));
            rates.may_log_in(address("192.0.2.1"), Timestamp::from_seconds(1)).unwrap();
        }
    }
}
