//! A server that answers as it is told, on the loopback: what each answer means, and what is sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use super::*;

/// A request as it came.
struct Received {
    head: String,
    body: Vec<u8>,
}

/// Answers one connection after the other with these bytes, then closes it; gives what came.
fn serve(answers: Vec<String>) -> (String, JoinHandle<Vec<Received>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        answers
            .into_iter()
            .map(|answer| {
                let (stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(&stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
                }
                let length =
                    head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                let mut body = vec![0; length.unwrap()];
                reader.read_exact(&mut body).unwrap();
                (&stream).write_all(answer.as_bytes()).unwrap();
                Received { head, body: zstd::decode_all(&*body).unwrap() }
            })
            .collect()
    });
    (url, serving)
}

fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} Words\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}

fn server(url: &str) -> Server {
    let settings = AgentSettings { url: url.to_owned(), ..AgentSettings::default() };
    Server::new(&settings, Token::Given("a.b.c".into())).unwrap()
}

const TAKEN: &str = r#"{"accepted":1,"deduplicated":0,"rejected":0,"dropped":0,"errors":[],"durability":"fsync"}"#;

/// What the answer means to the sender.
fn check(status: u16, headers: &str, body: &str) -> Answer {
    let (url, serving) = serve(vec![answer(status, headers, body)]);
    let meaning = server(&url).send(b"{\"n\":1}\n");
    let received = serving.join().unwrap().remove(0);
    assert_eq!(received.body, b"{\"n\":1}\n");
    let head = received.head.to_lowercase();
    assert!(head.starts_with("post /api/logs/ingest http/1.1\r\n"), "{head}");
    assert!(head.contains("content-encoding: zstd\r\n") && head.contains("authorization: bearer a.b.c\r\n"), "{head}");
    meaning
}

fn problem(status: u16, name: &str) -> String {
    format!(
        r#"{{"type":"urn:vigie:problem:{name}","title":"t","status":{status},"detail":"what is wrong","request_id":null}}"#
    )
}

#[test]
fn what_is_stored_is_taken_and_what_is_refused_is_named() {
    assert_eq!(check(200, "", TAKEN), Answer::Taken { refused_count: 0, refused: Vec::new() });
    let in_part = r#"{"accepted":0,"deduplicated":0,"rejected":2,"dropped":0,"errors":[{"line":1,"reason":"too old"}],"durability":"fsync"}"#;
    let refused = vec![RefusedLine { line: 1, reason: "too old".into() }];
    for status in [207, 422] {
        assert_eq!(check(status, "", in_part), Answer::Taken { refused_count: 2, refused: refused.clone() });
    }
}

#[test]
fn what_cannot_be_stored_now_is_for_later() {
    for status in [429, 503, 507] {
        let Answer::Later { after, words } = check(status, "retry-after: 7\r\n", &problem(status, "x")) else {
            panic!()
        };
        assert_eq!(after, Some(Duration::from_secs(7)));
        assert!(words.contains("what is wrong") && words.contains(&status.to_string()), "{words}");
    }
    assert!(matches!(check(502, "", "<html>"), Answer::Later { after: None, .. }));
    assert!(matches!(check(200, "", "<html>"), Answer::Later { after: None, .. }), "another server than a vigie");
}

#[test]
fn a_whole_request_is_refused_only_in_the_words_of_vigie() {
    assert_eq!(check(413, "", &problem(413, "too_large")), Answer::TooLarge("what is wrong".into()));
    assert_eq!(check(400, "", &problem(400, "malformed")), Answer::Unreadable("what is wrong".into()));
    assert!(matches!(check(400, "", "<html>"), Answer::NotAllowed(_)));
}

#[test]
fn who_may_not_send_is_told_what_to_do() {
    for (status, words) in
        [(401, "in force"), (403, "\"ingest\""), (404, "the address of a vigie"), (302, "the address")]
    {
        let Answer::NotAllowed(told) = check(status, "", "") else { panic!("{status}") };
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn an_answer_that_is_cut_off_is_no_answer() {
    let whole = answer(200, "", TAKEN);
    for length in [0, 20, whole.len() - 40, whole.len() - 1] {
        let (url, serving) = serve(vec![whole[..length].to_owned(), whole.clone()]);
        let mut server = server(&url);
        assert!(matches!(server.send(b"{\"_id\":\"a\"}\n"), Answer::Later { .. }), "{length}");
        assert!(matches!(server.send(b"{\"_id\":\"a\"}\n"), Answer::Taken { .. }), "{length}");
        let received = serving.join().unwrap();
        assert_eq!(received[0].body, received[1].body);
    }
}

#[test]
fn a_key_in_a_file_is_read_again_when_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "old.to.ken\n").unwrap();
    let (url, serving) = serve(vec![answer(401, "", ""), answer(200, "", TAKEN)]);
    let settings = AgentSettings { url, ..AgentSettings::default() };
    let mut server = Server::new(&settings, Token::File(path.clone())).unwrap();
    std::fs::write(&path, "new.to.ken\n").unwrap();
    assert!(matches!(server.send(b"{}\n"), Answer::NotAllowed(_)));
    assert!(matches!(server.send(b"{}\n"), Answer::Taken { .. }));
    let received = serving.join().unwrap();
    assert!(received[0].head.contains("old.to.ken") && received[1].head.contains("new.to.ken"));
}

#[test]
fn keys_and_authorities_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let refused = |settings: &AgentSettings, token: Token| Server::new(settings, token).err().unwrap().words;
    let settings = AgentSettings { url: "http://127.0.0.1:1".into(), ..AgentSettings::default() };
    assert!(refused(&settings, Token::File(path.clone())).contains("cannot be read"));
    std::fs::write(&path, "\n").unwrap();
    assert!(refused(&settings, Token::File(path.clone())).contains("holds no API key"));
    let settings = AgentSettings { ca_file: path.clone(), ..settings };
    assert!(refused(&settings, Token::Given("a".into())).contains("no certificate"));
}
