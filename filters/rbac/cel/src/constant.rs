//! Evaluation of constant parts at load.

use crate::compile::{Node, NodeKind};
use crate::error::Failure;
use crate::functions::Function;
use crate::meter::Meter;
use crate::value::Map;
use crate::{Error, Position, Type, Value};

/// Budget of the evaluation of a constant part.
const CONSTANT_BUDGET: u32 = 10_000;

/// Builds a literal.
pub(crate) fn constant(position: Position, value: Value) -> Node {
    Node { position, kind: NodeKind::Literal(value) }
}

/// Evaluates a part whose operands are constant. A part that fails remains, and fails when it is evaluated:
/// another operand of `||` may decide. Only an invalid time or duration is an error.
pub(crate) fn folded(position: Position, kind: NodeKind) -> Result<Node, Error> {
    let mut meter = Meter(CONSTANT_BUDGET);
    let value = match &kind {
        NodeKind::Call(function, arguments) => {
            let Some(values) = literals(arguments) else { return Ok(Node { position, kind }) };
            let result = meter.call(*function, &values);
            let is_time = matches!(function, Function::Convert(Type::Timestamp | Type::Duration));
            if let (true, Err(Failure::Failed(reason))) = (is_time, result.as_ref()) {
                return Err(Error::at(position, &[reason]));
            }
            result.ok()
        }
        NodeKind::List(elements) => literals(elements).map(Value::from_list),
        NodeKind::Map(entries) => {
            let pairs = entries.iter().map(|(key, value)| match (&key.kind, &value.kind) {
                (NodeKind::Literal(key), NodeKind::Literal(value)) => Some((key.clone(), value.clone())),
                _ => None,
            });
            pairs.collect::<Option<Vec<_>>>().and_then(Map::new).map(Value::Map)
        }
        _ => None,
    };
    Ok(value.map(|value| constant(position, value)).unwrap_or(Node { position, kind }))
}

fn literals(nodes: &[Node]) -> Option<Vec<Value>> {
    let mut values = Vec::with_capacity(nodes.len());
    for node in nodes {
        let NodeKind::Literal(value) = &node.kind else { return None };
        values.push(value.clone());
    }
    Some(values)
}
