//! What of an expression can be left to an engine without look-around, and what is then to be checked.

use regex::Regex;

use crate::stages::text;

/// Something that was left out of an expression.
#[derive(Debug)]
pub(super) enum Check {
    /// The one character before or after the place is, or is not, of a class.
    Neighbour { is_before: bool, is_wanted: bool, class: CharClass },
    /// What an atomic group took is the first that it can take there.
    First(Regex),
}

/// Characters, told for ASCII by a table.
#[derive(Debug)]
pub(super) struct CharClass {
    ascii: [bool; 128],
    regex: Regex,
}

impl CharClass {
    fn new(class: &str) -> Option<Self> {
        let regex = text::regex(&format!("\\A(?:{class})\\z")).ok()?;
        let mut ascii = [false; 128];
        for (byte, is_in) in (0_u8..).zip(&mut ascii) {
            *is_in = regex.is_match(char::from(byte).encode_utf8(&mut [0; 4]));
        }
        Some(Self { ascii, regex })
    }

    fn has(&self, character: char) -> bool {
        match self.ascii.get(character as usize) {
            Some(is_in) => *is_in,
            None => self.regex.is_match(character.encode_utf8(&mut [0; 4])),
        }
    }
}

impl Check {
    /// Whether what was found keeps to it.
    pub(super) fn holds(&self, text: &str, (start, end): (usize, usize)) -> bool {
        match self {
            Self::Neighbour { is_before, is_wanted, class } => {
                let (before, after) = text.split_at(start);
                let neighbour = if *is_before { before.chars().next_back() } else { after.chars().next() };
                neighbour.is_some_and(|character| class.has(character)) == *is_wanted
            }
            Self::First(regex) => regex.find(&text[start..]).is_some_and(|found| found.end() == end - start),
        }
    }
}

/// An expression without look-around and atomic groups; named groups stand where they were.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) expression: String,
    pub(super) checks: Vec<(String, Check)>,
}

/// A group that is open.
struct Open {
    /// How many checks there were before it.
    checks_before: usize,
    /// Where its content begins in the new expression, if it is atomic.
    atomic_start: Option<usize>,
}

impl Plan {
    /// `None` when something in the expression cannot be left out.
    pub(super) fn of(expression: &str) -> Option<Self> {
        let mut plan = Self { expression: String::with_capacity(expression.len()), checks: Vec::new() };
        let (mut open, mut rest) = (Vec::<Open>::new(), expression);
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '\\' => escape_length(rest)?,
                '[' => class_length(rest)?,
                '(' => {
                    rest = plan.open_group(rest, &mut open)?;
                    continue;
                }
                ')' => {
                    plan.close_group(open.pop()?, &rest[1..])?;
                    1
                }
                '*' | '+' | '?' | '}' if rest[1..].starts_with('+') => return None,
                other => other.len_utf8(),
            };
            plan.expression.push_str(&rest[..length]);
            rest = &rest[length..];
        }
        Some(plan)
    }

    /// Adds the beginning of a group, or what stands for a look-around; gives what follows it.
    fn open_group<'e>(&mut self, text: &'e str, open: &mut Vec<Open>) -> Option<&'e str> {
        let looks = [("(?<!", true, false), ("(?<=", true, true), ("(?!", false, false), ("(?=", false, true)];
        if let Some((mark, is_before, is_wanted)) = looks.into_iter().find(|(mark, ..)| text.starts_with(mark)) {
            let content = &text[mark.len()..];
            let length = match content.chars().next()? {
                '\\' => escape_length(content)?,
                '[' => class_length(content)?,
                '(' | ')' | '.' | '^' | '$' | '|' => return None,
                other => other.len_utf8(),
            };
            let class = &content[..length];
            let rest = content[length..].strip_prefix(')')?;
            let is_place = matches!(class, "\\b" | "\\B" | "\\A" | "\\z");
            let class = CharClass::new(class).filter(|_| !is_place)?;
            self.add_check(Check::Neighbour { is_before, is_wanted, class });
            self.expression.push(')');
            return Some(rest);
        }
        if let Some(rest) = text.strip_prefix("(?>") {
            let name = format!("c{}", self.checks.len());
            open.push(Open {
                checks_before: self.checks.len(),
                atomic_start: Some(self.expression.len() + name.len() + 5),
            });
            self.expression.push_str(&format!("(?P<{name}>"));
            return Some(rest);
        }
        open.push(Open { checks_before: self.checks.len(), atomic_start: None });
        let end = if text.starts_with("(?P<") {
            text.find('>')? + 1
        } else if text.starts_with("(?") {
            text.find([':', ')'])? + 1
        } else {
            1
        };
        // Flags without a group, such as (?s), are closed at once.
        if text[..end].ends_with(')') {
            open.pop();
        }
        self.expression.push_str(&text[..end]);
        Some(&text[end..])
    }

    fn add_check(&mut self, check: Check) {
        let name = format!("c{}", self.checks.len());
        self.expression.push_str(&format!("(?P<{name}>"));
        self.checks.push((name, check));
    }

    /// Notes what is to be checked of a group that closes; of what is repeated only the last time is known.
    fn close_group(&mut self, group: Open, after: &str) -> Option<()> {
        let is_repeated = after.starts_with(['*', '+', '{']);
        let has_checks = self.checks.len() > group.checks_before;
        if is_repeated && (has_checks || group.atomic_start.is_some()) {
            return None;
        }
        let Some(start) = group.atomic_start else { return Some(()) };
        let content = self.expression.get(start..)?;
        // Its content is asked alone, so it may hold nothing that looks around or is captured.
        let looks_around =
            has_checks || ["(?P<", "\\b", "\\B", "^", "$", "\\A", "\\z"].iter().any(|mark| content.contains(mark));
        if looks_around {
            return None;
        }
        let regex = text::regex(&format!("\\A(?:{content})")).ok()?;
        self.checks.push((format!("c{}", group.checks_before), Check::First(regex)));
        Some(())
    }
}

/// Bytes of an escape that means the same in both engines.
fn escape_length(text: &str) -> Option<usize> {
    let escaped = text[1..].chars().next()?;
    match escaped {
        // Back references, and anchors that are not known here.
        '1'..='9' | 'k' | 'g' | 'G' | 'Z' | 'K' | 'R' | 'X' | 'u' | 'e' | 'O' | 'N' => None,
        'p' | 'P' | 'x' if text[2..].starts_with('{') => text.find('}').map(|end| end + 1),
        other => Some(1 + other.len_utf8()),
    }
}

/// Bytes of a class, classes within it included.
fn class_length(text: &str) -> Option<usize> {
    let (mut depth, mut at, mut is_first) = (0_usize, 0, false);
    loop {
        let character = text[at..].chars().next()?;
        match character {
            '\\' => at += text[at + 1..].chars().next()?.len_utf8(),
            '[' => {
                depth += 1;
                is_first = true;
                at += 1;
                if text[at..].starts_with('^') {
                    at += 1;
                }
                continue;
            }
            ']' if !is_first => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        is_first = false;
        at += character.len_utf8();
    }
}
