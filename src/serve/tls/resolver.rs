//! Which certificate a handshake gets: the one in force now, or the answer to an authority's challenge.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The protocol by which an authority asks for the answer (RFC 8737).
pub const CHALLENGE: &[u8] = b"acme-tls/1";

pub struct Resolver {
    current: RwLock<Arc<CertifiedKey>>,
    /// by lower-case name
    challenges: RwLock<BTreeMap<String, Arc<CertifiedKey>>>,
}

impl Resolver {
    pub fn new(first: CertifiedKey) -> Resolver {
        Resolver { current: RwLock::new(Arc::new(first)), challenges: RwLock::default() }
    }

    /// False when it is the certificate that is in force already.
    pub fn replace(&self, next: CertifiedKey) -> bool {
        let mut current = self.current.write();
        let other = current.cert != next.cert;
        *current = Arc::new(next);
        other
    }

    /// `None` takes the answer away.
    pub fn answer_challenge(&self, name: &str, answer: Option<CertifiedKey>) {
        let mut challenges = self.challenges.write();
        match answer {
            Some(answer) => _ = challenges.insert(name.to_owned(), Arc::new(answer)),
            None => _ = challenges.remove(name),
        }
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asks = hello.alpn().is_some_and(|mut protocols| protocols.any(|protocol| protocol == CHALLENGE));
        match asks {
            true => self.challenges.read().get(&hello.server_name()?.to_ascii_lowercase()).cloned(),
            false => Some(self.current.read().clone()),
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}
