//! The data key and what is derived from it. None of these types has a `Debug`; all of them are wiped
//! when dropped, and lie on the heap so that moving one leaves no copy behind.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit as _, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hkdf::hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

use crate::VaultError;

const SALT: &[u8] = b"aplomb vault 1";
const NONCE: usize = 24;
const TAG: usize = 16;

/// Fills `bytes` from the operating system.
#[expect(clippy::disallowed_methods, reason = "keys, file ids and nonces must not be predictable, not even by a test")]
pub(crate) fn random<const N: usize>(bytes: &mut [u8; N]) -> Result<(), VaultError> {
    getrandom::fill(bytes).map_err(VaultError::Random)
}

/// `N` secret bytes on the heap, wiped on drop.
struct Bytes<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Bytes<N> {
    fn fill<E>(fill: impl FnOnce(&mut [u8; N]) -> Result<(), E>) -> Result<Self, E> {
        let mut bytes = Bytes(Box::new([0; N]));
        fill(&mut bytes.0)?;
        Ok(bytes)
    }

    /// HKDF-Expand (RFC 5869) over the parts of `info`, which the callers keep free of ambiguity.
    fn expand(hkdf: &Hkdf<Sha256>, info: &[&[u8]]) -> Self {
        Bytes::fill(|out| hkdf.expand_multi_info(info, out)).expect("N is below the limit of 255 hashes")
    }
}

impl<const N: usize> Clone for Bytes<N> {
    fn clone(&self) -> Self {
        Bytes(self.0.clone())
    }
}

impl<const N: usize> Drop for Bytes<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The root key of a data directory: 32 random bytes, from which every other key is derived.
#[derive(Clone)]
pub struct DataKey(Bytes<32>);

impl DataKey {
    /// A fresh key from the operating system's randomness.
    pub fn generate() -> Result<DataKey, VaultError> {
        Bytes::fill(random).map(DataKey)
    }

    /// The key made of these bytes; the caller wipes his copy.
    pub fn from_bytes(bytes: &[u8; 32]) -> DataKey {
        DataKey(Bytes(Box::new(*bytes)))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0.0
    }

    fn hkdf(&self) -> Hkdf<Sha256> {
        Hkdf::new(Some(SALT), self.bytes())
    }

    /// The key for one purpose (HKDF-SHA256). Keys of different purposes say nothing of each other.
    pub fn subkey(&self, purpose: &str) -> SubKey {
        SubKey(Bytes::expand(&self.hkdf(), &[b"subkey\0", purpose.as_bytes()]))
    }

    /// The pair of AES-256 keys for [`crate::PageDevice`].
    pub fn page_keys(&self) -> PageKey {
        PageKey(Bytes::expand(&self.hkdf(), &[b"pages\0"]))
    }

    /// A public name of this key: 16 bytes as hex that reveal nothing of it.
    pub fn id(&self) -> String {
        let id: Bytes<16> = Bytes::expand(&self.hkdf(), &[b"public id\0"]);
        id.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// 64 bytes for AES-256-XTS: the data key, then the tweak key.
#[derive(Clone)]
pub struct PageKey(Bytes<64>);

impl PageKey {
    pub(crate) fn halves(&self) -> (&[u8], &[u8]) {
        self.0.0.split_at(32)
    }

    #[cfg(test)]
    pub(crate) fn from_bytes(bytes: [u8; 64]) -> PageKey {
        PageKey(Bytes(Box::new(bytes)))
    }
}

/// A key for one purpose: seals small values, authenticates, and derives further keys.
#[derive(Clone)]
pub struct SubKey(Bytes<32>);

impl SubKey {
    /// Seals `plain` with XChaCha20-Poly1305: nonce (24 bytes), ciphertext, tag (16 bytes).
    ///
    /// `nonce_random` must never be used twice with this key; 24 random bytes are safe. `aad` is
    /// authenticated and not stored: [`SubKey::open`] needs the same.
    pub fn seal(&self, nonce_random: [u8; NONCE], aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(NONCE + plain.len() + TAG);
        sealed.extend_from_slice(&nonce_random);
        let body = self
            .aead()
            .encrypt(&XNonce::from(nonce_random), Payload { msg: plain, aad })
            .expect("a value in memory is shorter than the cipher's limit of 256 GiB");
        sealed.extend_from_slice(&body);
        sealed
    }

    /// Opens what [`SubKey::seal`] made.
    ///
    /// Errors: [`VaultError::Unauthentic`] when key, `aad` or a single bit differ, or it is too short.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE>().ok_or(VaultError::Unauthentic)?;
        self.aead().decrypt(&XNonce::from(*nonce), Payload { msg: body, aad }).map_err(|_| VaultError::Unauthentic)
    }

    /// The key for one context below this one (HKDF-Expand).
    pub fn derive(&self, context: &[u8]) -> SubKey {
        let hkdf = Hkdf::<Sha256>::from_prk(&*self.0.0).expect("32 bytes are a whole SHA-256 key");
        SubKey(Bytes::expand(&hkdf, &[b"derive\0", context]))
    }

    /// HMAC-SHA256 of `data`, kept apart from [`SubKey::derive`] by a label.
    pub fn mac(&self, data: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256>>::new_from_slice(&*self.0.0).expect("HMAC takes keys of any length");
        mac.update(b"mac\0");
        mac.update(data);
        mac.finalize().into_bytes().into()
    }

    fn aead(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.key())
    }

    pub(crate) fn key(&self) -> &Key {
        (&*self.0.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SubKey {
        DataKey::from_bytes(&[byte; 32]).subkey("test")
    }

    #[test]
    fn sealed_values_open_only_unaltered_in_their_context() {
        for plain in [&b""[..], b"x", &[0; 1000]] {
            let sealed = key(1).seal([9; 24], b"ctx", plain);
            assert_eq!(key(1).open(b"ctx", &sealed).unwrap(), plain);
            assert!(key(2).open(b"ctx", &sealed).is_err(), "wrong key");
            assert!(key(1).open(b"other", &sealed).is_err(), "wrong context");
            for at in 0..sealed.len() {
                let mut altered = sealed.clone();
                altered[at] ^= 1;
                assert!(key(1).open(b"ctx", &altered).is_err(), "byte {at} altered");
            }
            for len in 0..sealed.len() {
                assert!(key(1).open(b"ctx", &sealed[..len]).is_err(), "cut to {len}");
            }
        }
    }

    #[test]
    fn derived_keys_all_differ() {
        let root = DataKey::from_bytes(&[7; 32]);
        let sub = root.subkey("a");
        let all = [
            root.bytes().to_vec(),
            root.subkey("a").key().to_vec(),
            root.subkey("b").key().to_vec(),
            root.page_keys().halves().0.to_vec(),
            root.page_keys().halves().1.to_vec(),
            sub.derive(b"a").key().to_vec(),
            sub.derive(b"b").key().to_vec(),
            sub.mac(b"a").to_vec(),
            sub.mac(b"b").to_vec(),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|other| other != one), "key {i} repeats");
        }
    }

    /// The stored data depends on these derivations: a change here makes every vault unreadable.
    #[test]
    fn derivations_are_fixed() {
        let root = DataKey::from_bytes(&[7; 32]);
        assert_eq!(root.id(), FIXED_ID);
        let opened = root.subkey("a").open(b"ctx", &unhex(FIXED_SEALED)).unwrap();
        assert_eq!(opened, b"fixed for ever");
    }

    const FIXED_ID: &str = "53a1cd563415e15116845644ee771955";
    const FIXED_SEALED: &str =
        "030303030303030303030303030303030303030303030303f7f57a3a8bdeb18fbd37f6811e98504d7d17ecb27a83ca6f166e38bfa878";

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
    }
}
