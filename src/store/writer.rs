//! The writer's thread: takes what is waiting and commits it in one transaction, with one sync for all.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aplomb_model::{ObjectCode, Seq};
use parking_lot::{Condvar, Mutex, RwLock};

use crate::engine::Engine;
use crate::group::{Group, Refusal, State};
use crate::layout::{Layout, Layouts};
use crate::prepare::Prepared;
use crate::seal::Sealer;
use crate::{Batch, Committed, StoreError};

/// Batches in one transaction at most, so that none waits for very many others.
const GROUP: usize = 256;
/// Operations in one transaction, beyond which no batch is added.
const GROUP_OPS: usize = 4_000;

pub(crate) type Done = Box<dyn FnOnce(Result<Committed, StoreError>) + Send>;

pub(crate) enum Task {
    Batch { batch: Batch, prepared: Option<Box<Prepared>>, done: Done },
    Declare { layouts: Vec<(ObjectCode, Arc<Layout>)>, done: Done },
}

/// What the store's handles and the writer share.
pub(crate) struct Shared {
    pub engine: Arc<dyn Engine>,
    pub sealer: Sealer,
    /// in force as of the last commit
    pub layouts: RwLock<Arc<Layouts>>,
    queue: Mutex<Queue>,
    waiting: Condvar,
    seq: Mutex<Seq>,
    grown: Condvar,
    pub closed: AtomicBool,
    pub commits: AtomicU64,
    pub batches: AtomicU64,
}

#[derive(Default)]
struct Queue {
    tasks: VecDeque<Task>,
    closed: bool,
}

impl Shared {
    pub fn new(engine: Arc<dyn Engine>, sealer: Sealer, state: &State) -> Shared {
        Shared {
            engine,
            sealer,
            layouts: RwLock::new(Arc::clone(&state.layouts)),
            queue: Mutex::default(),
            waiting: Condvar::new(),
            seq: Mutex::new(state.head.seq),
            grown: Condvar::new(),
            closed: AtomicBool::new(false),
            commits: AtomicU64::new(0),
            batches: AtomicU64::new(0),
        }
    }

    pub fn push(&self, task: Task) {
        let mut queue = self.queue.lock();
        if queue.closed {
            drop(queue);
            return task.finish(Err(StoreError::Closed));
        }
        queue.tasks.push_back(task);
        drop(queue);
        self.waiting.notify_one();
    }

    /// The writer finishes what is waiting and ends.
    pub fn end(&self) {
        self.queue.lock().closed = true;
        self.closed.store(true, Ordering::Release);
        self.waiting.notify_one();
        self.grown.notify_all();
    }

    pub fn backlog(&self) -> usize {
        self.queue.lock().tasks.len()
    }

    pub fn seq(&self) -> Seq {
        *self.seq.lock()
    }

    pub fn wait_past(&self, seq: Seq, timeout: Duration) -> Seq {
        let mut current = self.seq.lock();
        let still = |current: &mut Seq| *current <= seq && !self.closed.load(Ordering::Acquire);
        self.grown.wait_while_for(&mut current, still, timeout);
        *current
    }

    /// What is to be committed next, together; `None` at the end.
    fn take(&self) -> Option<Vec<Task>> {
        let mut queue = self.queue.lock();
        while queue.tasks.is_empty() {
            if queue.closed {
                return None;
            }
            self.waiting.wait(&mut queue);
        }
        let mut ops = 0;
        let fits = |task: &&Task| {
            ops += task.ops();
            ops <= GROUP_OPS
        };
        let count = queue.tasks.iter().take(GROUP).take_while(fits).count().max(1);
        Some(queue.tasks.drain(..count).collect())
    }

    fn publish(&self, state: &State) {
        *self.layouts.write() = Arc::clone(&state.layouts);
        let mut seq = self.seq.lock();
        if *seq != state.head.seq {
            *seq = state.head.seq;
            self.grown.notify_all();
        }
    }
}

impl Task {
    fn ops(&self) -> usize {
        match self {
            Task::Batch { batch, .. } => batch.ops.len(),
            Task::Declare { .. } => GROUP_OPS,
        }
    }

    /// A caller's panic is his own; the writer goes on.
    fn finish(self, result: Result<Committed, StoreError>) {
        let (Task::Batch { done, .. } | Task::Declare { done, .. }) = self;
        if catch_unwind(AssertUnwindSafe(|| done(result))).is_err() {
            tracing::error!("a caller panicked when told of his commit");
        }
    }
}

/// The thread's body.
pub(crate) fn run(shared: &Shared, state: State) {
    let mut writer = Writer { shared, state: Some(state), layouts: 0 };
    while let Some(tasks) = shared.take() {
        writer.write(tasks);
    }
}

struct Writer<'a> {
    shared: &'a Shared,
    /// `None` after a failed commit, until it could be read again
    state: Option<State>,
    /// the highest version of layouts ever in force
    layouts: u64,
}

type Outcome = Result<Committed, StoreError>;

impl Writer<'_> {
    fn write(&mut self, mut tasks: Vec<Task>) {
        let outcomes = self.attempt(&mut tasks);
        match outcomes {
            Ok(outcomes) => tasks.into_iter().zip(outcomes).for_each(|(task, outcome)| task.finish(outcome)),
            // One batch that cannot be written must not take the others with it.
            Err(e) if tasks.len() > 1 && !e.is_passing() => {
                tasks.into_iter().for_each(|task| self.write(vec![task]));
            }
            Err(e) => tasks.into_iter().for_each(|task| task.finish(Err(e.clone()))),
        }
    }

    /// Writes all tasks in one transaction. An error is of the transaction: nothing was written.
    fn attempt(&mut self, tasks: &mut [Task]) -> Result<Vec<Outcome>, StoreError> {
        let mut outcomes = Vec::with_capacity(tasks.len());
        let mut after = None;
        let shared = self.shared;
        let known = self.state.take();
        let layouts = self.layouts;
        let written = shared.engine.write(&mut |txn| {
            let state = match &known {
                Some(state) => state.clone(),
                None => reload(txn.reader(), layouts)?,
            };
            let mut group = Group { state, sealer: &shared.sealer, txn };
            for task in tasks.iter_mut() {
                outcomes.push(add(&mut group, task)?);
            }
            if outcomes.iter().all(Result::is_err) {
                return Err(StoreError::Invalid("there is nothing to write".into()));
            }
            after = Some(group.finish()?);
            Ok(())
        });
        let refused = outcomes.len() == tasks.len() && outcomes.iter().all(Result::is_err);
        match (written, after) {
            (Ok(()), Some(state)) => {
                self.committed(state, outcomes.len());
                Ok(outcomes)
            }
            _ if refused => {
                self.state = known;
                Ok(outcomes)
            }
            (Err(e), after) => self.failed(e, after, known, outcomes),
            (Ok(()), None) => Err(StoreError::Io("the engine did not run the transaction".into())),
        }
    }

    fn committed(&mut self, state: State, batches: usize) {
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        self.shared.batches.fetch_add(batches as u64, Ordering::Relaxed);
        self.layouts = self.layouts.max(state.layouts.version);
        self.shared.publish(&state);
        self.state = Some(state);
    }

    /// After an i/o error the commit may have reached the disk all the same: the engine tells.
    fn failed(
        &mut self,
        error: StoreError,
        after: Option<State>,
        known: Option<State>,
        outcomes: Vec<Outcome>,
    ) -> Result<Vec<Outcome>, StoreError> {
        tracing::error!(error = %error, "a commit failed");
        let found = self.shared.engine.snapshot().and_then(|s| reload(&*s, self.layouts));
        match (found, after) {
            (Ok(found), Some(after)) if found.head == after.head && self.shared.engine.is_writable() => {
                self.committed(after, outcomes.len());
                return Ok(outcomes);
            }
            (Ok(found), _) if known.as_ref().is_some_and(|k| k.head == found.head) => self.state = known,
            _ => self.state = None,
        }
        Err(error)
    }
}

fn add(group: &mut Group<'_>, task: &mut Task) -> Result<Outcome, StoreError> {
    let added = match task {
        Task::Batch { batch, prepared, .. } => group.add(batch, prepared.take().map(|p| *p)),
        Task::Declare { layouts, .. } => {
            group.declare(layouts).map(|()| Committed { seq: group.state.head.seq }).map_err(Refusal::Group)
        }
    };
    match added {
        Ok(committed) => Ok(Ok(committed)),
        Err(Refusal::Batch(e)) => Ok(Err(e)),
        Err(Refusal::Group(e)) => Err(e),
    }
}

/// Read again, under a version of layouts that no prepared batch knows.
fn reload(snapshot: &dyn crate::engine::Snapshot, layouts: u64) -> Result<State, StoreError> {
    let mut state = State::load(snapshot)?;
    Arc::make_mut(&mut state.layouts).version = layouts + 1;
    Ok(state)
}
