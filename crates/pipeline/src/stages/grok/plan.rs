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
    /// What was taken has at most so many characters, so that nothing in it was repeated more often.
    AtMost(usize),
}

/// Repetitions that a count must allow for it to be left out: each of them is a copy within the engine, which a name of 64 times
/// 64 characters makes too large for the fast ways.
const COUNT_LEFT_OUT_MIN: usize = 16;

/// `{1,64}`: how often something is repeated.
struct Count<'e> {
    least: &'e str,
    most: usize,
    /// Bytes of it.
    length: usize,
}

impl<'e> Count<'e> {
    /// The count at the beginning of a text, if it is one that is left out.
    fn of(text: &'e str) -> Option<Self> {
        let (inner, _) = text.strip_prefix('{')?.split_once('}')?;
        let (least, most) = inner.split_once(',')?;
        let most = most.parse().ok().filter(|most| *most >= COUNT_LEFT_OUT_MIN)?;
        least.bytes().all(|byte| byte.is_ascii_digit()).then_some(Self { least, most, length: inner.len() + 2 })
    }

    /// The same without its upper bound.
    fn unbounded(&self) -> String {
        format!("{{{},}}", if self.least.is_empty() { "0" } else { self.least })
    }
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
            Self::AtMost(most) => end - start <= *most || text[start..end].chars().count() <= *most,
        }
    }
}

/// An expression without look-around and atomic groups; named groups stand where they were.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) expression: String,
    pub(super) checks: Vec<(String, Check)>,
    /// Groups that were named here.
    named: usize,
}

/// A group that is open.
struct Open {
    /// How many checks there were before it.
    checks_before: usize,
    /// Where it begins in the new expression.
    start: usize,
    /// Where its content begins in the new expression, if it is atomic.
    atomic_start: Option<usize>,
}

impl Plan {
    /// `None` when something in the expression cannot be left out.
    pub(super) fn of(expression: &str) -> Option<Self> {
        let mut plan = Self { expression: String::with_capacity(expression.len()), checks: Vec::new(), named: 0 };
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
                    let is_within_atomic = open.iter().any(Open::is_atomic);
                    rest = plan.close_group(open.pop()?, &rest[1..], is_within_atomic)?;
                    continue;
                }
                '*' | '+' | '?' | '}' if rest[1..].starts_with('+') => return None,
                other => other.len_utf8(),
            };
            let (taken, after) = rest.split_at(length);
            rest = match Count::of(after).filter(|_| !open.iter().any(Open::is_atomic)) {
                Some(count) => {
                    let start = plan.expression.len();
                    plan.expression.push_str(taken);
                    plan.add_repetition(start, &count.unbounded(), count.most, &after[count.length..])?
                }
                None => {
                    plan.expression.push_str(taken);
                    after
                }
            };
        }
        Some(plan)
    }

    /// Repeats what was added from `start` on without an upper bound, and notes what is to be checked in its place; gives what
    /// follows.
    ///
    /// What is left out only adds ways behind those that the count allows, so the first way that keeps to it is the same.
    fn add_repetition<'e>(&mut self, start: usize, sign: &str, most: usize, after: &'e str) -> Option<&'e str> {
        let name = self.next_name();
        self.expression.insert_str(start, &format!("(?P<{name}>"));
        self.expression.push_str(sign);
        let rest = match after.as_bytes().first() {
            Some(b'?') => {
                self.expression.push('?');
                &after[1..]
            }
            // It gives nothing back: no other engine has that.
            Some(b'+') => return None,
            _ => after,
        };
        self.expression.push(')');
        self.checks.push((name, Check::AtMost(most)));
        Some(rest)
    }

    fn next_name(&mut self) -> String {
        self.named += 1;
        format!("c{}", self.named)
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
            let name = self.next_name();
            open.push(Open {
                checks_before: self.checks.len(),
                start: self.expression.len(),
                atomic_start: Some(self.expression.len() + name.len() + 5),
            });
            self.expression.push_str(&format!("(?P<{name}>"));
            return Some(rest);
        }
        open.push(Open { checks_before: self.checks.len(), start: self.expression.len(), atomic_start: None });
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
        let name = self.next_name();
        self.expression.push_str(&format!("(?P<{name}>"));
        self.checks.push((name, check));
    }

    /// Closes a group and notes what is to be checked of it; gives what follows. Of what is repeated only the last time is known,
    /// so that bounds within it become one of the whole.
    fn close_group<'e>(&mut self, group: Open, after: &'e str, is_within_atomic: bool) -> Option<&'e str> {
        let inner = &self.checks[group.checks_before..];
        if group.is_atomic() {
            let is_repeated = after.starts_with(['*', '+', '{']);
            return (!is_repeated && inner.is_empty()).then(|| self.close_atomic(&group)).flatten().map(|()| after);
        }
        let count = Count::of(after).filter(|_| !is_within_atomic && is_never_empty(&self.expression[group.start..]));
        let sign = match (&count, after.as_bytes().first()) {
            (Some(count), _) => &after[..count.length],
            (None, Some(b'*' | b'+')) => &after[..1],
            (None, Some(b'{')) => &after[..after.find('}')? + 1],
            _ => "",
        };
        let bounds = inner.iter().map(|(_, check)| if let Check::AtMost(most) = check { Some(*most) } else { None });
        let is_checked_whole = !sign.is_empty() && (count.is_some() || !inner.is_empty());
        let most = bounds.chain(count.iter().map(|count| Some(count.most))).min().flatten();
        self.expression.push(')');
        if !is_checked_whole {
            return Some(after);
        }
        let sign_now = count.as_ref().map_or_else(|| sign.to_owned(), Count::unbounded);
        // `None` where something else than bounds would have to be checked each time.
        let most = most?;
        self.checks.truncate(group.checks_before);
        self.add_repetition(group.start, &sign_now, most, &after[sign.len()..])
    }

    fn close_atomic(&mut self, group: &Open) -> Option<()> {
        let content = self.expression.get(group.atomic_start?..)?;
        // Its content is asked alone, so it may hold nothing that looks around or is captured.
        if ["(?P<", "\\b", "\\B", "^", "$", "\\A", "\\z"].iter().any(|mark| content.contains(mark)) {
            return None;
        }
        let regex = text::regex(&format!("\\A(?:{content})")).ok()?;
        let name = self.expression.get(group.start..)?.strip_prefix("(?P<")?.split_once('>')?.0.to_owned();
        self.checks.push((name, Check::First(regex)));
        self.expression.push(')');
        Some(())
    }
}

impl Open {
    const fn is_atomic(&self) -> bool {
        self.atomic_start.is_some()
    }
}

/// Whether a group that is not closed yet begins with a character that it always takes.
fn is_never_empty(group: &str) -> bool {
    let Some(content) = group.strip_prefix("(?:").filter(|content| !content.contains('|')) else { return false };
    let first = match content.chars().next() {
        Some('\\') => escape_length(content),
        Some('[') => class_length(content),
        Some('(' | '^' | '$') | None => None,
        Some(other) => Some(other.len_utf8()),
    };
    let is_place = ["\\b", "\\B", "\\A", "\\z"].iter().any(|place| content.starts_with(place));
    first.is_some_and(|length| !is_place && !content[length..].starts_with(['*', '?', '{']))
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
