//! Generated matcher trees: Envoy's own RBAC filter and this one must make the same decision, by the action
//! of the same name.

use crate::native::{CASES, Dice, TEXTS, agree, string_match};
use serde_json::{Value, json};

fn extension(kind: &str, mut config: Value) -> Value {
    config["@type"] = format!("type.googleapis.com/{kind}").into();
    json!({"name": "extension", "typed_config": config})
}

fn header(name: &str) -> Value {
    extension("envoy.type.matcher.v3.HttpRequestHeaderMatchInput", json!({ "header_name": name }))
}

/// Generates trees. Each action has a name of its own, so that the names show the way through the tree.
struct Trees<'d> {
    dice: &'d mut Dice,
    actions: usize,
}

impl Trees<'_> {
    fn input(&mut self) -> Value {
        header(self.dice.one(&["x-a", "x-b", ":method", ":path"]))
    }

    fn on_match(&mut self, depth: usize) -> Value {
        if depth > 0 && self.dice.roll(2) == 0 {
            return json!({"matcher": self.matcher(depth - 1)});
        }
        self.actions += 1;
        let action = self.dice.one(&["ALLOW", "ALLOW", "DENY", "LOG"]);
        let action = json!({"name": format!("n{}", self.actions), "action": action});
        json!({"action": extension("envoy.config.rbac.v3.Action", action)})
    }

    fn predicate(&mut self, depth: usize) -> Value {
        match self.dice.roll(if depth > 0 { 6 } else { 3 }) {
            3 => json!({"not_matcher": self.predicate(depth - 1)}),
            4 => {
                json!({"and_matcher": {"predicate": [self.predicate(depth - 1), self.predicate(depth - 1)]}})
            }
            5 => json!({"or_matcher": {"predicate": [self.predicate(depth - 1), self.predicate(depth - 1)]}}),
            _ => {
                let (input, mut value) = (self.input(), string_match(self.dice));
                // The message of xDS requires the engine; that of Envoy does not.
                if let Some(regex) = value.get_mut("safe_regex") {
                    regex["google_re2"] = json!({});
                }
                json!({"single_predicate": {"input": input, "value_match": value}})
            }
        }
    }

    /// A matcher of a branch, with an action for the rest of the requests in two of three cases.
    fn matcher(&mut self, depth: usize) -> Value {
        let mut matcher = match self.dice.roll(4) {
            0 => json!({"matcher_tree": self.map(depth)}),
            1 => json!({"matcher_tree": self.networks(depth)}),
            _ => {
                let count = 1 + self.dice.roll(3);
                let matchers: Vec<_> = (0..count)
                    .map(|_| json!({"predicate": self.predicate(2), "on_match": self.on_match(depth)}))
                    .collect();
                json!({"matcher_list": { "matchers": matchers }})
            }
        };
        if self.dice.roll(3) > 0 {
            matcher["on_no_match"] = self.on_match(depth);
        }
        matcher
    }

    fn map(&mut self, depth: usize) -> Value {
        let mut map = serde_json::Map::new();
        for _ in 0..=self.dice.roll(4) {
            map.insert(self.dice.one(&TEXTS).to_owned(), self.on_match(depth));
        }
        let kind = self.dice.one(&["exact_match_map", "prefix_match_map"]);
        json!({"input": header(self.dice.one(&["x-a", "x-b"])), kind: { "map": map }})
    }

    fn networks(&mut self, depth: usize) -> Value {
        let matchers: Vec<_> = (0..=self.dice.roll(3))
            .map(|_| {
                let (address, length) =
                    [("127.0.0.0", 8), ("127.0.0.4", 30), ("127.0.0.2", 31), ("127.0.0.3", 32)]
                        [self.dice.roll(4)];
                json!({
                    "ranges": [{"address_prefix": address, "prefix_len": length}],
                    "on_match": self.on_match(depth),
                    "exclusive": self.dice.roll(3) == 0,
                })
            })
            .collect();
        let input = "envoy.extensions.matching.common_inputs.network.v3.SourceIPInput";
        let matcher = extension("xds.type.matcher.v3.IPMatcher", json!({ "range_matchers": matchers }));
        json!({"input": extension(input, json!({})), "custom_match": matcher})
    }
}

#[test]
fn walks_a_matcher_tree_as_the_native_filter_does() {
    let mut dice = Dice(0x5eed_0003);
    let mut trees = Trees { dice: &mut dice, actions: 0 };
    // One tree per case, so that two Envoys are enough.
    let cases: serde_json::Map<_, _> =
        (0..CASES).map(|case| (case.to_string(), json!({"matcher": trees.matcher(3)}))).collect();
    let tree = json!({"input": header("x-case"), "exact_match_map": { "map": cases }});
    let config = json!({"matcher": { "matcher_tree": tree }});
    agree(&mut dice, &config, |case| {
        config["matcher"]["matcher_tree"]["exact_match_map"]["map"][case].clone()
    });
}
