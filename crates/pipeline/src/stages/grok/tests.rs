//! What patterns find, and that both engines find the same.

use super::engine::{Engine, Search};
use super::expand::expand;
use super::library::{expression, names};
use super::{pattern, try_grok};

const COMBINED: &str = r#"203.0.113.7 - alice [23/Nov/2026:14:04:05 +0000] "GET /cart?id=1 HTTP/1.1" 200 512 "https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64)""#;

/// Texts of many forms, for asking both engines the same.
const TEXTS: [&str; 9] = [
    COMBINED,
    r#"::1 - - [23/Nov/2026:14:04:05 +0000] "-" 400 - "-" "-""#,
    "Nov 23 14:04:05 web-1 sshd[412]: Failed password for root from 203.0.113.9 port 4022",
    "2026-11-23T14:04:05.678Z ERROR [main] c.shop.Pay - took 12.5 ms é",
    "1.2.3.4.5 12.34.56 -1.5e3 0x1F 256.1.1.1 10.0.0.1",
    "a=\"x \\\" y\" b='z' c=`q`",
    "1234.5.6",
    "",
    "http://user@shop.example:8080/a/b?c=d#e C:\\logs\\x.log /var/log/x.log",
];

fn check(pattern: &str, text: &str, expected: &[(&str, &str)]) {
    let found = try_grok(text, pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    let found: Vec<(&str, &str)> = found.iter().map(|(field, text)| (field.as_str(), text.as_str())).collect();
    assert_eq!(found, expected, "{pattern} on {text}");
}

#[test]
fn patterns_find_their_fields() {
    check("%{WORD:a} %{NUMBER:[b][c]}", "took 12.5 ms", &[("a", "took"), ("b.c", "12.5")]);
    check("^%{INT:a}$", "x 12", &[]);
    check("^%{INT:a}$", "x\n12\ny", &[("a", "12")]);
    check("(?<order>[A-Z]\\d+)-(x|y)", "see A12-y", &[("order", "A12")]);
    check("%{IP:a}", "from 2001:db8::1 on", &[("a", "2001:db8::1")]);
    check("%{IPV4:a}", "v1.2.3.4567 10.0.0.1", &[("a", "10.0.0.1")]);
    check("%{NUMBER:a}", "1.2.3 4.5", &[("a", "1.2")]);
    check("%{QUOTEDSTRING:a}", r#"say "x \" y" end"#, &[("a", r#""x \" y""#)]);
    check("%{HTTPDATE:a}", COMBINED, &[("a", "23/Nov/2026:14:04:05 +0000")]);
    check("%{UUID:a}", "id 123e4567-e89b-12d3-a456-426614174000.", &[("a", "123e4567-e89b-12d3-a456-426614174000")]);
    check("%{LOGLEVEL:a}", TEXTS[3], &[("a", "ERROR")]);
    check("%{TIMESTAMP_ISO8601:a}", TEXTS[3], &[("a", "2026-11-23T14:04:05.678Z")]);
    check("(?m)a.b%{GREEDYDATA:r}", "a\nb\nc", &[("r", "\nc")]);
}

#[test]
fn web_and_system_logs_have_the_names_of_the_common_schema() {
    check(
        "%{COMBINEDAPACHELOG}",
        COMBINED,
        &[
            ("source.address", "203.0.113.7"),
            ("user.name", "alice"),
            ("timestamp", "23/Nov/2026:14:04:05 +0000"),
            ("http.request.method", "GET"),
            ("url.original", "/cart?id=1"),
            ("http.version", "1.1"),
            ("http.response.status_code", "200"),
            ("http.response.body.bytes", "512"),
            ("http.request.referrer", "https://shop.example/"),
            ("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)"),
        ],
    );
    check(
        "%{SYSLOGLINE}",
        TEXTS[2],
        &[
            ("timestamp", "Nov 23 14:04:05"),
            ("host.hostname", "web-1"),
            ("process.name", "sshd"),
            ("process.pid", "412"),
            ("message", "Failed password for root from 203.0.113.9 port 4022"),
        ],
    );
    check(
        "%{HAPROXYHTTP}",
        r#"Nov 23 14:04:05 lb haproxy[9]: 203.0.113.7:4022 [23/Nov/2026:14:04:05.678] front back/web1 1/2/3/4/10 200 512 - - ---- 1/1/0/0/0 0/0 "GET /cart HTTP/1.1""#,
        &[
            ("timestamp", "Nov 23 14:04:05"),
            ("host.hostname", "lb"),
            ("process.name", "haproxy"),
            ("process.pid", "9"),
            ("source.address", "203.0.113.7"),
            ("source.port", "4022"),
            ("haproxy.request_date", "23/Nov/2026:14:04:05.678"),
            ("haproxy.frontend_name", "front"),
            ("haproxy.backend_name", "back"),
            ("haproxy.server_name", "web1"),
            ("haproxy.http.request.time_wait_ms", "1"),
            ("haproxy.total_waiting_time_ms", "2"),
            ("haproxy.connection_wait_time_ms", "3"),
            ("haproxy.http.request.time_wait_without_data_ms", "4"),
            ("haproxy.total_time_ms", "10"),
            ("http.response.status_code", "200"),
            ("source.bytes", "512"),
            ("haproxy.termination_state", "----"),
            ("haproxy.connections.active", "1"),
            ("haproxy.connections.frontend", "1"),
            ("haproxy.connections.backend", "0"),
            ("haproxy.connections.server", "0"),
            ("haproxy.connections.retries", "0"),
            ("haproxy.server_queue", "0"),
            ("haproxy.backend_queue", "0"),
            ("http.request.method", "GET"),
            ("url.original", "/cart"),
            ("url.path", "/cart"),
            ("http.version", "1.1"),
        ],
    );
}

#[test]
fn every_pattern_of_the_library_can_be_used() {
    let broken: Vec<String> =
        names().filter_map(|name| Some(format!("{name}: {}", pattern(&format!("%{{{name}}}"), &[]).err()?))).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(names().count() > 300, "{}", names().count());
    assert_eq!(expression("NO_SUCH"), None);
}

#[test]
fn what_is_common_goes_the_fast_way() {
    for name in
        ["COMBINEDAPACHELOG", "COMMONAPACHELOG", "SYSLOGLINE", "NUMBER", "IP", "QS", "HAPROXYHTTP", "TIMESTAMP_ISO8601"]
    {
        assert!(pattern(&format!("%{{{name}}}"), &[]).unwrap().engine.is_fast(), "{name}");
    }
    for slow in ["(?=ab)a", "(?>a|ab)+c", "a++b"] {
        assert!(!pattern(slow, &[]).unwrap().engine.is_fast(), "{slow}");
    }
}

#[test]
fn both_engines_find_the_same() {
    let mut patterns: Vec<String> = names().map(|name| format!("%{{{name}:x}}")).collect();
    patterns.extend(
        [
            r"(?<!\d)(?<n>\d+)(?!\.)",
            r"(?>(?<n>a|ab))c",
            r"(?>\d+|\w)(?<r>.)",
            r"(?<a>%{NUMBER})%{NUMBER:b}",
            r"%{NUMBER:a}.%{INT:b}",
            r"(?<=\s)(?<w>\w+)(?=[:.])",
            r"%{DATA:a}%{IP:b}%{GREEDYDATA:c}",
        ]
        .map(str::to_owned),
    );
    for text in patterns {
        let expanded = expand(&text, &[]).unwrap();
        let engine = Engine::new(&expanded.expression, expanded.captures.len()).unwrap();
        for sent in TEXTS {
            let careful = engine.search_carefully(sent);
            if careful != Search::GivenUp {
                assert_eq!(engine.search(sent), careful, "{text} on {sent}");
            }
        }
    }
}

#[test]
fn counts_that_are_left_out_are_kept_to() {
    let (label, parts) = ("a".repeat(70), "b.c-".repeat(40));
    let texts =
        [format!("{label}.example x"), format!("x {parts}"), format!("1{label}2 {label}{label}"), "a.b ".repeat(70)];
    let patterns = [
        r"^%{HOSTNAME:h} ",
        r"%{EMAILLOCALPART:l}",
        r"(?<a>[a-c]{2,20})(?<r>.*)",
        r"(?<a>[a-c]{2,20}?)(?<r>.*)",
        r"(?<a>(?:[a-c]{1,16}\.?){1,3})(?<r>.*)",
        r"(?<a>(?:[a-c]\.?){0,17})(?<r>.*)",
        r"(?<a>(?:a|b|){3,17})(?<r>.*)",
        r"(?<a>(?:(?:[ab]{1,18}-?)?[.c]){1,30})(?<r>.*)",
        r"(?>a{1,20})(?<r>.*)",
        r"(?<a>\w{64})(?<r>.*)",
        r"(?<a>a{,30})(?<r>.*)",
    ];
    for pattern in patterns {
        let expanded = expand(pattern, &[]).unwrap();
        let engine = Engine::new(&expanded.expression, expanded.captures.len()).unwrap();
        for text in &texts {
            assert_eq!(engine.search(text), engine.search_carefully(text), "{pattern} on {text}");
        }
    }
    assert!(!pattern(r"x[a-c]{2,20}+y", &[]).unwrap().engine.is_fast());
}

#[test]
fn classes_are_those_of_ascii() {
    check(r"(?<a>\w+)", "é1_é", &[("a", "1_")]);
    check(r"(?<a>\d+)", "٤2", &[("a", "2")]);
    check(r"(?<a>[\w.]+)", "éa.b", &[("a", "a.b")]);
    check(r"(?<a>[^\s\d]+)", "1 \u{a0}é2", &[("a", "\u{a0}é")]);
    check(r"(?<a>[\S]+)", " x\u{a0}y ", &[("a", "x\u{a0}y")]);
    check(r"(?<a>[\D]+)", "12ab٤3", &[("a", "ab٤")]);
    check(r"(?<a>\W+)", "aé-b", &[("a", "é-")]);
}

#[test]
fn a_search_that_goes_back_too_often_is_given_up() {
    let hard = pattern(r"(?:(x+)+)+(?=yz)(?!q.)", &[]).unwrap();
    assert!(!matches!(hard.engine.search_carefully(&"x".repeat(200)), Search::Found(_)));
}

#[test]
fn what_is_no_pattern_is_refused() {
    let check = |text: &str, expected: &str| {
        let error = pattern(text, &[]).map(|_| ()).unwrap_err();
        assert!(error.contains(expected), "{text} says {error}");
    };
    check("%{NOPE}", "\"NOPE\" is no pattern; define it");
    check("%{COMBINEDAPACHELOGS}", "is COMBINEDAPACHELOG meant?");
    check("%{WORD:a:decimal}", "\"decimal\"");
    check("%{WORD:a..b}", "is no field");
    check("%{WORD", "not closed");
    check("(", "no expression");
    check(r"(a)\1", "no expression");
    check("(?<a", "not closed");
    let own = [("A".to_owned(), "%{B}".to_owned()), ("B".to_owned(), "%{A}".to_owned())];
    assert!(pattern("%{A}", &own).map(|_| ()).unwrap_err().contains("within itself"));
    let own: Vec<(String, String)> = (0..25).map(|n| (format!("L{n}"), format!("%{{L{0}}}%{{L{0}}}", n + 1))).collect();
    let own = [own, vec![("L25".to_owned(), "abcdefgh".to_owned())]].concat();
    assert!(pattern("%{L0}", &own).map(|_| ()).unwrap_err().contains("grows to more than"));
}

#[test]
fn no_cut_or_flipped_pattern_stops_the_program() {
    let text = r"^(?<a>x)%{WORD:[b][c]:int}(?<!\d)(?>ab|[^\]]+)(?:é|\p{L}){2,3}[[:alpha:]_]$";
    assert!(pattern(text, &[]).is_ok());
    for at in 0..text.len() {
        let mut bytes = text.as_bytes().to_vec();
        let _ = try_grok("xabc12 é", &String::from_utf8_lossy(&bytes[..at]));
        bytes[at] ^= 1 << (at % 7);
        let _ = try_grok("xabc12 é", &String::from_utf8_lossy(&bytes));
    }
}
