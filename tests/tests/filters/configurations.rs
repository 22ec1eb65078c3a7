//! Configurations that are wrong in one place.

use crate::{Subject, config};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use tollgate_filter_testing::odd;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{LogLevel, Scenario};

/// Number of changed configurations.
const CONFIGURATIONS: usize = 200;

/// A changed configuration either loads, or the filter rejects it and logs one line that begins with a field,
/// or describes the whole configuration.
pub(crate) fn names_what_is_wrong(subject: &Subject) {
    let scenario = subject.everything();
    let whole = config(scenario);
    let runner = Config { rng_seed: RngSeed::Fixed(2), failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(runner);
    let (mut rejected, drawn) = (0, odd::changes(&[]));
    for _ in 0..CONFIGURATIONS {
        let changes = drawn.new_tree(&mut runner).expect("it has no filter").current();
        let changed = odd::changed(whole.clone(), &changes);
        let filter = scenario.filters[0].clone().config(changed.clone());
        let scenario = Scenario { filters: vec![filter], ..scenario.clone() };
        let Err(refused) = Emulator::new(&scenario) else { continue };
        let errors = refused.logs.iter().filter(|line| line.level >= LogLevel::Error);
        let lines: Vec<_> = errors.map(|line| line.text.as_str()).collect();
        assert!(lines.len() == 1 && !lines[0].contains(['\n', '\0']), "{changed}: {lines:#?}");
        let named = lines[0].strip_prefix("configuration rejected: ").unwrap_or_default();
        let field = named.split(['.', '[', ':']).next().unwrap_or_default();
        let is_whole = ["invalid type", "missing field", "unknown field ``"]
            .iter()
            .any(|whole| named.starts_with(whole));
        assert!(is_whole || changed.get(field).is_some(), "{changed}: {lines:#?}");
        rejected += 1;
    }
    assert!(rejected > CONFIGURATIONS / 10, "{rejected}");
}
