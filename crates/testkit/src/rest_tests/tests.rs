//! The runner against a double of a server that keeps what it is sent in memory.

use std::cell::RefCell;

use serde_json::json;

use super::{Answer, Apis, Outcome, Outgoing, Reasons, Runner, Suite, Transport, Version};

const APIS: &str = r#"{
    "put": {"url": {"paths": [{"path": "/{index}/_doc/{id}", "methods": ["PUT"], "parts": {"index": {}, "id": {}}}]},
            "params": {"refresh": {}}, "body": {}},
    "get": {"url": {"paths": [{"path": "/{index}/_doc/{id}", "methods": ["GET"], "parts": {"index": {}, "id": {}}}]}},
    "exists": {"url": {"paths": [{"path": "/{index}/_doc/{id}", "methods": ["HEAD"], "parts": {"index": {}, "id": {}}}]}},
    "bulk": {"url": {"paths": [{"path": "/_bulk", "methods": ["POST"]}]}, "body": {"serialize": "bulk"}},
    "cat": {"url": {"paths": [{"path": "/_cat", "methods": ["GET"]}]}, "params": {"help": {}}}
}"#;

/// Answers by what it was asked, and remembers it.
#[derive(Default)]
struct Double(RefCell<Vec<Outgoing>>);

impl Transport for Double {
    fn send(&self, request: &Outgoing) -> Result<Answer, String> {
        self.0.borrow_mut().push(request.clone());
        let json = |status, value: serde_json::Value| Answer::new(status, "application/json", value.to_string());
        let known = self.0.borrow().iter().any(|sent| sent.method == "PUT" && sent.path == request.path);
        let headers = json!(request.headers.iter().cloned().collect::<std::collections::BTreeMap<_, _>>());
        Ok(match (request.method.as_str(), request.path.as_str()) {
            ("PUT", path) => json(
                201,
                json!({"_id": path.rsplit('/').next(), "sent": request.body, "query": request.query, "headers": headers}),
            ),
            ("GET", "/_cat") => Answer::new(200, "text/plain", "a  1\nb  22\n".to_owned()),
            ("POST", "/_bulk") => Answer {
                warnings: vec![r#"299 Double "old \"way\"" "date""#.to_owned()],
                ..json(200, json!({"lines": request.body}))
            },
            ("GET" | "HEAD", _) if known => json(200, json!({"found": true, "n": {"x": 1.5}, "list": [1, 2]})),
            ("DELETE", _) => json(404, json!({})),
            _ => json(404, json!({"error": {"type": "not_found", "reason": "no [thing] there"}})),
        })
    }
}

fn run(text: &str, reasons: &str) -> (Vec<Outcome>, Double) {
    let (double, apis) = (Double::default(), Apis::of(APIS).unwrap());
    let (reasons, suite) = (Reasons::parse(reasons).unwrap(), Suite::parse(text).unwrap());
    let version = Version::parse("3.6.0").unwrap();
    let runner = Runner { transport: &double, apis: &apis, version, reasons: &reasons, reset: None };
    let outcomes = runner.run("folder/10_file", &suite).into_iter().map(|result| result.outcome).collect();
    (outcomes, double)
}

fn passes(steps: &str) {
    let (outcomes, _) = run(&format!("'A':\n{steps}"), "");
    assert_eq!(outcomes, [Outcome::Passed], "{steps}");
}

fn fails(steps: &str, expected: &str) {
    let (outcomes, _) = run(&format!("'A':\n{steps}"), "");
    assert!(matches!(&outcomes[..], [Outcome::Failed(what)] if what.contains(expected)), "{steps}: {outcomes:?}");
}

#[test]
fn answers_are_compared() {
    passes(
        "  - do: {put: {index: a, id: 1, refresh: true, body: {x: 1}}}\n  - match: {_id: '1'}\n  - match: {sent: '{\"x\":1}'}\n  - match: {query.0.0: refresh}\n  - match: {headers.content-type: application/json}",
    );
    passes(
        "  - do: {put: {index: a, id: 1, body: {}}}\n  - do: {get: {index: a, id: 1}}\n  - is_true: found\n  - is_false: missing\n  - gt: {n.x: 1}\n  - length: {list: 2}\n  - match: {n: {x: 1.5}}\n  - close_to: {n.x: {value: 1.4, error: 0.2}}\n  - contains: {list: 2}",
    );
    fails("  - do: {put: {index: a, id: 1, body: {}}}\n  - match: {_id: '2'}", "step 2: \"_id\" should be \"2\"");
    fails("  - do: {get: {index: a, id: 1}}", "step 1: get: answered 404");
    fails("  - match: {a: 1}", "no answer");
}

#[test]
fn text_is_compared_as_text() {
    passes("  - do: {cat: {}}\n  - match:\n      $body: |\n        /^ a \\s+ \\d+ \\n\n         b \\s+ \\d+ \\n $/");
    fails("  - do: {cat: {}}\n  - match: {$body: '/^ c $/'}", "should match");
    passes(
        "  - do: {put: {index: a, id: 1, body: {}}}\n  - do: {get: {index: a, id: 1}}\n  - match: {$body: {found: true, n: {x: 1.5}, list: [1, 2]}}",
    );
}

#[test]
fn errors_are_caught() {
    passes("  - do: {catch: missing, get: {index: a, id: 1}}\n  - match: {error.type: not_found}");
    passes("  - do: {catch: '/no \\[thing\\]/', get: {index: a, id: 1}}");
    passes("  - do: {catch: request, get: {index: a, id: 1}}");
    passes("  - do: {get: {index: a, id: 1, ignore: 404}}");
    passes("  - do: {catch: param, get: {index: a}}");
    passes("  - do: {catch: param, get: {index: a, id: 1, colour: red}}");
    fails("  - do: {catch: conflict, get: {index: a, id: 1}}", "should answer 409");
    fails("  - do: {catch: /else/, get: {index: a, id: 1}}", "with /else/");
    fails("  - do: {catch: missing, cat: {}}", "should answer 404");
    fails("  - do: {catch: request, cat: {}}", "should answer an error");
    fails("  - do: {catch: odd, get: {index: a, id: 1}}", "not known");
    fails("  - do: {get: {index: a}}", "lacks a part of its path");
}

#[test]
fn head_answers_whether_it_is_there() {
    passes(
        "  - do: {exists: {index: a, id: 1}}\n  - is_false: ''\n  - do: {put: {index: a, id: 1, body: {}}}\n  - do: {exists: {index: a, id: 1}}\n  - is_true: ''",
    );
}

#[test]
fn kept_values_are_put_back() {
    passes(
        "  - do: {put: {index: a, id: 7, body: {}}}\n  - set: {_id: id}\n  - do: {get: {index: a, id: $id}}\n  - is_true: found",
    );
    passes(
        "  - do: {put: {index: a, id: x, body: {}}}\n  - set: {_id: key}\n  - do: {get: {index: a, id: x}}\n  - match: {n.$key: 1.5}\n  - match: {n: {$key: 1.5}}\n  - set: {n._arbitrary_key_: any}\n  - match: {'n.${any}': 1.5}",
    );
    passes(
        "  - do: {put: {index: a, id: x, body: {}}}\n  - transform_and_set: {login: '#base64EncodeCredentials(_id,sent)'}\n  - do: {headers: {Authorization: 'Basic ${login}'}, put: {index: a, id: y, body: {}}}\n  - match: {headers.authorization: 'Basic eDp7fQ=='}",
    );
    fails("  - do: {cat: {}}\n  - set: {a: b}", "no \"a\" to set");
    fails("  - do: {get: {index: a, id: $gone}}", "\"gone\"");
}

#[test]
fn lists_are_sent_a_line_each() {
    let warned = "warnings: ['old \"way\"'],";
    passes(&format!(
        "  - do: {{{warned} bulk: {{body: [{{index: {{}}}}, {{a: 1}}, '{{\"b\": 2}}']}}}}\n  - match: {{lines: \"{{\\\"index\\\":{{}}}}\\n{{\\\"a\\\":1}}\\n{{\\\"b\\\": 2}}\\n\"}}"
    ));
}

#[test]
fn warnings_are_expected_or_fail() {
    passes("  - do: {warnings: ['old \"way\"'], bulk: {body: [{}]}}");
    passes("  - do: {allowed_warnings: ['old \"way\"', 'other'], bulk: {body: [{}]}}");
    passes("  - do: {warnings_regex: ['^old'], bulk: {body: [{}]}}");
    fails("  - do: {bulk: {body: [{}]}}", "what was not expected: old \"way\"");
    fails("  - do: {warnings: ['other'], cat: {}}", "should warn: other");
}

#[test]
fn sections_are_left_out_by_version_and_feature() {
    let check =
        |skip: &str, expected: Outcome| assert_eq!(run(&format!("'A':\n  - skip: {skip}"), "").0, [expected], "{skip}");
    check("{version: '3.6.0 - ', reason: gone}", Outcome::Skipped("gone".to_owned()));
    check("{version: ' - 3.5.99', reason: new}", Outcome::Passed);
    check("{features: headers}", Outcome::Passed);
    check("{features: [headers, telepathy]}", Outcome::Skipped("needs a runner with telepathy".to_owned()));
    let in_setup = "setup:\n  - skip: {version: all}\n---\n'A':\n  - do: {cat: {}}\n---\n'B':\n  - do: {cat: {}}";
    assert_eq!(run(in_setup, "").0.len(), 2);
    assert!(run(in_setup, "").0.iter().all(|outcome| matches!(outcome, Outcome::Skipped(_))));
}

#[test]
fn every_section_begins_anew() {
    let text = "setup:\n  - do: {put: {index: a, id: s, body: {}}}\n---\nteardown:\n  - do: {cat: {}}\n---\n'A':\n  - do: {get: {index: a, id: 2}}\n---\n'B':\n  - match: {a: 1}";
    let (outcomes, double) = run(text, "");
    // The answer of the setup is not one of the section.
    assert!(matches!(&outcomes[1], Outcome::Failed(what) if what.contains("no answer")), "{outcomes:?}");
    let sent: Vec<String> = double
        .0
        .borrow()
        .iter()
        .filter(|sent| sent.method != "DELETE")
        .map(|sent| format!("{} {}", sent.method, sent.path))
        .collect();
    assert_eq!(sent, ["PUT /a/_doc/s", "GET /a/_doc/2", "GET /_cat", "PUT /a/_doc/s", "GET /_cat"]);
    assert!(double.0.borrow().first().is_some_and(|first| first.method == "DELETE"));
}

#[test]
fn documented_differences_are_told_and_no_pass_is_hidden() {
    let text = "'A':\n  - do: {get: {index: a, id: 1}}\n---\n'B':\n  - do: {cat: {}}";
    let (outcomes, _) = run(text, "folder/*: * | there are no documents");
    assert!(matches!(&outcomes[0], Outcome::Differs { reason, .. } if reason == "there are no documents"));
    assert_eq!(outcomes[1], Outcome::Passed);
}

#[test]
fn a_node_is_chosen_by_its_version() {
    passes("  - do: {node_selector: {version: '3.0.0 - '}, cat: {}}");
    fails("  - do: {node_selector: {version: ' - 2.99.99'}, cat: {}}", "no node is");
}

/// Refuses to be emptied.
struct Full;

impl Transport for Full {
    fn send(&self, request: &Outgoing) -> Result<Answer, String> {
        let status = if request.path.starts_with("/*") { 400 } else { 404 };
        Ok(Answer::new(status, "application/json", "{}".to_owned()))
    }
}

#[test]
fn a_server_that_refuses_to_be_emptied_is_made_anew() {
    let made = RefCell::new(0);
    let reset = || {
        *made.borrow_mut() += 1;
        if *made.borrow() > 1 { Err("no more".to_owned()) } else { Ok(()) }
    };
    let (apis, reasons, version) = (Apis::of(APIS).unwrap(), Reasons::default(), Version::parse("3.6.0").unwrap());
    let runner = Runner { transport: &Full, apis: &apis, version, reasons: &reasons, reset: Some(&reset) };
    assert_eq!((runner.clean(), *made.borrow()), (Ok(()), 1));
    assert_eq!(runner.clean(), Err("no more".to_owned()));
    let emptied = Runner { transport: &Double::default(), ..runner };
    assert_eq!((emptied.clean(), *made.borrow()), (Ok(()), 2));
}
