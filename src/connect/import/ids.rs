//! Ids of an import's records, known before they are written: the same row always gets the same id, so that a job
//! that is repeated after a crash creates nothing twice.

use aplomb_model::{Id, Timestamp};
use sha2::{Digest, Sha256};

#[derive(Debug, Clone, Copy)]
pub struct Ids {
    import: Id,
    at: Timestamp,
}

impl Ids {
    pub fn new(import: Id, at: Timestamp) -> Ids {
        Ids { import, at }
    }

    /// Of the record that a row becomes.
    pub fn row(&self, number: u64) -> Id {
        let mut random = [0; 10];
        random[..6].copy_from_slice(&self.digest(b"row", b"")[..6]);
        random[6..].copy_from_slice(&(number as u32).to_be_bytes());
        Id::new(self.at, random)
    }

    /// Whether the id is that of a row of this import.
    pub fn is_row(&self, id: Id) -> bool {
        id.as_bytes()[..12] == self.row(0).as_bytes()[..12]
    }

    /// Of the record that rows name, by its folded name.
    pub fn named(&self, object: &str, name: &str) -> Id {
        let digest = self.digest(object.as_bytes(), name.as_bytes());
        let mut random = [0; 10];
        random.copy_from_slice(&digest[..10]);
        Id::new(self.at, random)
    }

    fn digest(&self, kind: &[u8], name: &[u8]) -> [u8; 32] {
        let hash = Sha256::new().chain_update(self.import.as_bytes()).chain_update(kind).chain_update([0]);
        hash.chain_update(name).finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_recognised() {
        let ids = Ids::new(Id::from_u128(7), Timestamp::from_seconds(1_700_000_000));
        assert_eq!(ids.row(5), ids.row(5));
        assert!(ids.row(5) < ids.row(6));
        assert!(ids.is_row(ids.row(99)) && !ids.is_row(ids.named("company", "acme")));
        assert!(!Ids::new(Id::from_u128(8), Timestamp::from_seconds(1_700_000_000)).is_row(ids.row(5)));
    }
}
