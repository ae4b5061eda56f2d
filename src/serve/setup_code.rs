//! The code that the console prints at the first run: it proves that whoever fills in the wizard can see the machine.

use aplomb_crm::Random;
use aplomb_model::{Code, Error, Result, Timestamp};
use sha2::{Digest, Sha256};

use crate::edge;

const TRIES: u32 = 5;
const LOCK_SECONDS: i64 = 60;

pub struct SetupCode {
    code: String,
    wrong: u32,
    locked_until: Option<Timestamp>,
}

impl SetupCode {
    pub fn new(random: &Random) -> SetupCode {
        SetupCode { code: edge::code(random, 2), wrong: 0, locked_until: None }
    }

    /// For the console, nowhere else.
    pub fn show(&self) -> &str {
        &self.code
    }

    /// Errors: `invalid` for a wrong code; `too_many_requests` for a minute after five of them.
    pub fn check(&mut self, given: &str, now: Timestamp) -> Result<()> {
        if let Some(until) = self.locked_until.filter(|until| *until > now) {
            let seconds = (until.micros() - now.micros()).div_euclid(1_000_000) + 1;
            let mut error = Error::new(Code::TooManyRequests, "too many wrong set-up codes; wait a minute");
            error.retry_after_seconds = Some(u32::try_from(seconds).unwrap_or(60));
            return Err(error);
        }
        if same(&plain(given), &plain(&self.code)) {
            self.wrong = 0;
            return Ok(());
        }
        self.wrong += 1;
        if self.wrong >= TRIES {
            (self.wrong, self.locked_until) = (0, Some(now.plus_seconds(LOCK_SECONDS)));
        }
        Err(Error::field("code", "wrong", "not the set-up code that the console shows"))
    }
}

/// Case, dashes and blanks do not count.
fn plain(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Compares secrets without telling by the time taken how much of them is equal.
pub fn same(a: &str, b: &str) -> bool {
    Sha256::digest(a.as_bytes()) == Sha256::digest(b.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_wrong_codes_lock_for_a_minute() {
        let mut gate = SetupCode::new(&Random::seeded(1));
        let right = gate.show().to_uppercase().replace('-', " ");
        let start = Timestamp::from_seconds(1_000);
        for _ in 0..TRIES {
            assert_eq!(gate.check("wrong", start).unwrap_err().code, Code::Invalid);
        }
        let locked = gate.check(&right, start.plus_seconds(10)).unwrap_err();
        assert_eq!((locked.code, locked.retry_after_seconds), (Code::TooManyRequests, Some(51)));
        assert!(gate.check(&right, start.plus_seconds(60)).is_ok());
    }
}
