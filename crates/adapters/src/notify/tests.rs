//! Both notifiers against places on loopback that take, are busy or refuse.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use vigie_testkit::notifier_suite::{Mood, check_notifier, notice};

use super::{EmailNotifier, WebhookNotifier};

const SECRET: [u8; 24] = [7; 24];

/// A place on loopback: how it feels, and what it heard.
#[derive(Clone)]
struct Place {
    mood: Arc<Mutex<Mood>>,
    heard: Arc<Mutex<Vec<String>>>,
    port: u16,
}

impl Place {
    /// Each connection is talked to by `talk` until it returns.
    fn open(talk: fn(&TcpStream, Mood) -> Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let place = Self { mood: Arc::new(Mutex::new(Mood::Takes)), heard: Arc::default(), port };
        let told = place.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let Ok(connection) = connection else { return };
                let mood = *told.mood.lock().unwrap();
                if let Some(heard) = talk(&connection, mood) {
                    told.heard.lock().unwrap().push(heard);
                }
            }
        });
        place
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

/// One request, answered and closed.
fn http(connection: &TcpStream, mood: Mood) -> Option<String> {
    let mut reader = BufReader::new(connection);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&lower);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let status = match mood {
        Mood::Takes => "204 No Content",
        Mood::Busy => "503 Service Unavailable",
        Mood::Refuses => "410 Gone",
    };
    let mut writer = connection;
    write!(writer, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").ok()?;
    Some(format!("{head}\n{}", String::from_utf8(body).ok()?))
}

/// One session of SMTP.
fn smtp(connection: &TcpStream, mood: Mood) -> Option<String> {
    let mut writer = connection;
    let mut say = |words: &str| write!(writer, "{words}\r\n").ok();
    let mut reader = BufReader::new(connection);
    let (mut heard, mut is_letter) = (String::new(), false);
    say("220 place ready")?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return Some(heard);
        }
        heard.push_str(&line);
        match line.trim_end() {
            "." if is_letter => {
                is_letter = false;
                say("250 taken")?;
            }
            _ if is_letter => {}
            "DATA" => {
                is_letter = true;
                say("354 go on")?;
            }
            "QUIT" => {
                say("221 bye")?;
                return Some(heard);
            }
            line if line.starts_with("RCPT") => match mood {
                Mood::Takes => say("250 ok")?,
                Mood::Busy => say("451 later")?,
                Mood::Refuses => say("550 never")?,
            },
            _ => say("250 ok")?,
        }
    }
}

#[tokio::test]
async fn a_webhook_takes_signed_notices() {
    let place = Place::open(http);
    let url = format!("http://127.0.0.1:{}/hook", place.port);
    let notifier = WebhookNotifier::new(&url, &format!("whsec_{}", STANDARD.encode(SECRET))).unwrap();
    check_notifier(&notifier, |mood| place.set(mood)).await;
    let heard = place.heard();
    let (head, body) = heard[0].split_once("\n\n").or_else(|| heard[0].split_once("\r\n\n")).unwrap();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap().trim();
    assert_eq!((header("webhook-id"), header("webhook-timestamp")), ("5f2b0c", "1795392000"));
    let mut mac = Hmac::<Sha256>::new_from_slice(&SECRET).unwrap();
    mac.update(format!("5f2b0c.1795392000.{body}").as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())).to_ascii_lowercase();
    assert_eq!(header("webhook-signature"), expected);
    let sent: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&sent["type"], &sent["data"]["text"]), (&"fraud.decisions".into(), &notice().text.into()));
    assert_eq!(sent["data"]["content"], notice().content);
}

#[tokio::test]
async fn a_mail_server_takes_e_mails() {
    let place = Place::open(smtp);
    let url = format!("smtp://127.0.0.1:{}", place.port);
    let to = ["desk@shop.example".to_owned(), "Ann <ann@shop.example>".to_owned()];
    let notifier = EmailNotifier::new(&url, None, ("Vigie <vigie@shop.example>", &to)).unwrap();
    check_notifier(&notifier, |mood| place.set(mood)).await;
    let heard = place.heard();
    let letter = heard.iter().find(|heard| heard.contains("DATA")).unwrap();
    for expected in [
        "MAIL FROM:<vigie@shop.example>",
        "RCPT TO:<ann@shop.example>",
        "Message-ID: <5f2b0c@shop.example>",
        "Subject: ",
    ] {
        assert!(letter.contains(expected), "{expected}: {letter}");
    }
}

#[tokio::test]
async fn places_that_cannot_be_told_are_refused_and_secrets_stay_secret() {
    let webhook = |url: &str, secret: &str| WebhookNotifier::new(url, secret).err().map(|error| error.message);
    assert!(webhook("ftp://shop.example", &STANDARD.encode(SECRET)).unwrap().contains("https://"));
    assert!(webhook("https://shop.example", "c2hvcnQ=").unwrap().contains("24 bytes"));
    let email = |url: &str, to: &[&str]| {
        let to: Vec<String> = to.iter().map(|text| (*text).to_owned()).collect();
        EmailNotifier::new(url, None, ("vigie@shop.example", &to)).err().map(|error| error.message)
    };
    assert!(email("http://x:hunter2@mail", &["a@b.example"]).unwrap().contains("smtp"));
    assert!(!email("http://x:hunter2@mail", &["a@b.example"]).unwrap().contains("hunter2"));
    assert!(email("smtp://mail.example", &[]).unwrap().contains("somebody"));
    assert!(email("smtp://mail.example", &["nobody"]).unwrap().contains("\"nobody\""));
    // Nobody listens there: a port that was just given back.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let gone = WebhookNotifier::new(&format!("http://127.0.0.1:{port}/token-4711"), &STANDARD.encode(SECRET)).unwrap();
    let error = vigie_domain::ports::Notifier::send(&gone, &notice()).await.unwrap_err();
    assert_eq!(error.kind, vigie_domain::ErrorKind::Unavailable);
    assert!(!error.message.contains("4711"), "{error}");
}
