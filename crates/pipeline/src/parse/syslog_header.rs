//! The header of a syslog message: RFC 5424 §6, else RFC 3164 §4.1 with the liberties that senders take. It only cuts;
//! dates are read in conversion.

use vigie_domain::{Object, Text, Value};

/// Bytes of a tag, the program's name of RFC 3164, which allows 32; containers have longer names.
const TAG_BYTES_MAX: usize = 64;

/// Elements and parameters of structured data that are read; with more, it is kept as text.
const STRUCTURED_NAMES_MAX: usize = 256;

/// Facility 23, severity 7: the largest `<PRI>`.
const PRIORITY_MAX: u8 = 191;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What stands before a message, and the message; empty or `-` where there is nothing.
#[derive(Debug, Default)]
pub(super) struct Header<'m> {
    /// Eight times the facility, and the severity.
    pub(super) priority: Option<u8>,
    /// As it was sent.
    pub(super) time: &'m str,
    /// Who sent it.
    pub(super) host: &'m str,
    /// The program.
    pub(super) app: &'m str,
    /// Mostly the number of its process.
    pub(super) process: &'m str,
    /// RFC 5424's MSGID.
    pub(super) message_id: &'m str,
    /// RFC 5424's STRUCTURED-DATA.
    pub(super) structured: StructuredData,
    /// All else.
    pub(super) message: &'m str,
    /// Whether it is of RFC 5424.
    is_versioned: bool,
}

/// What RFC 5424 §6.3 puts in brackets.
#[derive(Debug, Default, PartialEq)]
pub(super) enum StructuredData {
    /// There is none.
    #[default]
    None,
    /// Its elements, each an object of its parameters.
    Elements(Object),
    /// It cannot be read: it is part of the message.
    Malformed,
}

impl<'m> Header<'m> {
    /// The header of a message; `None` when it has neither a priority nor a date.
    pub(super) fn of(message: &'m str) -> Option<Self> {
        let (priority, rest) = split_priority(message);
        let header = Self::of_5424(rest).or_else(|| Self::of_3164(rest));
        match (header, priority) {
            (Some(header), _) => Some(Self { priority, ..header }),
            (None, Some(_)) => Some(Self { priority, message: rest, ..Self::default() }),
            (None, None) => None,
        }
    }

    /// Whether hardly anything but syslog looks like this.
    pub(super) fn is_sure(&self) -> bool {
        let is_named = !self.host.is_empty() && !self.app.is_empty();
        match self.priority {
            Some(_) => self.is_versioned || !self.time.is_empty(),
            None if MONTHS.iter().any(|month| self.time.starts_with(month)) => !self.app.is_empty(),
            None => is_named && !is_level(self.host),
        }
    }

    /// `VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP STRUCTURED-DATA [SP MSG]`.
    fn of_5424(text: &'m str) -> Option<Self> {
        let rest = text.strip_prefix("1 ")?;
        let (time, rest) = rest.split_once(' ')?;
        if time != "-" && !is_iso_time(time) {
            return None;
        }
        let (host, rest) = rest.split_once(' ')?;
        let (app, rest) = rest.split_once(' ')?;
        let (process, rest) = rest.split_once(' ')?;
        let (message_id, rest) = rest.split_once(' ').unwrap_or((rest, "-"));
        let (structured, message) = split_structured(rest);
        Some(Self { time, host, app, process, message_id, structured, message, is_versioned: true, priority: None })
    }

    /// `TIMESTAMP SP HOSTNAME SP TAG[PID]: MSG`, where host, tag and process may be missing.
    fn of_3164(text: &'m str) -> Option<Self> {
        let text = without_sequence(text);
        let (time, rest) = split_short_time(text).or_else(|| split_iso_time(text))?;
        if let Some(message) = after_clock_of_router(rest) {
            let (app, process, message) = split_tag(message).unwrap_or(("", "", message));
            return Some(Self { time, app, process, message, ..Self::default() });
        }
        let rest = rest.strip_prefix(' ')?.trim_start();
        let (host, rest) = match split_tag(rest) {
            Some(_) => ("", rest),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        let (app, process, message) = split_tag(rest).unwrap_or(("", "", rest));
        Some(Self { time, host, app, process, message, ..Self::default() })
    }
}

/// `<0>` to `<191>`, and what follows.
fn split_priority(message: &str) -> (Option<u8>, &str) {
    let found = message.strip_prefix('<').and_then(|rest| rest.split_once('>')).and_then(|(digits, rest)| {
        let is_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let priority: u8 = digits.parse().ok().filter(|_| is_digits)?;
        (priority <= PRIORITY_MAX).then_some((priority, rest))
    });
    found.map_or((None, message), |(priority, rest)| (Some(priority), rest))
}

/// Without the number of the message and the mark of an unset clock, which routers put before the date.
fn without_sequence(text: &str) -> &str {
    let numbered = text.split_once(": ").filter(|(digits, _)| {
        !digits.is_empty() && digits.len() <= 10 && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    numbered.map_or(text, |(_, rest)| rest).trim_start_matches(['*', '.'])
}

/// What follows the date when a router sent it: a colon, after `UTC` or nothing, then its tag that begins with `%`.
fn after_clock_of_router(rest: &str) -> Option<&str> {
    let rest = rest.strip_prefix(" UTC").or_else(|| rest.strip_prefix(" GMT")).unwrap_or(rest);
    rest.strip_prefix(": ").filter(|message| message.starts_with('%'))
}

/// `Mon dd HH:MM:SS[.fraction]` or `Mon dd yyyy HH:MM:SS[.fraction]`, and what follows it.
fn split_short_time(text: &str) -> Option<(&str, &str)> {
    let month = text.get(..3).filter(|month| MONTHS.contains(month))?;
    let rest = text[month.len()..].strip_prefix(' ')?.trim_start_matches(' ');
    let (day, rest) = rest.split_once(' ')?;
    if day.is_empty() || day.len() > 2 || !day.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let is_year = |word: &str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    let rest = rest.split_once(' ').filter(|(word, _)| is_year(word)).map_or(rest, |(_, rest)| rest);
    let clock_length = clock_length(rest)?;
    Some(text.split_at(text.len() - rest.len() + clock_length))
}

/// Bytes of the `HH:MM:SS` at the beginning, with a fraction after a point if there is one.
fn clock_length(text: &str) -> Option<usize> {
    const CLOCK_BYTES: usize = "HH:MM:SS".len();
    let clock = text.as_bytes().get(..CLOCK_BYTES)?;
    let is_clock = |(at, byte): (usize, &u8)| if at % 3 == 2 { *byte == b':' } else { byte.is_ascii_digit() };
    if !clock.iter().enumerate().all(is_clock) {
        return None;
    }
    let fraction = text.as_bytes()[CLOCK_BYTES..].strip_prefix(b".").unwrap_or_default();
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    Some(CLOCK_BYTES + if digits > 0 { digits + 1 } else { 0 })
}

fn split_iso_time(text: &str) -> Option<(&str, &str)> {
    let end = text.find(' ').unwrap_or(text.len());
    is_iso_time(&text[..end]).then(|| text.split_at(end))
}

/// Whether the word has the form of an RFC 3339 instant.
fn is_iso_time(word: &str) -> bool {
    const DATE_BYTES: usize = "yyyy-mm-dd".len();
    let bytes = word.as_bytes();
    let is_date = |(at, byte): (usize, &u8)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() };
    bytes.get(DATE_BYTES) == Some(&b'T')
        && bytes[..DATE_BYTES].iter().enumerate().all(is_date)
        && word.get(DATE_BYTES + 1..).and_then(clock_length).is_some()
}

/// `tag: message`, `tag[pid]: message` or `tag[pid] message`: the tag, the process and the message.
fn split_tag(text: &str) -> Option<(&str, &str, &str)> {
    let is_of_tag = |c: char| c.is_alphanumeric() || "-_./@%()+".contains(c);
    let (tag, rest) = text.split_at(text.find(|c| !is_of_tag(c)).unwrap_or(text.len()));
    if tag.is_empty() || tag.len() > TAG_BYTES_MAX {
        return None;
    }
    let (process, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']').filter(|(process, _)| !process.is_empty() && !process.contains(' '))?,
        None => ("", rest),
    };
    let message = match rest.strip_prefix(':') {
        Some(message) => message,
        None if process.is_empty() => return None,
        None => rest,
    };
    match message.strip_prefix(' ') {
        Some(message) => Some((tag, process, message)),
        None if message.is_empty() => Some((tag, process, message)),
        None => None,
    }
}

/// The structured data at the beginning of the text, and the message.
fn split_structured(text: &str) -> (StructuredData, &str) {
    if let Some(rest) = text.strip_prefix('-').filter(|rest| rest.is_empty() || rest.starts_with(' ')) {
        return (StructuredData::None, rest.strip_prefix(' ').unwrap_or(rest));
    }
    match elements_of(text) {
        Some((elements, message)) => (StructuredData::Elements(elements), message),
        None if text.is_empty() => (StructuredData::None, text),
        None => (StructuredData::Malformed, text),
    }
}

/// `[id name="value" …][…]`, then a space or the end.
fn elements_of(text: &str) -> Option<(Object, &str)> {
    let mut elements = Object::new();
    let mut rest = text;
    let mut names = 0;
    while let Some(inner) = rest.strip_prefix('[') {
        let id_length = inner.find([' ', ']', '=', '"']).filter(|length| *length > 0)?;
        let (id, mut inner) = inner.split_at(id_length);
        let mut params = Object::new();
        names += 1;
        while let Some(param) = inner.strip_prefix(' ') {
            let (name, quoted) = param.trim_start().split_once("=\"").filter(|(name, _)| is_name(name))?;
            let (value, after) = until_quote(quoted)?;
            put(&mut params, name, Value::text(value));
            inner = after;
            names += 1;
            if names > STRUCTURED_NAMES_MAX {
                return None;
            }
        }
        put(&mut elements, id, Value::Object(params));
        rest = inner.strip_prefix(']')?;
    }
    let message = rest.strip_prefix(' ').unwrap_or(rest);
    let is_ended = rest.is_empty() || rest.starts_with(' ');
    (!elements.is_empty() && is_ended && names <= STRUCTURED_NAMES_MAX).then_some((elements, message))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains([' ', ']', '"', '='])
}

/// Adds a value; one of a name that was there before makes a list of them.
fn put(fields: &mut Object, name: &str, value: Value) {
    match fields.iter_mut().find(|(sent, _)| sent == name) {
        None => fields.push((name.into(), value)),
        Some((_, Value::List(values))) => values.push(value),
        Some((_, first)) => {
            let values = vec![std::mem::replace(first, Value::Null), value];
            *first = Value::List(values);
        }
    }
}

/// The value up to its quote, with `\"`, `\\` and `\]` resolved (RFC 5424 §6.3.3), and what follows the quote.
fn until_quote(text: &str) -> Option<(Text, &str)> {
    let mut value = Text::default();
    let mut rest = text;
    loop {
        let at = rest.find(['"', '\\'])?;
        value.push_str(&rest[..at]);
        if rest.as_bytes()[at] == b'"' {
            return Some((value, &rest[at + 1..]));
        }
        let escaped = rest[at + 1..].chars().next()?;
        if !matches!(escaped, '"' | '\\' | ']') {
            value.push('\\');
        }
        value.push(escaped);
        rest = &rest[at + 1 + escaped.len_utf8()..];
    }
}

/// Whether the word is a level: then the date before it is not syslog's.
fn is_level(word: &str) -> bool {
    vigie_domain::Level::from_word(word.trim_matches(['[', ']', ':'])).is_some()
}
