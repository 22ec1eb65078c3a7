//! Evaluation.

use crate::compile::{Compiled, MAX_NAMES, Node, NodeKind};
use crate::error::Failure;
use crate::meter::{ALLOCATION, Meter};
use crate::syntax::Macro;
use crate::value::Map;
use crate::{Attributes, EvaluationError, Position, Unavailable, Value};

/// Units that reading an attribute costs: it is a host call, or a search.
const ATTRIBUTE_COST: usize = 20;

/// An evaluation of a program.
pub(crate) struct Evaluation<'e> {
    program: &'e Compiled,
    attributes: &'e dyn Attributes,
    /// Attributes that were read, by index.
    read: Vec<Option<Read>>,
    /// Variables of the enclosing macros.
    variables: Vec<Value>,
    pub(crate) meter: Meter,
}

/// A value that was read, or the failure.
type Read = core::result::Result<Option<Value>, Unavailable>;
type Result<T> = core::result::Result<T, EvaluationError>;

impl<'e> Evaluation<'e> {
    pub(crate) fn new(program: &'e Compiled, attributes: &'e dyn Attributes, budget: u32) -> Self {
        let read = vec![None; program.paths.len()];
        Self { program, attributes, read, variables: Vec::new(), meter: Meter(budget) }
    }

    /// Evaluates the program.
    pub(crate) fn run(&mut self) -> Result<bool> {
        self.boolean(&self.program.root)
    }

    fn boolean(&mut self, node: &'e Node) -> Result<bool> {
        match self.value(node)? {
            Value::Bool(value) => Ok(value),
            _ => Err(Failure::NO_SUCH_OVERLOAD.at(node.position)),
        }
    }

    fn value(&mut self, node: &'e Node) -> Result<Value> {
        let position = node.position;
        self.spend(1)?;
        match &node.kind {
            NodeKind::Literal(value) => Ok(value.clone()),
            NodeKind::Variable(index) => {
                self.variables.get(*index).cloned().ok_or(Failure::NO_SUCH_KEY.at(position))
            }
            NodeKind::Attribute(index) => {
                self.attribute(*index, position)?.ok_or(Failure::NO_SUCH_KEY.at(position))
            }
            NodeKind::HasAttribute(index) => Ok(Value::Bool(self.attribute(*index, position)?.is_some())),
            NodeKind::All(operands) => self.logical(operands, false),
            NodeKind::Any(operands) => self.logical(operands, true),
            NodeKind::If(operands) => {
                let [condition, then, otherwise] = &**operands;
                let condition = self.boolean(condition)?;
                self.value(if condition { then } else { otherwise })
            }
            NodeKind::List(nodes) => {
                let mut elements = Vec::new();
                for node in nodes {
                    elements.push(self.value(node)?);
                }
                Ok(Value::from_list(elements))
            }
            NodeKind::Map(nodes) => self.map(nodes, position),
            NodeKind::Call(function, nodes) => {
                let mut arguments = [const { Value::Null }; 4];
                for (argument, node) in arguments.iter_mut().zip(nodes) {
                    *argument = self.value(node)?;
                }
                let arguments = arguments.get(..nodes.len()).unwrap_or_default();
                self.meter.call(*function, arguments).map_err(|failure| failure.at(position))
            }
            NodeKind::Matches(text, pattern) => {
                let text = self.value(text)?;
                pattern
                    .matches(&text, &mut self.meter)
                    .map(Value::Bool)
                    .map_err(|failure| failure.at(position))
            }
            NodeKind::Macro(kind, nodes) => self.iterate(*kind, nodes, position),
        }
    }

    fn spend(&mut self, units: usize) -> Result<()> {
        self.meter.spend(units).map_err(|_| EvaluationError::Cost)
    }

    #[inline(never)]
    fn attribute(&mut self, index: usize, position: Position) -> Result<Option<Value>> {
        let failed = |_| EvaluationError::Unavailable(position);
        if let Some(Some(read)) = self.read.get(index) {
            return read.clone().map_err(failed);
        }
        self.spend(ATTRIBUTE_COST)?;
        let mut names = [""; MAX_NAMES];
        let path = self.program.paths.get(index).map(|path| &**path).unwrap_or_default();
        for (name, text) in names.iter_mut().zip(path) {
            *name = text;
        }
        let value = self.attributes.get(names.get(..path.len()).unwrap_or_default());
        if let Some(read) = self.read.get_mut(index) {
            *read = Some(value.clone());
        }
        value.map_err(failed)
    }

    /// Evaluates operands until one of them is `decisive`. Such an operand absorbs the errors of others.
    fn logical(&mut self, operands: &'e [Node], decisive: bool) -> Result<Value> {
        let mut result = Ok(Value::Bool(!decisive));
        for operand in operands {
            match self.boolean(operand) {
                Ok(value) if value == decisive => return Ok(Value::Bool(value)),
                Ok(_) => {}
                Err(EvaluationError::Cost) => return Err(EvaluationError::Cost),
                Err(error) => result = result.and(Err(error)),
            }
        }
        result
    }

    #[inline(never)]
    fn map(&mut self, nodes: &'e [(Node, Node)], position: Position) -> Result<Value> {
        let mut entries = Vec::new();
        let mut length = 0;
        for (key, value) in nodes {
            let key = self.value(key)?;
            self.spend(ALLOCATION)?;
            if let Value::String(text) = &key {
                length += text.len() + 1;
            }
            entries.push((key, self.value(value)?));
        }
        // Sorting compares each key with the logarithm of the number of keys.
        let steps = (usize::BITS - entries.len().leading_zeros()) as usize;
        self.meter.bytes(length.saturating_mul(steps)).map_err(|failure| failure.at(position))?;
        Map::new(entries).map(Value::Map).ok_or(Failure::Failed("invalid or repeated key").at(position))
    }

    #[inline(never)]
    fn iterate(&mut self, kind: Macro, nodes: &'e [Node], position: Position) -> Result<Value> {
        let depth = self.variables.len();
        let result = self.iterate_range(kind, nodes, position);
        // After an error, the variable is still there.
        self.variables.truncate(depth);
        result
    }

    fn iterate_range(&mut self, kind: Macro, nodes: &'e [Node], position: Position) -> Result<Value> {
        let [range, condition, bodies @ ..] = nodes else {
            return Err(Failure::NO_SUCH_OVERLOAD.at(position));
        };
        let range = self.value(range)?;
        let count = match &range {
            Value::List(list) => list.len(),
            Value::Map(map) => map.entries().len(),
            _ => return Err(Failure::NO_SUCH_OVERLOAD.at(position)),
        };
        let mut elements = Vec::new();
        let mut matches = 0;
        let mut failed = None;
        for index in 0..count {
            self.spend(1)?;
            let element = match &range {
                Value::List(list) => list.get(index),
                Value::Map(map) => map.entries().get(index).map(|(key, _)| key),
                _ => None,
            };
            let Some(element) = element else { break };
            self.variables.push(element.clone());
            let done = match kind {
                Macro::Map => {
                    let body = match bodies.first() {
                        Some(body) if self.boolean(condition)? => Some(body),
                        Some(_) => None,
                        None => Some(condition),
                    };
                    if let Some(body) = body {
                        elements.push(self.value(body)?);
                    }
                    false
                }
                Macro::Filter => {
                    if self.boolean(condition)? {
                        elements.push(element.clone());
                    }
                    false
                }
                Macro::ExistsOne => {
                    matches += usize::from(self.boolean(condition)?);
                    false
                }
                Macro::All | Macro::Exists => match self.boolean(condition) {
                    Ok(value) => value == (kind == Macro::Exists),
                    Err(EvaluationError::Cost) => return Err(EvaluationError::Cost),
                    Err(error) => {
                        failed = failed.or(Some(error));
                        false
                    }
                },
            };
            self.variables.pop();
            if done {
                return Ok(Value::Bool(kind == Macro::Exists));
            }
        }
        match (kind, failed) {
            (Macro::Map | Macro::Filter, _) => Ok(Value::from_list(elements)),
            (Macro::ExistsOne, _) => Ok(Value::Bool(matches == 1)),
            (_, Some(error)) => Err(error),
            (_, None) => Ok(Value::Bool(kind == Macro::All)),
        }
    }
}
