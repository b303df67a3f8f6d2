//! The id of an event that says where it was read: the same when it is sent again, another when it is another event.
//!
//! It is a hash of the agent, the file and the place in it, and of what was read there: a file that was cut to nothing, or a new one
//! of the old name, has other lines at the same places, and they must not be taken for the old ones. What an agent adds or
//! changes each time it reads (the time of reading, the names of the host and its containers) is left out.

use twox_hash::XxHash3_64;
use vigie_domain::{Object, Value};

/// Objects and values at the top that say who read and when, not what.
const READERS_FIELDS: [&str; 13] = [
    "@timestamp",
    "_id",
    "agent",
    "beat",
    "cloud",
    "container",
    "docker",
    "ecs",
    "event",
    "host",
    "input",
    "kubernetes",
    "orchestrator",
];
/// Who reads: of Filebeat since 7.0, of Filebeat before, of logstash-forwarder. The first that is there counts, and the
/// names after it, because agents of copied machines have the same id.
const AGENTS: [&str; 9] = [
    "agent.id",
    "agent.name",
    "agent.hostname",
    "agent.ephemeral_id",
    "beat.hostname",
    "beat.name",
    "host.id",
    "host.name",
    "host",
];
/// What says which file it is, with the same generations.
const FILES: [&str; 6] =
    ["log.file.path", "log.file.inode", "log.file.device_id", "log.file.fingerprint", "source", "file"];
/// Where in the file.
const OFFSETS: [&str; 2] = ["log.offset", "offset"];

/// The id; `None` when the event does not say which agent read it where.
pub(super) fn id_of(body: &Object) -> Option<String> {
    let offset = OFFSETS.iter().find_map(|path| scalar(body, path))?;
    if !FILES.iter().any(|path| scalar(body, path).is_some()) {
        return None;
    }
    let agent_path = AGENTS.iter().find(|path| scalar(body, path).is_some())?;
    let names = AGENTS.iter().filter(|path| *path == agent_path || NAMES.contains(path));
    let mut sum = digest(offset);
    for path in names {
        sum = sum.wrapping_add(scalar(body, path).map_or(0, |value| named(path, value)));
    }
    let read = body.iter().filter(|(name, _)| !READERS_FIELDS.contains(&name.as_str()));
    let sum = read.fold(sum, |sum, (name, value)| sum.wrapping_add(named(name, value)));
    Some(format!("{sum:032x}"))
}

/// Names of machines, which tell agents with the same id apart.
const NAMES: [&str; 3] = ["agent.name", "agent.hostname", "host.name"];

/// The text or number at a path, whether it was sent in objects or with dots in its name.
fn scalar<'b>(body: &'b Object, path: &str) -> Option<&'b Value> {
    let found = |name: &str| body.iter().find(|(sent, _)| sent == name).map(|(_, value)| value);
    if let Some(value) = found(path) {
        return matches!(value, Value::Text(_) | Value::Int(_) | Value::BigNumber(_)).then_some(value);
    }
    path.match_indices('.').find_map(|(at, _)| match found(&path[..at]) {
        Some(Value::Object(inner)) => scalar(inner, &path[at + 1..]),
        _ => None,
    })
}

/// Seed of names; kinds of values have theirs below it.
const NAME_SEED: u64 = 8;
/// How far the seeds of the two halves of a hash are apart.
const HALVES_APART: u64 = 16;

/// 128 bits of two differently seeded runs of XXH3.
fn hash(seed: u64, bytes: &[u8]) -> u128 {
    let half = |seed: u64| u128::from(XxHash3_64::oneshot_with_seed(seed, bytes));
    half(seed) << 64 | half(seed + HALVES_APART)
}

/// Of a value and its name.
fn named(name: &str, value: &Value) -> u128 {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&digest(value).to_le_bytes());
    bytes[16..].copy_from_slice(&hash(NAME_SEED, name.as_bytes()).to_le_bytes());
    hash(NAME_SEED, &bytes)
}

/// Of a value; the order of names in objects does not count, because agents send it as it falls.
fn digest(value: &Value) -> u128 {
    match value {
        Value::Null => hash(0, &[]),
        Value::Bool(flag) => hash(1, &[u8::from(*flag)]),
        Value::Int(number) => hash(2, &number.to_le_bytes()),
        Value::Float(number) => hash(3, &number.to_bits().to_le_bytes()),
        Value::BigNumber(literal) => hash(4, literal.as_bytes()),
        Value::Text(text) => hash(5, text.as_bytes()),
        Value::List(items) => {
            let digests: Vec<u8> = items.iter().flat_map(|item| digest(item).to_le_bytes()).collect();
            hash(6, &digests)
        }
        Value::Object(fields) => {
            let sum = fields.iter().fold(0_u128, |sum, (name, value)| sum.wrapping_add(named(name, value)));
            hash(7, &sum.to_le_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(json: &str) -> Option<String> {
        let Ok(Value::Object(body)) = serde_json::from_str(json) else { panic!("{json}") };
        id_of(&body)
    }

    const SENT: &str = r#"{"@timestamp":"2026-11-24T02:00:00Z","agent":{"id":"a1","ephemeral_id":"e1","name":"web-1"},
        "log":{"offset":120,"file":{"path":"/var/log/shop.log","inode":"7"}},"message":"paid"}"#;

    fn check(from: &str, to: &str, is_same: bool) {
        let changed = SENT.replacen(from, to, 1);
        assert_ne!(changed, SENT, "{from} is not there");
        assert_eq!(id(&changed) == id(SENT), is_same, "{from} → {to}");
    }

    #[test]
    fn an_event_has_one_id_however_often_it_is_read() {
        assert_eq!(id(SENT).map(|id| id.len()), Some(32));
        check("02:00:00", "03:00:00", true);
        check("e1", "e2", true);
        check("\"agent\":", "\"ecs\":{\"version\":\"8.0.0\"},\"agent\":", true);
        check("\"agent\":", "\"host\":{\"ip\":[\"10.0.0.1\"]},\"agent\":", true);
        check("\"id\":\"a1\",\"ephemeral_id\":\"e1\"", "\"ephemeral_id\":\"e1\",\"id\":\"a1\"", true);
        check(
            "\"offset\":120,\"file\":{\"path\":\"/var/log/shop.log\",\"inode\":\"7\"}",
            "\"file\":{\"inode\":\"7\",\"path\":\"/var/log/shop.log\"},\"offset\":120",
            true,
        );
    }

    #[test]
    fn another_event_has_another_id() {
        check("a1", "a2", false);
        check("web-1", "web-2", false);
        check("120", "121", false);
        check("shop.log", "shop.log.1", false);
        check("\"7\"", "\"8\"", false);
        check("paid", "refused", false);
        check("\"message\":\"paid\"", "\"message\":\"paid\",\"stream\":\"stderr\"", false);
        check("\"message\":\"paid\"", "\"host\":{\"name\":\"other\"},\"message\":\"paid\"", false);
    }

    #[test]
    fn lists_and_types_count() {
        let with = |value: &str| id(&SENT.replacen("\"paid\"", value, 1));
        let values = [
            "1",
            "\"1\"",
            "[1]",
            "[\"1\"]",
            "[1,2]",
            "[2,1]",
            "{\"a\":1}",
            "{\"b\":1}",
            "true",
            "null",
            "1.5",
            "99999999999999999999",
            "[[1],2]",
            "[1,[2]]",
        ];
        let mut ids: Vec<Option<String>> = values.into_iter().map(with).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), values.len());
    }

    #[test]
    fn an_event_that_was_not_read_from_a_file_has_none() {
        assert_eq!(id(r#"{"message":"paid"}"#), None);
        assert_eq!(id(r#"{"agent":{"id":"a1"},"message":"paid"}"#), None);
        assert_eq!(id(r#"{"agent":{"id":"a1"},"log":{"file":{"path":"/x"}},"message":"paid"}"#), None);
        assert_eq!(id(r#"{"log":{"offset":1,"file":{"path":"/x"}},"message":"paid"}"#), None);
        assert_eq!(id(r#"{"agent":{"id":"a1"},"log":{"offset":1},"message":"paid"}"#), None);
    }

    #[test]
    fn older_senders_have_ids_too() {
        let dotted = r#"{"agent.id":"a1","log.offset":1,"log.file.path":"/x","message":"paid"}"#;
        assert!(id(dotted).is_some());
        assert!(id(r#"{"beat":{"hostname":"h"},"offset":1,"source":"/x","message":"paid"}"#).is_some());
        assert!(id(r#"{"host":"h","offset":"1","file":"/x","message":"paid"}"#).is_some());
    }
}
