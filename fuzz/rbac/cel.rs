//! Compiles any text as a condition, and any JSON as a parsed one. A condition that compiles is evaluated
//! with two budgets: the smaller one only decides whether the evaluation ends. The text of a parsed condition
//! must compile.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_cel::{Attributes, EvaluationError, Program, Unavailable, Value};

/// Attributes whose values come from the input. Their kind depends on the last name of the path.
struct Input<'i>(&'i [u8]);

impl Attributes for Input<'_> {
    fn get(&self, path: &[&str]) -> Result<Option<Value>, Unavailable> {
        let text = || Value::from_bytes(self.0);
        match path.last().map_or(0, |name| name.len() % 6) {
            0 => Ok(None),
            1 => Ok(Some(text())),
            2 => Ok(Some(Value::from_list(self.0.iter().map(|byte| Value::Int(i64::from(*byte))).collect()))),
            3 => Ok(Some(Value::from_entries(self.0.chunks(2).map(|key| (key.into(), text())).collect()))),
            4 => Ok(Some(Value::Double(self.0.len() as f64 / 3.0))),
            _ => Err(Unavailable),
        }
    }
}

fn known(path: &[&str]) -> bool {
    path.first().is_some_and(|name| name.len() < 9)
}

fn evaluate(program: &Program, attributes: &Input<'_>) {
    let small = program.evaluate(attributes, 500);
    let large = program.evaluate(attributes, 100_000);
    assert!(small == large || small == Err(EvaluationError::Cost), "{program}: {small:?} {large:?}");
}

fuzz_target!(|input: (&str, &[u8])| {
    let (text, bytes) = input;
    let attributes = Input(bytes);
    match Program::parse(text, &known) {
        Ok(program) => {
            assert_eq!(program.to_string(), text);
            evaluate(&program, &attributes);
        }
        Err(error) => assert!(error.position().is_some(), "{error}"),
    }
    if let Ok(json) = serde_json::from_str(text)
        && let Ok(program) = Program::from_expr(&json, &known)
    {
        assert!(Program::parse(&program.to_string(), &known).is_ok(), "{program}");
        evaluate(&program, &attributes);
    }
});
