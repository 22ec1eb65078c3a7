//! Three workers that share a record by compare and swap: each reads it, and later stores a change unless
//! another worker has stored one in between. They die with their requests in flight, and return as other VMs.

use super::*;

const KEYS: u64 = 2;
const MILLISECOND: u64 = 1_000_000;

/// Update that a worker is about to store: the record as read, the changed record, and the operation.
type Pending = (Vec<u8>, Vec<u8>, Op);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Acquire(u64),
    Release(u64),
}

#[derive(Clone, Debug)]
struct Worker {
    vm: u32,
    is_alive: bool,
    in_flight: [u32; KEYS as usize],
    pending: Option<Pending>,
    members: Members,
    beat_at: u64,
}

struct World {
    record: Vec<u8>,
    beats: Vec<u8>,
    now: u64,
    max: u32,
    workers: Vec<Worker>,
    /// Workers that died: the time, and their requests in flight.
    dead: Vec<(u64, [u32; KEYS as usize])>,
    next_vm: u32,
}

impl World {
    fn new(max: u32) -> Self {
        let mut world = Self {
            record: Vec::new(),
            beats: Vec::new(),
            now: START,
            max,
            workers: Vec::new(),
            dead: Vec::new(),
            next_vm: 0,
        };
        for index in 0..3 {
            world.come(index);
        }
        world
    }

    fn come(&mut self, index: usize) {
        self.next_vm += 1;
        let worker = Worker {
            vm: self.next_vm,
            is_alive: true,
            in_flight: [0; KEYS as usize],
            pending: None,
            members: Members::default(),
            beat_at: 0,
        };
        match self.workers.get_mut(index) {
            Some(place) => *place = worker,
            None => self.workers.push(worker),
        }
        self.beat(index);
    }

    fn beat(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        Members::beat(&mut self.beats, worker.vm, UnixNanos(self.now));
        worker.members = Members::read(&self.beats);
        worker.beat_at = self.now;
    }

    fn die(&mut self, index: usize) {
        let worker = &mut self.workers[index];
        if worker.is_alive {
            worker.is_alive = false;
            worker.pending = None;
            self.dead.push((self.now, worker.in_flight));
        }
    }

    /// Time passes, and those that live beat when they have to, `late` at most.
    fn pass(&mut self, time: u64, late: u64) {
        let end = self.now + time;
        while self.now < end {
            self.now = end.min(self.now + 100 * MILLISECOND);
            for index in 0..self.workers.len() {
                let worker = &self.workers[index];
                if worker.is_alive && self.now - worker.beat_at >= HEARTBEAT + late {
                    self.beat(index);
                }
            }
        }
    }

    fn read(&mut self, index: usize, op: Op) {
        let worker = &mut self.workers[index];
        let mut next = self.record.clone();
        let is_change = match op {
            Op::Acquire(key) => {
                let now = UnixNanos(self.now);
                acquire(&mut next, key, worker.vm, self.max, &worker.members, now) == Acquire::Acquired
            }
            Op::Release(key) if worker.in_flight[key as usize] > 0 => {
                assert!(release(&mut next, key, worker.vm), "what a VM that lives counted was forgotten");
                true
            }
            Op::Release(_) => false,
        };
        match op {
            Op::Acquire(key) if !is_change => {
                let known = |died_at: u64| died_at + LEASE + 2 * SECOND > self.now;
                let dead = self.dead.iter().filter(|(died_at, _)| known(*died_at));
                let dead: u32 = dead.map(|(_, in_flight)| in_flight[key as usize]).sum();
                assert!(self.in_flight(key) + dead >= self.max, "there was room");
            }
            _ if is_change => worker.pending = Some((self.record.clone(), next, op)),
            _ => {}
        }
    }

    fn store(&mut self, index: usize) {
        let Some((before, next, op)) = self.workers[index].pending.take() else { return };
        if before != self.record {
            return self.read(index, op);
        }
        self.record = next;
        let in_flight = &mut self.workers[index].in_flight;
        match op {
            Op::Acquire(key) => in_flight[key as usize] += 1,
            Op::Release(key) => in_flight[key as usize] -= 1,
        }
        for key in 0..KEYS {
            assert!(self.in_flight(key) <= self.max, "too many");
        }
    }

    fn in_flight(&self, key: u64) -> u32 {
        self.workers
            .iter()
            .filter(|worker| worker.is_alive)
            .map(|worker| worker.in_flight[key as usize])
            .sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn never_too_many_and_never_blocked(
        max in 1..4u32, late in 0..3_000u64, late_apart: bool,
        steps in prop::collection::vec((0..3usize, 0..KEYS, 0..40u8, 0..3_000u64), 1..200),
    ) {
        let mut world = World::new(max);
        for (index, key, what, time) in steps {
            match what {
                0 => world.die(index),
                1..4 if !world.workers[index].is_alive => world.come(index),
                4..8 => world.pass(time * MILLISECOND, if late_apart { late * MILLISECOND } else { 0 }),
                8 => world.pass(5 * time * MILLISECOND, 0),
                _ if !world.workers[index].is_alive => {}
                _ if world.workers[index].pending.is_some() => world.store(index),
                9..28 => world.read(index, Op::Acquire(key)),
                _ => world.read(index, Op::Release(key)),
            }
        }
        // In the end all workers die. Their slots are free after the lease, and the record has no other
        // entries.
        for index in 0..3 {
            world.die(index);
        }
        world.pass(LEASE + 2 * SECOND, 0);
        world.come(0);
        for _ in 0..max {
            world.read(0, Op::Acquire(0));
            world.store(0);
        }
        prop_assert_eq!(world.in_flight(0), max);
        prop_assert_eq!(world.record.len(), 1 + 20);
    }
}
