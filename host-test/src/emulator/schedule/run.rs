//! One run: tasks take turns as somebody chooses, and time passes when none of them has anything to do.

use super::plan::Schedule;
use super::tasks::{Done, Job, News, Tasks};
use super::touch::Touch;
use super::{End, Interleaved};
use crate::emulator::Emulator;
use crate::emulator::linking::Code;
use crate::emulator::world::World;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Turns of one run. Who makes more does not come to an end: a thread that waits for another by asking again and again.
const MOST_TURNS: usize = 10_000;

/// A task that waits for its turn.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub task: usize,
    /// What it is about to touch.
    pub touch: Touch,
    /// It has touched nothing yet since it began with what it does: letting another go first interrupts nothing.
    pub fresh: bool,
}

/// Decides whose turn it is: one of those who wait, or none to end the run.
pub(super) type Choose<'a> = dyn FnMut(&[Pending]) -> Result<usize, Stopped> + 'a;

/// Why a run did not come to its end.
#[derive(Debug)]
pub(super) enum Stopped {
    /// Nothing new would come of it.
    Cut,
    /// Something is wrong with it.
    Broken(String),
}

/// A run that did not come to its end: why, and what was done until then.
pub(super) struct Unfinished {
    pub why: Stopped,
    pub schedule: Schedule,
    pub calls: Vec<String>,
}

pub(super) struct Run {
    tasks: Tasks,
    world: Box<World>,
    waiting: Vec<Option<Pending>>,
    jobs: Vec<VecDeque<Job>>,
    /// Whether a task has touched something since it began with what it does.
    touched: Vec<bool>,
    /// Requests to come: when, on which thread, which, the latest first.
    coming: Vec<(Duration, usize, usize)>,
    streams: Vec<Option<u64>>,
    schedule: Schedule,
    /// When the outcome is read, known as soon as all requests are complete.
    until: Option<Duration>,
}

impl Run {
    /// Loads the filters, as far as that is not left to the tasks.
    pub fn new(plan: &Interleaved, codes: &Arc<[Arc<Code>]>) -> Result<Self, String> {
        let mut emulator = plan.builder().start_first(codes).map_err(|refused| refused.reason)?;
        let count = emulator.world.workers + 1;
        let mut jobs: Vec<VecDeque<Job>> = (0..count).map(|_| VecDeque::new()).collect();
        for (thread, jobs) in jobs.iter_mut().enumerate().skip(1) {
            if plan.from_start {
                jobs.push_back(Job::Start(Arc::clone(codes)));
            } else {
                emulator.load_on(thread, codes)?;
            }
        }
        let sent = plan.requests.iter().enumerate();
        let mut coming: Vec<_> = sent.map(|(index, sent)| (sent.at, sent.worker + 1, index)).collect();
        // Those of one time come in the order in which they were given.
        coming.sort_by_key(|(at, _, index)| std::cmp::Reverse((*at, *index)));
        let tasks = Tasks::new(count);
        let mut world = emulator.world;
        world.baton = Some(tasks.baton());
        Ok(Self {
            tasks,
            world,
            waiting: vec![None; count],
            jobs,
            touched: vec![false; count],
            streams: vec![None; coming.len()],
            coming,
            schedule: Schedule::default(),
            until: None,
        })
    }

    /// Runs to the end.
    pub fn finish(mut self, plan: &Interleaved, choose: &mut Choose<'_>) -> Result<End, Unfinished> {
        match self.go(plan, choose) {
            Ok(()) => Ok(self.end()),
            Err(why) => {
                let calls = self.world.baton.take().map(|baton| baton.calls).unwrap_or_default();
                Err(Unfinished { why, schedule: self.schedule, calls })
            }
        }
    }

    fn go(&mut self, plan: &Interleaved, choose: &mut Choose<'_>) -> Result<(), Stopped> {
        self.requests_come(plan);
        loop {
            // What a task does before it first touches something is nobody's business, so that they begin at once.
            if let Some((task, job)) = self.job() {
                self.touched[task] = false;
                let world = std::mem::take(&mut self.world);
                let news = self.tasks.begin(task, world, job);
                self.hear(task, news)?;
                continue;
            }
            let pending: Vec<_> = self.waiting.iter().flatten().cloned().collect();
            if pending.is_empty() {
                if !self.let_time_pass() {
                    return Ok(());
                }
                self.requests_come(plan);
                continue;
            }
            let task = choose(&pending)?;
            if self.schedule.0.len() == MOST_TURNS {
                return Err(Stopped::Broken(format!("no end after {MOST_TURNS} turns")));
            }
            self.schedule.0.push(task);
            self.waiting[task] = None;
            self.touched[task] = true;
            let world = std::mem::take(&mut self.world);
            let news = self.tasks.go_on(task, world);
            self.hear(task, news)?;
        }
    }

    /// The first task that could begin with something, and that.
    fn job(&mut self) -> Option<(usize, Job)> {
        (0..self.jobs.len()).filter(|task| self.waiting[*task].is_none()).find_map(|task| {
            let job = self.jobs[task].pop_front().or_else(|| self.world.due_on(task).map(Job::Event))?;
            Some((task, job))
        })
    }

    fn hear(&mut self, task: usize, news: News) -> Result<(), Stopped> {
        match news {
            News::Waits(from, world, touch) => {
                self.world = world;
                if from != task {
                    let why = format!("what was begun on thread {task} went on on thread {from}");
                    return Err(Stopped::Broken(why));
                }
                self.waiting[task] = Some(Pending { task, touch, fresh: !self.touched[task] });
                Ok(())
            }
            News::Finished(world, done) => {
                self.world = world;
                match done {
                    Done::Nothing => Ok(()),
                    Done::Accepted(index, stream) => {
                        self.streams[index] = Some(stream);
                        Ok(())
                    }
                    Done::Refused(reason) => Err(Stopped::Broken(reason)),
                }
            }
            News::Panicked(why) => Err(Stopped::Broken(format!("the emulator panicked: {}", words(&*why)))),
        }
    }

    fn requests_come(&mut self, plan: &Interleaved) {
        let now = self.world.clock.now();
        while let Some((_, thread, index)) = self.coming.pop_if(|(at, ..)| *at <= now) {
            let request = Box::new(plan.requests[index].request.clone());
            self.jobs[thread].push_back(Job::Request(index, request));
        }
    }

    /// Moves the time to whatever comes next; false if that is the end.
    fn let_time_pass(&mut self) -> bool {
        let next = self.world.clock.next_at().into_iter().chain(self.coming.last().map(|(at, ..)| *at)).min();
        let patience = self.world.settings.client_patience;
        let impatient = self.world.streams.values().filter(|s| !s.finishing);
        let impatient = impatient.map(|s| (s.client.last_byte + patience, s.id, s.thread)).min();
        let limit = match impatient {
            Some((limit, ..)) => limit,
            None if !self.coming.is_empty() => Duration::MAX,
            None => {
                let linger = self.world.settings.linger;
                *self.until.get_or_insert(self.world.clock.now() + linger)
            }
        };
        let clock = &mut self.world.clock;
        match next.filter(|next| *next <= limit) {
            Some(next) => clock.settle(next),
            None => {
                clock.settle(limit);
                let Some((_, stream, thread)) = impatient else { return false };
                self.jobs[thread].push_back(Job::HangUp(stream));
            }
        }
        true
    }

    fn end(mut self) -> End {
        let calls = self.world.baton.take().map(|baton| baton.calls).unwrap_or_default();
        let done = |stream: &Option<u64>| stream.and_then(|stream| self.world.done.get(&stream).cloned());
        let exchanges = self.streams.iter().map(|s| done(s).expect("a request is complete")).collect();
        End { exchanges, schedule: self.schedule, calls, emulator: Emulator { world: self.world } }
    }
}

/// What a panic said.
pub(super) fn words(why: &(dyn std::any::Any + Send)) -> String {
    let text = why.downcast_ref::<String>().map(String::as_str);
    text.or(why.downcast_ref::<&str>().copied()).unwrap_or("it did not say why").to_owned()
}
