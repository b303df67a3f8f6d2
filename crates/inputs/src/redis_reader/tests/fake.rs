//! A Redis in memory that speaks RESP on loopback: the commands that the input uses, over data that outlives connections.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};

/// What is in it.
#[derive(Default)]
pub(super) struct Data {
    pub(super) lists: HashMap<String, VecDeque<Vec<u8>>>,
    pub(super) texts: HashMap<String, Vec<u8>>,
    /// Entries of the one stream, by number: id and fields.
    pub(super) entries: BTreeMap<u64, Vec<(String, String)>>,
    /// Last entry that was given to anybody.
    pub(super) delivered: u64,
    /// Entries that were given out and not acknowledged, and to whom.
    pub(super) pending: BTreeMap<u64, String>,
    pub(super) has_group: bool,
    pub(super) password: Option<String>,
    /// Commands seen, by name.
    pub(super) commands: Vec<String>,
    /// The connection is closed before a command of this name is done.
    pub(super) closes_at: Option<&'static str>,
}

/// The server.
#[derive(Clone)]
pub(super) struct FakeRedis {
    pub(super) address: SocketAddr,
    data: Arc<Mutex<Data>>,
}

/// An answer as it is written.
enum Reply {
    Nil,
    Ok,
    Queued,
    Int(i64),
    Text(Vec<u8>),
    List(Vec<Reply>),
    Error(&'static str),
}

impl Reply {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nil => out.extend_from_slice(b"$-1\r\n"),
            Self::Ok => out.extend_from_slice(b"+OK\r\n"),
            Self::Queued => out.extend_from_slice(b"+QUEUED\r\n"),
            Self::Int(number) => out.extend_from_slice(format!(":{number}\r\n").as_bytes()),
            Self::Error(words) => out.extend_from_slice(format!("-{words}\r\n").as_bytes()),
            Self::Text(bytes) => {
                out.extend_from_slice(format!("${}\r\n", bytes.len()).as_bytes());
                out.extend_from_slice(bytes);
                out.extend_from_slice(b"\r\n");
            }
            Self::List(items) => {
                out.extend_from_slice(format!("*{}\r\n", items.len()).as_bytes());
                items.iter().for_each(|item| item.write(out));
            }
        }
    }
}

fn text(value: impl Into<Vec<u8>>) -> Reply {
    Reply::Text(value.into())
}

impl FakeRedis {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let fake = Self { address: listener.local_addr().unwrap(), data: Arc::default() };
        let serving = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.serve(stream).await });
            }
        });
        fake
    }

    pub(super) fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap()
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufStream::new(stream);
        let mut is_known = self.data().password.is_none();
        let mut queue: Option<Vec<Vec<String>>> = None;
        loop {
            let command = read_command(&mut stream).await?;
            let name = command[0].to_uppercase();
            self.data().commands.push(name.clone());
            if self.data().closes_at.take_if(|closes_at| *closes_at == name).is_some() {
                return None;
            }
            let reply = match (name.as_str(), &mut queue) {
                ("AUTH", _) => {
                    is_known = command.last() == self.data().password.as_ref();
                    if is_known { Reply::Ok } else { Reply::Error("WRONGPASS invalid username-password pair") }
                }
                _ if !is_known => Reply::Error("NOAUTH Authentication required."),
                ("MULTI", _) => {
                    queue = Some(Vec::new());
                    Reply::Ok
                }
                ("EXEC", queue) => {
                    let commands = queue.take().unwrap_or_default();
                    Reply::List(commands.iter().map(|command| self.data().run(command)).collect())
                }
                (_, Some(queue)) => {
                    queue.push(command);
                    Reply::Queued
                }
                ("BLMOVE" | "XREADGROUP", None) => self.wait_for(&command).await,
                _ => self.data().run(&command),
            };
            let mut out = Vec::new();
            reply.write(&mut out);
            stream.write_all(&out).await.ok()?;
            stream.flush().await.ok()?;
        }
    }

    /// Waits as a server does, without a clock: it looks again whenever others have had their turn.
    async fn wait_for(&self, command: &[String]) -> Reply {
        const TURNS: usize = 2_000;
        for _ in 0..TURNS {
            match self.data().run(command) {
                Reply::Nil => {}
                reply => return reply,
            }
            tokio::task::yield_now().await;
        }
        Reply::Nil
    }
}

impl Data {
    fn run(&mut self, command: &[String]) -> Reply {
        let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        match arguments.as_slice() {
            ["GET", key] => self.texts.get(*key).map_or(Reply::Nil, |value| text(value.clone())),
            ["SET", key, value, "NX"] => {
                if self.texts.contains_key(*key) {
                    return Reply::Nil;
                }
                self.texts.insert((*key).to_owned(), value.as_bytes().to_vec());
                Reply::Ok
            }
            ["DEL", key] => Reply::Int(i64::from(self.texts.remove(*key).is_some())),
            ["LRANGE", key, from, to] => {
                let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
                let list = self.lists.get(*key).into_iter().flatten();
                Reply::List(list.skip(from).take(to + 1 - from).map(|item| text(item.clone())).collect())
            }
            ["LTRIM", key, from, "-1"] => {
                let from: usize = from.parse().unwrap();
                let list = self.lists.entry((*key).to_owned()).or_default();
                list.drain(..from.min(list.len()));
                Reply::Ok
            }
            ["LMOVE" | "BLMOVE", from, to, "LEFT", "RIGHT", ..] => {
                let Some(item) = self.lists.get_mut(*from).and_then(VecDeque::pop_front) else { return Reply::Nil };
                self.lists.entry((*to).to_owned()).or_default().push_back(item.clone());
                text(item)
            }
            ["XGROUP", "CREATE", ..] => {
                if std::mem::replace(&mut self.has_group, true) {
                    return Reply::Error("BUSYGROUP Consumer Group name already exists");
                }
                Reply::Ok
            }
            ["XREADGROUP", "GROUP", _, consumer, .., key, ">"] => {
                let new: Vec<u64> = self.entries.range(self.delivered + 1..).map(|(id, _)| *id).collect();
                let Some(last) = new.last() else { return Reply::Nil };
                self.delivered = *last;
                self.pending.extend(new.iter().map(|id| (*id, (*consumer).to_owned())));
                Reply::List(vec![Reply::List(vec![text(*key), self.entries_of(&new)])])
            }
            ["XREADGROUP", "GROUP", _, consumer, .., key, "0"] => {
                let own: Vec<u64> =
                    self.pending.iter().filter(|(_, owner)| owner == consumer).map(|(id, _)| *id).collect();
                Reply::List(vec![Reply::List(vec![text(*key), self.entries_of(&own)])])
            }
            ["XAUTOCLAIM", _, _, consumer, ..] => {
                let others: Vec<u64> =
                    self.pending.iter().filter(|(_, owner)| owner != consumer).map(|(id, _)| *id).collect();
                others.iter().for_each(|id| drop(self.pending.insert(*id, (*consumer).to_owned())));
                Reply::List(vec![text("0-0"), self.entries_of(&others), Reply::List(Vec::new())])
            }
            ["XACK", _, _, ids @ ..] => {
                let number = |id: &&str| id.trim_end_matches("-0").parse::<u64>().unwrap();
                Reply::Int(ids.iter().filter(|id| self.pending.remove(&number(id)).is_some()).count() as i64)
            }
            ["CLIENT" | "WATCH" | "SELECT", ..] => Reply::Ok,
            _ => Reply::Error("ERR unknown command"),
        }
    }

    fn entries_of(&self, ids: &[u64]) -> Reply {
        let fields = |id: &u64| match self.entries.get(id) {
            None => Reply::Nil,
            Some(fields) => {
                let flat = fields.iter().flat_map(|(name, value)| [text(name.as_str()), text(value.as_str())]);
                Reply::List(flat.collect())
            }
        };
        Reply::List(ids.iter().map(|id| Reply::List(vec![text(format!("{id}-0")), fields(id)])).collect())
    }
}

/// `*COUNT`, then each argument as `$LENGTH` and its bytes.
async fn read_command(stream: &mut BufStream<TcpStream>) -> Option<Vec<String>> {
    let count = read_number(stream, '*').await?;
    let mut command = Vec::new();
    for _ in 0..count {
        let length = read_number(stream, '$').await?;
        let mut bytes = vec![0; length + 2];
        stream.read_exact(&mut bytes).await.ok()?;
        bytes.truncate(length);
        command.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    Some(command)
}

async fn read_number(stream: &mut BufStream<TcpStream>, mark: char) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    line.trim_end().strip_prefix(mark)?.parse().ok()
}
