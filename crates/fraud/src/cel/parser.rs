//! From the text of a rule to its tree.
//!
//! The grammar is CEL's (github.com/google/cel-spec, doc/langdef.md, "Syntax"), by recursive descent. What opens a level is counted
//! before it is entered, so that no text overflows the stack.

use super::CompileError;
use super::bounds::{DEPTH_MAX, TEXT_BYTES_MAX};
use super::functions::{self, Form, Function};
use super::instants::{parse_duration, parse_timestamp};
use super::lexer::{Token, tokens};
use super::syntax::{Arithmetic, Comparison, Loop, Node, Quantifier, Span, Syntax};

/// Between two values.
#[derive(Clone, Copy)]
enum Operator {
    Compare(Comparison),
    Arithmetic(Arithmetic),
    In,
}

/// Operators of two values, those that bind least first.
const OPERATORS: [&[(&str, Operator)]; 3] = [
    &[
        ("==", Operator::Compare(Comparison::Equal)),
        ("!=", Operator::Compare(Comparison::Unequal)),
        ("<", Operator::Compare(Comparison::Less)),
        ("<=", Operator::Compare(Comparison::AtMost)),
        (">", Operator::Compare(Comparison::Greater)),
        (">=", Operator::Compare(Comparison::AtLeast)),
        ("in", Operator::In),
    ],
    &[("+", Operator::Arithmetic(Arithmetic::Add)), ("-", Operator::Arithmetic(Arithmetic::Subtract))],
    &[
        ("*", Operator::Arithmetic(Arithmetic::Multiply)),
        ("/", Operator::Arithmetic(Arithmetic::Divide)),
        ("%", Operator::Arithmetic(Arithmetic::Remainder)),
    ],
];
/// Words of other languages, and what CEL has for them.
const FOREIGN_WORDS: [(&str, &str); 6] =
    [("and", "&&"), ("AND", "&&"), ("or", "||"), ("OR", "||"), ("not", "!"), ("NOT", "!")];

/// Reads a rule.
///
/// # Errors
/// At the first place that no rule has, and when it is too long or too deep.
pub(super) fn parse(text: &str) -> Result<Node, CompileError> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("the rule has {} bytes; {TEXT_BYTES_MAX} are allowed", text.len());
        return Err(CompileError { message, span: (0, text.len()) });
    }
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0, level: 0 };
    let node = parser.expression()?;
    if *parser.token() == Token::End { Ok(node) } else { Err(parser.unexpected("an operator")) }
}

/// Reads on from token `at`; it never goes beyond [`Token::End`].
struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(Token, Span)>,
    at: usize,
    level: u8,
}

impl<'t> Parser<'t> {
    fn token(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    fn span(&self) -> Span {
        self.tokens.get(self.at).map_or(Span::new(self.text.len(), self.text.len()), |(_, span)| *span)
    }

    /// Goes on to the next token; gives the place of the one that was left.
    fn advance(&mut self) -> Span {
        let span = self.span();
        self.at += usize::from(*self.token() != Token::End);
        span
    }

    fn is_at(&self, sign: &str) -> bool {
        matches!(self.token(), Token::Sign(found) if *found == sign)
    }

    fn eat(&mut self, sign: &str) -> Option<Span> {
        self.is_at(sign).then(|| self.advance())
    }

    fn expect(&mut self, sign: &str) -> Result<Span, CompileError> {
        self.eat(sign).ok_or_else(|| self.unexpected(&format!("\"{sign}\"")))
    }

    fn unexpected(&self, expected: &str) -> CompileError {
        let span = self.span();
        let found = span.of(self.text);
        let message = match self.token() {
            Token::End => format!("the rule ends where {expected} is expected"),
            Token::Int(_) | Token::Double(_) | Token::Text(_) | Token::Word | Token::Sign(_) => {
                let foreign = FOREIGN_WORDS.iter().find(|(word, _)| *word == found);
                let meant = foreign.map(|(_, sign)| format!("; write {sign}")).unwrap_or_default();
                format!("expected {expected} instead of {found}{meant}")
            }
        };
        CompileError::new(span, message)
    }

    fn node(&self, syntax: Syntax, span: Span) -> Result<Node, CompileError> {
        let node = Node::new(syntax, span);
        if node.depth > DEPTH_MAX { Err(too_deep(span)) } else { Ok(node) }
    }

    /// Parses one level further down.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, CompileError>) -> Result<T, CompileError> {
        if self.level >= DEPTH_MAX {
            return Err(too_deep(self.span()));
        }
        self.level += 1;
        let parsed = parse(self);
        self.level -= 1;
        parsed
    }

    fn expression(&mut self) -> Result<Node, CompileError> {
        let condition = self.chain("||")?;
        if self.eat("?").is_none() {
            return Ok(condition);
        }
        let yes = self.nested(|parser| parser.chain("||"))?;
        self.expect(":")?;
        let no = self.nested(Self::expression)?;
        let span = condition.span.up_to(no.span);
        self.node(Syntax::Choose(Box::new([condition, yes, no])), span)
    }

    /// Terms between `||`, or within them between `&&`.
    fn chain(&mut self, sign: &'static str) -> Result<Node, CompileError> {
        let is_or = sign == "||";
        let mut terms = Vec::new();
        loop {
            terms.push(if is_or { self.chain("&&")? } else { self.binary(0)? });
            if self.eat(sign).is_none() {
                break;
            }
        }
        match <[Node; 1]>::try_from(terms) {
            Ok([term]) => Ok(term),
            Err(terms) => {
                let span = Span::new(terms[0].span.start.into(), terms[terms.len() - 1].span.end.into());
                self.node(if is_or { Syntax::Or(terms) } else { Syntax::And(terms) }, span)
            }
        }
    }

    /// Values between operators that bind as those of a row of [`OPERATORS`] or more.
    fn binary(&mut self, row: usize) -> Result<Node, CompileError> {
        let Some(operators) = OPERATORS.get(row) else { return self.unary() };
        let mut left = self.binary(row + 1)?;
        while let Some((_, operator)) = operators.iter().find(|(sign, _)| self.is_at(sign)) {
            self.advance();
            let right = self.binary(row + 1)?;
            let span = left.span.up_to(right.span);
            let sides = Box::new([left, right]);
            let syntax = match operator {
                Operator::Compare(comparison) => Syntax::Compare(*comparison, sides),
                Operator::Arithmetic(arithmetic) => Syntax::Arithmetic(*arithmetic, sides),
                Operator::In => Syntax::In(sides),
            };
            left = self.node(syntax, span)?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Node, CompileError> {
        if let Some(start) = self.eat("!") {
            let inner = self.nested(Self::unary)?;
            let span = start.up_to(inner.span);
            return self.node(Syntax::Not(Box::new(inner)), span);
        }
        let Some(start) = self.eat("-") else {
            let primary = self.primary()?;
            return self.postfix(primary);
        };
        // The sign belongs to the number, so that the least int can be written.
        if matches!(self.token(), Token::Int(_) | Token::Double(_)) {
            let number = self.number(Some(start))?;
            return self.postfix(number);
        }
        let inner = self.nested(Self::unary)?;
        let span = start.up_to(inner.span);
        self.node(Syntax::Negate(Box::new(inner)), span)
    }

    fn number(&mut self, minus: Option<Span>) -> Result<Node, CompileError> {
        let span = minus.unwrap_or(self.span()).up_to(self.span());
        let syntax = match *self.token() {
            Token::Int(number) if minus.is_some() => Syntax::Int(0_i64.wrapping_sub_unsigned(number)),
            Token::Int(number) => match i64::try_from(number) {
                Ok(number) => Syntax::Int(number),
                Err(_) => return Err(CompileError::new(span, "this number is too large for an int")),
            },
            Token::Double(number) => Syntax::Double(if minus.is_some() { -number } else { number }),
            Token::Text(_) | Token::Word | Token::Sign(_) | Token::End => return Err(self.unexpected("a number")),
        };
        self.advance();
        self.node(syntax, span)
    }

    fn primary(&mut self) -> Result<Node, CompileError> {
        let span = self.span();
        match self.token().clone() {
            Token::Int(_) | Token::Double(_) => self.number(None),
            Token::Text(text) => {
                self.advance();
                self.node(Syntax::Text(text), span)
            }
            Token::Word => {
                let word = span.of(self.text);
                if FOREIGN_WORDS.iter().any(|(foreign, _)| *foreign == word) {
                    return Err(self.unexpected("a value"));
                }
                self.advance();
                match word {
                    "true" | "false" => self.node(Syntax::Bool(word == "true"), span),
                    "null" => self.node(Syntax::Null, span),
                    name if self.eat("(").is_some() => self.function(name, span),
                    name => self.node(Syntax::Name(name.to_owned()), span),
                }
            }
            Token::Sign("(") => {
                self.advance();
                let inner = self.nested(Self::expression)?;
                let end = self.expect(")")?;
                Ok(Node { span: span.up_to(end), ..inner })
            }
            Token::Sign("[") => {
                self.advance();
                let (values, end) = self.values("]")?;
                self.node(Syntax::List(values), span.up_to(end))
            }
            Token::Sign(_) | Token::End => Err(self.unexpected("a value")),
        }
    }

    /// Values between commas, up to the sign that closes them, and its place.
    fn values(&mut self, closing: &str) -> Result<(Vec<Node>, Span), CompileError> {
        let mut values = Vec::new();
        loop {
            if let Some(end) = self.eat(closing) {
                return Ok((values, end));
            }
            values.push(self.nested(Self::expression)?);
            if self.eat(",").is_none() && !self.is_at(closing) {
                return Err(self.unexpected(&format!("\",\" or \"{closing}\"")));
            }
        }
    }

    /// What follows a value: parts of a name, methods.
    fn postfix(&mut self, mut node: Node) -> Result<Node, CompileError> {
        loop {
            if self.is_at("[") {
                return Err(CompileError::new(self.span(), "values are not taken out of lists: use in, exists or all"));
            }
            if self.eat(".").is_none() {
                return Ok(node);
            }
            let (word, word_span) = self.word()?;
            if self.eat("(").is_some() {
                node = self.method(node, word, word_span)?;
            } else if let Syntax::Name(name) = &node.syntax {
                node = Node::new(Syntax::Name(format!("{name}.{word}")), node.span.up_to(word_span));
            } else {
                let message = format!("only names have parts: to call \"{word}\", write {word}(…)");
                return Err(CompileError::new(word_span, message));
            }
        }
    }

    fn word(&mut self) -> Result<(&'t str, Span), CompileError> {
        let span = self.span();
        let word = span.of(self.text);
        if *self.token() != Token::Word || matches!(word, "true" | "false" | "null") {
            return Err(self.unexpected("a name"));
        }
        self.advance();
        Ok((word, span))
    }

    /// A call, from behind its opening bracket.
    fn function(&mut self, name: &str, name_span: Span) -> Result<Node, CompileError> {
        if matches!(name, "has" | "timestamp" | "duration") {
            let (values, end) = self.values(")")?;
            let span = name_span.up_to(end);
            return match <[Node; 1]>::try_from(values) {
                Ok([value]) => self.node(special_call(name, value)?, span),
                Err(_) => Err(CompileError::new(span, format!("\"{name}\" takes one value"))),
            };
        }
        let found = functions::find(name, Form::Function).map_err(|message| CompileError::new(name_span, message))?;
        let (values, end) = self.values(")")?;
        self.call(name, (found, 0), values, name_span.up_to(end))
    }

    /// A call on a value, from behind its opening bracket.
    fn method(&mut self, receiver: Node, name: &str, name_span: Span) -> Result<Node, CompileError> {
        let start = receiver.span;
        let quantifier = match name {
            "exists" => Quantifier::Exists,
            "all" => Quantifier::All,
            name => {
                let found =
                    functions::find(name, Form::Method).map_err(|message| CompileError::new(name_span, message))?;
                let (values, end) = self.values(")")?;
                let values = std::iter::once(receiver).chain(values).collect();
                return self.call(name, (found, 1), values, start.up_to(end));
            }
        };
        let (variable, _) = self.word()?;
        self.expect(",")?;
        let body = self.nested(Self::expression)?;
        let end = self.expect(")")?;
        let looped = Loop { list: receiver, variable: variable.to_owned(), body };
        self.node(Syntax::Loop(quantifier, Box::new(looped)), start.up_to(end))
    }

    /// A call of a function and of how many values stand before its name.
    fn call(
        &self,
        name: &str,
        (function, before): (Function, usize),
        values: Vec<Node>,
        span: Span,
    ) -> Result<Node, CompileError> {
        let given = values.len() - before;
        let wrong_count = |takes: usize| {
            let takes = takes - before;
            let plural = if takes == 1 { "" } else { "s" };
            CompileError::new(span, format!("\"{name}\" takes {takes} value{plural} in its brackets, not {given}"))
        };
        let syntax = match function {
            Function::One(function) => {
                let [value] = <[Node; 1]>::try_from(values).map_err(|_| wrong_count(1))?;
                Syntax::One(function, Box::new(value))
            }
            Function::Two(function) => {
                let values = <[Node; 2]>::try_from(values).map_err(|_| wrong_count(2))?;
                Syntax::Two(function, Box::new(values))
            }
        };
        self.node(syntax, span)
    }
}

/// What takes a name, or a text that is written out.
fn special_call(name: &str, value: Node) -> Result<Syntax, CompileError> {
    let (written, takes) = match (name, &value.syntax) {
        ("has", Syntax::Name(_)) => return Ok(Syntax::Has(Box::new(value))),
        ("has", _) => (None, "\"has\" takes a name, as in has(user.email)"),
        ("timestamp", Syntax::Text(text)) => {
            let instant = parse_timestamp(text).map(Syntax::Instant);
            (instant, "no instant between 1677 and 2262: write timestamp('2026-01-31T00:00:00Z')")
        }
        ("timestamp", _) => (None, "\"timestamp\" takes a text that is written out: timestamp('2026-01-31T00:00:00Z')"),
        (_, Syntax::Text(text)) => {
            let duration = parse_duration(text).map(Syntax::Duration);
            (duration, "no duration: write numbers with h, m, s, ms, us or ns, as in duration('1h30m')")
        }
        (_, _) => (None, "\"duration\" takes a text that is written out: duration('1h30m')"),
    };
    written.ok_or_else(|| CompileError::new(value.span, takes))
}

fn too_deep(span: Span) -> CompileError {
    CompileError::new(span, format!("nested more than {DEPTH_MAX} levels deep"))
}
