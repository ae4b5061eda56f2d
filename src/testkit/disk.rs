//! A disk in memory that loses what was not synced, tears the last write, and fails where it is told to.

use std::fmt;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use redb::StorageBackend;

use crate::Random;

/// Writes are torn at multiples of so many bytes: disks write sectors of at least 512, memory lines of 64, and a
/// cipher's block is 16.
const TEAR: u64 = 16;

/// A handle to one disk; clones see the same bytes.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// what reads see
    current: Vec<u8>,
    /// what the last sync left for sure
    durable: Vec<u8>,
    /// since the last sync, in order
    pending: Vec<Step>,
    /// calls of write, set_len and sync so far
    calls: u64,
    faults: Vec<(u64, Fault)>,
    crashed: bool,
    /// no room beyond this length
    room: Option<u64>,
    unreadable: bool,
}

#[derive(Clone)]
enum Step {
    Write(u64, Vec<u8>),
    Len(u64),
}

/// What happens at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power is cut before the call has any effect: this call and all later ones fail.
    Crash,
    /// The call fails once and has no effect.
    Error(io::ErrorKind),
}

/// What of the unsynced calls is on the disk after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survives {
    Nothing,
    Everything,
    /// some of the writes, the last of them torn
    SomeTorn(u64),
}

impl Disk {
    pub fn new() -> Disk {
        Disk::default()
    }

    /// Plans a fault for the call after `calls` more have succeeded.
    pub fn plan(&self, after_calls: u64, fault: Fault) {
        let mut state = self.0.lock();
        let at = state.calls + after_calls;
        state.faults.push((at, fault));
    }

    /// From now on the disk cannot grow beyond `bytes`; `None`: there is room.
    pub fn set_room(&self, bytes: Option<u64>) {
        self.0.lock().room = bytes;
    }

    /// From now on reads fail, or work again.
    pub fn set_readable(&self, readable: bool) {
        self.0.lock().unreadable = !readable;
    }

    /// Calls of write, set_len and sync so far.
    pub fn calls(&self) -> u64 {
        self.0.lock().calls
    }

    pub fn has_crashed(&self) -> bool {
        self.0.lock().crashed
    }

    pub fn len(&self) -> u64 {
        self.0.lock().current.len() as u64
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes as reads see them.
    pub fn image(&self) -> Vec<u8> {
        self.0.lock().current.clone()
    }

    pub fn of_image(image: Vec<u8>) -> Disk {
        Disk(Arc::new(Mutex::new(State { durable: image.clone(), current: image, ..State::default() })))
    }

    /// Flips a bit behind everybody's back.
    pub fn damage(&self, at: u64) {
        let mut state = self.0.lock();
        if let Some(byte) = state.current.get_mut(at as usize) {
            *byte ^= 1;
        }
        state.durable = state.current.clone();
        state.pending.clear();
    }

    /// The disk that is found when the power is back.
    pub fn after_crash(&self, survives: Survives) -> Disk {
        let state = self.0.lock();
        let mut image = state.durable.clone();
        match survives {
            Survives::Nothing => {}
            Survives::Everything => state.pending.iter().for_each(|step| step.apply(&mut image)),
            Survives::SomeTorn(seed) => apply_some(&state.pending, &Random::seeded(seed), &mut image),
        }
        Disk::of_image(image)
    }

    fn call(&self, apply: impl FnOnce(&mut State) -> io::Result<()>) -> io::Result<()> {
        let mut state = self.0.lock();
        if state.crashed {
            return Err(io::Error::other("the power is cut"));
        }
        let at = state.calls;
        state.calls += 1;
        let planned = state.faults.iter().position(|(call, _)| *call == at);
        match planned.map(|found| state.faults.swap_remove(found).1) {
            Some(Fault::Crash) => {
                state.crashed = true;
                Err(io::Error::other("the power is cut"))
            }
            Some(Fault::Error(kind)) => Err(io::Error::new(kind, "a planned failure")),
            None => apply(&mut state),
        }
    }
}

fn apply_some(pending: &[Step], random: &Random, image: &mut Vec<u8>) {
    // A file's length is journalled apart from its bytes, and before them.
    let kept: Vec<&Step> = pending.iter().filter(|s| matches!(s, Step::Len(_)) || random.below(2) == 0).collect();
    for (at, step) in kept.iter().enumerate() {
        match step {
            Step::Write(offset, data) if at + 1 == kept.len() => {
                let torn = random.below(data.len() as u64 + 1) / TEAR * TEAR;
                Step::Write(*offset, data[..torn as usize].to_vec()).apply(image);
            }
            step => step.apply(image),
        }
    }
}

impl Step {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Step::Len(len) => image.resize(*len as usize, 0),
            Step::Write(offset, data) => {
                let at = *offset as usize;
                if image.len() < at + data.len() {
                    image.resize(at + data.len(), 0);
                }
                image[at..at + data.len()].copy_from_slice(data);
            }
        }
    }
}

impl State {
    fn step(&mut self, step: Step) -> io::Result<()> {
        let end = match &step {
            Step::Len(len) => *len,
            Step::Write(offset, data) => offset + data.len() as u64,
        };
        if self.room.is_some_and(|room| end > room) {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no room on the planned disk"));
        }
        step.apply(&mut self.current);
        self.pending.push(step);
        Ok(())
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("len", &self.len()).finish()
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(Disk::len(self))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock();
        if state.unreadable {
            return Err(io::Error::other("a planned failure to read"));
        }
        let at = offset as usize;
        let stored = state.current.get(at..at + out.len());
        let stored = stored.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "read beyond the end"))?;
        out.copy_from_slice(stored);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.call(|state| state.step(Step::Len(len)))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.call(|state| {
            state.durable = state.current.clone();
            state.pending.clear();
            Ok(())
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.call(|state| state.step(Step::Write(offset, data.to_vec())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_keeps_what_was_synced() {
        let disk = Disk::new();
        let image = |sectors: &[u8]| sectors.iter().flat_map(|s| [*s; 16]).collect::<Vec<u8>>();
        disk.set_len(64).unwrap();
        disk.write(0, &image(b"aaaa")).unwrap();
        disk.sync_data().unwrap();
        disk.write(0, &image(b"bb")).unwrap();
        disk.plan(0, Fault::Crash);
        assert!(disk.write(32, &image(b"cc")).is_err());
        assert!(disk.sync_data().is_err());
        assert_eq!(disk.after_crash(Survives::Nothing).image(), image(b"aaaa"));
        assert_eq!(disk.after_crash(Survives::Everything).image(), image(b"bbaa"));
        let torn: Vec<_> = (0..500).map(|seed| disk.after_crash(Survives::SomeTorn(seed)).image()).collect();
        for expected in [b"aaaa", b"baaa", b"bbaa"] {
            assert!(torn.contains(&image(expected)));
        }
        assert!(torn.iter().all(|t| [b"aaaa", b"baaa", b"bbaa"].iter().any(|e| *t == image(&e[..]))));
    }

    #[test]
    fn a_full_disk_refuses_to_grow_and_nothing_else() {
        let disk = Disk::new();
        disk.set_len(8).unwrap();
        disk.set_room(Some(8));
        assert_eq!(disk.set_len(9).unwrap_err().kind(), io::ErrorKind::StorageFull);
        disk.write(4, b"xxxx").unwrap();
        disk.set_room(None);
        disk.set_len(9).unwrap();
    }
}
