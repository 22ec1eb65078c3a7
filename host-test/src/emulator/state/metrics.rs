//! Metrics that a filter defines: Envoy, `source/extensions/common/wasm/context.cc`, `defineMetric` and below.
//!
//! An id carries the kind in its two low bits, and defining a name again gives a new id for the same statistic. So a
//! statistic is found by kind and name, and an id only points to it. Nothing is ever freed.

use super::Status;
use std::collections::BTreeMap;

const COUNTER: u32 = 0;
const GAUGE: u32 = 1;
const HISTOGRAM: u32 = 2;
/// The bits of an id that say its kind, and the distance between the ids of one kind less one.
const KIND_MASK: u32 = 3;

/// The statistics of all filters. They outlive the VM that defined them.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    counters: Family<u64>,
    gauges: Family<u64>,
    histograms: Family<Vec<u64>>,
}

/// The metrics of one kind: what ids point to, and the values by name.
#[derive(Clone, Debug, Default)]
struct Family<V> {
    names: Vec<String>,
    values: BTreeMap<String, V>,
}

impl<V: Default> Family<V> {
    fn define(&mut self, kind: u32, name: &str) -> Result<u32, Status> {
        self.names.push(name.to_owned());
        self.values.entry(name.to_owned()).or_default();
        // The first id of a kind is its number past the mask: 4, 5 and 6.
        let step = u32::try_from(self.names.len()).map_err(|_| Status::InternalFailure)?;
        Ok(step * (KIND_MASK + 1) + kind)
    }

    fn get(&self, id: u32) -> Result<&V, Status> {
        self.values.get(name_of(&self.names, id)?).ok_or(Status::NotFound)
    }

    fn find(&mut self, id: u32) -> Result<&mut V, Status> {
        self.values.get_mut(name_of(&self.names, id)?).ok_or(Status::NotFound)
    }
}

fn name_of(names: &[String], id: u32) -> Result<&str, Status> {
    let index = (id / (KIND_MASK + 1)).checked_sub(1).ok_or(Status::NotFound)?;
    names.get(index as usize).map(String::as_str).ok_or(Status::NotFound)
}

impl Metrics {
    /// Defines a counter (0), a gauge (1) or a histogram (2), and answers its id.
    ///
    /// Fails with [`Status::BadArgument`] when `kind` is another.
    pub fn define(&mut self, kind: u32, name: &str) -> Result<u32, Status> {
        match kind {
            COUNTER => self.counters.define(kind, name),
            GAUGE => self.gauges.define(kind, name),
            HISTOGRAM => self.histograms.define(kind, name),
            _ => Err(Status::BadArgument),
        }
    }

    /// The name that an id stands for.
    ///
    /// Fails with [`Status::NotFound`] when there is none with this id.
    pub fn name(&self, id: u32) -> Result<&str, Status> {
        let names = match id & KIND_MASK {
            COUNTER => &self.counters.names,
            GAUGE => &self.gauges.names,
            HISTOGRAM => &self.histograms.names,
            _ => return Err(Status::NotFound),
        };
        name_of(names, id)
    }

    /// Adds to a counter or to a gauge. A gauge that falls below zero wraps.
    ///
    /// A counter that is not raised, and a histogram, are [`Status::BadArgument`].
    pub fn increment(&mut self, id: u32, offset: i64) -> Status {
        let changed = match id & KIND_MASK {
            COUNTER => self.counters.find(id).and_then(|value| {
                let offset =
                    u64::try_from(offset).ok().filter(|&offset| offset > 0).ok_or(Status::BadArgument)?;
                *value = value.wrapping_add(offset);
                Ok(())
            }),
            GAUGE => self.gauges.find(id).map(|value| *value = value.wrapping_add_signed(offset)),
            _ => Err(Status::BadArgument),
        };
        changed.err().unwrap_or(Status::Ok)
    }

    /// Sets a gauge, records a sample of a histogram, and *adds to* a counter.
    pub fn record(&mut self, id: u32, value: u64) -> Status {
        let changed = match id & KIND_MASK {
            COUNTER => self.counters.find(id).map(|counter| *counter = counter.wrapping_add(value)),
            GAUGE => self.gauges.find(id).map(|gauge| *gauge = value),
            HISTOGRAM => self.histograms.find(id).map(|samples| samples.push(value)),
            _ => Err(Status::BadArgument),
        };
        changed.err().unwrap_or(Status::Ok)
    }

    /// The value of a counter or a gauge.
    ///
    /// Fails with [`Status::NotFound`] when there is none with this id, with [`Status::BadArgument`] for a histogram.
    pub fn get(&self, id: u32) -> Result<u64, Status> {
        match id & KIND_MASK {
            COUNTER => self.counters.get(id).copied(),
            GAUGE => self.gauges.get(id).copied(),
            _ => Err(Status::BadArgument),
        }
    }

    /// Counters and gauges by the name they were defined with. Where one name is both, the counter is shown.
    pub fn snapshot(&self) -> BTreeMap<String, u64> {
        let mut all = self.gauges.values.clone();
        all.extend(self.counters.values.clone());
        all
    }

    /// The samples of a histogram, in the order they were recorded; none when there is no such histogram.
    pub fn samples(&self, name: &str) -> &[u64] {
        self.histograms.values.get(name).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ids_by_kind() {
        let mut metrics = Metrics::default();
        let ids = [0, 1, 2, 0, 1, 2].map(|kind| metrics.define(kind, "m").unwrap());
        assert_eq!(ids, [4, 5, 6, 8, 9, 10]);
        assert_eq!(metrics.define(3, "m"), Err(Status::BadArgument));
    }

    #[test]
    fn a_name_defined_again_is_the_same_statistic_by_a_new_id() {
        let mut metrics = Metrics::default();
        let (one, two) = (metrics.define(0, "c").unwrap(), metrics.define(0, "c").unwrap());
        assert_ne!(one, two);
        assert_eq!((metrics.name(one), metrics.name(two)), (Ok("c"), Ok("c")));
        metrics.increment(one, 2);
        metrics.increment(two, 3);
        assert_eq!((metrics.get(one), metrics.get(two)), (Ok(5), Ok(5)));
        assert_eq!(metrics.snapshot(), BTreeMap::from([("c".into(), 5)]));
    }

    #[test]
    fn counters_only_rise_and_recording_adds() {
        let mut metrics = Metrics::default();
        let id = metrics.define(0, "c").unwrap();
        assert_eq!(metrics.increment(id, 0), Status::BadArgument);
        assert_eq!(metrics.increment(id, -1), Status::BadArgument);
        assert_eq!(metrics.record(id, 4), Status::Ok);
        assert_eq!(metrics.record(id, 4), Status::Ok);
        assert_eq!(metrics.get(id), Ok(8));
    }

    #[test]
    fn gauges_are_set_and_wrap_below_zero() {
        let mut metrics = Metrics::default();
        let id = metrics.define(1, "g").unwrap();
        metrics.record(id, 9);
        metrics.record(id, 4);
        assert_eq!(metrics.increment(id, 0), Status::Ok);
        assert_eq!(metrics.increment(id, -5), Status::Ok);
        assert_eq!(metrics.get(id), Ok(u64::MAX));
    }

    #[test]
    fn histograms_only_record() {
        let mut metrics = Metrics::default();
        let id = metrics.define(2, "h").unwrap();
        assert_eq!(metrics.increment(id, 1), Status::BadArgument);
        assert_eq!(metrics.get(id), Err(Status::BadArgument));
        assert_eq!((metrics.record(id, 7), metrics.record(id, 7)), (Status::Ok, Status::Ok));
        assert_eq!(metrics.samples("h"), [7, 7]);
        assert!(metrics.snapshot().is_empty());
    }

    #[test]
    fn unknown_ids_are_not_found_and_a_fourth_kind_is_a_bad_argument() {
        let mut metrics = Metrics::default();
        metrics.define(0, "c").unwrap();
        for id in [0, 1, 8, 5] {
            assert_eq!(metrics.increment(id, 1), Status::NotFound, "{id}");
            assert_eq!(metrics.record(id, 1), Status::NotFound, "{id}");
            assert_eq!(metrics.get(id), Err(Status::NotFound), "{id}");
            assert_eq!(metrics.name(id), Err(Status::NotFound), "{id}");
        }
        assert_eq!(metrics.record(6, 1), Status::NotFound);
        for id in [3, 7] {
            assert_eq!(metrics.increment(id, 1), Status::BadArgument);
            assert_eq!(metrics.record(id, 1), Status::BadArgument);
            assert_eq!(metrics.get(id), Err(Status::BadArgument));
        }
    }

    #[test]
    fn a_counter_and_a_gauge_of_one_name_are_two_statistics() {
        let mut metrics = Metrics::default();
        let (counter, gauge) = (metrics.define(0, "m").unwrap(), metrics.define(1, "m").unwrap());
        metrics.record(counter, 1);
        metrics.record(gauge, 2);
        assert_eq!((metrics.get(counter), metrics.get(gauge)), (Ok(1), Ok(2)));
    }
}
