//! A few threads that decide changes of records. Such work is short and waits for nothing, so a few threads with warm
//! caches do more than one for each of a thousand callers; what may take long runs on the blocking pool instead.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use parking_lot::{Condvar, Mutex};

use crate::ServeError;

/// Threads at least: a page that must be read from disk stops one.
const LEAST: usize = 4;

type Work = Box<dyn FnOnce() + Send>;

pub struct Desk {
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    work: Mutex<(VecDeque<Work>, bool)>,
    bell: Condvar,
}

impl Desk {
    /// Errors: the system gives no threads.
    pub fn open() -> Result<Desk, ServeError> {
        let queue = Arc::new(Queue::default());
        let threads = thread::available_parallelism().map_or(LEAST, |cores| LEAST.max(2 * cores.get()));
        for n in 0..threads {
            let queue = queue.clone();
            thread::Builder::new().name(format!("desk-{n}")).spawn(move || queue.serve())?;
        }
        Ok(Desk { queue })
    }

    /// Runs `work` soon. A panic in it ends nothing but that work.
    pub fn run(&self, work: impl FnOnce() + Send + 'static) {
        self.queue.work.lock().0.push_back(Box::new(work));
        self.queue.bell.notify_one();
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.queue.work.lock().1 = true;
        self.queue.bell.notify_all();
    }
}

impl Queue {
    fn serve(&self) {
        while let Some(work) = self.next() {
            // The caller learns of it by the sender that was dropped.
            let _ = catch_unwind(AssertUnwindSafe(work));
        }
    }

    /// `None` once the desk is closed and nothing waits.
    fn next(&self) -> Option<Work> {
        let mut work = self.work.lock();
        loop {
            match work.0.pop_front() {
                Some(next) => return Some(next),
                None if work.1 => return None,
                None => self.bell.wait(&mut work),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn work_is_done_also_after_a_panic_and_until_it_closes() {
        let desk = Desk::open().unwrap();
        let (sender, receiver) = channel();
        for n in 0..100 {
            let sender = sender.clone();
            desk.run(move || {
                assert!(n % 10 != 0, "every tenth goes wrong");
                sender.send(n).unwrap();
            });
        }
        drop((sender, desk));
        let mut done: Vec<i32> = receiver.iter().collect();
        done.sort_unstable();
        assert_eq!(done, (0..100).filter(|n| n % 10 != 0).collect::<Vec<_>>());
    }
}
