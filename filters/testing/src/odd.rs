//! Generators of unusual configurations.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

/// Generates values that are likely to be invalid: of the wrong type, too large, too small or empty. `texts`
/// are further texts, such as names that are valid elsewhere in the filter's configuration.
pub fn values(texts: &[&str]) -> impl Strategy<Value = Value> + Clone + use<> {
    let common = ["", "a", "\u{0}", "a\nb", "\u{1f600}", "9999999h", "0", "1ns", "{", "host", ":path"];
    let numbers = [json!(0), json!(1), json!(9), json!(-1), json!(1.5), json!(u64::MAX), json!(1e300)];
    let others =
        [Value::Null, json!(true), json!([]), json!({}), json!([{}]), json!({"": []}), json!([null])];
    let texts = common.iter().chain(texts).map(|text| Value::from(*text));
    prop::sample::select(texts.chain(numbers).chain(others).collect::<Vec<_>>())
}

/// Generates changes of a configuration: positions, each with its new value.
pub fn changes(texts: &[&str]) -> impl Strategy<Value = Vec<(Index, Value)>> + use<> {
    prop::collection::vec((any::<Index>(), values(texts)), 0..4)
}

/// Returns the configuration with these changes applied.
pub fn changed(mut config: Value, changes: &[(Index, Value)]) -> Value {
    for (place, by) in changes {
        let mut steps = place.index(count(&config));
        replace(&mut config, &mut steps, by);
    }
    config
}

/// Walks the values in depth-first order, and replaces the one at position `steps`.
fn replace(value: &mut Value, steps: &mut usize, by: &Value) {
    if *steps == 0 {
        *value = by.clone();
    }
    *steps = steps.wrapping_sub(1);
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| replace(value, steps, by)),
        Value::Object(members) => members.iter_mut().for_each(|(_, value)| replace(value, steps, by)),
        _ => {}
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}
