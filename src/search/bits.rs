//! A set of the documents of one segment.

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bits {
    words: Vec<u64>,
    len: u32,
}

impl Bits {
    pub fn none(len: u32) -> Bits {
        Bits { words: vec![0; (len as usize).div_ceil(64)], len }
    }

    pub fn all(len: u32) -> Bits {
        let mut bits = Bits { words: vec![u64::MAX; (len as usize).div_ceil(64)], len };
        bits.trim();
        bits
    }

    fn trim(&mut self) {
        if let (Some(last), rest @ 1..) = (self.words.last_mut(), self.len % 64) {
            *last &= (1 << rest) - 1;
        }
    }

    pub fn set(&mut self, at: u32) {
        if let Some(word) = self.words.get_mut(at as usize / 64) {
            *word |= 1 << (at % 64);
        }
    }

    pub fn get(&self, at: u32) -> bool {
        self.words.get(at as usize / 64).is_some_and(|w| w >> (at % 64) & 1 == 1)
    }

    pub fn and(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
    }

    pub fn or(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }

    pub fn not(&mut self) {
        self.words.iter_mut().for_each(|w| *w = !*w);
        self.trim();
    }

    pub fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    pub fn bytes(&self) -> u64 {
        self.words.len() as u64 * 8
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    /// Gives the members in blocks of about [`BLOCK`], each ascending; the last block first when `back`.
    pub fn blocks(&self, back: bool, mut each: impl FnMut(&[u32])) {
        let mut block = Vec::with_capacity(BLOCK * 2);
        let count = self.words.len().div_ceil(WORDS);
        for part in 0..count {
            let part = if back { count - 1 - part } else { part } * WORDS;
            let end = self.words.len().min(part + WORDS);
            for (at, word) in self.words[part..end].iter().enumerate() {
                let mut word = *word;
                while word != 0 {
                    block.push((part + at) as u32 * 64 + word.trailing_zeros());
                    word &= word - 1;
                }
            }
            if block.len() >= BLOCK || (back && !block.is_empty()) {
                each(&block);
                block.clear();
            }
        }
        if !block.is_empty() {
            each(&block);
        }
    }
}

/// Documents handed on at a time: at least this many, except at the end, and less than twice as many.
const BLOCK: usize = 1024;
const WORDS: usize = BLOCK / 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_behave() {
        for len in [0, 1, 63, 64, 65, 1000, 5000] {
            assert_eq!(Bits::all(len).count(), u64::from(len));
            let mut odd = Bits::none(len);
            (0..len).filter(|n| n % 2 == 1).for_each(|n| odd.set(n));
            let mut even = odd.clone();
            even.not();
            assert_eq!(even.count() + odd.count(), u64::from(len));
            let mut seen = Vec::new();
            even.blocks(false, |block| seen.extend_from_slice(block));
            let mut backwards = Vec::new();
            even.blocks(true, |block| backwards.splice(0..0, block.iter().copied()).for_each(drop));
            assert_eq!(seen, backwards);
            assert_eq!(seen, (0..len).filter(|n| n % 2 == 0).collect::<Vec<_>>());
            even.and(&odd);
            assert!(even.is_empty());
            even.or(&odd);
            assert_eq!(even, odd);
            assert!(!odd.get(len));
        }
    }
}
