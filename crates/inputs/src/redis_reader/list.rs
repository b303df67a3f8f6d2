//! A list as Logstash's `redis` input pops it: what producers push at its right end is taken from its left.
//!
//! Elements are moved to a list of their own, `KEY:vigie:processing:CONSUMER`, and removed from there once they are on disk.
//! Elements have no names, and two with the same text are two events; so a batch gets a name: before it is stored, its name
//! and how many elements of that list it has are kept in `KEY:vigie:batch:CONSUMER`. Whoever comes back after a crash stores the
//! same elements under the same name, and the store knows whether it has them.

use std::sync::Arc;

use bytes::Bytes;
use redis::{Value, cmd};
use vigie_pipeline::Assembler;

use super::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX, Failure, RedisSpec, Server, WAIT, bytes_of, items_of, unexpected};

/// Elements asked for at once.
const MOVED_AT_ONCE: usize = 100;

/// Where things are in the server.
struct Keys<'k> {
    list: &'k str,
    processing: String,
    batch: String,
}

/// Elements that are stored together, and their name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Batch {
    name: String,
    elements: Vec<Bytes>,
}

/// Reads until something goes wrong or the process is to end.
pub(super) async fn read(key: &str, spec: &RedisSpec, server: &mut Server<'_>) -> Result<(), Failure> {
    let keys = Keys {
        list: key,
        processing: format!("{key}:vigie:processing:{}", spec.consumer),
        batch: format!("{key}:vigie:batch:{}", spec.consumer),
    };
    if let Some(batch) = named_batch(&keys, server).await? {
        store(&keys, batch, server).await?;
    }
    let mut may_be_left = true;
    loop {
        // What a crash left without a name was never stored; it is the oldest.
        let elements = match may_be_left {
            true => within_bounds(range(&keys, BATCH_RECORDS_MAX, server).await?),
            false => moved(&keys, server).await?,
        };
        if !may_be_left {
            server.door.numbers().recovered();
        }
        if elements.is_empty() {
            may_be_left = false;
            continue;
        }
        let name = format!("{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>());
        note(&keys, &name, elements.len(), server).await?;
        store(&keys, Batch { name, elements }, server).await?;
    }
}

/// The batch that was about to be stored when somebody stopped.
async fn named_batch(keys: &Keys<'_>, server: &mut Server<'_>) -> Result<Option<Batch>, Failure> {
    let noted = match server.ask(cmd("GET").arg(&keys.batch)).await? {
        Value::Nil => return Ok(None),
        noted => bytes_of("GET", noted)?,
    };
    let noted = String::from_utf8_lossy(&noted);
    let read = noted.split_once(' ').and_then(|(name, count)| Some((name, count.parse::<usize>().ok()?)));
    let Some((name, count)) = read.filter(|(_, count)| (1..=BATCH_RECORDS_MAX).contains(count)) else {
        return Err(Failure::Server(format!("\"{}\" holds what Vigie did not put there; delete it", keys.batch)));
    };
    let elements = range(keys, count, server).await?;
    if elements.len() < count {
        let words =
            format!("\"{}\" has fewer elements than \"{}\" says; delete the latter", keys.processing, keys.batch);
        return Err(Failure::Server(words));
    }
    Ok(Some(Batch { name: name.to_owned(), elements }))
}

/// The oldest elements that were moved.
async fn range(keys: &Keys<'_>, count: usize, server: &mut Server<'_>) -> Result<Vec<Bytes>, Failure> {
    let answer = server.ask(cmd("LRANGE").arg(&keys.processing).arg(0).arg(count - 1)).await?;
    items_of("LRANGE", answer)?.into_iter().map(|item| bytes_of("LRANGE", item).map(Bytes::from)).collect()
}

/// As many of the first elements as may be stored together, at least one.
fn within_bounds(mut elements: Vec<Bytes>) -> Vec<Bytes> {
    let mut size_bytes = 0;
    let beyond = elements.iter().position(|element| {
        size_bytes += element.len();
        size_bytes > BATCH_BYTES_MAX
    });
    elements.truncate(beyond.map_or(elements.len(), |beyond| beyond.max(1)));
    elements
}

/// Moves what is there, once there is something; nothing when nothing came in time.
async fn moved(keys: &Keys<'_>, server: &mut Server<'_>) -> Result<Vec<Bytes>, Failure> {
    let mut wait = cmd("BLMOVE");
    wait.arg(keys.list).arg(&keys.processing).arg("LEFT").arg("RIGHT").arg(WAIT.as_secs());
    let first = match server.ask(&wait).await? {
        Value::Nil => return Ok(Vec::new()),
        first => Bytes::from(bytes_of("BLMOVE", first)?),
    };
    let mut size_bytes = first.len();
    let mut elements = vec![first];
    while elements.len() + MOVED_AT_ONCE <= BATCH_RECORDS_MAX && size_bytes < BATCH_BYTES_MAX {
        let mut is_empty = false;
        for answer in move_some(keys, server).await? {
            match answer {
                Value::Nil => is_empty = true,
                element => elements.push(bytes_of("LMOVE", element)?.into()),
            }
        }
        size_bytes = elements.iter().map(Bytes::len).sum();
        if is_empty {
            break;
        }
    }
    Ok(elements)
}

async fn move_some(keys: &Keys<'_>, server: &mut Server<'_>) -> Result<Vec<Value>, Failure> {
    let mut pipe = redis::pipe();
    for _ in 0..MOVED_AT_ONCE {
        pipe.cmd("LMOVE").arg(keys.list).arg(&keys.processing).arg("LEFT").arg("RIGHT");
    }
    tokio::select! {
        answers = server.connection.send_packed_commands(&pipe, 0, MOVED_AT_ONCE) => {
            let answers = answers.map_err(|error| Failure::Server(super::in_words(&error)))?;
            answers.into_iter().map(|answer| super::answer_of(Ok(answer))).collect()
        }
        () = server.door.stopped() => Err(Failure::Stopped),
    }
}

/// Keeps the name of the batch. When another reader has kept one, both have the same name, and neither may go on unseen.
async fn note(keys: &Keys<'_>, name: &str, count: usize, server: &mut Server<'_>) -> Result<(), Failure> {
    match server.ask(cmd("SET").arg(&keys.batch).arg(format!("{name} {count}")).arg("NX")).await? {
        Value::Okay => Ok(()),
        Value::Nil => Err(Failure::Server(format!(
            "another reader with the same input_redis.consumer has set \"{}\"; give each a name of its own",
            keys.batch
        ))),
        other => Err(unexpected("SET", &other)),
    }
}

/// Stores the batch, and then removes it from the server.
async fn store(keys: &Keys<'_>, batch: Batch, server: &mut Server<'_>) -> Result<(), Failure> {
    let size_bytes = batch.elements.iter().map(Bytes::len).sum();
    let (name, count) = (batch.name, batch.elements.len());
    let fill = move |assembler: &mut Assembler<'_>| {
        batch.elements.iter().for_each(|element| assembler.push_line(element));
    };
    server.door.store_named(format!("redis/{name}"), None, size_bytes, Arc::new(fill)).await?;
    remove(keys, &format!("{name} {count}"), count, server).await
}

/// Removes the elements of a batch, unless the noted batch is another one by now.
async fn remove(keys: &Keys<'_>, noted: &str, count: usize, server: &mut Server<'_>) -> Result<(), Failure> {
    server.confirm(cmd("WATCH").arg(&keys.batch)).await?;
    let found = server.confirm(cmd("GET").arg(&keys.batch)).await?;
    if !matches!(&found, Value::BulkString(bytes) if bytes == noted.as_bytes()) {
        return Err(Failure::Server(format!(
            "\"{}\" was changed while a batch was stored; give each reader an input_redis.consumer of its own",
            keys.batch
        )));
    }
    server.confirm(&cmd("MULTI")).await?;
    server.confirm(cmd("LTRIM").arg(&keys.processing).arg(count).arg(-1)).await?;
    server.confirm(cmd("DEL").arg(&keys.batch)).await?;
    match server.confirm(&cmd("EXEC")).await? {
        Value::Array(_) => Ok(()),
        other => Err(unexpected("EXEC", &other)),
    }
}
