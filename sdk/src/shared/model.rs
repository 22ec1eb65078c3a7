//! Pages of several VMs over one host, as a test has it.

use super::key::Key;
use super::numbers::Numbers;
use super::pages::{Shape, Table};
use super::store::Store;
use crate::{Error, Result, Status, UnixNanos};
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// The host: `src/shared_data.cc` of proxy-wasm-cpp-host.
#[derive(Default)]
struct World {
    latest: u32,
    values: HashMap<Vec<u8>, (Vec<u8>, u32)>,
    gets: usize,
    sets: usize,
    refused: usize,
    fails: bool,
}

impl World {
    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.latest = self.latest.wrapping_add(1).max(1);
        self.values.insert(key.to_vec(), (value.to_vec(), self.latest));
    }
}

#[derive(Clone)]
struct Vm {
    world: Rc<RefCell<World>>,
    numbers: Rc<Cell<Numbers>>,
}

impl Vm {
    fn new(world: &Rc<RefCell<World>>) -> Self {
        Self { world: world.clone(), numbers: Rc::new(Cell::new(Numbers::NONE)) }
    }
}

const FAILURE: Error = Error::Host { call: "set_shared_data", status: Status::InternalFailure };

impl Store for Vm {
    fn get(&self, key: &[u8]) -> Result<Option<(Vec<u8>, u32)>> {
        let mut world = self.world.borrow_mut();
        world.gets += 1;
        if world.fails { Err(FAILURE) } else { Ok(world.values.get(key).cloned()) }
    }

    fn set(&self, key: &[u8], value: &[u8], number: u32) -> Result<bool> {
        let mut world = self.world.borrow_mut();
        world.sets += 1;
        if world.fails {
            return Err(FAILURE);
        }
        if world.values.get(key).is_some_and(|(_, current)| number != 0 && number != *current) {
            world.refused += 1;
            return Ok(false);
        }
        world.set(key, value);
        let mut numbers = self.numbers.get();
        numbers.wrote();
        self.numbers.set(numbers);
        Ok(true)
    }

    fn numbers(&self) -> Numbers {
        self.numbers.get()
    }

    fn know(&self, numbers: Numbers) {
        self.numbers.set(numbers);
    }
}

const BYTES: usize = 8;
/// A page is one counter.
const COUNTER: Shape = Shape { entry_bytes: BYTES, entries: 1 };
const ATTEMPTS: u32 = 3;

fn table(vm: &Vm, remembered: usize) -> Table<Vm> {
    Table::new(vm.clone(), Key::new("p", "n"), COUNTER, remembered)
}

fn seconds(seconds: u64) -> UnixNanos {
    UnixNanos(1_700_000_000_000_000_000 + seconds * 1_000_000_000)
}

fn count(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap())
}

fn add(bytes: &mut [u8]) -> bool {
    let next = count(bytes) + 1;
    bytes.copy_from_slice(&next.to_le_bytes());
    true
}

fn alone() -> (Rc<RefCell<World>>, Table<Vm>) {
    let world = Rc::new(RefCell::new(World::default()));
    let table = table(&Vm::new(&world), 8);
    (world, table)
}

/// Gets and sets since it was asked last.
fn calls(world: &Rc<RefCell<World>>) -> (usize, usize) {
    let mut world = world.borrow_mut();
    (std::mem::take(&mut world.gets), std::mem::take(&mut world.sets))
}

#[test]
fn a_worker_that_is_alone_gets_each_page_once_and_looks_the_counter_up_once() {
    let (world, mut table) = alone();
    for page in 0..8 {
        table.update(page, seconds(0), ATTEMPTS, add).unwrap();
        assert_eq!(calls(&world), (if page == 0 { 2 } else { 1 }, 1), "page {page}");
    }
    for round in 0..100 {
        for page in [0, 3, 3, 7, 1, 5] {
            table.update(page, seconds(round), ATTEMPTS, add).unwrap();
        }
    }
    assert_eq!(calls(&world), (0, 600));
    assert_eq!(table.seen(3).map(count), Some(201));
    assert_eq!(table.seen(8), None);
}

#[test]
fn after_somebody_elses_change_it_is_back_with_three_calls_more() {
    let (world, mut table) = alone();
    for _ in 0..3 {
        table.update(0, seconds(0), ATTEMPTS, add).unwrap();
    }
    world.borrow_mut().set(b"another key", b"");
    // This one is set with a number that is greater than the least that it can be.
    table.update(0, seconds(0), ATTEMPTS, add).unwrap();
    calls(&world);
    // So this one is refused, got, set, and the counter looked up.
    table.update(0, seconds(0), ATTEMPTS, add).unwrap();
    assert_eq!(calls(&world), (2, 2));
    table.update(0, seconds(0), ATTEMPTS, add).unwrap();
    assert_eq!(calls(&world), (0, 1));
    assert_eq!(table.seen(0).map(count), Some(6));
}

#[test]
fn what_was_declined_is_asked_again_with_what_is_stored() {
    let (world, mut table) = alone();
    table.update(0, seconds(0), ATTEMPTS, add).unwrap();
    let key = Key::new("p", "n").of(0);
    world.borrow_mut().set(key.bytes(), &7_u64.to_le_bytes());
    let mut asked = Vec::new();
    let decline = |bytes: &mut [u8]| {
        asked.push(count(bytes));
        bytes.fill(0xff);
        false
    };
    table.update(0, seconds(0), ATTEMPTS, decline).unwrap();
    assert_eq!(asked, [1, 7]);
    // What was made of the bytes is forgotten.
    assert_eq!(table.seen(0).map(count), Some(7));
}

#[test]
fn a_page_that_is_too_long_reads_as_zeros_and_is_replaced() {
    let (world, mut table) = alone();
    let key = Key::new("p", "n").of(5);
    for other in [&b"longer than a page"[..], &[0; BYTES + 1], b""] {
        world.borrow_mut().set(key.bytes(), other);
        let mut zeros = Table::new(table.store.clone(), Key::new("p", "n"), COUNTER, 0);
        zeros.update(5, seconds(0), ATTEMPTS, add).unwrap();
        assert_eq!(world.borrow().values[key.bytes()].0, 1_u64.to_le_bytes());
    }
    table.update(5, seconds(0), ATTEMPTS, add).unwrap();
    assert_eq!(table.seen(5).map(count), Some(2));
}

/// Whatever is written is what is read, by whoever reads; of what is stored no entry at the end is empty.
#[test]
fn empty_entries_at_the_end_are_read_and_not_stored() {
    for shape in [Shape { entry_bytes: 24, entries: 3 }, Shape { entry_bytes: 5, entries: 4 }] {
        let length = shape.entry_bytes * shape.entries;
        let full = |bytes: usize| (0..length).map(|at| u8::from(at < bytes && at % 2 == bytes % 2)).collect();
        let pages: Vec<Vec<u8>> = (0..=length).map(full).collect();
        let world = Rc::new(RefCell::new(World::default()));
        let new = || Table::new(Vm::new(&world), Key::new("p", "n"), shape, 8);
        let mut table = new();
        let key = Key::new("p", "n").of(1);
        let mut before = vec![0; length];
        for (index, page) in pages.iter().chain(pages.iter().rev().step_by(7)).enumerate() {
            let write = |bytes: &mut [u8]| {
                assert_eq!(bytes, before);
                bytes.copy_from_slice(page);
                true
            };
            table.update(1, seconds(0), ATTEMPTS, write).unwrap();
            let stored = world.borrow().values[key.bytes()].0.clone();
            assert_eq!(table.seen(1), Some(&stored[..]));
            let (kept, left) = page.split_at(stored.len());
            assert_eq!((&stored[..], stored.len() % shape.entry_bytes), (kept, 0), "{index}");
            assert!(left.iter().all(|byte| *byte == 0), "{index}");
            // Eight bytes are looked at at once, so that there may be one of the shorter entries more.
            let used = page.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            assert!(stored.len() < used + 8 + shape.entry_bytes, "{index}");
            new()
                .update(1, seconds(0), ATTEMPTS, |bytes| {
                    assert_eq!(bytes, page);
                    false
                })
                .unwrap();
            before.clone_from(page);
        }
    }
}

#[test]
fn a_guess_that_is_a_minute_old_or_younger_than_now_is_not_tried() {
    let (world, mut table) = alone();
    table.update(0, seconds(1000), ATTEMPTS, add).unwrap();
    let expected = [(1030, 0), (1060, 0), (1090, 0), (1151, 2), (1211, 0), (1212, 2), (1211, 2), (1211, 0)];
    for (now, gets) in expected {
        calls(&world);
        table.update(0, seconds(now), ATTEMPTS, add).unwrap();
        assert_eq!(calls(&world), (gets, 1), "{now}");
    }
}

#[test]
fn workers_that_take_turns_waste_few_calls() {
    let world = Rc::new(RefCell::new(World::default()));
    let vms = [Vm::new(&world), Vm::new(&world)];
    let mut tables = vms.map(|vm| table(&vm, 8));
    for round in 0..10_000_u32 {
        for table in &mut tables {
            table.update(round % 5, seconds(0), ATTEMPTS, add).unwrap();
        }
    }
    let world = world.borrow();
    // One of 65 is a guess that fails, and one of 65 a look at the counter.
    assert!(world.refused <= 330, "{}", world.refused);
    assert!(world.gets <= 20_000 + 330, "{}", world.gets);
    assert_eq!(world.values.values().map(|(bytes, _)| count(bytes)).sum::<u64>(), 20_000);
}

#[test]
fn contention_ends_after_so_many_attempts_and_a_failure_at_once() {
    let (world, mut table) = alone();
    let key = Key::new("p", "n").of(0);
    let mut asked = 0;
    let ended = table.update(0, seconds(0), ATTEMPTS, |bytes| {
        asked += 1;
        world.borrow_mut().set(key.bytes(), &[9; BYTES]);
        add(bytes)
    });
    assert_eq!((ended, asked), (Err(Error::Contended), ATTEMPTS));
    world.borrow_mut().fails = true;
    assert_eq!(table.update(0, seconds(0), ATTEMPTS, add), Err(FAILURE));
    world.borrow_mut().fails = false;
    table.update(1, seconds(0), ATTEMPTS, add).unwrap();
    world.borrow_mut().fails = true;
    let before = table.seen(1).map(count);
    assert_eq!(table.update(1, seconds(0), ATTEMPTS, add), Err(FAILURE));
    assert_eq!(table.seen(1).map(count), before);
}

/// What a VM does, and what others do while it decides.
#[derive(Clone, Debug)]
struct Act {
    vm: usize,
    page: u32,
    later: u64,
    back: bool,
    meanwhile: Vec<(usize, u32)>,
    foreign: u32,
}

fn act() -> impl Strategy<Value = Act> {
    let later = prop_oneof![4 => Just(0_u64), 2 => 0..5_u64, 1 => 50..70_u64];
    let meanwhile = prop::collection::vec((0..3_usize, 0..3_u32), 0..2);
    let foreign = prop_oneof![3 => Just(0_u32), 1 => 1..4_u32];
    (0..3_usize, 0..3_u32, later, any::<bool>(), meanwhile, foreign).prop_map(
        |(vm, page, later, back, meanwhile, foreign)| Act { vm, page, later, back, meanwhile, foreign },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// With three VMs, of which some write while another decides, with other keys that are written, with a clock that
    /// goes back, wherever the counter begins.
    #[test]
    fn no_change_is_ever_lost(
        begin in prop_oneof![Just(0_u32), Just(u32::MAX - 20), any::<u32>()],
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let world = Rc::new(RefCell::new(World { latest: begin, ..World::default() }));
        let tables: Vec<_> = (0..3).map(|_| RefCell::new(table(&Vm::new(&world), 2))).collect();
        let mut done = [0_u64; 3];
        let mut now = 1000;
        for act in acts {
            now = if act.back { now - act.later } else { now + act.later };
            for _ in 0..act.foreign {
                world.borrow_mut().set(b"another key", b"");
            }
            let mut meanwhile = act.meanwhile.clone();
            let mut others = [0_u64; 3];
            let ended = tables[act.vm].borrow_mut().update(act.page, seconds(now), ATTEMPTS, |bytes| {
                if let Some((vm, page)) = meanwhile.pop()
                    && let Ok(mut table) = tables[vm].try_borrow_mut()
                    && table.update(page, seconds(now), ATTEMPTS, add).is_ok()
                {
                    others[page as usize] += 1;
                }
                add(bytes)
            });
            prop_assert!(matches!(ended, Ok(()) | Err(Error::Contended)), "{:?}", ended);
            done[act.page as usize] += u64::from(ended.is_ok());
            for (page, done) in done.iter_mut().enumerate() {
                *done += others[page];
                let key = Key::new("p", "n").of(page as u32);
                let stored = world.borrow().values.get(key.bytes()).map_or(0, |(bytes, _)| count(bytes));
                prop_assert_eq!(stored, *done, "page {}", page);
            }
        }
    }
}
