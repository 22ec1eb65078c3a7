//! Envoy's log, read back entry by entry.
//!
//! Filters may log any text, line ends included. So entries are not lines: Envoy is told to put each between marks that
//! no text is likely to hold. What stands outside of them did not come through its logger.

use crate::{Filter, LogLevel, LogLine};

const MARK: &str = "\u{1e}entry\u{1f}";
const END: &str = "\u{1f}end\u{1e}";
const SEPARATOR: char = '\u{1f}';

/// What `--log-format` must be for the log to be read back.
pub(super) fn format() -> String {
    format!("{MARK}%l{SEPARATOR}%n{SEPARATOR}%v{END}")
}

/// What Envoy calls a level, on its command line and in its log.
pub(super) fn level_name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warning",
        LogLevel::Error => "error",
        LogLevel::Critical => "critical",
    }
}

fn level_of(name: &str) -> Option<LogLevel> {
    use LogLevel::{Critical, Debug, Error, Info, Trace, Warn};
    [Trace, Debug, Info, Warn, Error, Critical].into_iter().find(|l| level_name(*l) == name)
}

/// An entry of Envoy's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its level. Lines that did not come through the logger (a crash, the allocator) count as critical.
    pub level: LogLevel,
    /// Envoy's component: `main`, `wasm`, `http`, ... Empty for lines that did not come through the logger.
    pub component: String,
    /// Its text, which may have several lines; no line end at its end.
    pub text: String,
}

/// Takes a log apart.
pub(super) fn entries(log: &str) -> Vec<Entry> {
    let mut parts = log.split(MARK);
    let mut entries: Vec<Entry> = parts.next().and_then(stray).into_iter().collect();
    for part in parts {
        let (inside, outside) = part.split_once(END).unwrap_or((part, ""));
        let mut fields = inside.splitn(3, SEPARATOR);
        match (fields.next().and_then(level_of), fields.next(), fields.next()) {
            (Some(level), Some(component), Some(text)) => {
                entries.push(Entry { level, component: component.to_owned(), text: text.to_owned() });
            }
            _ => entries.extend(stray(inside)),
        }
        entries.extend(stray(outside));
    }
    entries
}

fn stray(text: &str) -> Option<Entry> {
    let text = text.trim();
    let entry = || Entry { level: LogLevel::Critical, component: String::new(), text: text.to_owned() };
    (!text.is_empty()).then(entry)
}

/// The log as a person reads it: level, component, text.
pub(super) fn render(entries: &[Entry]) -> String {
    entries.iter().map(|e| format!("{:<8} {:<6} {}\n", level_name(e.level), e.component, e.text)).collect()
}

/// What the filters logged, without the prefix that says which of them did.
pub(super) fn of_filters(entries: &[Entry], filters: &[Filter]) -> Vec<LogLine> {
    let mut prefixes: Vec<String> = filters.iter().flat_map(prefixes).collect();
    prefixes.sort_by_key(|p| std::cmp::Reverse(p.len()));
    entries
        .iter()
        .filter(|e| e.component == "wasm" && e.text.starts_with("wasm log"))
        .map(|e| {
            let known = prefixes.iter().find_map(|p| e.text.strip_prefix(p.as_str()));
            let text = known.or_else(|| e.text.split_once(": ").map(|(_, text)| text)).unwrap_or(&e.text);
            LogLine { level: e.level, text: text.to_owned() }
        })
        .collect()
}

/// The prefixes of a filter: its streams log with the plugin's name, its root contexts without (`log_prefix` in
/// Envoy's `source/extensions/common/wasm/context.cc`). What is empty is left out.
fn prefixes(filter: &Filter) -> [String; 2] {
    let of = |parts: &[&str]| {
        let parts: String = parts.iter().filter(|p| !p.is_empty()).map(|p| format!(" {p}")).collect();
        format!("wasm log{parts}: ")
    };
    [of(&[&filter.name, &filter.root_id, &filter.vm_id]), of(&[&filter.root_id, &filter.vm_id])]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wasm;

    fn entry(level: LogLevel, component: &str, text: &str) -> Entry {
        Entry { level, component: component.into(), text: text.into() }
    }

    #[test]
    fn entries_keep_their_line_ends() {
        let log = "tcmalloc: x\n<warning\u{1f}main\u{1f}a>\n<info\u{1f}wasm\u{1f}wasm log: b\nc\u{1e}\n>\nabort\n<odd>\n";
        let log = log.replace('<', MARK).replace('>', END);
        let want = [
            entry(LogLevel::Critical, "", "tcmalloc: x"),
            entry(LogLevel::Warn, "main", "a"),
            entry(LogLevel::Info, "wasm", "wasm log: b\nc\u{1e}\n"),
            entry(LogLevel::Critical, "", "abort"),
            entry(LogLevel::Critical, "", "odd"),
        ];
        assert_eq!(entries(&log), want);
    }

    #[test]
    fn prefixes_of_streams_and_roots_are_taken_off() {
        let mut filter = Filter::new(Wasm::file("x.wasm")).named("a: b");
        filter.root_id = "root".into();
        let log = [
            entry(LogLevel::Info, "wasm", "wasm log a: b root: one: two"),
            entry(LogLevel::Warn, "wasm", "wasm log root: three"),
            entry(LogLevel::Warn, "wasm", "wasm log other: four"),
            entry(LogLevel::Warn, "wasm", "Plugin failed"),
            entry(LogLevel::Warn, "main", "wasm log root: no"),
        ];
        let texts: Vec<_> = of_filters(&log, &[filter]).into_iter().map(|l| l.text).collect();
        assert_eq!(texts, ["one: two", "three", "four"]);
    }
}
