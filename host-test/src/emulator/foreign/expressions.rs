//! `expr_create`, `expr_evaluate` and `expr_delete`: CEL over the attributes of a stream.
//!
//! What parses but names a function that is not there is refused when it is created, and uses up a token even so; what
//! names an attribute that is not there fails when it is evaluated.
//!
//! Not as on Envoy: messages such as `google.protobuf.Int64Value{value: 1}` cannot be constructed, and a number too large
//! for a double is an error rather than infinity.

use super::ForeignContext;
use super::attributes::{Attributes, Roots, from_cel};
use crate::emulator::state::Status;
use cel::common::ast::{EntryExpr, Expr};
use cel::parser::Expression;
use cel::{Context, Env};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// The expressions that a root context has created, by token.
#[derive(Debug, Default)]
pub struct Expressions {
    created: BTreeMap<u32, Arc<Expression>>,
    next: u32,
}

/// Without optional values: Envoy does not switch them on.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// To see an expression as it is written, its macros not expanded.
static PLAIN: LazyLock<Env> = LazyLock::new(|| Env::default().with_optional_support(false));

/// Brackets within each other, and levels of the tree that is written: cel-cpp, `ParserOptions`.
const DEEPEST: u16 = 32;

/// The functions of Envoy's CEL beside the operators, and the numbers of arguments each takes, its target included.
const FUNCTIONS: [(&str, std::ops::RangeInclusive<usize>); 25] = [
    ("bool", 1..=1),
    ("bytes", 1..=1),
    ("contains", 2..=2),
    ("double", 1..=1),
    ("duration", 1..=1),
    ("dyn", 1..=1),
    ("endsWith", 2..=2),
    ("getDate", 1..=2),
    ("getDayOfMonth", 1..=2),
    ("getDayOfWeek", 1..=2),
    ("getDayOfYear", 1..=2),
    ("getFullYear", 1..=2),
    ("getHours", 1..=2),
    ("getMilliseconds", 1..=2),
    ("getMinutes", 1..=2),
    ("getMonth", 1..=2),
    ("getSeconds", 1..=2),
    ("int", 1..=1),
    ("matches", 2..=2),
    ("size", 1..=1),
    ("startsWith", 2..=2),
    ("string", 1..=1),
    ("timestamp", 1..=1),
    ("type", 1..=1),
    ("uint", 1..=1),
];

/// Creates an expression; the answer is its token, four bytes, little-endian.
///
/// Fails with [`Status::BadArgument`] when it does not parse or calls what is not there.
pub fn create(source: &[u8], expressions: &mut Expressions) -> Result<Vec<u8>, Status> {
    let source = std::str::from_utf8(source).map_err(|_| Status::BadArgument)?;
    let (written, mut expression) = parse(source).ok_or(Status::BadArgument)?;
    if depth(&written) > usize::from(DEEPEST) {
        return Err(Status::BadArgument);
    }
    let token = expressions.next;
    expressions.next = token.wrapping_add(1);
    if !settle_calls(&mut expression) {
        return Err(Status::BadArgument);
    }
    expressions.created.insert(token, Arc::new(expression));
    Ok(token.to_le_bytes().to_vec())
}

/// Evaluates an expression; the answer is its value, serialized as a property.
///
/// Fails with [`Status::BadArgument`] when `args` is not a token, with [`Status::NotFound`] when it is an unknown one,
/// with [`Status::InternalFailure`] when the evaluation fails, and with [`Status::SerializationFailure`] when the value
/// has no bytes: null, a type, or a group of attributes such as `request`.
pub fn evaluate(args: &[u8], cx: &mut dyn ForeignContext) -> Result<Vec<u8>, Status> {
    let token = token(args)?;
    let expression = cx.expressions().created.get(&token).cloned().ok_or(Status::NotFound)?;
    // A mere path is what `get_property` would answer, messages and the order of maps included.
    if let Some(path) = path(&expression)
        && let Some(value) = cx.property(&path)
    {
        return value.serialize();
    }
    let attributes = Arc::new(Attributes::default());
    loop {
        let answer = on_a_long_stack(|| {
            let roots = Roots(Arc::clone(&attributes));
            let mut context = Context::with_env(Arc::clone(&ENV));
            context.set_variable_resolver(&roots);
            super::conversions::declare(&mut context).map_err(|_| Status::InternalFailure)?;
            let result = cel::Value::resolve_val(&expression, &context);
            from_cel(&*result.map_err(|_| Status::InternalFailure)?)
        });
        // An attribute that was asked for the first time failed the evaluation: fetch it, and evaluate anew.
        if attributes.fetch(cx) {
            continue;
        }
        return answer;
    }
}

/// Deletes an expression; that there is none is no error.
///
/// Fails with [`Status::BadArgument`] when `args` is not a token.
pub fn delete(args: &[u8], expressions: &mut Expressions) -> Result<Vec<u8>, Status> {
    expressions.created.remove(&token(args)?);
    Ok(Vec::new())
}

/// The expression as it is written and with its macros expanded.
fn parse(source: &str) -> Option<(Expression, Expression)> {
    let parse = |env: &Env| {
        env.parser().max_recursion_depth(DEEPEST).enable_ident_escape_syntax(true).parse(source).ok()
    };
    on_a_long_stack(|| Some((parse(&PLAIN)?, parse(&ENV)?)))
}

/// The parser and the interpreter go down for each level, and take more of a stack for it than the thread of a test has.
fn on_a_long_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    const STACK: usize = 64 << 20;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        thread.expect("a thread can be started").join().expect("neither of them panics")
    })
}

/// The levels of an expression. A chain of and or of or is one level: it is no deeper than its deepest term.
fn depth(expression: &Expression) -> usize {
    let deepest = |children: &mut dyn Iterator<Item = &Expression>| children.map(depth).max().unwrap_or(0);
    1 + match &expression.expr {
        Expr::Call(call) if matches!(call.func_name.as_str(), "_&&_" | "_||_") => {
            let chained = |child: &Expression| matches!(&child.expr, Expr::Call(inner) if inner.func_name == call.func_name);
            let levels = call.args.iter().map(|child| depth(child) - usize::from(chained(child)));
            levels.max().unwrap_or(0)
        }
        Expr::Call(call) => deepest(&mut call.target.iter().map(|target| &**target).chain(&call.args)),
        Expr::List(list) => deepest(&mut list.elements.iter()),
        Expr::Map(map) => map.entries.iter().map(|entry| entry_depth(&entry.expr)).max().unwrap_or(0),
        Expr::Struct(made) => made.entries.iter().map(|entry| entry_depth(&entry.expr)).max().unwrap_or(0),
        Expr::Select(select) => depth(&select.operand),
        Expr::Comprehension(fold) => depth(&fold.iter_range).max(depth(&fold.loop_step)),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => 0,
    }
}

fn entry_depth(entry: &EntryExpr) -> usize {
    match entry {
        EntryExpr::MapEntry(entry) => depth(&entry.key).max(depth(&entry.value)),
        EntryExpr::StructField(field) => depth(&field.value),
    }
}

fn token(args: &[u8]) -> Result<u32, Status> {
    args.try_into().map(u32::from_le_bytes).map_err(|_| Status::BadArgument)
}

/// The path of an expression such as `request.path`.
fn path(expression: &Expression) -> Option<Vec<&str>> {
    match &expression.expr {
        Expr::Ident(name) => Some(vec![name.trim_start_matches('.')]),
        Expr::Select(select) if !select.test => {
            let mut segments = path(&select.operand)?;
            segments.push(&select.field);
            Some(segments)
        }
        _ => None,
    }
}

/// Whether every call within is one of the operators or of [`FUNCTIONS`]; there are no message types to construct.
///
/// Brings calls such as `contains(a, b)`, which Envoy takes as well, into the form `a.contains(b)`, the only one that
/// the interpreter has.
fn settle_calls(expression: &mut Expression) -> bool {
    match &mut expression.expr {
        Expr::Call(call) => {
            let name = call.func_name.as_str();
            if ["contains", "endsWith", "startsWith"].contains(&name)
                && call.target.is_none()
                && !call.args.is_empty()
            {
                call.target = Some(Box::new(call.args.remove(0)));
            }
            let count = call.args.len() + usize::from(call.target.is_some());
            let operator = name.starts_with(['_', '!', '-', '@']);
            let known =
                FUNCTIONS.iter().any(|(function, counts)| name == *function && counts.contains(&count));
            let member = call.target.is_some() || !name.starts_with("get");
            let settled = (operator || known && member)
                && call.target.iter_mut().all(|target| settle_calls(target))
                && call.args.iter_mut().all(settle_calls);
            if settled {
                super::conversions::wrap(call);
            }
            settled
        }
        Expr::Comprehension(fold) => {
            settle_calls(&mut fold.iter_range)
                && settle_calls(&mut fold.accu_init)
                && settle_calls(&mut fold.loop_cond)
                && settle_calls(&mut fold.loop_step)
                && settle_calls(&mut fold.result)
        }
        Expr::List(list) => list.elements.iter_mut().all(settle_calls),
        Expr::Map(map) => map.entries.iter_mut().all(|entry| match &mut entry.expr {
            EntryExpr::MapEntry(entry) => settle_calls(&mut entry.key) && settle_calls(&mut entry.value),
            EntryExpr::StructField(field) => settle_calls(&mut field.value),
        }),
        Expr::Select(select) => settle_calls(&mut select.operand),
        Expr::Struct(_) => false,
        Expr::Ident(name) => {
            // Envoy's CEL does not know the types of messages by their names.
            if name.trim_start_matches('.') == "google" {
                name.push(' ');
            }
            true
        }
        Expr::Literal(_) | Expr::Unspecified => true,
    }
}
