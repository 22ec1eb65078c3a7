//! The families of metrics of a module, and the rules that turn their names into labels.

use crate::Error;
use serde::Serialize;
use walrus::{Module, RawCustomSection};

/// The name of the custom section with the families, to which `#[derive(Metrics)]` writes one line for each:
/// `prefix<TAB>name<TAB>label,label`.
pub const SECTION: &str = "tollgate.metrics";

/// Metrics whose names end in the values of labels: `<prefix>.<name>.<value>`. A prefix of the configuration
/// can follow that of the family.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricFamily {
    /// First part of the names, the same for all metrics of a filter; may be empty.
    pub prefix: String,
    /// Part of the names before the values of the labels.
    pub name: String,
    /// Labels, in the order of their values.
    pub labels: Vec<String>,
}

/// An element of `stats_config.stats_tags` in an Envoy bootstrap
/// (`envoy.config.metrics.v3.TagSpecifier`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatsTag {
    /// Name of the label.
    pub tag_name: String,
    /// Expression with two groups: Envoy removes the first from the name, and the second is the value.
    pub regex: String,
}

impl MetricFamily {
    /// Reads the section of a module. The result is sorted.
    pub(crate) fn read(section: &[u8]) -> Result<Vec<Self>, Error> {
        let invalid = |found: &str| Error::Invalid(format!("section `{SECTION}`: unexpected line `{found}`"));
        let text =
            str::from_utf8(section).map_err(|why| Error::Invalid(format!("section `{SECTION}`: {why}")))?;
        let mut families = Vec::new();
        for line in text.lines() {
            let [prefix, name, labels] = line.split('\t').collect::<Vec<_>>()[..] else {
                return Err(invalid(line));
            };
            let labels: Vec<_> = labels.split(',').map(str::to_owned).collect();
            let is_name =
                |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
            let is_label = |label: &String| !label.is_empty() && is_name(label);
            if name.is_empty() || !is_name(name) || !is_name(prefix) || !labels.iter().all(is_label) {
                return Err(invalid(line));
            }
            families.push(Self { prefix: prefix.into(), name: name.into(), labels });
        }
        families.sort();
        families.dedup();
        Ok(families)
    }

    /// Writes the section, unless there are no families.
    pub(crate) fn write(families: &[Self], module: &mut Module) {
        let line =
            |family: &Self| format!("{}\t{}\t{}\n", family.prefix, family.name, family.labels.join(","));
        let text: String = families.iter().map(line).collect();
        if !text.is_empty() {
            module.customs.add(RawCustomSection { name: SECTION.into(), data: text.into() });
        }
    }

    /// Returns the rules for Envoy, one per label.
    pub fn stats_tags(&self) -> Vec<StatsTag> {
        let literal = |text: &str| text.replace('.', r"\.");
        let mut start = r"^wasmcustom\.".to_owned();
        if !self.prefix.is_empty() {
            start += &literal(&self.prefix);
            start += r"\.";
        }
        start += r"(?:.+\.)?";
        start += &literal(&self.name);
        let tag = |(index, label): (usize, &String)| {
            let value = |other| if other == index { r"(\.([^.]+))" } else { r"\.[^.]+" };
            let values: String = (0..self.labels.len()).map(value).collect();
            StatsTag { tag_name: label.clone(), regex: format!("{start}{values}$") }
        };
        self.labels.iter().enumerate().map(tag).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines_and_rejects_others() {
        let read =
            MetricFamily::read(b"b\tdenied\treason\na.c\tlimit\tlimit,event\nb\tdenied\treason\n").unwrap();
        let family = |prefix: &str, name: &str, labels: &[&str]| MetricFamily {
            prefix: prefix.into(),
            name: name.into(),
            labels: labels.iter().map(|label| (*label).into()).collect(),
        };
        assert_eq!(read, [family("a.c", "limit", &["limit", "event"]), family("b", "denied", &["reason"])]);
        for bad in ["a", "a\tb", "a\t\tc", "a\tb\t", "a\tb\tc,", "a\tb\tc\td", "a(\tb\tc", "\u{e9}\tb\tc"] {
            assert!(MetricFamily::read(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(MetricFamily::read(b"\xff").is_err());
    }

    #[test]
    fn a_rule_finds_one_value_after_any_prefix() {
        let [family] = &MetricFamily::read(b"a.b\tlimit\tlimit,event").unwrap()[..] else {
            panic!("one family")
        };
        let [limit, event] = &family.stats_tags()[..] else { panic!("two rules") };
        assert_eq!((limit.tag_name.as_str(), event.tag_name.as_str()), ("limit", "event"));
        assert_eq!(limit.regex, r"^wasmcustom\.a\.b\.(?:.+\.)?limit(\.([^.]+))\.[^.]+$");
        assert_eq!(event.regex, r"^wasmcustom\.a\.b\.(?:.+\.)?limit\.[^.]+(\.([^.]+))$");
    }
}
