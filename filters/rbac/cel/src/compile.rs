//! Compilation: resolves names, checks types, and evaluates constant parts.

use crate::constant::{constant, folded};
use crate::functions::{Function, Signature};
use crate::pattern::Pattern;
use crate::syntax::{Expr, INDEX, Kind, Macro};
use crate::time::zone;
use crate::types::Types;
use crate::{Error, Position, Type, Value};

/// Maximum number of names of an attribute.
pub(crate) const MAX_NAMES: usize = 16;

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) position: Position,
    pub(crate) kind: NodeKind,
}

#[derive(Debug)]
pub(crate) enum NodeKind {
    Literal(Value),
    /// The attribute with this index in [`Compiled::paths`].
    Attribute(usize),
    HasAttribute(usize),
    /// A variable of a macro, counted from the outermost macro.
    Variable(usize),
    All(Vec<Node>),
    Any(Vec<Node>),
    If(Box<[Node; 3]>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Call(Function, Vec<Node>),
    Matches(Box<Node>, Box<Pattern>),
    Macro(Macro, Vec<Node>),
}

/// A compiled program.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) root: Node,
    /// The attributes that the program can read.
    pub(crate) paths: Vec<Box<[Box<str>]>>,
}

/// Compiles a program whose result is a boolean.
pub(crate) fn compile(expr: &Expr, known: &dyn Fn(&[&str]) -> bool) -> Result<Compiled, Error> {
    let mut compiler = Compiler { known, paths: Vec::new(), variables: Vec::new() };
    let (root, types) = compiler.node(expr)?;
    if !types.intersects(Types::of(Type::Bool)) {
        let message = ["the result is ", &types.describe(), ", expected `bool`"];
        return Err(Error::at(expr.position, &message));
    }
    Ok(Compiled { root, paths: compiler.paths })
}

struct Compiler<'e> {
    known: &'e dyn Fn(&[&str]) -> bool,
    paths: Vec<Box<[Box<str>]>>,
    /// Variables of the enclosing macros.
    variables: Vec<&'e str>,
}

impl<'e> Compiler<'e> {
    /// Compiles an expression, and returns the types that it can have.
    fn node(&mut self, expr: &'e Expr) -> Result<(Node, Types), Error> {
        let position = expr.position;
        let bool = Types::of(Type::Bool);
        let (kind, types) = match &expr.kind {
            Kind::Literal(value) => (NodeKind::Literal(value.clone()), Types::of(value.type_of())),
            Kind::Name { name, absolute: false } if self.variables.contains(&&**name) => {
                let index = self.variables.iter().rposition(|variable| *variable == &**name);
                (NodeKind::Variable(index.unwrap_or_default()), Types::ANY)
            }
            Kind::Name { .. } => return self.path(expr),
            Kind::Select(..) if self.is_path(expr) => return self.path(expr),
            Kind::Select(operand, field) => {
                let key = (constant(position, Value::from(&**field)), Types::of(Type::String));
                let container = self.node(operand)?;
                return call(position, signature(position, INDEX, false)?, vec![container, key]);
            }
            Kind::Has(operand, field) if self.is_path(operand) => {
                let index = self.attribute(position, operand, Some(field))?;
                (NodeKind::HasAttribute(index), bool)
            }
            Kind::Has(operand, field) => {
                let (container, types) = self.node(operand)?;
                expect(container.position, types, Type::Map)?;
                let arguments = vec![container, constant(position, Value::from(&**field))];
                (NodeKind::Call(Function::HasKey, arguments), bool)
            }
            Kind::Call { function, .. } if **function == *INDEX && self.is_path(expr) => {
                return self.path(expr);
            }
            Kind::Call { function, method, arguments } => {
                let signature = signature(position, function, *method)?;
                let mut nodes = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    nodes.push(self.node(argument)?);
                }
                return call(position, signature, nodes);
            }
            Kind::All(operands) => (NodeKind::All(self.booleans(operands)?), bool),
            Kind::Any(operands) => (NodeKind::Any(self.booleans(operands)?), bool),
            Kind::If(operands) => {
                let [condition, then, otherwise] = &**operands;
                let condition = self.boolean(condition)?;
                let (then, types) = self.node(then)?;
                let (otherwise, others) = self.node(otherwise)?;
                (NodeKind::If(Box::new([condition, then, otherwise])), types.or(others))
            }
            Kind::List(elements) => {
                let mut nodes = Vec::with_capacity(elements.len());
                for element in elements {
                    nodes.push(self.node(element)?.0);
                }
                (NodeKind::List(nodes), Types::of(Type::List))
            }
            Kind::Map(entries) => {
                let mut nodes = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let (key, types) = self.node(key)?;
                    let keys = [Type::Bool, Type::Int, Type::Uint, Type::String, Type::Double];
                    if !keys.into_iter().any(|each| types.intersects(Types::of(each))) {
                        let message = ["a key of a map is ", &types.describe(), ", expected `string`"];
                        return Err(Error::at(key.position, &message));
                    }
                    nodes.push((key, self.node(value)?.0));
                }
                (NodeKind::Map(nodes), Types::of(Type::Map))
            }
            Kind::Macro { kind, variable, operands } => {
                return self.expand(position, *kind, variable, operands);
            }
        };
        folded(position, kind).map(|node| (node, types))
    }

    fn booleans(&mut self, operands: &'e [Expr]) -> Result<Vec<Node>, Error> {
        let mut nodes = Vec::with_capacity(operands.len());
        for operand in operands {
            nodes.push(self.boolean(operand)?);
        }
        Ok(nodes)
    }

    fn boolean(&mut self, expr: &'e Expr) -> Result<Node, Error> {
        let (node, types) = self.node(expr)?;
        expect(expr.position, types, Type::Bool)?;
        Ok(node)
    }

    fn expand(
        &mut self,
        position: Position,
        kind: Macro,
        variable: &'e str,
        operands: &'e [Expr],
    ) -> Result<(Node, Types), Error> {
        let [range, bodies @ ..] = operands else {
            return Err(Error::at(position, &["the macro has no range"]));
        };
        let (range, types) = self.node(range)?;
        if !types.intersects(Types::of(Type::List).or(Types::of(Type::Map))) {
            let message = ["the range is ", &types.describe(), ", expected `list` or `map`"];
            return Err(Error::at(range.position, &message));
        }
        let mut nodes = vec![range];
        self.variables.push(variable);
        for (index, body) in bodies.iter().enumerate() {
            // All bodies are conditions, except the last one of `map`.
            let result = kind == Macro::Map && index + 1 == bodies.len();
            nodes.push(if result { self.node(body)?.0 } else { self.boolean(body)? });
        }
        self.variables.pop();
        let list = matches!(kind, Macro::Map | Macro::Filter);
        let types = Types::of(if list { Type::List } else { Type::Bool });
        Ok((Node { position, kind: NodeKind::Macro(kind, nodes) }, types))
    }

    /// Returns whether an expression is a chain of constant names that begins with an identifier.
    fn is_path(&self, expr: &Expr) -> bool {
        match &expr.kind {
            Kind::Name { name, absolute } => *absolute || !self.variables.contains(&&**name),
            Kind::Select(operand, _) => self.is_path(operand),
            _ => indexed(expr).is_some_and(|(operand, _)| self.is_path(operand)),
        }
    }

    /// Compiles a chain of names: an attribute, or a type.
    fn path(&mut self, expr: &'e Expr) -> Result<(Node, Types), Error> {
        let position = expr.position;
        let mut names = Vec::new();
        push_names(expr, &mut names);
        if let Some(named) = Type::from_name(&names.join(".")) {
            return Ok((constant(position, Value::Type(named)), Types::of(Type::Type)));
        }
        let index = self.attribute(position, expr, None)?;
        Ok((Node { position, kind: NodeKind::Attribute(index) }, Types::ANY))
    }

    /// Returns the index of an attribute.
    fn attribute(
        &mut self,
        position: Position,
        expr: &'e Expr,
        last: Option<&'e str>,
    ) -> Result<usize, Error> {
        let mut names = Vec::new();
        push_names(expr, &mut names);
        names.extend(last);
        if names.len() > MAX_NAMES {
            return Err(Error::at(
                position,
                &["an attribute has at most ", &MAX_NAMES.to_string(), " names"],
            ));
        }
        if !(self.known)(&names) {
            return Err(Error::at(position, &["unknown attribute `", &names.join("."), "`"]));
        }
        let same = |path: &[Box<str>]| path.iter().map(|name| &**name).eq(names.iter().copied());
        if let Some(index) = self.paths.iter().position(|path| same(path)) {
            return Ok(index);
        }
        self.paths.push(names.iter().map(|name| (*name).into()).collect());
        Ok(self.paths.len() - 1)
    }
}

fn signature(position: Position, name: &str, method: bool) -> Result<&'static Signature, Error> {
    Signature::find(name, method).ok_or_else(|| Error::at(position, &["unknown function `", name, "`"]))
}

/// Chooses the overloads of a call.
fn call(
    position: Position,
    signature: &Signature,
    nodes: Vec<(Node, Types)>,
) -> Result<(Node, Types), Error> {
    let function = signature.function;
    let (mut arguments, mut types) = (Vec::new(), Vec::new());
    for (node, each) in nodes {
        arguments.push(node);
        types.push(each);
    }
    let comparable = match (function, types.as_slice()) {
        (Function::Equal | Function::NotEqual, [a, b]) => a.comparable(*b),
        _ => true,
    };
    let Some(result) = signature.result(&types).filter(|_| comparable) else {
        return Err(no_overload(position, signature.name, &types));
    };
    if function == Function::Matches {
        let pattern = arguments.pop();
        return match (arguments.pop(), pattern) {
            (Some(text), Some(pattern)) => {
                let kind = NodeKind::Matches(Box::new(text), Box::new(Pattern::new(&pattern)?));
                Ok((Node { position, kind }, result))
            }
            _ => Err(no_overload(position, signature.name, &types)),
        };
    }
    if let (Function::Part(_), [_, Node { kind: NodeKind::Literal(Value::String(name)), position }]) =
        (function, arguments.as_slice())
        && core::str::from_utf8(name).ok().and_then(zone).is_none()
    {
        let name = String::from_utf8_lossy(name);
        let message = ["unsupported time zone `", &name, "`, expected `UTC` or an offset such as `+02:00`"];
        return Err(Error::at(*position, &message));
    }
    Ok((folded(position, NodeKind::Call(function, arguments))?, result))
}

/// Returns the operand and the index of `operand["index"]`.
fn indexed(expr: &Expr) -> Option<(&Expr, &str)> {
    match &expr.kind {
        Kind::Call { function, arguments, .. } if **function == *INDEX => match arguments.as_slice() {
            [operand, Expr { kind: Kind::Literal(Value::String(name)), .. }] => {
                Some((operand, core::str::from_utf8(name).ok()?))
            }
            _ => None,
        },
        _ => None,
    }
}

fn push_names<'e>(expr: &'e Expr, names: &mut Vec<&'e str>) {
    match &expr.kind {
        Kind::Name { name, .. } => names.push(name),
        Kind::Select(operand, field) => {
            push_names(operand, names);
            names.push(field);
        }
        _ => {
            if let Some((operand, name)) = indexed(expr) {
                push_names(operand, names);
                names.push(name);
            }
        }
    }
}

fn expect(position: Position, types: Types, expected: Type) -> Result<(), Error> {
    if types.intersects(Types::of(expected)) {
        return Ok(());
    }
    let message = ["found ", &types.describe(), ", expected `", expected.name(), "`"];
    Err(Error::at(position, &message))
}

#[inline(never)]
fn no_overload(position: Position, name: &str, types: &[Types]) -> Error {
    let mut found = String::new();
    for each in types {
        let separator = if found.is_empty() { "" } else { ", " };
        found = found + separator + &each.describe();
    }
    let found = if found.is_empty() { "no arguments" } else { &found };
    let name = name.trim_start_matches('.');
    Error::at(position, &["`", name, "` does not accept ", found])
}
