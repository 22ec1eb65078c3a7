//! Parses Envoy's log.
//!
//! Filters may log any text, including line ends, so an entry can have several lines. The log format puts
//! each entry between marks that are unlikely to occur in text. Text outside of marks was not written by
//! Envoy's logger.

use crate::{CallbackTrap, Filter, LogLevel, LogLine};

const MARK: &str = "\u{1e}entry\u{1f}";
const END: &str = "\u{1f}end\u{1e}";
const SEPARATOR: char = '\u{1f}';

/// Returns the `--log-format` that [`entries`] can parse.
pub(super) fn format() -> String {
    format!("{MARK}%l{SEPARATOR}%n{SEPARATOR}%v{END}")
}

/// Returns Envoy's name of a level, on its command line and in its log.
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

fn level_from_name(name: &str) -> Option<LogLevel> {
    use LogLevel::{Critical, Debug, Error, Info, Trace, Warn};
    [Trace, Debug, Info, Warn, Error, Critical].into_iter().find(|l| level_name(*l) == name)
}

/// An entry of Envoy's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The level. Lines that Envoy's logger did not write (a crash, the allocator) are critical.
    pub level: LogLevel,
    /// Envoy's component: `main`, `wasm`, `http`, ... Empty for lines that Envoy's logger did not write.
    pub component: String,
    /// The text, without a final line end. It may have several lines.
    pub text: String,
}

/// Splits a log into entries.
pub(super) fn entries(log: &str) -> Vec<Entry> {
    let mut parts = log.split(MARK);
    let mut entries: Vec<Entry> = parts.next().and_then(stray).into_iter().collect();
    for part in parts {
        let (inside, outside) = part.split_once(END).unwrap_or((part, ""));
        let mut fields = inside.splitn(3, SEPARATOR);
        match (fields.next().and_then(level_from_name), fields.next(), fields.next()) {
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

/// Formats a log for readers: level, component, text.
pub(super) fn render(entries: &[Entry]) -> String {
    entries.iter().map(|e| format!("{:<8} {:<6} {}\n", level_name(e.level), e.component, e.text)).collect()
}

/// Returns the log lines of the filters, without Envoy's prefix.
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

/// Returns the callbacks that V8 stopped (`getModuleFunctionImpl` in `v8.cc` of proxy-wasm-cpp-host).
pub(super) fn traps(entries: &[Entry]) -> Vec<CallbackTrap> {
    let trap = |entry: &Entry| {
        let (callback, reason) = entry.text.strip_prefix("Function: ")?.split_once(" failed: ")?;
        let callback = if callback == "proxy_on_memory_allocate" { "malloc" } else { callback };
        Some(CallbackTrap { callback: callback.to_owned(), reason: reason.to_owned() })
    };
    entries.iter().filter(|entry| entry.component == "wasm").filter_map(trap).collect()
}

/// Returns the prefixes of a filter's lines. Lines of streams contain the plugin's name, those of root
/// contexts do not (`log_prefix` in Envoy's `source/extensions/common/wasm/context.cc`). Empty parts are
/// omitted.
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
    fn removes_the_prefixes_of_streams_and_root_contexts() {
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

    #[test]
    fn finds_the_callbacks_that_trapped() {
        let log = [
            entry(LogLevel::Critical, "wasm", "Function: proxy_on_done failed: Uncaught\n  0: f"),
            entry(LogLevel::Critical, "main", "Function: proxy_on_done failed: no"),
            entry(LogLevel::Info, "wasm", "wasm log: Function: proxy_on_done failed: forged by a filter"),
        ];
        let expected = CallbackTrap { callback: "proxy_on_done".into(), reason: "Uncaught\n  0: f".into() };
        assert_eq!(traps(&log), [expected]);
    }
}
