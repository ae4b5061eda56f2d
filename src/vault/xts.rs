//! AES-256-XTS (IEEE Std 1619) over 4 KiB sectors, for any run of whole 16-byte blocks: within a sector
//! each block has its own tweak, so a run need not begin or end at a sector. Ciphertext stealing is not
//! needed, since lengths are whole blocks.

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes256, Block};

use crate::PageKey;

/// Bytes of a cipher block, the smallest unit that is rewritten.
pub(crate) const BLOCK: usize = 16;
/// Bytes of a sector, the unit that a tweak is made for.
pub(crate) const SECTOR: usize = 4096;
const BLOCKS: usize = SECTOR / BLOCK;

pub(crate) struct Xts {
    data: Aes256,
    tweak: Aes256,
}

impl Xts {
    pub(crate) fn new(key: &PageKey) -> Xts {
        let (data, tweak) = key.halves();
        let cipher = |half: &[u8]| Aes256::new_from_slice(half).expect("half a page key is 32 bytes");
        Xts { data: cipher(data), tweak: cipher(tweak) }
    }

    /// Encrypts `bytes` in place, whose first lies at `offset` of the device; both are whole blocks.
    pub(crate) fn encrypt(&self, offset: u64, bytes: &mut [u8]) {
        self.each_sector(offset, bytes, |run, _| self.data.encrypt_blocks(blocks(run)));
    }

    /// Undoes [`Xts::encrypt`]. A block of zeros stays zeros: it was never written (see `device`).
    pub(crate) fn decrypt(&self, offset: u64, bytes: &mut [u8]) {
        self.each_sector(offset, bytes, |run, masked| {
            let unwritten: Vec<usize> = match masked.zeros {
                true => (0..masked.tweaks.len()).filter(|i| blocks(run)[*i] == masked.tweak(*i)).collect(),
                false => Vec::new(),
            };
            self.data.decrypt_blocks(blocks(run));
            unwritten.into_iter().for_each(|i| blocks(run)[i] = masked.tweak(i));
        });
    }

    /// Runs `cipher` over the part of each sector between the two masks with the tweaks.
    fn each_sector(&self, offset: u64, bytes: &mut [u8], cipher: impl Fn(&mut [u8], &Masked<'_>)) {
        debug_assert!(offset.is_multiple_of(BLOCK as u64) && bytes.len().is_multiple_of(BLOCK));
        let mut tweaks = [0; BLOCKS];
        let (mut offset, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let skip = (offset % SECTOR as u64) as usize;
            let (run, next) = rest.split_at_mut(rest.len().min(SECTOR - skip));
            let first = (0..skip / BLOCK).fold(self.first_tweak(offset / SECTOR as u64), |tweak, _| double(tweak));
            let masked = mask(first, &mut tweaks[..run.len() / BLOCK], run);
            cipher(run, &masked);
            unmask(masked.tweaks, run);
            offset += run.len() as u64;
            rest = next;
        }
    }

    fn first_tweak(&self, sector: u64) -> u128 {
        let mut first = Block::from(u128::from(sector).to_le_bytes());
        self.tweak.encrypt_block(&mut first);
        u128::from_le_bytes(first.into())
    }
}

struct Masked<'a> {
    tweaks: &'a [u128],
    /// Some block was zeros before; masked, it equals its tweak.
    zeros: bool,
}

impl Masked<'_> {
    fn tweak(&self, i: usize) -> Block {
        Block::from(self.tweaks[i].to_le_bytes())
    }
}

/// Multiplies a tweak by alpha.
fn double(tweak: u128) -> u128 {
    (tweak << 1) ^ ((tweak.cast_signed() >> 127).cast_unsigned() & 0x87)
}

/// One pass makes the tweaks, looks for zeros and masks: each doubling waits for the one before, and the
/// rest runs in its shadow.
fn mask<'a>(first: u128, tweaks: &'a mut [u128], run: &mut [u8]) -> Masked<'a> {
    let (mut tweak, mut zeros) = (first, false);
    for (slot, block) in tweaks.iter_mut().zip(run.as_chunks_mut::<BLOCK>().0) {
        let value = u128::from_le_bytes(*block);
        zeros |= value == 0;
        *block = (value ^ tweak).to_le_bytes();
        *slot = tweak;
        tweak = double(tweak);
    }
    Masked { tweaks, zeros }
}

fn unmask(tweaks: &[u128], run: &mut [u8]) {
    for (tweak, block) in tweaks.iter().zip(run.as_chunks_mut::<BLOCK>().0) {
        *block = (u128::from_le_bytes(*block) ^ tweak).to_le_bytes();
    }
}

fn blocks(run: &mut [u8]) -> &mut [Block] {
    Block::slice_as_chunks_mut(run).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex<const N: usize>(text: &str) -> [u8; N] {
        std::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
    }

    /// IEEE Std 1619-2007, annex B, vector 10 (its first blocks do not depend on the sector's size).
    #[test]
    fn agrees_with_the_standard() {
        let key = unhex::<64>(
            "27182818284590452353602874713526624977572470936999595749669676273141592653589793238462643383279502884197169399375105820974944592",
        );
        let expect = unhex::<64>(
            "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b5d31e276f8fe4a8d66b317f9ac683f44680a86ac35adfc3345befecb4bb188fd",
        );
        let xts = Xts::new(&PageKey::from_bytes(key));
        let mut bytes: [u8; 64] = std::array::from_fn(|i| i as u8);
        xts.encrypt(0xff * SECTOR as u64, &mut bytes);
        assert_eq!(bytes, expect);
        xts.decrypt(0xff * SECTOR as u64, &mut bytes);
        assert_eq!(bytes, std::array::from_fn(|i| i as u8));
    }

    #[test]
    fn parts_are_the_same_as_the_whole() {
        let xts = Xts::new(&PageKey::from_bytes([5; 64]));
        let plain: Vec<u8> = (0..3 * SECTOR).map(|i| (i / 7) as u8).collect();
        let mut whole = plain.clone();
        xts.encrypt(SECTOR as u64, &mut whole);
        for (start, end) in [(0, 16), (16, 32), (4080, 4112), (320, 9000 / 16 * 16), (4096, 8192)] {
            let mut part = plain[start..end].to_vec();
            xts.encrypt((SECTOR + start) as u64, &mut part);
            assert_eq!(part, whole[start..end], "{start}..{end}");
            xts.decrypt((SECTOR + start) as u64, &mut part);
            assert_eq!(part, plain[start..end], "{start}..{end}");
        }
    }
}
