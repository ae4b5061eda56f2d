//! Passwords: Argon2id, at most two at once because each takes megabytes, and a check that they cannot be guessed.

use aplomb_model::{Error, FieldError, Id, Result};
use aplomb_store::{Op, View};
use argon2::{Algorithm, Argon2, Params, Version};
use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::Random;
use crate::errors::{OrInternal, OrStore};

/// Documents: the hash of a user's password, by his id.
const PASSWORD: &str = "password";
const AT_ONCE: usize = 2;
const MIN_LENGTH: usize = 8;
const MAX_LENGTH: usize = 200;
const PASSES: u32 = 2;

pub(crate) struct Passwords {
    memory_kib: u32,
    running: Mutex<usize>,
    free: Condvar,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; 16],
    hash: [u8; 32],
}

impl Passwords {
    pub fn new(memory_kib: u32) -> Passwords {
        Passwords { memory_kib, running: Mutex::new(0), free: Condvar::new() }
    }

    /// The document to be written for a new password.
    pub fn set(&self, user: Id, password: &str, random: &Random) -> Result<Op> {
        let mut stored =
            Stored { memory_kib: self.memory_kib, passes: PASSES, lanes: 1, salt: random.bytes(), hash: [0; 32] };
        stored.hash = self.hash(password, &stored)?;
        let value = serde_json::to_vec(&stored).or_internal("the password's hash")?;
        Ok(Op::Doc { kind: PASSWORD, key: user.as_bytes().to_vec(), value: Some(value), logged: false })
    }

    /// Takes as long for somebody who is not there as for a wrong password.
    pub fn verify(&self, view: &View, user: Option<Id>, password: &str) -> Result<bool> {
        let bytes = match user {
            Some(user) => view.doc(PASSWORD, user.as_bytes()).or_store()?,
            None => None,
        };
        let nobody = Stored { memory_kib: self.memory_kib, passes: PASSES, lanes: 1, salt: [0; 16], hash: [0; 32] };
        let known = bytes.is_some();
        let stored = match bytes {
            Some(bytes) => serde_json::from_slice(&bytes).or_internal("the password's hash")?,
            None => nobody,
        };
        if password.len() > 4 * MAX_LENGTH {
            return Ok(false);
        }
        let hash = self.hash(password, &stored)?;
        Ok(known && bool::from(hash.ct_eq(&stored.hash)))
    }

    fn hash(&self, password: &str, with: &Stored) -> Result<[u8; 32]> {
        let params =
            Params::new(with.memory_kib, with.passes, with.lanes, Some(32)).or_internal("the password's cost")?;
        let _turn = self.turn();
        let mut hash = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password.as_bytes(), &with.salt, &mut hash)
            .or_internal("the password")?;
        Ok(hash)
    }

    fn turn(&self) -> Turn<'_> {
        let mut running = self.running.lock();
        while *running >= AT_ONCE {
            self.free.wait(&mut running);
        }
        *running += 1;
        Turn(self)
    }
}

struct Turn<'a>(&'a Passwords);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.running.lock() -= 1;
        self.0.free.notify_one();
    }
}

/// Refuses what is short or guessed within about 10^8 tries (zxcvbn score below 3). `about`: name, e-mail, organisation.
pub(crate) fn check_strength(password: &str, about: &[&str]) -> Result<()> {
    let refuse = |detail: &str| Err(Error::invalid(vec![FieldError::new("password", "weak", detail)]));
    let length = password.chars().count();
    if length < MIN_LENGTH {
        return refuse("must have at least 8 characters");
    }
    if length > MAX_LENGTH {
        return refuse("must have at most 200 characters");
    }
    let start: String = password.chars().take(100).collect();
    let mut inputs: Vec<&str> = about.iter().flat_map(|a| a.split(['@', '.', ' '])).filter(|w| w.len() > 2).collect();
    inputs.extend(about);
    inputs.push("aplomb");
    if zxcvbn::zxcvbn(&start, &inputs).score() < zxcvbn::Score::Three {
        return refuse("is too easy to guess; use a few unrelated words or a longer one");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_refused() {
        for weak in ["", "short", "password", "12345678", "aplomb123", "ada@example.com", "qwertz123"] {
            assert!(check_strength(weak, &["Ada", "ada@example.com"]).is_err(), "{weak}");
        }
        for good in ["correct horse battery staple 42", "vK9#qL2!mZ7p", "quiet-lantern-orbit-37"] {
            assert_eq!(check_strength(good, &["Ada"]), Ok(()), "{good}");
        }
    }
}
