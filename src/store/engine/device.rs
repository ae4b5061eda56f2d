//! The device under redb, kept open while redb is closed and opened again.
//!
//! redb refuses everything, reads too, after one failed write, and wants to be reopened; reopening repairs, which
//! writes. So that reads go on while the disk is full or read-only, the device can be told to keep writes in memory:
//! redb then repairs itself there, and the disk is left alone until there is room.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use redb::{BackendError, StorageBackend};

const BLOCK: u64 = 4096;

/// A handle that redb may close without closing the device.
#[derive(Clone)]
pub(super) struct Device(Arc<Inner>);

struct Inner {
    backend: Box<dyn StorageBackend>,
    /// ranges that the backend has locked for this process
    locked: Mutex<Vec<LockRange>>,
    overlay: RwLock<Option<Overlay>>,
    closed: AtomicBool,
}

type LockRange = (Bound<u64>, Bound<u64>);

/// Writes that stay in memory, by block.
struct Overlay {
    len: u64,
    /// length of what lies below; beyond it everything is zero
    below: u64,
    blocks: HashMap<u64, Box<[u8]>>,
}

impl Device {
    pub fn new(backend: Box<dyn StorageBackend>) -> Device {
        Device(Arc::new(Inner {
            backend,
            locked: Mutex::default(),
            overlay: RwLock::new(None),
            closed: AtomicBool::new(false),
        }))
    }

    /// From now on nothing reaches the disk.
    pub fn keep_in_memory(&self) -> io::Result<()> {
        let len = self.0.backend.len()?;
        *self.0.overlay.write() = Some(Overlay { len, below: len, blocks: HashMap::new() });
        Ok(())
    }

    /// Forgets what was kept in memory; writes reach the disk again.
    pub fn write_through(&self) {
        *self.0.overlay.write() = None;
    }

    /// Whether the disk takes writes: puts the last block back as it is.
    pub fn probe(&self) -> io::Result<()> {
        let len = self.0.backend.len()?;
        let at = len.saturating_sub(1) / BLOCK * BLOCK;
        let mut block = vec![0; (len - at) as usize];
        self.0.backend.read(at, &mut block)?;
        self.0.backend.write(at, &block)?;
        self.0.backend.sync_data()
    }

    pub fn size(&self) -> u64 {
        self.0.backend.len().unwrap_or(0)
    }

    /// Closes the device for good and gives its locks back.
    pub fn shut(&self) {
        if !self.0.closed.swap(true, Ordering::AcqRel) {
            // The process ends its use of the file either way; there is nobody to tell of an error here.
            let _ = self.0.backend.close();
        }
    }

    fn lock(&self, range: LockRange, lock: impl FnOnce() -> Result<bool, BackendError>) -> Result<bool, BackendError> {
        let mut locked = self.0.locked.lock();
        if locked.contains(&range) {
            return Ok(true);
        }
        let got = lock()?;
        if got {
            locked.push(range);
        }
        Ok(got)
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Device")
    }
}

impl StorageBackend for Device {
    fn len(&self) -> io::Result<u64> {
        match &*self.0.overlay.read() {
            Some(overlay) => Ok(overlay.len),
            None => self.0.backend.len(),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        match &*self.0.overlay.read() {
            Some(overlay) => overlay.read(&*self.0.backend, offset, out),
            None => self.0.backend.read(offset, out),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        match &mut *self.0.overlay.write() {
            Some(overlay) => {
                overlay.set_len(len);
                Ok(())
            }
            None => self.0.backend.set_len(len),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        match &*self.0.overlay.read() {
            Some(_) => Ok(()),
            None => self.0.backend.sync_data(),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.0.overlay.read().is_none() {
            return self.0.backend.write(offset, data);
        }
        match &mut *self.0.overlay.write() {
            Some(overlay) => overlay.write(&*self.0.backend, offset, data),
            None => self.0.backend.write(offset, data),
        }
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.lock((start, end), || self.0.backend.try_lock_range(start, end))
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.lock((start, end), || self.0.backend.try_lock_shared_range(start, end))
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.lock((start, end), || self.0.backend.lock_range(start, end).map(|()| true)).map(|_| ())
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.lock((start, end), || self.0.backend.lock_shared_range(start, end).map(|()| true)).map(|_| ())
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.locked.lock().retain(|range| *range != (start, end));
        self.0.backend.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.backend.query_lock_range(start, end)
    }
}

impl Overlay {
    fn set_len(&mut self, len: u64) {
        self.len = len;
        self.below = self.below.min(len);
        self.blocks.retain(|at, _| at * BLOCK < len);
        if let Some(last) = self.blocks.get_mut(&(len / BLOCK)) {
            last[(len % BLOCK) as usize..].fill(0);
        }
    }

    fn read(&self, backend: &dyn StorageBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > self.len) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "read beyond the end"));
        }
        for (at, from, range) in blocks(offset, out.len()) {
            let part = &mut out[range];
            match self.blocks.get(&at) {
                Some(block) => part.copy_from_slice(&block[from..from + part.len()]),
                None => self.read_below(backend, at * BLOCK + from as u64, part)?,
            }
        }
        Ok(())
    }

    fn read_below(&self, backend: &dyn StorageBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = self.below.saturating_sub(offset).min(out.len() as u64) as usize;
        let (stored, beyond) = out.split_at_mut(there);
        beyond.fill(0);
        if stored.is_empty() { Ok(()) } else { backend.read(offset, stored) }
    }

    fn write(&mut self, backend: &dyn StorageBackend, offset: u64, data: &[u8]) -> io::Result<()> {
        for (at, from, range) in blocks(offset, data.len()) {
            if !self.blocks.contains_key(&at) {
                let mut block = vec![0; BLOCK as usize];
                self.read_below(backend, at * BLOCK, &mut block)?;
                self.blocks.insert(at, block.into());
            }
            if let Some(block) = self.blocks.get_mut(&at) {
                block[from..from + range.len()].copy_from_slice(&data[range]);
            }
        }
        Ok(())
    }
}

/// The blocks that a range of bytes touches: number, first byte in the block, bytes of the range.
fn blocks(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done >= len {
            return None;
        }
        let at = offset + done as u64;
        let from = (at % BLOCK) as usize;
        let part = (BLOCK as usize - from).min(len - done);
        done += part;
        Some((at / BLOCK, from, done - part..done))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Write(u64, Vec<u8>),
        Len(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..20_000u64, prop::collection::vec(any::<u8>(), 0..9000)).prop_map(|(at, data)| Step::Write(at, data)),
            (0..30_000u64).prop_map(Step::Len),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_is_kept_in_memory_reads_as_if_written(steps in prop::collection::vec(step(), 1..12)) {
            let below = redb::backends::InMemoryBackend::new();
            below.set_len(20_000).unwrap();
            below.write(0, &[7; 20_000]).unwrap();
            let device = Device::new(Box::new(below));
            device.keep_in_memory().unwrap();
            let mut model = vec![7u8; 20_000];
            for step in steps {
                match step {
                    Step::Write(at, data) => {
                        let at = at as usize;
                        let end = (at + data.len()).min(model.len());
                        if at < end {
                            model[at..end].copy_from_slice(&data[..end - at]);
                            device.write(at as u64, &data[..end - at]).unwrap();
                        }
                    }
                    Step::Len(len) => {
                        model.resize(len as usize, 0);
                        device.set_len(len).unwrap();
                    }
                }
                let mut read = vec![1; model.len()];
                device.read(0, &mut read).unwrap();
                prop_assert_eq!(&read, &model);
            }
            device.write_through();
            let mut read = vec![0; 20_000];
            device.read(0, &mut read).unwrap();
            prop_assert_eq!(read, vec![7; 20_000]);
        }
    }
}
