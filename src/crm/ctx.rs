//! What every use case is given: who asks, when, with what randomness, and why.

use std::fmt;
use std::sync::Arc;

use aplomb_access::Actor;
use aplomb_model::{Id, Timestamp};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    pub actor: Arc<Actor>,
    pub now: Timestamp,
    pub random: Random,
    /// id of the request, for the audit
    pub request: String,
    /// what the caller says he does it for, e.g. `import:<id>`; `api` when missing
    pub reason: Option<String>,
    /// seconds east of UTC of the caller's zone now
    pub offset: i32,
}

/// A source of randomness: the system's in production, a seeded one in tests.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

impl Ctx {
    pub fn new(actor: Arc<Actor>, now: Timestamp, random: Random, request: impl Into<String>) -> Ctx {
        Ctx { actor, now, random, request: request.into(), reason: None, offset: 0 }
    }

    /// The system acting by itself: jobs, the command line next to the data.
    pub fn system(now: Timestamp, random: Random, request: impl Into<String>) -> Ctx {
        Ctx::new(Arc::new(Actor::system()), now, random, request)
    }

    pub fn because(mut self, reason: impl Into<String>) -> Ctx {
        self.reason = Some(reason.into());
        self
    }

    pub fn new_id(&self) -> Id {
        Id::new(self.now, self.random.bytes())
    }
}

impl Random {
    pub fn new(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Random {
        Random(Arc::new(fill))
    }

    /// The operating system's. Ends the process when that fails: no key or token may be made without it.
    #[expect(
        clippy::disallowed_methods,
        reason = "the context's random source is where the system's randomness comes in"
    )]
    pub fn system() -> Random {
        Random::new(|buffer| {
            if getrandom::fill(buffer).is_err() {
                std::process::abort();
            }
        })
    }

    /// SHA-256 in counter mode, for tests and for data that must come out the same every time.
    pub fn seeded(seed: u64) -> Random {
        let counter = Mutex::new(0u64);
        Random::new(move |buffer| {
            let mut counter = counter.lock();
            for chunk in buffer.chunks_mut(32) {
                let block =
                    Sha256::new().chain_update(seed.to_le_bytes()).chain_update(counter.to_le_bytes()).finalize();
                chunk.copy_from_slice(&block[..chunk.len()]);
                *counter += 1;
            }
        })
    }

    pub fn fill(&self, buffer: &mut [u8]) {
        (self.0)(buffer);
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
