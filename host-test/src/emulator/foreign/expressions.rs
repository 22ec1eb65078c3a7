//! `expr_create`, `expr_evaluate` and `expr_delete`: CEL over the attributes of a stream.
//!
//! An expression that parses but uses an unknown function is rejected on creation, and still uses up a token.
//! An expression that uses an unknown attribute fails when it is evaluated.
//!
//! Differences from Envoy: messages such as `google.protobuf.Int64Value{value: 1}` cannot be constructed, and
//! a number too large for a double is an error instead of infinity.

use super::ForeignContext;
use super::attributes::{Attributes, Roots, from_cel};
use crate::emulator::state::Status;
use cel::common::ast::{EntryExpr, Expr};
use cel::parser::Expression;
use cel::{Context, Env};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// The expressions that a root context has created, by token.
#[derive(Debug, Default)]
pub struct Expressions {
    created: BTreeMap<u32, Arc<Expression>>,
    next: u32,
}

/// Optional values are off, as in Envoy.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// Parses an expression as written, without expanding macros.
static PLAIN: LazyLock<Env> = LazyLock::new(|| Env::default().with_optional_support(false));

/// Limit on nested brackets, and on the depth of the parsed tree: cel-cpp, `ParserOptions`.
const DEEPEST: u16 = 32;

/// The functions of Envoy's CEL other than operators, with the number of arguments including the target.
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

/// Creates an expression. Returns its token as four bytes, little-endian.
///
/// Fails with [`Status::BadArgument`] if it does not parse or uses an unknown function.
pub fn create(source: &[u8], expressions: &mut Expressions) -> Result<Vec<u8>, Status> {
    let source = std::str::from_utf8(source).map_err(|_| Status::BadArgument)?;
    let parsed = parsed(source);
    if matches!(parsed, Parsed::Invalid) {
        return Err(Status::BadArgument);
    }
    let token = expressions.next;
    expressions.next = token.wrapping_add(1);
    let Parsed::Valid(expression) = parsed else { return Err(Status::BadArgument) };
    expressions.created.insert(token, expression);
    Ok(token.to_le_bytes().to_vec())
}

/// Evaluates an expression. Returns its value, serialised like a property.
///
/// Fails with [`Status::BadArgument`] if `args` is not a token, with [`Status::NotFound`] if the token is
/// unknown, with [`Status::InternalFailure`] if the evaluation fails, and with
/// [`Status::SerializationFailure`] if the value cannot be serialised: null, a type, or a group of attributes
/// such as `request`.
pub fn evaluate(args: &[u8], cx: &mut dyn ForeignContext) -> Result<Vec<u8>, Status> {
    let token = token(args)?;
    let expression = cx.expressions().created.get(&token).cloned().ok_or(Status::NotFound)?;
    // A plain path returns the same as `proxy_get_property`, including messages and the order of maps.
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
        // The evaluation failed if it used an attribute for the first time: fetch it and evaluate again.
        if attributes.fetch(cx) {
            continue;
        }
        return answer;
    }
}

/// Deletes an expression. Does not fail if the token is unknown.
///
/// Fails with [`Status::BadArgument`] if `args` is not a token.
pub fn delete(args: &[u8], expressions: &mut Expressions) -> Result<Vec<u8>, Status> {
    expressions.created.remove(&token(args)?);
    Ok(Vec::new())
}

/// The result of parsing an expression.
#[derive(Clone, Debug)]
enum Parsed {
    Invalid,
    UnknownFunction,
    Valid(Arc<Expression>),
}

/// Parses an expression, or returns the earlier result: a run of schedules creates the same expressions in
/// thousands of VMs, and without optimisation that was half of its time.
fn parsed(source: &str) -> Parsed {
    const MOST: usize = 1_000;
    static KNOWN: LazyLock<Mutex<HashMap<String, Parsed>>> = LazyLock::new(Mutex::default);
    if let Some(known) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(source) {
        return known.clone();
    }
    let parsed = match parse(source) {
        Some((written, mut expression)) if depth(&written) <= usize::from(DEEPEST) => {
            match settle_calls(&mut expression) {
                true => Parsed::Valid(Arc::new(expression)),
                false => Parsed::UnknownFunction,
            }
        }
        _ => Parsed::Invalid,
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MOST {
        known.clear();
    }
    known.insert(source.to_owned(), parsed.clone());
    parsed
}

/// Parses an expression, once as written and once with its macros expanded.
fn parse(source: &str) -> Option<(Expression, Expression)> {
    let parse = |env: &Env| {
        env.parser().max_recursion_depth(DEEPEST).enable_ident_escape_syntax(true).parse(source).ok()
    };
    on_a_long_stack(|| Some((parse(&PLAIN)?, parse(&ENV)?)))
}

/// Runs work on a thread with a large stack: the parser and the interpreter recurse for each level, and need
/// more stack than a test thread has.
fn on_a_long_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    const STACK: usize = 64 << 20;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        thread.expect("failed to start a thread").join().expect("the parser or interpreter panicked")
    })
}

/// Returns the depth of an expression. A chain of `&&` or of `||` counts as one level above its deepest term.
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

/// Returns the path of an expression such as `request.path`.
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

/// Returns whether every call is an operator or one of [`FUNCTIONS`], and no message is constructed.
///
/// Also rewrites calls such as `contains(a, b)`, which Envoy accepts, into the form `a.contains(b)`, the only
/// one that the interpreter supports.
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
            // Envoy's CEL does not know message types by name.
            if name.trim_start_matches('.') == "google" {
                name.push(' ');
            }
            true
        }
        Expr::Literal(_) | Expr::Unspecified => true,
    }
}
