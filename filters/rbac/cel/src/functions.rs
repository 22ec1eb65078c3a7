//! Functions and operators: their names, the types of their arguments, and their evaluation.

use crate::Value;
use crate::arithmetic::{Operator, calculate, to_int, to_uint};
use crate::error::Failure;
use crate::literal::{format_double, signed_double};
use crate::meter::Meter;
use crate::time::{Part, format_duration, parse_duration, part, part_of_duration, zone};
use crate::types::Types;
use crate::{Timestamp, Type};

/// Units that formatting a number or a time costs.
const FORMAT_COST: usize = 20;

/// A function or an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Arithmetic(Operator),
    Negate,
    Not,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Index,
    HasKey,
    Size,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Convert(Type),
    TypeOf,
    Dyn,
    Part(Part),
    LowerAscii,
    UpperAscii,
    Replace,
    Split,
    Join,
    Substring,
    Trim,
    IndexOf,
    LastIndexOf,
    CharAt,
}

/// A function with its name and its types.
pub(crate) struct Signature {
    /// Name. The name of a method begins with a point.
    pub(crate) name: &'static str,
    pub(crate) function: Function,
    /// Overloads: the letters of the arguments, and the letter of the result.
    overloads: &'static str,
}

const fn row(name: &'static str, function: Function, overloads: &'static str) -> Signature {
    Signature { name, function, overloads }
}

use Function as F;
static SIGNATURES: [Signature; 54] = [
    row("_+_", F::Arithmetic(Operator::Add), "ii:i uu:u dd:d ss:s yy:y ll:l tr:t rt:t rr:r"),
    row("_-_", F::Arithmetic(Operator::Subtract), "ii:i uu:u dd:d tt:r tr:t rr:r"),
    row("_*_", F::Arithmetic(Operator::Multiply), "ii:i uu:u dd:d"),
    row("_/_", F::Arithmetic(Operator::Divide), "ii:i uu:u dd:d"),
    row("_%_", F::Arithmetic(Operator::Remainder), "ii:i uu:u"),
    row("-_", F::Negate, "i:i d:d"),
    row("!_", F::Not, "b:b"),
    row("_==_", F::Equal, "**:b"),
    row("_!=_", F::NotEqual, "**:b"),
    row("_<_", F::Less, "bb:b ##:b ss:b yy:b tt:b rr:b"),
    row("_<=_", F::LessOrEqual, "bb:b ##:b ss:b yy:b tt:b rr:b"),
    row("_>_", F::Greater, "bb:b ##:b ss:b yy:b tt:b rr:b"),
    row("_>=_", F::GreaterOrEqual, "bb:b ##:b ss:b yy:b tt:b rr:b"),
    row("@in", F::In, "*l:b *m:b"),
    row("_in_", F::In, "*l:b *m:b"),
    row("in", F::In, "*l:b *m:b"),
    row("_[_]", F::Index, "l#:* m#:* mb:* ms:*"),
    row("size", F::Size, "s:i y:i l:i m:i"),
    row(".size", F::Size, "s:i y:i l:i m:i"),
    row(".contains", F::Contains, "ss:b"),
    row(".startsWith", F::StartsWith, "ss:b"),
    row(".endsWith", F::EndsWith, "ss:b"),
    row("matches", F::Matches, "ss:b"),
    row(".matches", F::Matches, "ss:b"),
    row("int", F::Convert(Type::Int), "i:i u:i d:i s:i t:i"),
    row("uint", F::Convert(Type::Uint), "u:u i:u d:u s:u"),
    row("double", F::Convert(Type::Double), "d:d i:d u:d s:d"),
    row("string", F::Convert(Type::String), "s:s b:s i:s u:s d:s y:s t:s r:s"),
    row("bytes", F::Convert(Type::Bytes), "y:y s:y"),
    row("bool", F::Convert(Type::Bool), "b:b s:b"),
    row("timestamp", F::Convert(Type::Timestamp), "t:t s:t i:t"),
    row("duration", F::Convert(Type::Duration), "r:r s:r"),
    row("type", F::TypeOf, "*:k"),
    row("dyn", F::Dyn, "*:*"),
    row(".getFullYear", F::Part(Part::FullYear), "t:i ts:i"),
    row(".getMonth", F::Part(Part::Month), "t:i ts:i"),
    row(".getDate", F::Part(Part::Date), "t:i ts:i"),
    row(".getDayOfMonth", F::Part(Part::DayOfMonth), "t:i ts:i"),
    row(".getDayOfWeek", F::Part(Part::DayOfWeek), "t:i ts:i"),
    row(".getDayOfYear", F::Part(Part::DayOfYear), "t:i ts:i"),
    row(".getHours", F::Part(Part::Hours), "t:i ts:i r:i"),
    row(".getMinutes", F::Part(Part::Minutes), "t:i ts:i r:i"),
    row(".getSeconds", F::Part(Part::Seconds), "t:i ts:i r:i"),
    row(".getMilliseconds", F::Part(Part::Milliseconds), "t:i ts:i r:i"),
    row(".lowerAscii", F::LowerAscii, "s:s"),
    row(".upperAscii", F::UpperAscii, "s:s"),
    row(".replace", F::Replace, "sss:s sssi:s"),
    row(".split", F::Split, "ss:l ssi:l"),
    row(".join", F::Join, "l:s ls:s"),
    row(".substring", F::Substring, "si:s sii:s"),
    row(".trim", F::Trim, "s:s"),
    row(".indexOf", F::IndexOf, "ss:i ssi:i"),
    row(".lastIndexOf", F::LastIndexOf, "ss:i ssi:i"),
    row(".charAt", F::CharAt, "si:s"),
];

impl Signature {
    /// Returns the function of a name.
    pub(crate) fn find(name: &str, method: bool) -> Option<&'static Self> {
        SIGNATURES.iter().find(|row| match row.name.strip_prefix('.') {
            Some(own) => method && own == name,
            None => !method && row.name == name,
        })
    }

    /// Returns the types of the result for arguments of these types, or `None` if no overload accepts them.
    pub(crate) fn result(&self, arguments: &[Types]) -> Option<Types> {
        let mut result = Types::NOTHING;
        for overload in self.overloads.split(' ') {
            let (letters, own) = overload.split_once(':').unwrap_or_default();
            let accepts = letters.len() == arguments.len()
                && letters
                    .bytes()
                    .zip(arguments)
                    .all(|(letter, types)| Types::from_letter(letter).intersects(*types));
            if accepts {
                result = own.bytes().fold(result, |result, letter| result.or(Types::from_letter(letter)));
            }
        }
        (result != Types::NOTHING).then_some(result)
    }
}

impl Meter {
    /// Calls a function. `Matches` is not called here, because its pattern is compiled.
    pub(crate) fn call(&mut self, function: Function, arguments: &[Value]) -> Result<Value, Failure> {
        match (function, arguments) {
            (F::Arithmetic(operator), [a, b]) => self.arithmetic(operator, a, b),
            (F::Not, [Value::Bool(value)]) => Ok(Value::Bool(!value)),
            (F::Negate, [Value::Int(value)]) => value.checked_neg().map(Value::Int).ok_or(Failure::OVERFLOW),
            (F::Negate, [Value::Double(value)]) => Ok(Value::Double(-value)),
            (F::Equal, [a, b]) => self.equal(a, b).map(Value::Bool),
            (F::NotEqual, [a, b]) => self.equal(a, b).map(|equal| Value::Bool(!equal)),
            (F::Less, [a, b]) => Ok(Value::Bool(self.order(a, b)?.is_some_and(|order| order.is_lt()))),
            (F::LessOrEqual, [a, b]) => Ok(Value::Bool(self.order(a, b)?.is_some_and(|order| order.is_le()))),
            (F::Greater, [a, b]) => Ok(Value::Bool(self.order(a, b)?.is_some_and(|order| order.is_gt()))),
            (F::GreaterOrEqual, [a, b]) => {
                Ok(Value::Bool(self.order(a, b)?.is_some_and(|order| order.is_ge())))
            }
            (F::In, [value, container]) => self.is_in(value, container).map(Value::Bool),
            (F::Index, [container, index]) => self.index(container, index),
            (F::HasKey, [container, key]) => Ok(Value::Bool(self.entry(container, key)?.is_some())),
            (F::Size, [value]) => self.size(value),
            (F::Convert(to), [value]) if value.type_of() == to => Ok(value.clone()),
            (F::Convert(to), [value]) => self.convert(to, value),
            (F::TypeOf, [value]) => Ok(Value::Type(value.type_of())),
            (F::Dyn, [value]) => Ok(value.clone()),
            (F::Part(which), [Value::Timestamp(time)]) => Ok(Value::Int(part(which, *time, 0))),
            (F::Part(which), [Value::Timestamp(time), Value::String(name)]) => {
                let offset = zone(self.text(name)?).ok_or(Failure::Failed("unknown time zone"))?;
                Ok(Value::Int(part(which, *time, offset)))
            }
            (F::Part(which), [Value::Duration(nanos)]) => part_of_duration(which, *nanos),
            (F::Join, [Value::List(list), separator @ ..]) => self.join(list, separator),
            (_, [Value::String(text), others @ ..]) => self.string_function(function, text, others),
            _ => Err(Failure::NO_SUCH_OVERLOAD),
        }
    }

    #[inline(never)]
    fn arithmetic(&mut self, operator: Operator, a: &Value, b: &Value) -> Result<Value, Failure> {
        let overflow = || Failure::OVERFLOW;
        match (operator, a, b) {
            (Operator::Add, Value::String(a), Value::String(b)) => self.concatenate(a, b).map(Value::String),
            (Operator::Add, Value::Bytes(a), Value::Bytes(b)) => self.concatenate(a, b).map(Value::Bytes),
            (Operator::Add, Value::List(a), Value::List(b)) => {
                self.spend(a.len() + b.len())?;
                Ok(Value::from_list([&**a, &**b].concat()))
            }
            (Operator::Add, Value::Timestamp(time), Value::Duration(span))
            | (Operator::Add, Value::Duration(span), Value::Timestamp(time)) => {
                time.add(*span).map(Value::Timestamp).ok_or_else(overflow)
            }
            (Operator::Add, Value::Duration(a), Value::Duration(b)) => {
                a.checked_add(*b).map(Value::Duration).ok_or_else(overflow)
            }
            (Operator::Subtract, Value::Timestamp(a), Value::Timestamp(b)) => {
                a.since(*b).map(Value::Duration).ok_or_else(overflow)
            }
            (Operator::Subtract, Value::Timestamp(time), Value::Duration(span)) => {
                let earlier = span.checked_neg().and_then(|span| time.add(span));
                earlier.map(Value::Timestamp).ok_or_else(overflow)
            }
            (Operator::Subtract, Value::Duration(a), Value::Duration(b)) => {
                a.checked_sub(*b).map(Value::Duration).ok_or_else(overflow)
            }
            _ => calculate(operator, a, b),
        }
    }

    fn size(&mut self, value: &Value) -> Result<Value, Failure> {
        let size = match value {
            Value::String(text) => self.text(text)?.chars().count(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(list) => list.len(),
            Value::Map(map) => map.entries().len(),
            _ => return Err(Failure::NO_SUCH_OVERLOAD),
        };
        i64::try_from(size).map(Value::Int).map_err(|_| Failure::OVERFLOW)
    }

    #[inline(never)]
    fn convert(&mut self, to: Type, value: &Value) -> Result<Value, Failure> {
        let text = match value {
            Value::String(text) if to != Type::Bytes => self.text(text)?,
            _ => "",
        };
        let converted = match (to, value) {
            (Type::Int, Value::Uint(value)) => i64::try_from(*value).ok().map(Value::Int),
            (Type::Int, Value::Double(value)) => to_int(*value).map(Value::Int),
            (Type::Int, Value::String(_)) => text.parse().ok().map(Value::Int),
            (Type::Int, Value::Timestamp(time)) => Some(Value::Int(time.seconds())),
            (Type::Uint, Value::Int(value)) => u64::try_from(*value).ok().map(Value::Uint),
            (Type::Uint, Value::Double(value)) => to_uint(*value).map(Value::Uint),
            (Type::Uint, Value::String(_)) => text.parse().ok().map(Value::Uint),
            (Type::Double, Value::Int(value)) => Some(Value::Double(*value as f64)),
            (Type::Double, Value::Uint(value)) => Some(Value::Double(*value as f64)),
            (Type::Double, Value::String(_)) => signed_double(text).map(Value::Double),
            (Type::Bytes, Value::String(text)) => Some(Value::Bytes(text.clone())),
            (Type::Bool, Value::String(_)) => match text {
                "true" | "True" | "TRUE" | "t" | "T" | "1" => Some(Value::Bool(true)),
                "false" | "False" | "FALSE" | "f" | "F" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            (Type::Timestamp, Value::String(_)) => Timestamp::parse(text).map(Value::Timestamp),
            (Type::Timestamp, Value::Int(seconds)) => Timestamp::from_unix(*seconds, 0).map(Value::Timestamp),
            (Type::Duration, Value::String(_)) => parse_duration(text).map(Value::Duration),
            (Type::String, _) => return self.format(value),
            _ => return Err(Failure::NO_SUCH_OVERLOAD),
        };
        converted.ok_or(Failure::CONVERSION)
    }

    fn format(&mut self, value: &Value) -> Result<Value, Failure> {
        self.spend(FORMAT_COST)?;
        let text = match value {
            Value::Bytes(bytes) => return self.text(bytes).map(|_| Value::String(bytes.clone())),
            Value::Bool(value) => return Ok(Value::from(if *value { "true" } else { "false" })),
            Value::Int(value) => value.to_string(),
            Value::Uint(value) => value.to_string(),
            Value::Double(value) => format_double(*value),
            Value::Timestamp(time) => time.format(),
            Value::Duration(nanos) => format_duration(*nanos),
            _ => return Err(Failure::NO_SUCH_OVERLOAD),
        };
        Ok(Value::from(text.as_str()))
    }
}
