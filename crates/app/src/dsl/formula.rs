//! The formulas of `bucket_script` and `bucket_selector`: what of Elasticsearch's script languages is arithmetic.
//!
//! No script is run: a formula has numbers, names, operators and functions of numbers, and costs what its text is long. Whole numbers
//! that are written out are divided as Java divides them; whatever names stand for are doubles.

use vigie_domain::Result;

use super::place::Place;

/// Bytes of a formula.
const BYTES_MAX: usize = 4_096;
/// Parts within each other.
const DEPTH_MAX: usize = 50;
/// Operators of two parts, those that bind most last.
const OPERATORS: [(&str, u8, Operator); 13] = [
    ("||", 1, Operator::Or),
    ("&&", 2, Operator::And),
    ("==", 3, Operator::Equal),
    ("!=", 3, Operator::Unequal),
    ("<=", 4, Operator::AtMost),
    (">=", 4, Operator::AtLeast),
    ("<", 4, Operator::Below),
    (">", 4, Operator::Above),
    ("+", 5, Operator::Add),
    ("-", 5, Operator::Subtract),
    ("*", 6, Operator::Multiply),
    ("/", 6, Operator::Divide),
    ("%", 6, Operator::Remainder),
];
/// A function of one number, and its name.
type OfOne = (&'static str, fn(f64) -> f64);
/// A function of two numbers, and its name.
type OfTwo = (&'static str, fn(f64, f64) -> f64);
/// Functions of one number.
const OF_ONE: [OfOne; 11] = [
    ("abs", f64::abs),
    ("ceil", f64::ceil),
    ("cos", f64::cos),
    ("exp", f64::exp),
    ("floor", f64::floor),
    ("log", f64::ln),
    ("log10", f64::log10),
    ("round", f64::round),
    ("sin", f64::sin),
    ("sqrt", f64::sqrt),
    ("tan", f64::tan),
];
/// Functions of two numbers.
const OF_TWO: [OfTwo; 3] = [("max", f64::max), ("min", f64::min), ("pow", f64::powf)];

/// What two parts are joined by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    AtMost,
    AtLeast,
    Below,
    Above,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A part of a formula.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Value(Value),
    /// By its place among the names.
    Name(usize),
    Not(Box<Node>),
    Negative(Box<Node>),
    Joined(Operator, Box<Node>, Box<Node>),
    Choice(Box<[Node; 3]>),
    OfOne(usize, Box<Node>),
    OfTwo(usize, Box<[Node; 2]>),
}

/// What a part is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Value {
    Bool(bool),
    Whole(i64),
    Double(f64),
}

/// What a part is worth in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Bool,
    Number,
}

/// A formula of some names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Formula(Node);

impl Formula {
    /// Reads a formula that gives a number.
    ///
    /// # Errors
    /// `Malformed` when it is none, with what is wrong.
    pub(super) fn of_number(text: &str, names: &[String], place: &Place) -> Result<Self> {
        Self::read(text, names, Type::Number).map_err(|words| place.wrong(&words))
    }

    /// Reads a formula that says yes or no.
    ///
    /// # Errors
    /// As `of_number`.
    pub(super) fn of_choice(text: &str, names: &[String], place: &Place) -> Result<Self> {
        Self::read(text, names, Type::Bool).map_err(|words| place.wrong(&words))
    }

    fn read(text: &str, names: &[String], wanted: Type) -> std::result::Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("has {} bytes; at most {BYTES_MAX} are read", text.len()));
        }
        let text = text.trim().trim_end_matches(';');
        let text = text.strip_prefix("return ").unwrap_or(text);
        let mut reader = Reader { rest: text, names, depth: 0 };
        let (node, kind) = reader.choice()?;
        if !reader.rest.trim_start().is_empty() {
            return Err(reader.unexpected());
        }
        match kind == wanted {
            true => Ok(Self(node)),
            false if wanted == Type::Bool => Err("must say yes or no, such as params.total > 100".to_owned()),
            false => Err("must give a number, such as params.part / params.total".to_owned()),
        }
    }

    /// The number for these values of the names; one that is no number where there is none.
    pub(super) fn number(&self, values: &[f64]) -> f64 {
        number(worth(&self.0, values))
    }

    /// What it says for these values of the names.
    pub(super) fn says_yes(&self, values: &[f64]) -> bool {
        worth(&self.0, values) == Value::Bool(true)
    }
}

const fn number(value: Value) -> f64 {
    match value {
        Value::Bool(_) => f64::NAN,
        Value::Whole(number) => number as f64,
        Value::Double(number) => number,
    }
}

fn worth(node: &Node, values: &[f64]) -> Value {
    let of = |node: &Node| worth(node, values);
    let is = |node: &Node| of(node) == Value::Bool(true);
    match node {
        Node::Value(value) => *value,
        Node::Name(place) => Value::Double(values.get(*place).copied().unwrap_or(f64::NAN)),
        Node::Not(inner) => Value::Bool(!is(inner)),
        Node::Negative(inner) => match of(inner) {
            Value::Whole(number) => Value::Whole(number.wrapping_neg()),
            other => Value::Double(-number(other)),
        },
        Node::Joined(Operator::Or, left, right) => Value::Bool(is(left) || is(right)),
        Node::Joined(Operator::And, left, right) => Value::Bool(is(left) && is(right)),
        Node::Joined(operator, left, right) => joined(*operator, of(left), of(right)),
        Node::Choice(parts) => of(if is(&parts[0]) { &parts[1] } else { &parts[2] }),
        Node::OfOne(which, inner) => Value::Double(OF_ONE[*which].1(number(of(inner)))),
        Node::OfTwo(which, parts) => Value::Double(OF_TWO[*which].1(number(of(&parts[0])), number(of(&parts[1])))),
    }
}

fn joined(operator: Operator, left: Value, right: Value) -> Value {
    if let (Value::Whole(left), Value::Whole(right)) = (left, right)
        && let Some(whole) = match operator {
            Operator::Add => left.checked_add(right),
            Operator::Subtract => left.checked_sub(right),
            Operator::Multiply => left.checked_mul(right),
            Operator::Divide => left.checked_div(right),
            Operator::Remainder => left.checked_rem(right),
            _ => None,
        }
    {
        return Value::Whole(whole);
    }
    if let (Value::Bool(left), Value::Bool(right)) = (left, right) {
        return Value::Bool((left == right) == (operator == Operator::Equal));
    }
    let (left, right) = (number(left), number(right));
    match operator {
        Operator::Equal => Value::Bool(left == right),
        Operator::Unequal => Value::Bool(left != right),
        Operator::AtMost => Value::Bool(left <= right),
        Operator::AtLeast => Value::Bool(left >= right),
        Operator::Below => Value::Bool(left < right),
        Operator::Above => Value::Bool(left > right),
        Operator::Add => Value::Double(left + right),
        Operator::Subtract => Value::Double(left - right),
        Operator::Multiply => Value::Double(left * right),
        Operator::Divide => Value::Double(left / right),
        Operator::Remainder => Value::Double(left % right),
        // Worked out before, without the other side where that says nothing.
        Operator::Or | Operator::And => Value::Bool(false),
    }
}

/// Reads a formula from its front.
struct Reader<'t> {
    rest: &'t str,
    names: &'t [String],
    depth: usize,
}

type Part = (Node, Type);

impl<'t> Reader<'t> {
    fn unexpected(&self) -> String {
        let found: String = self.rest.trim_start().chars().take(20).collect();
        let found =
            if found.is_empty() { "ends too early".to_owned() } else { format!("cannot be read at \"{found}\"") };
        format!(
            "{found}: no script is run; use numbers, params.name, + - * / %, comparisons, && || !, a ? b : c and Math's functions of numbers"
        )
    }

    /// Takes a sign, if it stands next.
    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn needs(&mut self, sign: &str) -> std::result::Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// `a ? b : c`, or what binds more.
    fn choice(&mut self) -> std::result::Result<Part, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("has more than {DEPTH_MAX} parts within each other"));
        }
        let condition = self.joined(0)?;
        let part = if self.takes("?") {
            let yes = self.choice()?;
            self.needs(":")?;
            let no = self.choice()?;
            if condition.1 != Type::Bool || yes.1 != no.1 {
                return Err("needs a condition before \"?\" and two parts of one kind behind it".to_owned());
            }
            (Node::Choice(Box::new([condition.0, yes.0, no.0])), yes.1)
        } else {
            condition
        };
        self.depth -= 1;
        Ok(part)
    }

    /// Parts that are joined by operators which bind more than that.
    fn joined(&mut self, binding: u8) -> std::result::Result<Part, String> {
        let mut left = self.single()?;
        loop {
            let rest = self.rest.trim_start();
            let next = OPERATORS.iter().find(|(sign, _, _)| rest.starts_with(sign));
            let Some((sign, own, operator)) = next.filter(|(_, own, _)| *own > binding) else { return Ok(left) };
            self.rest = &rest[sign.len()..];
            let right = self.joined(*own)?;
            let kind = match (operator, left.1, right.1) {
                (Operator::Or | Operator::And | Operator::Equal | Operator::Unequal, Type::Bool, Type::Bool) => {
                    Type::Bool
                }
                (Operator::Or | Operator::And, ..) | (_, Type::Bool, _) | (_, _, Type::Bool) => {
                    return Err(format!("\"{sign}\" cannot join these: one is a number, the other says yes or no"));
                }
                (operator, ..) if (*operator as u8) < Operator::Add as u8 => Type::Bool,
                _ => Type::Number,
            };
            left = (Node::Joined(*operator, Box::new(left.0), Box::new(right.0)), kind);
        }
    }

    fn single(&mut self) -> std::result::Result<Part, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("has more than {DEPTH_MAX} parts within each other"));
        }
        let part = if self.takes("(") {
            let part = self.choice()?;
            self.needs(")")?;
            part
        } else if self.takes("-") {
            match self.single()? {
                (node, Type::Number) => (Node::Negative(Box::new(node)), Type::Number),
                (_, Type::Bool) => return Err("only numbers have a negative".to_owned()),
            }
        } else if self.takes("!") {
            match self.single()? {
                (node, Type::Bool) => (Node::Not(Box::new(node)), Type::Bool),
                (_, Type::Number) => return Err("\"!\" stands before what says yes or no".to_owned()),
            }
        } else {
            self.named()?
        };
        self.depth -= 1;
        Ok(part)
    }

    /// A number, a name, or a call.
    fn named(&mut self) -> std::result::Result<Part, String> {
        let rest = self.rest.trim_start();
        let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '.';
        let word = &rest[..rest.find(|letter| !is_part(letter)).unwrap_or(rest.len())];
        if word.is_empty() {
            return Err(self.unexpected());
        }
        let behind = &rest[word.len()..];
        if word.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.') {
            let digits = word.trim_end_matches(['d', 'D', 'f', 'F', 'l', 'L']);
            let value = match (digits.parse::<i64>(), digits.parse::<f64>()) {
                (Ok(whole), _) if !word.ends_with(['d', 'D', 'f', 'F']) => Value::Whole(whole),
                (_, Ok(double)) => Value::Double(double),
                _ => return Err(self.unexpected()),
            };
            self.rest = behind;
            return Ok((Node::Value(value), Type::Number));
        }
        if let Some(function) = word.strip_prefix("Math.") {
            self.rest = behind;
            return self.call(function);
        }
        self.rest = behind;
        let name = match word {
            "true" | "false" => return Ok((Node::Value(Value::Bool(word == "true")), Type::Bool)),
            "params" => self.quoted_name()?,
            word => word.strip_prefix("params.").unwrap_or(word),
        };
        match self.names.iter().position(|known| known == name) {
            Some(place) => Ok((Node::Name(place), Type::Number)),
            None => Err(format!("knows no \"{name}\"; [buckets_path] names {}", self.names.join(", "))),
        }
    }

    /// The name in `['name']`, which stands next.
    fn quoted_name(&mut self) -> std::result::Result<&'t str, String> {
        self.needs("[")?;
        let rest = self.rest.trim_start();
        let quote = rest.chars().next().filter(|sign| matches!(sign, '\'' | '"')).ok_or_else(|| self.unexpected())?;
        let (name, behind) = rest[1..].split_once(quote).ok_or_else(|| self.unexpected())?;
        self.rest = behind;
        self.needs("]")?;
        Ok(name)
    }

    fn call(&mut self, function: &str) -> std::result::Result<Part, String> {
        let of_one = OF_ONE.iter().position(|(name, _)| *name == function);
        let of_two = OF_TWO.iter().position(|(name, _)| *name == function);
        self.needs("(")?;
        let first = self.argument(function)?;
        let node = match (of_one, of_two) {
            (Some(which), _) => Node::OfOne(which, Box::new(first)),
            (None, Some(which)) => {
                self.needs(",")?;
                Node::OfTwo(which, Box::new([first, self.argument(function)?]))
            }
            (None, None) => return Err(format!("Math.{function} is not there in Vigie")),
        };
        self.needs(")")?;
        Ok((node, Type::Number))
    }

    fn argument(&mut self, function: &str) -> std::result::Result<Node, String> {
        match self.choice()? {
            (node, Type::Number) => Ok(node),
            (_, Type::Bool) => Err(format!("Math.{function} is asked of numbers")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["part", "total", "_value"].map(str::to_owned).to_vec()
    }

    #[test]
    fn formulas_give_numbers() {
        let check = |text: &str, expected: f64| {
            let formula = Formula::of_number(text, &names(), &Place::of("s"))
                .unwrap_or_else(|error| panic!("{text}: {}", error.message));
            assert_eq!(formula.number(&[3.0, 4.0, 10.0]), expected, "{text}");
        };
        check("params.part / params.total * 100", 75.0);
        check("return params['part'] - params[\"total\"];", -1.0);
        check("params._value", 10.0);
        check("part + total * 2", 11.0);
        check("(part + total) * 2", 14.0);
        check("10 - 4 - 3", 3.0);
        check("7 / 2", 3.0);
        check("7 / 2.0", 3.5);
        check("7d / 2", 3.5);
        check("7 % 4 * params.part", 9.0);
        check("-params.part + 1e1", 7.0);
        check("params.total > 3 ? params.part : 0", 3.0);
        check("params.total > 3 && params.part > 3 ? 1 : params.part == 3 ? 2 : 3", 2.0);
        check("Math.max(params.part, Math.pow(2, 3))", 8.0);
        check("Math.round(Math.sqrt(params.total) * 1.6)", 3.0);
        check("9223372036854775807 + 1", 9_223_372_036_854_775_808.0);
        check("params.part / 0", f64::INFINITY);
        check("1 / 0", f64::INFINITY);
    }

    #[test]
    fn formulas_say_yes_or_no() {
        let check = |text: &str, values: [f64; 3], expected: bool| {
            let formula = Formula::of_choice(text, &names(), &Place::of("s")).unwrap();
            assert_eq!(formula.says_yes(&values), expected, "{text} {values:?}");
        };
        check("params.part > 2 || params.total > 100", [3.0, 4.0, 0.0], true);
        check("!(params.part > 2)", [3.0, 4.0, 0.0], false);
        check("params.part >= 3 == true", [3.0, 4.0, 0.0], true);
        check("params.part < 5", [f64::NAN, 4.0, 0.0], false);
        check("params.part != params.total", [3.0, 4.0, 0.0], true);
    }

    #[test]
    fn what_is_no_formula_is_refused_with_words() {
        let check = |text: &str, expected: &str| {
            let error = Formula::of_number(text, &names(), &Place::of("s")).unwrap_err();
            assert!(error.message.contains(expected), "{text}: {}", error.message);
        };
        check("", "ends too early");
        check("params.other", "knows no \"other\"; [buckets_path] names part, total, _value");
        check("params.part +", "ends too early");
        check("params.part; doc['x'].value", "cannot be read at \"; doc['x'].value\"");
        check("for (int i = 0; i < 10; i++) {}", "knows no \"for\"");
        check("[1, 2]", "no script is run");
        check("params.part > 3", "must give a number");
        check("params.part + (params.total > 3)", "\"+\" cannot join these");
        check("Math.random()", "cannot be read at");
        check("Math.hypot(1, 2)", "Math.hypot is not there");
        check("params.part ? 1 : 2", "needs a condition");
        check(&"(".repeat(51), "parts within each other");
        check(&format!("{}1", "-".repeat(60)), "parts within each other");
        check(&"1+".repeat(3_000), "at most 4096 are read");
        assert!(
            Formula::of_choice("params.part", &names(), &Place::of("s")).unwrap_err().message.contains("yes or no")
        );
    }
}
