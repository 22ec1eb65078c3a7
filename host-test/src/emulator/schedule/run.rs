//! A single run: tasks take turns as chosen, and time passes when no task has work.

use super::plan::Schedule;
use super::tasks::{Done, Job, TaskEvent, Tasks};
use super::touch::SharedAccess;
use super::{End, Interleaved};
use crate::emulator::Emulator;
use crate::emulator::linking::Code;
use crate::emulator::world::World;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Limit on the turns of a run. A run with more is endless, for example a thread that polls for another.
const MAX_TURNS: usize = 10_000;

/// A task that waits for its turn.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub task: usize,
    /// The shared resource that it is about to access.
    pub access: SharedAccess,
    /// Its current job has not accessed shared state yet, so letting another task run first interrupts
    /// nothing.
    pub fresh: bool,
}

/// Chooses one of the waiting tasks, or ends the run.
pub(super) type Choose<'a> = dyn FnMut(&[Pending]) -> Result<usize, Stopped> + 'a;

/// The reason why a run did not finish.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The run is equivalent to another one.
    Cut,
    /// Something went wrong.
    Broken(String),
}

/// A run that did not finish: the reason, and the turns until then.
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
    /// Whether each task has accessed shared state in its current job.
    has_accessed: Vec<bool>,
    /// Requests to be sent, the latest first: time, thread and index.
    coming: Vec<(Duration, usize, usize)>,
    streams: Vec<Option<u64>>,
    schedule: Schedule,
    /// The time at which the result is read. Known as soon as all requests are complete.
    until: Option<Duration>,
}

impl Run {
    /// Loads the filters, except where the tasks do it.
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
        // Requests of the same time are sent in the order in which they were added.
        coming.sort_by_key(|(at, _, index)| std::cmp::Reverse((*at, *index)));
        let tasks = Tasks::new(count);
        let mut world = emulator.world;
        world.interleaving = Some(tasks.interleaving());
        Ok(Self {
            tasks,
            world,
            waiting: vec![None; count],
            jobs,
            has_accessed: vec![false; count],
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
                let calls =
                    self.world.interleaving.take().map(|interleaving| interleaving.calls).unwrap_or_default();
                Err(Unfinished { why, schedule: self.schedule, calls })
            }
        }
    }

    fn go(&mut self, plan: &Interleaved, choose: &mut Choose<'_>) -> Result<(), Stopped> {
        self.requests_come(plan);
        loop {
            // All tasks start at once: other tasks cannot observe what a task does before its first access.
            if let Some((task, job)) = self.job() {
                self.has_accessed[task] = false;
                let world = std::mem::take(&mut self.world);
                let event = self.tasks.begin(task, world, job);
                self.handle_event(task, event)?;
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
            if self.schedule.0.len() == MAX_TURNS {
                return Err(Stopped::Broken(format!("the run did not finish within {MAX_TURNS} turns")));
            }
            self.schedule.0.push(task);
            self.waiting[task] = None;
            self.has_accessed[task] = true;
            let world = std::mem::take(&mut self.world);
            let event = self.tasks.resume(task, world);
            self.handle_event(task, event)?;
        }
    }

    /// Returns the first task that can start a job, and the job.
    fn job(&mut self) -> Option<(usize, Job)> {
        (0..self.jobs.len()).filter(|task| self.waiting[*task].is_none()).find_map(|task| {
            let job = self.jobs[task].pop_front().or_else(|| self.world.due_on(task).map(Job::Event))?;
            Some((task, job))
        })
    }

    fn handle_event(&mut self, task: usize, event: TaskEvent) -> Result<(), Stopped> {
        match event {
            TaskEvent::Waits(from, world, access) => {
                self.world = world;
                if from != task {
                    let why = format!("a job of thread {task} continued on thread {from}");
                    return Err(Stopped::Broken(why));
                }
                self.waiting[task] = Some(Pending { task, access, fresh: !self.has_accessed[task] });
                Ok(())
            }
            TaskEvent::Finished(world, done) => {
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
            TaskEvent::Panicked(why) => {
                Err(Stopped::Broken(format!("the emulator panicked: {}", panic_message(&*why))))
            }
        }
    }

    fn requests_come(&mut self, plan: &Interleaved) {
        let now = self.world.clock.now();
        while let Some((_, thread, index)) = self.coming.pop_if(|(at, ..)| *at <= now) {
            let request = Box::new(plan.requests[index].request.clone());
            self.jobs[thread].push_back(Job::Request(index, request));
        }
    }

    /// Moves the time to the next event. Returns false at the end of the run.
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
        let calls = self.world.interleaving.take().map(|interleaving| interleaving.calls).unwrap_or_default();
        let done = |stream: &Option<u64>| stream.and_then(|stream| self.world.done.get(&stream).cloned());
        let exchanges = self.streams.iter().map(|s| done(s).expect("a request is complete")).collect();
        End { exchanges, schedule: self.schedule, calls, emulator: Emulator { world: self.world } }
    }
}

/// Returns the message of a panic.
pub(super) fn panic_message(why: &(dyn std::any::Any + Send)) -> String {
    let text = why.downcast_ref::<String>().map(String::as_str);
    text.or(why.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}
