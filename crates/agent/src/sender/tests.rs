//! A server that answers as it is told: what it has not taken is sent again, what it refuses is set aside, nothing is lost.

use std::sync::Mutex;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use super::*;
use crate::ledger::Place;
use crate::spool::Events;

/// Answers one request after the other; when there is no answer left, everything is taken.
struct Script {
    answers: Mutex<Vec<Reply>>,
    requests: SyncSender<String>,
}

impl Destination for Script {
    fn send(&mut self, lines: &[u8]) -> Answer {
        let text = String::from_utf8(lines.to_vec()).unwrap();
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.is_empty() { all_taken() } else { answers.remove(0)(&text) };
        self.requests.send(text).unwrap();
        answer
    }
}

fn all_taken() -> Answer {
    Answer::Taken { refused_count: 0, refused: Vec::new() }
}

/// Whether a refused event is one of these.
fn refusing(text: &str, refused: &[&str], listed_max: usize) -> Answer {
    let is_refused = |line: &str| refused.iter().any(|one| line.contains(one));
    let lines = text.lines().enumerate().filter(|(_, line)| is_refused(line));
    let all: Vec<RefusedLine> =
        lines.map(|(place, _)| RefusedLine { line: place as u64 + 1, reason: "too old".into() }).collect();
    Answer::Taken { refused_count: all.len() as u64, refused: all.into_iter().take(listed_max).collect() }
}

type Reply = Box<dyn FnMut(&str) -> Answer + Send>;

/// Sends ten events in batches of this many bytes; gives the requests until all is acknowledged, and what was set aside.
fn run(batch_bytes: usize, answers: Vec<Reply>) -> (Vec<String>, String, Arc<Mutex<SendingNow>>) {
    let folder = tempfile::tempdir().unwrap();
    let spool = Arc::new(Spool::open(folder.path(), 1024 * 1024).unwrap());
    for number in 0..10 {
        let events = Events { lines: format!("{{\"n\":{number}}}\n").into_bytes(), count: 1 };
        spool.append(Place::Stdin, &events, 1).unwrap();
    }
    spool.sync().unwrap();
    let (set_aside, stop) = (Arc::new(SetAside::new(folder.path())), Arc::new(Stop::default()));
    let (requests, received) = sync_channel(1_000);
    let script = Script { answers: Mutex::new(answers), requests };
    let told = (Arc::clone(&spool), Arc::clone(&set_aside), Arc::clone(&stop));
    let sender = Sender::new(told, Box::new(script), batch_bytes);
    let now = sender.now();
    let sending = thread::spawn(move || sender.send_all());
    while spool.numbers().waiting.count > 0 {
        spool.wait(Duration::from_millis(100));
    }
    stop.set();
    sending.join().unwrap();
    (received.iter().collect(), std::fs::read_to_string(set_aside.path()).unwrap_or_default(), now)
}

fn events(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| format!("{{\"n\":{number}}}\n")).collect()
}

#[test]
fn batches_are_sent_in_order_and_only_once() {
    assert_eq!(run(1_000, Vec::new()).0, [events(0..10)]);
    assert_eq!(run(24, Vec::new()).0, [events(0..3), events(3..6), events(6..9), events(9..10)]);
    assert_eq!(run(1, Vec::new()).0.len(), 10, "an event is sent whole, whatever its size");
}

#[test]
fn what_is_not_answered_is_sent_again_as_it_was() {
    let later = |_: &str| Answer::Later { after: None, words: "the connection was cut".into() };
    let (requests, aside, now) = run(1_000, vec![Box::new(later)]);
    assert_eq!((requests, aside.as_str()), (vec![events(0..10), events(0..10)], ""));
    let now = now.lock().unwrap();
    assert_eq!((now.request_count, now.failure_count, now.problem.as_deref()), (2, 1, None));
}

#[test]
fn a_refused_key_drops_nothing() {
    let forbidden = |_: &str| Answer::NotAllowed("the key is not known".into());
    assert_eq!(run(1_000, vec![Box::new(forbidden)]).0, [events(0..10), events(0..10)]);
}

#[test]
fn what_is_too_large_is_halved_until_it_fits() {
    let too_large = || -> Reply { Box::new(|_: &str| Answer::TooLarge("too large".into())) };
    let (requests, aside, _) = run(1_000, vec![too_large(), too_large()]);
    assert_eq!(requests, [events(0..10), events(0..5), events(0..2), events(2..5), events(5..10)]);
    assert_eq!(aside, "");
}

#[test]
fn what_is_refused_for_good_is_set_aside_with_the_reason() {
    let (requests, aside, _) = run(1_000, vec![Box::new(|text: &str| refusing(text, &["\"n\":3", "\"n\":7"], 100))]);
    assert_eq!(requests.len(), 1);
    let line = |number: usize| {
        format!("{{\"reason\":\"too old\",\"source\":\"server\",\"raw\":\"{{\\\"n\\\":{number}}}\"}}\n")
    };
    assert_eq!(aside, line(3) + &line(7));
}

#[test]
fn what_is_refused_without_being_named_is_found_by_halving() {
    let one_listed = || -> Reply { Box::new(|text: &str| refusing(text, &["\"n\":3", "\"n\":4"], 1)) };
    let (requests, aside, _) = run(1_000, (0..9).map(|_| one_listed()).collect());
    assert_eq!(aside.lines().count(), 2, "{requests:?}");
}

#[test]
fn one_event_that_cannot_be_read_holds_up_no_other() {
    let unreadable = || -> Reply {
        Box::new(|text: &str| if text.contains("\"n\":6") { Answer::Unreadable("broken".into()) } else { all_taken() })
    };
    let (_, aside, _) = run(1_000, (0..20).map(|_| unreadable()).collect());
    assert_eq!(aside, "{\"reason\":\"broken\",\"source\":\"server\",\"raw\":\"{\\\"n\\\":6}\"}\n");
}
