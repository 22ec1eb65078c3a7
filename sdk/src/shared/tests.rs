//! Tests for pages of several VMs on a model of the host.

use super::key::Key;
use super::numbers::CasNumbers;
use super::pages::{Shape, Table};
use super::store::Store;
use crate::error::Result;
use crate::{Error, Status, UnixNanos};
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// A model of the shared data of the host (`src/shared_data.cc` of proxy-wasm-cpp-host).
#[derive(Default)]
struct World {
    latest: u32,
    values: HashMap<Vec<u8>, (Vec<u8>, u32)>,
    gets: usize,
    sets: usize,
    rejected: usize,
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
    numbers: Rc<Cell<CasNumbers>>,
}

impl Vm {
    fn new(world: &Rc<RefCell<World>>) -> Self {
        Self { world: world.clone(), numbers: Rc::new(Cell::new(CasNumbers::UNKNOWN)) }
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
            world.rejected += 1;
            return Ok(false);
        }
        world.set(key, value);
        let mut numbers = self.numbers.get();
        numbers.record_set();
        self.numbers.set(numbers);
        Ok(true)
    }

    fn numbers(&self) -> CasNumbers {
        self.numbers.get()
    }

    fn set_numbers(&self, numbers: CasNumbers) {
        self.numbers.set(numbers);
    }
}

const BYTES: usize = 8;
/// Each page is one counter.
const COUNTER: Shape = Shape { entry_bytes: BYTES, entries: 1 };
const ATTEMPTS: u32 = 3;

fn table(vm: &Vm, cached: usize) -> Table<Vm> {
    Table::new(vm.clone(), Key::new("p", "n"), COUNTER, cached)
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

/// Returns the number of gets and sets since the last call.
fn calls(world: &Rc<RefCell<World>>) -> (usize, usize) {
    let mut world = world.borrow_mut();
    (std::mem::take(&mut world.gets), std::mem::take(&mut world.sets))
}

#[test]
fn a_worker_alone_gets_each_page_once() {
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
fn another_change_costs_three_additional_calls() {
    let (world, mut table) = alone();
    for _ in 0..3 {
        table.update(0, seconds(0), ATTEMPTS, add).unwrap();
    }
    world.borrow_mut().set(b"another key", b"");
    // This set gets a number above the lowest possible one.
    table.update(0, seconds(0), ATTEMPTS, add).unwrap();
    calls(&world);
    // So this update is rejected, gets the page, sets it, and reads the counter.
    table.update(0, seconds(0), ATTEMPTS, add).unwrap();
    assert_eq!(calls(&world), (2, 2));
    table.update(0, seconds(0), ATTEMPTS, add).unwrap();
    assert_eq!(calls(&world), (0, 1));
    assert_eq!(table.seen(0).map(count), Some(6));
}

#[test]
fn calls_change_again_with_stored_bytes_if_it_declines() {
    let (world, mut table) = alone();
    table.update(0, seconds(0), ATTEMPTS, add).unwrap();
    let key = Key::new("p", "n").with_number(0);
    world.borrow_mut().set(key.bytes(), &7_u64.to_le_bytes());
    let mut change_calls = Vec::new();
    let decline = |bytes: &mut [u8]| {
        change_calls.push(count(bytes));
        bytes.fill(0xff);
        false
    };
    table.update(0, seconds(0), ATTEMPTS, decline).unwrap();
    assert_eq!(change_calls, [1, 7]);
    // The changed bytes of a declined update are dropped.
    assert_eq!(table.seen(0).map(count), Some(7));
}

#[test]
fn reads_a_longer_page_as_zeros_and_replaces_it() {
    let (world, mut table) = alone();
    let key = Key::new("p", "n").with_number(5);
    for other in [&b"longer than a page"[..], &[0; BYTES + 1], b""] {
        world.borrow_mut().set(key.bytes(), other);
        let mut zeros = Table::new(table.store.clone(), Key::new("p", "n"), COUNTER, 0);
        zeros.update(5, seconds(0), ATTEMPTS, add).unwrap();
        assert_eq!(world.borrow().values[key.bytes()].0, 1_u64.to_le_bytes());
    }
    table.update(5, seconds(0), ATTEMPTS, add).unwrap();
    assert_eq!(table.seen(5).map(count), Some(2));
}

/// Reads what was written, in every VM. The stored bytes never end with an empty entry.
#[test]
fn does_not_store_empty_entries_at_the_end() {
    for shape in [Shape { entry_bytes: 24, entries: 3 }, Shape { entry_bytes: 5, entries: 4 }] {
        let length = shape.entry_bytes * shape.entries;
        let full = |bytes: usize| (0..length).map(|at| u8::from(at < bytes && at % 2 == bytes % 2)).collect();
        let pages: Vec<Vec<u8>> = (0..=length).map(full).collect();
        let world = Rc::new(RefCell::new(World::default()));
        let new = || Table::new(Vm::new(&world), Key::new("p", "n"), shape, 8);
        let mut table = new();
        let key = Key::new("p", "n").with_number(1);
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
            // Eight bytes are checked at a time, so one additional short entry may be stored.
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
fn skips_predictions_that_are_too_old_or_in_the_future() {
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
fn alternating_workers_waste_few_calls() {
    let world = Rc::new(RefCell::new(World::default()));
    let vms = [Vm::new(&world), Vm::new(&world)];
    let mut tables = vms.map(|vm| table(&vm, 8));
    for round in 0..10_000_u32 {
        for table in &mut tables {
            table.update(round % 5, seconds(0), ATTEMPTS, add).unwrap();
        }
    }
    let world = world.borrow();
    // One prediction in 65 fails, and one update in 65 reads the counter.
    assert!(world.rejected <= 330, "{}", world.rejected);
    assert!(world.gets <= 20_000 + 330, "{}", world.gets);
    assert_eq!(world.values.values().map(|(bytes, _)| count(bytes)).sum::<u64>(), 20_000);
}

/// Gets and sets per update, as the documentation of `numbers` states them.
#[test]
fn random_workers_make_the_calls_of_the_table() {
    for (workers, pages, in_turn, gets, sets) in [
        (1, 1000, 1, 0.0, 1.0),
        (2, 1, 1, 1.0, 1.04),
        (2, 1, 4, 0.25, 1.12),
        (4, 1, 4, 0.37, 1.19),
        (2, 1000, 1, 1.02, 1.02),
        (4, 1000, 4, 1.02, 1.02),
        (8, 1000, 16, 1.02, 1.02),
    ] {
        let world = Rc::new(RefCell::new(World::default()));
        let mut tables: Vec<_> = (0..workers).map(|_| table(&Vm::new(&world), 1024)).collect();
        let (mut seed, mut worker) = (1_u64, 0);
        let mut draw = |below: u64| {
            seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (seed >> 33) % below
        };
        for update in 0..60_000 {
            if update == 20_000 {
                calls(&world);
            }
            if update % in_turn == 0 {
                worker = draw(workers) as usize;
            }
            tables[worker].update(draw(pages) as u32, seconds(0), ATTEMPTS, add).unwrap();
        }
        let (got, set) = calls(&world);
        let close = |calls: usize, stated: f64| (calls as f64 / 40_000.0 - stated).abs() < 0.015;
        assert!(close(got, gets) && close(set, sets), "{workers} {pages} {in_turn}: {got} gets, {set} sets");
    }
}

#[test]
fn gives_up_after_all_attempts_or_on_a_failure() {
    let (world, mut table) = alone();
    let key = Key::new("p", "n").with_number(0);
    let mut change_calls = 0;
    let ended = table.update(0, seconds(0), ATTEMPTS, |bytes| {
        change_calls += 1;
        world.borrow_mut().set(key.bytes(), &[9; BYTES]);
        add(bytes)
    });
    assert_eq!((ended, change_calls), (Err(Error::Contended), ATTEMPTS));
    world.borrow_mut().fails = true;
    assert_eq!(table.update(0, seconds(0), ATTEMPTS, add), Err(FAILURE));
    world.borrow_mut().fails = false;
    table.update(1, seconds(0), ATTEMPTS, add).unwrap();
    world.borrow_mut().fails = true;
    let before = table.seen(1).map(count);
    assert_eq!(table.update(1, seconds(0), ATTEMPTS, add), Err(FAILURE));
    assert_eq!(table.seen(1).map(count), before);
}

/// An update by one VM, and updates by others while `change` runs.
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

    /// Three VMs update while another one does. Other keys are written, the clock may go back, and the
    /// counter may start at any number.
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
                let key = Key::new("p", "n").with_number(page as u32);
                let stored = world.borrow().values.get(key.bytes()).map_or(0, |(bytes, _)| count(bytes));
                prop_assert_eq!(stored, *done, "page {}", page);
            }
        }
    }
}
