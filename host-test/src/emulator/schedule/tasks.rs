//! The threads on which tasks run. The ownership of the whole state moves between them.
//!
//! Only the task that owns the world runs. A task receives the world together with a job. It returns the
//! world when the job is done, or before a host call that accesses shared state. A task that waits there has
//! frames of the emulator and of a VM on its stack, and these frames hold only ids. Therefore the tasks
//! need no locks and cannot race. A waiting task can be abandoned; its stack is then unwound.

use super::touch::SharedAccess;
use crate::Request;
use crate::emulator::Emulator;
use crate::emulator::linking::Code;
use crate::emulator::random::Random;
use crate::emulator::world::{Event, World};
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// A unit of work that a task runs from start to end.
#[derive(Debug)]
pub(super) enum Job {
    /// Loads the filters on the task's thread.
    Start(Arc<[Arc<Code>]>),
    Request(usize, Box<Request>),
    Event(Event),
    /// The client of a stream times out.
    HangUp(u64),
}

/// A command to a task.
#[derive(Debug)]
enum Command {
    Begin(Box<World>, Job),
    Resume(Box<World>),
}

/// A message from a task.
#[derive(Debug)]
pub(super) enum TaskEvent {
    /// The task is about to access shared state. The number is the task's own.
    Waits(usize, Box<World>, SharedAccess),
    /// The task has finished its job.
    Finished(Box<World>, Done),
    /// The emulator itself has panicked; the world is lost.
    Panicked(Box<dyn Any + Send>),
}

/// The result of a job.
#[derive(Debug)]
pub(super) enum Done {
    Nothing,
    /// The request with this index has this stream id.
    Accepted(usize, u64),
    /// The filters could not be loaded.
    Refused(String),
}

/// The panic payload that unwinds an abandoned task.
struct Abandoned;

/// The tasks' side of the channels, stored in the world.
#[derive(Debug)]
pub(crate) struct Interleaving {
    channels: Arc<Channels>,
    /// The host calls that waited for a turn, with their results, in order.
    pub calls: Vec<String>,
    /// Random numbers per thread, so that they do not depend on other threads.
    pub randoms: BTreeMap<usize, Random>,
}

#[derive(Debug)]
struct Channels {
    events: Sender<TaskEvent>,
    turns: Vec<Mutex<Receiver<Command>>>,
}

impl Channels {
    fn next(&self, task: usize) -> Option<Command> {
        self.turns.get(task)?.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }
}

/// Waits for a turn, if threads take turns. Other threads may have changed `world` afterwards.
pub(crate) fn wait(world: &mut Box<World>, task: usize, access: SharedAccess) {
    let Some(interleaving) = &world.interleaving else { return };
    let channels = Arc::clone(&interleaving.channels);
    let given = std::mem::take(world);
    match channels.events.send(TaskEvent::Waits(task, given, access)).ok().and_then(|()| channels.next(task))
    {
        Some(Command::Resume(back)) => *world = back,
        _ => resume_unwind(Box::new(Abandoned)),
    }
}

impl Emulator {
    /// Waits for a turn to send a stream's request upstream, if the order of requests matters.
    pub(crate) fn wait_for_upstream(&mut self, stream: u64) {
        let Some(access) = SharedAccess::upstreams(&self.world.upstreams) else { return };
        let Some(thread) = self.world.streams.get(&stream).map(|stream| stream.thread) else { return };
        wait(&mut self.world, thread, access);
        if let Some(interleaving) = &mut self.world.interleaving {
            interleaving.calls.push(format!("[{thread}] stream {stream} reaches the router"));
        }
    }
}

/// The scheduler's side of the tasks. Dropping it abandons the tasks that still wait.
#[derive(Debug)]
pub(super) struct Tasks {
    channels: Arc<Channels>,
    turns: Vec<Sender<Command>>,
    events: Receiver<TaskEvent>,
    threads: Vec<Option<JoinHandle<()>>>,
}

impl Tasks {
    pub fn new(count: usize) -> Self {
        let (sender, events) = channel();
        let (turns, ends): (Vec<_>, Vec<_>) = (0..count).map(|_| channel()).unzip();
        let channels =
            Arc::new(Channels { events: sender, turns: ends.into_iter().map(Mutex::new).collect() });
        Self { channels, turns, events, threads: (0..count).map(|_| None).collect() }
    }

    /// Returns the tasks' side, to be stored in the world.
    pub fn interleaving(&self) -> Interleaving {
        Interleaving { channels: Arc::clone(&self.channels), calls: Vec::new(), randoms: BTreeMap::new() }
    }

    /// Gives a job to a task, and waits until the task has finished it or waits for a turn.
    pub fn begin(&mut self, task: usize, world: Box<World>, job: Job) -> TaskEvent {
        self.threads[task].get_or_insert_with(|| {
            let channels = Arc::clone(&self.channels);
            let named = std::thread::Builder::new().name(format!("task {task}"));
            named.spawn(move || work(&channels, task)).expect("failed to start a thread")
        });
        self.command(task, Command::Begin(world, job))
    }

    /// Resumes a waiting task, until it waits again or has finished its job.
    pub fn resume(&mut self, task: usize, world: Box<World>) -> TaskEvent {
        self.command(task, Command::Resume(world))
    }

    fn command(&mut self, task: usize, turn: Command) -> TaskEvent {
        self.turns[task].send(turn).expect("the receiver is in `channels`");
        self.events.recv().expect("the sender is in `channels`")
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.turns.clear();
        for thread in self.threads.drain(..).flatten() {
            thread.join().expect("a task catches its panics");
        }
    }
}

fn work(channels: &Channels, task: usize) {
    while let Some(Command::Begin(world, job)) = channels.next(task) {
        let mut emulator = Emulator { world };
        let done = catch_unwind(AssertUnwindSafe(|| job.run(&mut emulator, task)));
        let event = match done {
            Ok(done) => TaskEvent::Finished(emulator.world, done),
            Err(why) if why.is::<Abandoned>() => return,
            Err(why) => TaskEvent::Panicked(why),
        };
        if channels.events.send(event).is_err() {
            return;
        }
    }
}

impl Job {
    fn run(self, emulator: &mut Emulator, task: usize) -> Done {
        match self {
            Job::Start(codes) => match emulator.load_on(task, &codes) {
                Ok(()) => Done::Nothing,
                Err(reason) => Done::Refused(reason),
            },
            Job::Request(index, request) => Done::Accepted(index, emulator.accept(task, &request)),
            Job::Event(event) => {
                emulator.handle(event);
                Done::Nothing
            }
            Job::HangUp(stream) => {
                emulator.client_times_out(stream);
                Done::Nothing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::touch::AccessKind;
    use super::*;

    fn tasks() -> (Tasks, Box<World>) {
        let tasks = Tasks::new(1);
        let world = World { interleaving: Some(tasks.interleaving()), ..World::default() };
        (tasks, Box::new(world))
    }

    #[test]
    fn a_panic_in_a_task_is_reported_and_the_thread_survives() {
        let (mut tasks, world) = tasks();
        let nobody = Job::Event(Event::Tick { vm: 7, root: 1 });
        let TaskEvent::Panicked(why) = tasks.begin(0, world, nobody) else { panic!("VM 7 does not exist") };
        assert!(why.downcast_ref::<String>().is_some_and(|why| why.contains("7")));
        // The thread still runs the next job.
        let (_, mut world) = self::tasks();
        world.interleaving = Some(tasks.interleaving());
        let event = tasks.begin(0, world, Job::HangUp(1));
        assert!(matches!(event, TaskEvent::Finished(_, Done::Nothing)), "{event:?}");
    }

    #[test]
    fn a_waiting_task_that_is_abandoned_is_unwound() {
        let (tasks, mut world) = tasks();
        let waits = std::thread::spawn(move || {
            let waited = catch_unwind(AssertUnwindSafe(|| {
                wait(&mut world, 0, SharedAccess::new("x", AccessKind::Read))
            }));
            waited.unwrap_err().is::<Abandoned>()
        });
        let event = tasks.events.recv().unwrap();
        assert!(
            matches!(event, TaskEvent::Waits(0, _, access) if access == SharedAccess::new("x", AccessKind::Read))
        );
        drop(tasks);
        assert!(waits.join().unwrap());
    }

    #[test]
    fn does_not_wait_unless_threads_take_turns() {
        let mut world = Box::<World>::default();
        world.workers = 3;
        wait(&mut world, 0, SharedAccess::new("x", AccessKind::Read));
        assert_eq!(world.workers, 3);
    }
}
