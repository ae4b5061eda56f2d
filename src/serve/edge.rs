//! The edge where the clock and the system's randomness are read. Everything further in gets them passed.

use std::time::Instant;

use aplomb_crm::Random;
use aplomb_model::Timestamp;

/// The present moment.
pub fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the server is the edge that reads the clock")]
    let now = jiff::Timestamp::now();
    Timestamp::from_micros(now.as_microsecond())
}

/// A point in time for measuring how long something takes.
pub fn instant() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the server measures how long a request takes")]
    Instant::now()
}

/// An id for a request that came without one: 96 bits as lower-case hexadecimal text.
pub fn request_id(random: &Random) -> String {
    hex(&random.bytes::<12>())
}

/// `groups` groups of five characters without look-alikes, five bits each.
pub fn code(random: &Random, groups: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let group = |_| random.bytes::<5>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).iter().collect();
    (0..groups).map(group).collect::<Vec<String>>().join("-")
}

/// Lower-case hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)] as char, DIGITS[usize::from(b & 15)] as char]).collect()
}
