//! The parser: recursive descent, with a bound on the depth.

use crate::lexer::{Lexer, Token};
use crate::syntax::{BINARY, Expr, INDEX, Kind, MACROS, MAX_DEPTH, NEGATE, NOT, precedence, too_deep};
use crate::{Error, Position, Value};

/// Words that are not identifiers.
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Parses a text.
pub(crate) fn parse(text: &str) -> Result<Expr, Error> {
    let mut parser =
        Parser { lexer: Lexer::new(text), token: Token::End, position: Position::START, depth: 0 };
    parser.advance()?;
    let expr = parser.expression()?;
    match parser.token {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected("an operator or the end of the text")),
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    /// The next token.
    token: Token<'t>,
    /// Position of the next token.
    position: Position,
    depth: u16,
}

impl<'t> Parser<'t> {
    /// Returns the next token, and reads the one after it.
    fn advance(&mut self) -> Result<Token<'t>, Error> {
        self.lexer.skip_space();
        self.position = self.lexer.position();
        let next = self.lexer.token()?;
        Ok(core::mem::replace(&mut self.token, next))
    }

    fn at(&self, symbol: &str) -> bool {
        matches!(self.token, Token::Symbol(other) if other == symbol)
    }

    /// Skips a symbol if it is next.
    fn accept(&mut self, symbol: &str) -> Result<bool, Error> {
        let found = self.at(symbol);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn require(&mut self, symbol: &str) -> Result<(), Error> {
        if self.accept(symbol)? { Ok(()) } else { Err(self.unexpected(&["`", symbol, "`"].concat())) }
    }

    #[inline(never)]
    fn unexpected(&self, expected: &str) -> Error {
        let found = match self.token {
            Token::End => "the end of the text".into(),
            Token::Name(name) => ["`", name, "`"].concat(),
            Token::Quoted(name) => ["`` `", name, "` ``"].concat(),
            Token::Symbol(symbol) => ["`", symbol, "`"].concat(),
            Token::Int(_) | Token::Uint(_) | Token::Double(_) => "a number".into(),
            Token::String(_) | Token::Bytes(_) => "a string".into(),
        };
        Error::at(self.position, &["unexpected ", &found, ", expected ", expected])
    }

    fn expression(&mut self) -> Result<Expr, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep(self.position));
        }
        let condition = self.binary(precedence::ANY)?;
        let position = self.position;
        let result = if self.accept("?")? {
            let then = self.binary(precedence::ANY)?;
            self.require(":")?;
            let otherwise = self.expression()?;
            Expr::new(position, Kind::If(Box::new([condition, then, otherwise])))
        } else {
            Ok(condition)
        };
        self.depth -= 1;
        result
    }

    /// Returns the next binary operator: its precedence and its name as a function.
    fn operator(&self) -> Option<(u8, &'static str)> {
        let symbol = match self.token {
            Token::Symbol("||") => return Some((precedence::ANY, "")),
            Token::Symbol("&&") => return Some((precedence::ALL, "")),
            Token::Symbol(symbol) => symbol,
            Token::Name("in") => "in",
            _ => return None,
        };
        let row = BINARY.iter().find(|(other, _, _)| *other == symbol);
        row.map(|(_, function, precedence)| (*precedence, *function))
    }

    /// Parses operators of at least this precedence.
    fn binary(&mut self, minimum: u8) -> Result<Expr, Error> {
        let mut left = self.unary()?;
        while let Some((level, function)) = self.operator().filter(|(level, _)| *level >= minimum) {
            let position = self.position;
            self.advance()?;
            let right = self.binary(level + 1)?;
            left = match level {
                precedence::ANY => Expr::logical(false, position, left, right)?,
                precedence::ALL => Expr::logical(true, position, left, right)?,
                _ => Expr::call(position, function, false, vec![left, right])?,
            };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, Error> {
        let position = self.position;
        let (symbol, function) = match self.token {
            Token::Symbol("!") => ("!", NOT),
            Token::Symbol("-") => ("-", NEGATE),
            _ => return self.member(),
        };
        let mut count = 0;
        while self.accept(symbol)? {
            count += 1;
        }
        let mut operand = match self.negative() {
            Some(value) if function == NEGATE => {
                count -= 1;
                self.advance()?;
                let literal = Expr::new(position, Kind::Literal(value))?;
                self.suffixes(literal)?
            }
            _ => self.member()?,
        };
        for _ in 0..count {
            operand = Expr::call(position, function, false, vec![operand])?;
        }
        Ok(operand)
    }

    /// Returns the value of the next token with a minus sign, if it is a number.
    fn negative(&self) -> Option<Value> {
        match self.token {
            Token::Int(digits) => 0i64.checked_sub_unsigned(digits).map(Value::Int),
            Token::Double(value) => Some(Value::Double(-value)),
            _ => None,
        }
    }

    fn member(&mut self) -> Result<Expr, Error> {
        let primary = self.primary()?;
        self.suffixes(primary)
    }

    /// Parses selections, calls of methods and indices.
    fn suffixes(&mut self, mut expr: Expr) -> Result<Expr, Error> {
        loop {
            let position = self.position;
            if self.accept(".")? {
                let (name, quoted) = match self.token {
                    Token::Name(name) if !matches!(name, "in" | "true" | "false" | "null") => (name, false),
                    Token::Quoted(name) => (name, true),
                    _ => return Err(self.unexpected("the name of a field")),
                };
                self.advance()?;
                expr = if !quoted && self.at("(") {
                    self.method(position, expr, name)?
                } else {
                    Expr::new(position, Kind::Select(Box::new(expr), name.into()))?
                };
            } else if self.accept("[")? {
                let index = self.expression()?;
                self.require("]")?;
                expr = Expr::call(position, INDEX, false, vec![expr, index])?;
            } else if self.at("{") {
                return Err(Error::at(position, &["messages are not supported, expected an operator"]));
            } else {
                return Ok(expr);
            }
        }
    }

    fn method(&mut self, position: Position, receiver: Expr, name: &str) -> Result<Expr, Error> {
        let mut arguments = vec![receiver];
        self.advance()?;
        self.list(")", &mut arguments)?;
        let found = MACROS.iter().find(|(other, _, count)| *other == name && count + 1 == arguments.len());
        let Some((_, kind, _)) = found else { return Expr::call(position, name, true, arguments) };
        let variable = arguments.remove(1);
        match variable.kind {
            Kind::Name { name: variable, absolute: false } => {
                Expr::new(position, Kind::Macro { kind: *kind, variable, operands: arguments })
            }
            _ => Err(Error::at(variable.position, &["expected the name of a variable"])),
        }
    }

    /// Parses expressions and commas up to the end of a list. Only a list in brackets may end with a comma.
    fn list(&mut self, end: &str, list: &mut Vec<Expr>) -> Result<(), Error> {
        if self.accept(end)? {
            return Ok(());
        }
        loop {
            list.push(self.expression()?);
            if self.accept(end)? {
                return Ok(());
            }
            if !self.accept(",")? {
                return Err(self.unexpected(&["`,` or `", end, "`"].concat()));
            }
            if end == "]" && self.accept(end)? {
                return Ok(());
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, Error> {
        let position = self.position;
        let value = match &self.token {
            Token::Int(digits) => Value::Int(i64::try_from(*digits).map_err(|_| {
                Error::at(position, &["number `", &digits.to_string(), "` is out of range of `int`"])
            })?),
            Token::Uint(value) => Value::Uint(*value),
            Token::Double(value) => Value::Double(*value),
            Token::String(text) => Value::String(text.clone()),
            Token::Bytes(bytes) => Value::Bytes(bytes.clone()),
            Token::Name("null") => Value::Null,
            Token::Name("true") => Value::Bool(true),
            Token::Name("false") => Value::Bool(false),
            Token::Name(_) => return self.name(position, false),
            Token::Symbol("(") => {
                self.advance()?;
                let inner = self.expression()?;
                self.require(")")?;
                return Ok(inner);
            }
            Token::Symbol("[") => {
                self.advance()?;
                let mut list = Vec::new();
                self.list("]", &mut list)?;
                return Expr::new(position, Kind::List(list));
            }
            Token::Symbol("{") => return self.map(position),
            Token::Symbol(".") => {
                self.advance()?;
                return self.name(position, true);
            }
            _ => return Err(self.unexpected("an expression")),
        };
        self.advance()?;
        Expr::new(position, Kind::Literal(value))
    }

    fn name(&mut self, position: Position, absolute: bool) -> Result<Expr, Error> {
        let Token::Name(name) = self.token else { return Err(self.unexpected("a name")) };
        if is_reserved(name) {
            return Err(self.unexpected("a name that is not reserved"));
        }
        self.advance()?;
        if !self.accept("(")? {
            return Expr::new(position, Kind::Name { name: name.into(), absolute });
        }
        let mut arguments = Vec::new();
        self.list(")", &mut arguments)?;
        if name != "has" {
            return Expr::call(position, name, false, arguments);
        }
        match (arguments.pop().map(|argument| argument.kind), arguments.is_empty()) {
            (Some(Kind::Select(operand, field)), true) => Expr::new(position, Kind::Has(operand, field)),
            _ => {
                Err(Error::at(position, &["invalid argument of `has`, expected a field such as `has(a.b)`"]))
            }
        }
    }

    fn map(&mut self, position: Position) -> Result<Expr, Error> {
        self.advance()?;
        let mut entries = Vec::new();
        while !self.accept("}")? {
            let key = self.expression()?;
            self.require(":")?;
            entries.push((key, self.expression()?));
            if !self.at("}") && !self.accept(",")? {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
        Expr::new(position, Kind::Map(entries))
    }
}

/// Returns whether a word is not an identifier.
pub(crate) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}
