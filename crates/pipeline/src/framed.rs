//! Records that a protocol has framed already: each is told by itself, for there is no file that they belong to.
//!
//! Nothing is dropped: what cannot be understood becomes an event with a tag; what may not be stored at all, such as an
//! event outside of the time window, is handed back whole with the reason, so that whoever asked can keep it.

use vigie_domain::{EventBatch, Object, Value};

use crate::batch::leave_out_cut_number;
use crate::beside::Telling;
use crate::decompress::unpack_bytes;
use crate::options::DecodeOptions;
use crate::parse::continuation::may_go_on;
use crate::parse::json_value::{object_of, parse_json};
use crate::parse::{Draft, binary_reason, draft_of_text, draft_of_whole, gelf, single, syslog, too_large};
use crate::passage::Passage;
use crate::redact::RedactionCounts;
use crate::tag;

/// Bytes that may be told beside the records of one assembler, in all: a few fields for many records are copied into each.
/// Twice what a body may be.
const TOLD_BYTES_MAX: usize = 128 * 1024 * 1024;

/// The field that names an event.
const ID: &str = "_id";

/// What became of framed records: events, refused, unlisted and dropped ones together are as many as were `received`.
#[derive(Debug, Default)]
pub struct Framed {
    /// Records that were pushed, counted as they came; one that a pipeline makes several events of counts as so many.
    pub received: u64,
    /// What became events, in order.
    pub events: EventBatch,
    /// What did not, in order.
    pub refused: Vec<Refused>,
    /// What was taken out of both, because it may never be stored.
    pub redactions: RedactionCounts,
    /// What did not either, beyond those that are kept.
    pub unlisted: u64,
    /// What the pipeline let go, as it says.
    pub dropped: u64,
}

/// A record that became no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why, and what to do.
    pub reason: String,
    /// What was sent, without what may never be stored; of a record that was too large, its beginning.
    pub raw: Vec<u8>,
}

/// Makes events of records, one after the other.
#[derive(Debug)]
pub struct Assembler<'o> {
    options: &'o DecodeOptions,
    /// Fields of every record that does not have them itself.
    added: Object,
    passage: Passage,
    framed: Framed,
    refused_max: usize,
    told_bytes: usize,
    /// The id of the line that is being pushed, and how many events came of it.
    line_name: Option<(String, usize)>,
}

impl<'o> Assembler<'o> {
    /// Of records that are to be read in this way; the format in the options does not matter.
    pub fn new(options: &'o DecodeOptions) -> Self {
        let (added, framed) = (Object::new(), Framed::default());
        Self {
            options,
            added,
            passage: Passage::new(options),
            framed,
            refused_max: usize::MAX,
            told_bytes: 0,
            line_name: None,
        }
    }

    /// Keeps only the first records that are refused, and counts the others: for senders that are told.
    #[must_use]
    pub const fn listing(mut self, refused_max: usize) -> Self {
        self.refused_max = refused_max;
        self
    }

    /// When the records arrived.
    pub const fn received_at(&self) -> vigie_domain::Timestamp {
        self.options.received_at
    }

    /// Bytes of one record; larger ones are refused.
    pub const fn record_bytes_max(&self) -> usize {
        self.options.record_bytes_max
    }

    /// Adds a field to every record that follows and does not have it itself.
    pub fn add_to_each(&mut self, name: &str, value: &str) {
        self.added.retain(|(added, _)| added != name);
        self.added.push((name.into(), Value::text(value)));
    }

    /// A line of any kind: JSON, a list of JSON objects, a line of the formats of single lines (access and error logs, syslog,
    /// CEF, log4j, `key=value` pairs), else text. Broken JSON is kept as text with the tag `_jsonparsefailure`; a blank
    /// line is none.
    pub fn push_line(&mut self, line: &[u8]) {
        self.push_line_told(line, Telling::default());
    }

    /// A line of any kind that its protocol has a name for: it is the id of its event, unless that has one itself. Of a list,
    /// the events after the first are named `id#1`, `id#2` and so on.
    pub fn push_line_named(&mut self, line: &[u8], id: &str) {
        self.line_name = Some((id.to_owned(), 0));
        self.push_line(line);
        self.line_name = None;
    }

    /// A line of any kind, and what is told beside it. Text of several lines is one event.
    pub fn push_line_told(&mut self, line: &[u8], telling: Telling<'_>) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.trim_ascii_start().first() {
            None => {}
            // A list does not begin with a date.
            Some(b'[') if may_go_on(line) => self.push_parsed(line, telling, |text| Ok(single::draft_of(text))),
            Some(b'{' | b'[') => self.push_json_told(line, telling),
            Some(_) => self.push_parsed(line, telling, |text| Ok(single::draft_of(text))),
        }
    }

    /// Lines that belong together, with line feeds between them, of which the first is no JSON. `is_cut` says that further
    /// lines have no room in the event: it is tagged `_multilinelimit`.
    pub fn push_joined_lines(&mut self, lines: &[u8], is_cut: bool) {
        let mut text = Vec::with_capacity(lines.len());
        for (place, line) in lines.split(|byte| *byte == b'\n').enumerate() {
            if place > 0 {
                text.push(b'\n');
            }
            text.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        }
        self.push_parsed(&text, Telling::default(), |text| {
            let mut draft = single::draft_of(text);
            if is_cut {
                draft.tag(tag::MULTILINE_LIMIT);
            }
            Ok(draft)
        });
    }

    /// A line, or lines that belong together with line feeds between them: the message is that text as it came, whatever it
    /// looks like. `is_cut` says that further lines have no room in the event: it is tagged `_multilinelimit`. Blank text is none.
    pub fn push_plain(&mut self, lines: &[u8], is_cut: bool) {
        let lines = lines.strip_suffix(b"\r").unwrap_or(lines);
        if lines.trim_ascii().is_empty() {
            return;
        }
        if let Some(reason) = self.size_reason(lines).or_else(|| binary_reason(lines)) {
            return self.refuse(reason, lines);
        }
        let mut draft = match std::str::from_utf8(lines) {
            Ok(text) => Draft::message(text),
            Err(_) => draft_of_whole(&String::from_utf8_lossy(lines), tag::INVALID_UTF8),
        };
        if is_cut {
            draft.tag(tag::MULTILINE_LIMIT);
        }
        // What is refused is kept as fields: stored after all, the text is not told by its form.
        self.push_draft(draft, Telling::default(), &[]);
    }

    /// A JSON document: one object, or a list of objects. Anything else is kept as text with a tag.
    pub fn push_json(&mut self, json: &[u8]) {
        self.push_json_told(json, Telling::default());
    }

    fn push_json_told(&mut self, json: &[u8], telling: Telling<'_>) {
        if let Some(reason) = self.size_reason(json) {
            return self.refuse(reason, json);
        }
        let value = match std::str::from_utf8(json) {
            Ok(text) => parse_json(text).ok(),
            Err(_) => None,
        };
        match value {
            Some(Value::List(items)) if items.iter().all(|item| matches!(item, Value::Object(_))) => {
                for body in items.into_iter().filter_map(|item| object_of(item).ok()) {
                    self.push_draft(Draft::new(body), telling, &[]);
                }
            }
            Some(Value::Object(body)) => self.push_draft(Draft::new(body), telling, json),
            Some(_) | None => self.push_parsed(json, telling, |text| Ok(broken_json(text))),
        }
    }

    /// A syslog message, RFC 5424 or 3164; what is none is kept as text with the tag `_syslogparsefailure`.
    pub fn push_syslog(&mut self, message: &[u8]) {
        // Some senders end each message with a NUL.
        let message = message.trim_ascii_end().strip_suffix(b"\0").unwrap_or(message).trim_ascii_end();
        if !message.is_empty() {
            self.push_parsed(message, Telling::default(), |text| Ok(syslog::parse(text)));
        }
    }

    /// A JSON object, after `edit`; anything else is refused. What is refused for what its fields say is kept as `edit` left it.
    pub fn push_json_object(&mut self, json: &[u8], edit: impl FnOnce(&mut Object)) {
        if let Some(reason) = self.size_reason(json) {
            return self.refuse(reason, json);
        }
        let text = std::str::from_utf8(json).map_err(|error| format!("broken JSON: {error}; send it as UTF-8"));
        match text.and_then(parse_json).and_then(object_of) {
            Ok(mut body) => {
                edit(&mut body);
                self.push_object(body);
            }
            Err(reason) => self.refuse(reason, json),
        }
    }

    /// A GELF message, packed with gzip, zlib or zstd or not at all; a list is one message per element. What is no JSON is
    /// kept as text with the tag `_jsonparsefailure`; what cannot be unpacked is refused.
    pub fn push_gelf(&mut self, message: &[u8]) {
        match unpack_bytes(message, self.options.record_bytes_max as u64) {
            Ok(json) => self.push_gelf_json(json.trim_ascii()),
            Err(error) => self.refuse(error.to_string(), message),
        }
    }

    fn push_gelf_json(&mut self, json: &[u8]) {
        // Messages over TCP end with a NUL, and some senders write it elsewhere too.
        let json = json.strip_suffix(b"\0").unwrap_or(json).trim_ascii_end();
        if json.is_empty() {
            return;
        }
        if let Some(reason) = self.size_reason(json) {
            return self.refuse(reason, json);
        }
        let is_object = |item: &Value| matches!(item, Value::Object(_));
        // What is refused is kept as fields: read again, they need no mapping.
        match std::str::from_utf8(json).ok().and_then(|text| parse_json(text).ok()) {
            Some(Value::Object(body)) => self.push_draft(gelf::draft_of(body), Telling::default(), &[]),
            Some(Value::List(items)) if items.iter().all(is_object) => {
                for body in items.into_iter().filter_map(|item| object_of(item).ok()) {
                    self.push_draft(gelf::draft_of(body), Telling::default(), &[]);
                }
            }
            Some(_) | None => self.push_parsed(json, Telling::default(), |text| Ok(broken_json(text))),
        }
    }

    /// The fields of a record whose protocol has fields.
    pub fn push_object(&mut self, body: Object) {
        self.push_object_told(body, Telling::default());
    }

    /// The same of a record of which some bytes were no UTF-8 and have been replaced: it is tagged `_invalid_utf8`.
    pub fn push_object_with_replaced_bytes(&mut self, body: Object) {
        let mut draft = Draft::new(body);
        draft.tag(tag::INVALID_UTF8);
        self.push_draft(draft, Telling::default(), &[]);
    }

    /// The fields of a record, and what is told beside it.
    pub fn push_object_told(&mut self, body: Object, telling: Telling<'_>) {
        self.push_draft(Draft::new(body), telling, &[]);
    }

    /// A record that its protocol does not allow; it is handed back whole.
    pub fn refuse(&mut self, reason: String, raw: &[u8]) {
        self.framed.received += 1;
        self.keep_refused(reason, raw);
    }

    fn keep_refused(&mut self, reason: String, raw: &[u8]) {
        if self.framed.refused.len() >= self.refused_max {
            self.framed.unlisted += 1;
            return;
        }
        let bytes_max = self.options.record_bytes_max;
        let raw = &raw[..raw.len().min(bytes_max)];
        let text = String::from_utf8_lossy(raw);
        let mut kept = self.options.redactor.redact_text(&text, &mut self.framed.redactions);
        if raw.len() == bytes_max {
            leave_out_cut_number(kept.to_mut());
        }
        let raw = if *kept == *text { raw.to_vec() } else { kept.into_owned().into_bytes() };
        let reason = self.options.redactor.redact_text(&reason, &mut self.framed.redactions).into_owned();
        self.framed.refused.push(Refused { reason, raw });
    }

    /// What became of them.
    pub fn finish(self) -> Framed {
        self.framed
    }

    fn size_reason(&self, raw: &[u8]) -> Option<String> {
        let bytes_max = self.options.record_bytes_max;
        (raw.len() > bytes_max).then(|| too_large(raw.len(), bytes_max))
    }

    fn push_parsed(&mut self, raw: &[u8], telling: Telling<'_>, parse: impl FnOnce(&str) -> Result<Draft, String>) {
        match self.size_reason(raw).or_else(|| binary_reason(raw)).map_or_else(|| draft_of_text(raw, parse), Err) {
            Ok(draft) => self.push_draft(draft, telling, raw),
            Err(reason) => self.refuse(reason, raw),
        }
    }

    /// `raw` is what it was read from; when empty, its fields stand for it.
    fn push_draft(&mut self, mut draft: Draft, telling: Telling<'_>, raw: &[u8]) {
        self.framed.received += 1;
        self.told_bytes = self.told_bytes.saturating_add(telling.size_bytes());
        if self.told_bytes > TOLD_BYTES_MAX {
            let words = "what is told once for the records of the request would take more than";
            let reason = format!("{words} {TOLD_BYTES_MAX} bytes beside each of them; send fewer records at once");
            return self.keep_refused(reason, raw);
        }
        telling.add_to(&mut draft.body);
        for (name, value) in &self.added {
            if !draft.body.iter().any(|(sent, _)| sent == name) {
                draft.body.push((name.clone(), value.clone()));
            }
        }
        self.name_draft(&mut draft);
        let outcomes = self.passage.events_of(draft, None, &mut self.framed.redactions);
        self.framed.dropped += u64::from(outcomes.is_empty());
        self.framed.received += outcomes.len().saturating_sub(1) as u64;
        for outcome in outcomes {
            match outcome {
                Ok(event) => self.framed.events.push(&event),
                Err(refusal) if raw.is_empty() => {
                    let raw = serde_json::to_vec(&Value::Object(refusal.body)).unwrap_or_default();
                    self.keep_refused(refusal.reason, &raw);
                }
                Err(refusal) => self.keep_refused(refusal.reason, raw),
            }
        }
    }
}

impl Assembler<'_> {
    fn name_draft(&mut self, draft: &mut Draft) {
        let Some((id, count)) = &mut self.line_name else { return };
        if !draft.body.iter().any(|(name, _)| name == ID) {
            let name = if *count == 0 { id.clone() } else { format!("{id}#{count}") };
            draft.body.push((ID.into(), Value::text(name)));
        }
        *count += 1;
    }
}

fn broken_json(text: &str) -> Draft {
    let mut draft = Draft::message(text);
    draft.tag(tag::JSON_PARSE_FAILURE);
    draft
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use std::sync::Arc;

    use vigie_domain::time::NANOS_PER_SECOND;
    use vigie_domain::{LogType, TimeRange, Timestamp};

    use super::*;
    use crate::redact::Redactor;

    const NOW: Timestamp = Timestamp::from_nanos(1_764_115_200 * NANOS_PER_SECOND);

    fn framed(push: impl FnOnce(&mut Assembler<'_>)) -> Framed {
        let mut options = DecodeOptions::new(NOW, Arc::new(Redactor::new(&[7; 32]).unwrap()));
        options.record_bytes_max = 200;
        options.window = Some(TimeRange { from: NOW.saturating_add_nanos(-90 * 86_400 * NANOS_PER_SECOND), to: NOW });
        let mut assembler = Assembler::new(&options);
        push(&mut assembler);
        assembler.finish()
    }

    /// Without its time and log type, which every event has.
    fn as_sent(mut body: Object) -> String {
        body.retain(|(name, _)| name != "log_type" && name != "@timestamp");
        serde_json::to_string(&Value::Object(body)).unwrap()
    }

    fn check(line: &str, expected: &[&str]) {
        let framed = framed(|assembler| assembler.push_line(line.as_bytes()));
        let bodies: Vec<String> = framed.events.events().map(|event| as_sent(event.body)).collect();
        assert_eq!(bodies, expected, "{line}: {:?}", framed.refused);
    }

    #[test]
    fn each_line_is_told_by_itself() {
        let at = r#""@timestamp":"2025-11-25T23:00:00Z""#;
        check("", &[]);
        check(" \r", &[]);
        check(&format!("{{{at},\"n\":1}}\r"), &[r#"{"n":1}"#]);
        check(&format!("[{{{at}}},{{{at},\"n\":2}}]"), &["{}", r#"{"n":2}"#]);
        check("[]", &[]);
        check("[1]", &[r#"{"message":"[1]","tags":["_jsonparsefailure","_no_timestamp"]}"#]);
        check("{broken", &[r#"{"message":"{broken","tags":["_jsonparsefailure","_no_timestamp"]}"#]);
        check("plain words", &[r#"{"message":"plain words","tags":["_no_timestamp"]}"#]);
        check(
            "time=2025-11-25T23:00:00Z level=INFO ms=5",
            &[r#"{"time":"2025-11-25T23:00:00Z","level":"INFO","ms":5}"#],
        );
        check("a=1 b=2 and words", &[r#"{"message":"a=1 b=2 and words","tags":["_no_timestamp"]}"#]);
        check("time=soon is no pair", &[r#"{"message":"time=soon is no pair","tags":["_no_timestamp"]}"#]);
    }

    #[test]
    fn an_access_log_line_has_its_fields() {
        let line = r#"10.0.0.1 - - [25/Nov/2025:23:00:00 +0000] "GET /cart HTTP/1.1" 200 12"#;
        let framed = framed(|assembler| assembler.push_line(line.as_bytes()));
        let event = framed.events.events().next().unwrap();
        assert_eq!(event.log_type, LogType::Performance);
    }

    #[test]
    fn what_may_not_be_stored_is_handed_back_whole() {
        let old = br#"{"@timestamp":"2020-01-01T00:00:00Z","n":1}"#;
        let large = [b'x'; 300];
        let framed = framed(|assembler| {
            assembler.push_line(old);
            assembler.push_line(b"a\0b");
            assembler.push_line(&large);
            assembler.push_json(&large);
            assembler.push_object(vec![("@timestamp".into(), Value::text("2020-01-01T00:00:00Z"))]);
        });
        assert!(framed.events.is_empty());
        assert_eq!(framed.received, 5);
        let raws: Vec<&[u8]> = framed.refused.iter().map(|refused| refused.raw.as_slice()).collect();
        assert_eq!(raws[..2], [old.as_slice(), b"a\0b"]);
        assert_eq!(raws[2..4], [&large[..200]; 2]);
        assert_eq!(raws[4], br#"{"@timestamp":"2020-01-01T00:00:00Z","log_type":"other"}"#);
        assert!(framed.refused.iter().all(|refused| !refused.reason.is_empty()));
    }

    #[test]
    fn a_syslog_message_has_its_fields() {
        let framed = framed(|assembler| {
            assembler.push_syslog(b"<11>1 2025-11-25T23:00:00Z till-1 pay 7 - - refused\0\n");
            assembler.push_syslog(b"\n");
            assembler.push_syslog(b"words");
        });
        let bodies: Vec<String> = framed.events.events().map(|event| as_sent(event.body)).collect();
        assert_eq!(bodies.len(), 2);
        assert!(
            bodies[0].contains(r#""host":"till-1","service":"pay""#) && bodies[0].contains("refused"),
            "{}",
            bodies[0]
        );
        assert!(bodies[1].contains("_syslogparsefailure"), "{}", bodies[1]);
    }

    fn packed(bytes: &[u8]) -> [Vec<u8>; 3] {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(bytes).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(bytes).unwrap();
        [zlib.finish().unwrap(), gzip.finish().unwrap(), zstd::encode_all(bytes, 1).unwrap()]
    }

    #[test]
    fn gelf_is_unpacked_and_mapped() {
        let message = br#"{"version":"1.1","host":"h","short_message":"paid","timestamp":1764111600.123456,"_n":1}"#;
        let expected = r#"{"host":"h","message":"paid","n":1}"#;
        for sent in packed(message).into_iter().chain([message.to_vec(), [message.as_slice(), b"\0\n"].concat()]) {
            let framed = framed(|assembler| assembler.push_gelf(&sent));
            let event = framed.events.events().next().unwrap();
            assert_eq!(event.timestamp, Timestamp::from_nanos(1_764_111_600_123_456_000));
            assert_eq!(as_sent(event.body), expected);
        }
        let several = framed(|assembler| assembler.push_gelf(br#"[{"short_message":"a"},{"short_message":"b"}]"#));
        assert_eq!((several.received, several.events.len()), (2, 2));
    }

    #[test]
    fn gelf_that_cannot_be_read_is_kept() {
        let framed = framed(|assembler| {
            assembler.push_gelf(b" \0");
            assembler.push_gelf(b"{broken");
            assembler.push_gelf(&packed(&[b'x'; 300])[0]);
            assembler.push_gelf(&packed(b"{}")[1][..15]);
            assembler.push_gelf(br#"{"short_message":"old","timestamp":1e9}"#);
        });
        let bodies: Vec<String> = framed.events.events().map(|event| as_sent(event.body)).collect();
        assert_eq!(bodies, [r#"{"message":"{broken","tags":["_jsonparsefailure","_no_timestamp"]}"#]);
        let reasons: Vec<&str> = framed.refused.iter().map(|refused| refused.reason.as_str()).collect();
        assert_eq!((framed.received, reasons.len()), (4, 3));
        assert!(reasons[0].contains("unpacks to more than 200 bytes"), "{}", reasons[0]);
        assert!(reasons[1].contains("damaged"), "{}", reasons[1]);
        assert_eq!(framed.refused[2].raw, br#"{"message":"old","@timestamp":1000000000,"log_type":"other"}"#);
    }

    #[test]
    fn nothing_of_a_card_is_handed_back() {
        let framed = framed(|assembler| {
            assembler.push_line(br#"{"@timestamp":"2001-01-01T00:00:00Z","pan":"4111111111111111"}"#);
            assembler.push_line(b"\xff\0 4111 1111 1111 1111");
            assembler.push_line(&[&[b'x'; 190][..], b" 41111111111111"].concat());
            assembler.push_line(b"paid with 4111-1111-1111-1111");
        });
        let raws: Vec<String> =
            framed.refused.iter().map(|refused| String::from_utf8_lossy(&refused.raw).into_owned()).collect();
        assert!(raws[0].contains("411111******1111"), "{}", raws[0]);
        assert!(raws[1].contains("411111******1111"), "{}", raws[1]);
        assert!(raws[2].ends_with('x'), "{}", raws[2]);
        assert_eq!(framed.events.events().next().unwrap().body[0].1, Value::text("paid with 411111******1111"));
        assert!(framed.redactions.total() >= 3);
    }

    #[test]
    fn a_field_is_added_to_those_that_lack_it() {
        let framed = framed(|assembler| {
            assembler.add_to_each("host", "till-1");
            assembler.push_line(b"one");
            assembler.push_line(br#"{"host":"till-2"}"#);
        });
        let hosts: Vec<Value> = framed
            .events
            .events()
            .filter_map(|event| event.body.into_iter().find(|(name, _)| name == "host"))
            .map(|(_, value)| value)
            .collect();
        assert_eq!(hosts, [Value::text("till-1"), Value::text("till-2")]);
    }

    #[test]
    fn a_line_gives_its_name_to_its_events() {
        let framed = framed(|assembler| {
            assembler.push_line_named(b"one", "a");
            assembler.push_line_named(br#"{"_id":"own"}"#, "b");
            assembler.push_line_named(br#"[{"n":1},{"n":2}]"#, "c");
            assembler.push_line(b"two");
        });
        let ids: Vec<Option<String>> = framed.events.events().map(|event| event.id.map(|id| id.0)).collect();
        assert_eq!(ids, [Some("a"), Some("own"), Some("c"), Some("c#1"), None].map(|id| id.map(str::to_owned)));
    }

    #[test]
    fn bytes_that_are_no_utf8_are_kept_with_a_tag() {
        let framed = framed(|assembler| assembler.push_line(b"caf\xe9 crema"));
        let body = framed.events.events().next().unwrap().body;
        assert_eq!(as_sent(body), "{\"message\":\"caf\u{fffd} crema\",\"tags\":[\"_invalid_utf8\",\"_no_timestamp\"]}");
    }
}
