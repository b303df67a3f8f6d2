//! A stream with a consumer group: entries are acknowledged once they are on disk.
//!
//! An entry's id is the event's, so that what is delivered again is stored once. At the start what this consumer has not
//! acknowledged comes first; what other consumers of the group have left for a minute is taken over.

use std::sync::Arc;
use std::time::Duration;

use redis::{Value, cmd};
use tokio::time::Instant;
use vigie_domain::{Object, Value as Field};
use vigie_pipeline::Assembler;

use super::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX, Failure, RedisSpec, Server, WAIT, bytes_of, items_of, unexpected};

/// Entries asked for at once.
const ENTRIES_AT_ONCE: usize = BATCH_RECORDS_MAX;
/// How long another consumer may have an entry before it is taken over.
const TAKEN_OVER_AFTER: Duration = Duration::from_secs(60);
/// How often it is looked for such entries.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// One entry of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its id, such as `1795442645000-0`.
    id: String,
    /// Names and values, in the order in which they were added.
    fields: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Where entries come from.
struct Group<'k> {
    key: &'k str,
    group: &'k str,
    consumer: &'k str,
    /// What the ids of its events begin with.
    prefix: String,
}

/// Reads until something goes wrong or the process is to end.
pub(super) async fn read(key: &str, group: &str, spec: &RedisSpec, server: &mut Server<'_>) -> Result<(), Failure> {
    let group = Group { key, group, consumer: &spec.consumer, prefix: format!("redis/{}/{key}/", spec.db) };
    make_group(&group, server).await?;
    while let Some(entries) = next_entries(&group, Cursor::Unacknowledged, server).await? {
        store(&group, entries, server).await?;
    }
    take_over(&group, server).await?;
    let mut looked_at = Instant::now();
    loop {
        let entries = next_entries(&group, Cursor::New, server).await?;
        server.door.numbers().recovered();
        if let Some(entries) = entries {
            store(&group, entries, server).await?;
        }
        if looked_at.elapsed() >= LOOK_INTERVAL {
            take_over(&group, server).await?;
            looked_at = Instant::now();
        }
    }
}

/// Makes the group, unless it is there.
async fn make_group(group: &Group<'_>, server: &mut Server<'_>) -> Result<(), Failure> {
    let mut command = cmd("XGROUP");
    command.arg("CREATE").arg(group.key).arg(group.group).arg("0").arg("MKSTREAM");
    match server.ask(&command).await {
        Err(Failure::Server(words)) if words.contains("BUSYGROUP") => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}

/// Which entries are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cursor {
    /// Those that this consumer was given and has not acknowledged.
    Unacknowledged,
    /// Those that nobody was given.
    New,
}

async fn next_entries(
    group: &Group<'_>,
    cursor: Cursor,
    server: &mut Server<'_>,
) -> Result<Option<Vec<Entry>>, Failure> {
    let mut command = cmd("XREADGROUP");
    command.arg("GROUP").arg(group.group).arg(group.consumer).arg("COUNT").arg(ENTRIES_AT_ONCE);
    match cursor {
        Cursor::Unacknowledged => command.arg("STREAMS").arg(group.key).arg("0"),
        Cursor::New => command.arg("BLOCK").arg(WAIT.as_millis() as u64).arg("STREAMS").arg(group.key).arg(">"),
    };
    let answer = server.ask(&command).await?;
    let mut entries = Vec::new();
    for stream in items_of("XREADGROUP", answer)? {
        let mut parts = items_of("XREADGROUP", stream)?.into_iter();
        if let (Some(_key), Some(found)) = (parts.next(), parts.next()) {
            entries.extend(entries_of("XREADGROUP", found)?);
        }
    }
    Ok((!entries.is_empty()).then_some(entries))
}

/// Stores what other consumers have had for too long.
async fn take_over(group: &Group<'_>, server: &mut Server<'_>) -> Result<(), Failure> {
    let mut cursor = "0-0".to_owned();
    loop {
        let mut command = cmd("XAUTOCLAIM");
        command.arg(group.key).arg(group.group).arg(group.consumer).arg(TAKEN_OVER_AFTER.as_millis() as u64);
        command.arg(&cursor).arg("COUNT").arg(ENTRIES_AT_ONCE);
        let mut parts = items_of("XAUTOCLAIM", server.ask(&command).await?)?.into_iter();
        let (Some(next), Some(found)) = (parts.next(), parts.next()) else {
            return Err(unexpected("XAUTOCLAIM", &Value::Nil));
        };
        let entries = entries_of("XAUTOCLAIM", found)?;
        if !entries.is_empty() {
            store(group, entries, server).await?;
        }
        cursor = String::from_utf8_lossy(&bytes_of("XAUTOCLAIM", next)?).into_owned();
        if cursor == "0-0" {
            return Ok(());
        }
    }
}

/// The entries of an answer. One that was deleted while it was pending has no fields: there is nothing to be stored of it,
/// and it is acknowledged like the others.
fn entries_of(command: &str, found: Value) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    for entry in items_of(command, found)? {
        let mut parts = items_of(command, entry)?.into_iter();
        let (Some(id), Some(fields)) = (parts.next(), parts.next()) else { continue };
        let id = String::from_utf8_lossy(&bytes_of(command, id)?).into_owned();
        let mut values = items_of(command, fields)?.into_iter();
        let mut fields = Vec::new();
        while let (Some(name), Some(value)) = (values.next(), values.next()) {
            fields.push((bytes_of(command, name)?, bytes_of(command, value)?));
        }
        entries.push(Entry { id, fields });
    }
    Ok(entries)
}

/// Stores entries, in batches of bounded size, and acknowledges each batch.
async fn store(group: &Group<'_>, entries: Vec<Entry>, server: &mut Server<'_>) -> Result<(), Failure> {
    let mut rest = entries.into_iter().peekable();
    while rest.peek().is_some() {
        let (mut batch, mut size_bytes) = (Vec::new(), 0);
        while let Some(entry) = rest.next_if(|_| size_bytes < BATCH_BYTES_MAX) {
            size_bytes += entry.fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
            batch.push(entry);
        }
        let mut acknowledge = cmd("XACK");
        acknowledge.arg(group.key).arg(group.group);
        for entry in &batch {
            acknowledge.arg(&entry.id);
        }
        let prefix = group.prefix.clone();
        let fill = move |assembler: &mut Assembler<'_>| {
            batch.iter().for_each(|entry| push(entry, &prefix, assembler));
        };
        server.door.store(None, size_bytes, Arc::new(fill)).await?;
        server.confirm(&acknowledge).await?;
    }
    Ok(())
}

/// An entry with one field is what that holds, a line of any kind; the fields of any other are those of the event.
pub(super) fn push(entry: &Entry, prefix: &str, assembler: &mut Assembler<'_>) {
    let id = format!("{prefix}{}", entry.id);
    match entry.fields.as_slice() {
        [] => {}
        [(_, line)] => assembler.push_line_named(line, &id),
        fields => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let is_utf8 = fields
                .iter()
                .all(|(name, value)| std::str::from_utf8(name).is_ok() && std::str::from_utf8(value).is_ok());
            let mut body: Object =
                fields.iter().map(|(name, value)| (text(name).into(), Field::text(text(value)))).collect();
            if !body.iter().any(|(name, _)| name == "_id") {
                body.push(("_id".into(), Field::text(id)));
            }
            if is_utf8 { assembler.push_object(body) } else { assembler.push_object_with_replaced_bytes(body) }
        }
    }
}
