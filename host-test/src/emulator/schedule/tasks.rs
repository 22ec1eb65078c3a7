//! The threads that tasks run on, and what goes around between them: everything.
//!
//! Who has the world is the one who runs. It is handed to a task with something to do, and comes back when that is
//! done, or before a host call that touches what threads share. A task that waits there has frames on its stack, of the
//! emulator and of a VM, and none of them has anything but ids. So there is no lock and no race: a task can only be
//! given up, and then its frames are unwound.

use super::touch::Touch;
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

/// Something that a task does from beginning to end.
#[derive(Debug)]
pub(super) enum Job {
    /// Loads the filters on its thread.
    Start(Arc<[Arc<Code>]>),
    Request(usize, Box<Request>),
    Event(Event),
    /// The client of a stream has waited long enough.
    HangUp(u64),
}

/// What a task is told.
#[derive(Debug)]
enum Turn {
    Begin(Box<World>, Job),
    GoOn(Box<World>),
}

/// What a task tells.
#[derive(Debug)]
pub(super) enum News {
    /// It is about to touch something; the number is its own.
    Waits(usize, Box<World>, Touch),
    /// It has done its job.
    Finished(Box<World>, Done),
    /// The emulator itself has panicked, and took the world with it.
    Panicked(Box<dyn Any + Send>),
}

/// What came of a job.
#[derive(Debug)]
pub(super) enum Done {
    Nothing,
    /// The request of this number is this stream.
    Accepted(usize, u64),
    /// The filters do not load.
    Refused(String),
}

/// Unwinds a task that is given up.
struct GivenUp;

/// The tasks' side, which goes with the world.
#[derive(Debug)]
pub(crate) struct Baton {
    seats: Arc<Seats>,
    /// The host calls that were waited for, with their answers, in order.
    pub calls: Vec<String>,
    /// Each thread draws its own numbers, so that they do not depend on what other threads do.
    pub randoms: BTreeMap<usize, Random>,
}

#[derive(Debug)]
struct Seats {
    news: Sender<News>,
    turns: Vec<Mutex<Receiver<Turn>>>,
}

impl Seats {
    fn next(&self, task: usize) -> Option<Turn> {
        self.turns.get(task)?.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }
}

/// Waits for a turn, if turns are taken at all: what `world` is afterwards may have been changed by any other thread.
pub(crate) fn wait(world: &mut Box<World>, task: usize, touch: Touch) {
    let Some(baton) = &world.baton else { return };
    let seats = Arc::clone(&baton.seats);
    let given = std::mem::take(world);
    match seats.news.send(News::Waits(task, given, touch)).ok().and_then(|()| seats.next(task)) {
        Some(Turn::GoOn(back)) => *world = back,
        _ => resume_unwind(Box::new(GivenUp)),
    }
}

impl Emulator {
    /// Waits for a turn to ask the first upstream on behalf of a stream, if it matters who asks first.
    pub(crate) fn wait_to_ask(&mut self, stream: u64) {
        let Some(touch) = Touch::upstreams(&self.world.upstreams) else { return };
        let Some(thread) = self.world.streams.get(&stream).map(|stream| stream.thread) else { return };
        wait(&mut self.world, thread, touch);
        if let Some(baton) = &mut self.world.baton {
            baton.calls.push(format!("[{thread}] stream {stream} comes to the router"));
        }
    }
}

/// The tasks, seen by who decides about turns. Dropping it gives up the tasks that still wait.
#[derive(Debug)]
pub(super) struct Tasks {
    seats: Arc<Seats>,
    turns: Vec<Sender<Turn>>,
    news: Receiver<News>,
    threads: Vec<Option<JoinHandle<()>>>,
}

impl Tasks {
    pub fn new(count: usize) -> Self {
        let (told, news) = channel();
        let (turns, ends): (Vec<_>, Vec<_>) = (0..count).map(|_| channel()).unzip();
        let seats = Arc::new(Seats { news: told, turns: ends.into_iter().map(Mutex::new).collect() });
        Self { seats, turns, news, threads: (0..count).map(|_| None).collect() }
    }

    /// The tasks' side, to be put into the world.
    pub fn baton(&self) -> Baton {
        Baton { seats: Arc::clone(&self.seats), calls: Vec::new(), randoms: BTreeMap::new() }
    }

    /// Gives a task something to do, and waits until it has done that or waits itself.
    pub fn begin(&mut self, task: usize, world: Box<World>, job: Job) -> News {
        self.threads[task].get_or_insert_with(|| {
            let seats = Arc::clone(&self.seats);
            let named = std::thread::Builder::new().name(format!("task {task}"));
            named.spawn(move || work(&seats, task)).expect("a thread can be started")
        });
        self.tell(task, Turn::Begin(world, job))
    }

    /// Lets a task that waits go on, until it waits again or is done.
    pub fn go_on(&mut self, task: usize, world: Box<World>) -> News {
        self.tell(task, Turn::GoOn(world))
    }

    fn tell(&mut self, task: usize, turn: Turn) -> News {
        self.turns[task].send(turn).expect("the receiver is in the seats");
        self.news.recv().expect("the sender is in the seats")
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

fn work(seats: &Seats, task: usize) {
    while let Some(Turn::Begin(world, job)) = seats.next(task) {
        let mut emulator = Emulator { world };
        let done = catch_unwind(AssertUnwindSafe(|| job.run(&mut emulator, task)));
        let news = match done {
            Ok(done) => News::Finished(emulator.world, done),
            Err(why) if why.is::<GivenUp>() => return,
            Err(why) => News::Panicked(why),
        };
        if seats.news.send(news).is_err() {
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
                emulator.wait_in_vain(stream);
                Done::Nothing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::touch::How;
    use super::*;

    fn tasks() -> (Tasks, Box<World>) {
        let tasks = Tasks::new(1);
        let world = World { baton: Some(tasks.baton()), ..World::default() };
        (tasks, Box::new(world))
    }

    #[test]
    fn a_panic_in_a_task_is_told_and_ends_nothing_else() {
        let (mut tasks, world) = tasks();
        let nobody = Job::Event(Event::Tick { vm: 7, root: 1 });
        let News::Panicked(why) = tasks.begin(0, world, nobody) else { panic!("there is no VM 7") };
        assert!(why.downcast_ref::<String>().is_some_and(|why| why.contains("7")));
        // The thread goes on with what comes next.
        let (_, mut world) = self::tasks();
        world.baton = Some(tasks.baton());
        let news = tasks.begin(0, world, Job::HangUp(1));
        assert!(matches!(news, News::Finished(_, Done::Nothing)), "{news:?}");
    }

    #[test]
    fn a_task_that_is_given_up_while_it_waits_is_unwound() {
        let (tasks, mut world) = tasks();
        let waits = std::thread::spawn(move || {
            let waited = catch_unwind(AssertUnwindSafe(|| wait(&mut world, 0, Touch::new("x", How::Reads))));
            waited.unwrap_err().is::<GivenUp>()
        });
        let news = tasks.news.recv().unwrap();
        assert!(matches!(news, News::Waits(0, _, touch) if touch == Touch::new("x", How::Reads)));
        drop(tasks);
        assert!(waits.join().unwrap());
    }

    #[test]
    fn nobody_waits_where_no_turns_are_taken() {
        let mut world = Box::<World>::default();
        world.workers = 3;
        wait(&mut world, 0, Touch::new("x", How::Reads));
        assert_eq!(world.workers, 3);
    }
}
