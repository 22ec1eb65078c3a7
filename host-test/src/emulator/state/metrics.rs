//! Metrics that filters define: Envoy, `source/extensions/common/wasm/context.cc`, `defineMetric` and below.
//!
//! An id carries the kind in its two lowest bits. Defining a name again returns a new id for the same metric.
//! Metrics are therefore stored by kind and name, and an id only refers to them. Nothing is ever freed.

use super::Status;
use crate::Histogram;
use std::collections::BTreeMap;

const COUNTER: u32 = 0;
const GAUGE: u32 = 1;
const HISTOGRAM: u32 = 2;
/// The bits of an id that are its kind. The ids of one kind are one more than this apart.
const KIND_MASK: u32 = 3;

/// The metrics of all filters. They outlive the VM that defined them.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    counters: Family<u64>,
    gauges: Family<u64>,
    histograms: Family<Vec<u64>>,
}

/// The metrics of one kind: the name of each id, and the values by name.
#[derive(Clone, Debug, Default)]
struct Family<V> {
    names: Vec<String>,
    values: BTreeMap<String, V>,
}

impl<V: Default> Family<V> {
    fn define(&mut self, kind: u32, name: &str) -> Result<u32, Status> {
        self.names.push(name.to_owned());
        self.values.entry(name.to_owned()).or_default();
        // The first ids of the kinds are 4, 5 and 6.
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
    /// Defines a counter (0), a gauge (1) or a histogram (2), and returns its id.
    ///
    /// Fails with [`Status::BadArgument`] for any other `kind`.
    pub fn define(&mut self, kind: u32, name: &str) -> Result<u32, Status> {
        match kind {
            COUNTER => self.counters.define(kind, name),
            GAUGE => self.gauges.define(kind, name),
            HISTOGRAM => self.histograms.define(kind, name),
            _ => Err(Status::BadArgument),
        }
    }

    /// Returns the name of the metric with this id.
    ///
    /// Fails with [`Status::NotFound`] for an unknown id.
    pub fn name(&self, id: u32) -> Result<&str, Status> {
        let names = match id & KIND_MASK {
            COUNTER => &self.counters.names,
            GAUGE => &self.gauges.names,
            HISTOGRAM => &self.histograms.names,
            _ => return Err(Status::NotFound),
        };
        name_of(names, id)
    }

    /// Adds to a counter or a gauge. A gauge that falls below zero wraps around.
    ///
    /// Fails with [`Status::BadArgument`] for a histogram, and for a counter if `offset` is not positive.
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

    /// Sets a gauge, records a sample in a histogram, and *adds to* a counter.
    pub fn record(&mut self, id: u32, value: u64) -> Status {
        let changed = match id & KIND_MASK {
            COUNTER => self.counters.find(id).map(|counter| *counter = counter.wrapping_add(value)),
            GAUGE => self.gauges.find(id).map(|gauge| *gauge = value),
            HISTOGRAM => self.histograms.find(id).map(|samples| samples.push(value)),
            _ => Err(Status::BadArgument),
        };
        changed.err().unwrap_or(Status::Ok)
    }

    /// Returns the value of a counter or a gauge.
    ///
    /// Fails with [`Status::NotFound`] for an unknown id, and with [`Status::BadArgument`] for a histogram.
    pub fn get(&self, id: u32) -> Result<u64, Status> {
        match id & KIND_MASK {
            COUNTER => self.counters.get(id).copied(),
            GAUGE => self.gauges.get(id).copied(),
            _ => Err(Status::BadArgument),
        }
    }

    /// Returns the counters and gauges by name. If both have the same name, the counter is returned.
    pub fn snapshot(&self) -> BTreeMap<String, u64> {
        let mut all = self.gauges.values.clone();
        all.extend(self.counters.values.clone());
        all
    }

    /// Returns the histograms by name.
    pub fn histograms(&self) -> BTreeMap<String, Histogram> {
        let values = self.histograms.values.iter();
        values.map(|(name, samples)| (name.clone(), Histogram::from_values(samples))).collect()
    }

    /// Returns the samples of a histogram in the order in which they were recorded. Empty for an unknown
    /// histogram.
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
    fn defining_a_name_again_gives_a_new_id_for_the_same_metric() {
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
        assert_eq!(metrics.histograms()["h"].count(), 2);
        assert!(metrics.snapshot().is_empty());
    }

    #[test]
    fn rejects_unknown_ids_and_the_unused_kind() {
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
    fn a_counter_and_a_gauge_with_the_same_name_are_separate() {
        let mut metrics = Metrics::default();
        let (counter, gauge) = (metrics.define(0, "m").unwrap(), metrics.define(1, "m").unwrap());
        metrics.record(counter, 1);
        metrics.record(gauge, 2);
        assert_eq!((metrics.get(counter), metrics.get(gauge)), (Ok(1), Ok(2)));
    }
}
