//! What each stage makes of events, and what is refused of a pipeline.

use std::sync::Arc;

use vigie_domain::{Timestamp, Value};

use super::{FAN_OUT_MAX, Pipeline};
use crate::{DecodeOptions, decode_bytes, stage_kinds, trace_bytes};

/// 2026-11-23T15:00:00Z.
const RECEIVED_S: i64 = 1_795_446_000;

fn options(stages: &str) -> DecodeOptions {
    let text = format!("version = 1\n{stages}");
    let pipeline = Pipeline::from_toml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    DecodeOptions {
        pipeline: Some(Arc::new(pipeline)),
        ..DecodeOptions::new(Timestamp::from_seconds(RECEIVED_S), Arc::new(crate::Redactor::new(&[7; 32]).unwrap()))
    }
}

/// The events that the stages make of a body, without what every event has.
fn run(stages: &str, sent: &str) -> Vec<String> {
    let batch = decode_bytes(sent.as_bytes(), &options(stages)).unwrap();
    assert_eq!(batch.rejects, [], "{stages} on {sent}");
    let plain = |event: vigie_domain::Event| {
        let mut body = event.body;
        body.retain(|(name, value)| match name.as_str() {
            "@timestamp" => event.timestamp != Timestamp::from_seconds(RECEIVED_S),
            "log_type" => value.as_text() != Some("other"),
            _ => true,
        });
        for (name, value) in &mut body {
            if name == "tags"
                && let Value::List(tags) = value
            {
                tags.retain(|tag| tag.as_text() != Some("_no_timestamp"));
            }
        }
        body.retain(|(name, value)| name != "tags" || *value != Value::List(Vec::new()));
        serde_json::to_string(&Value::Object(body)).unwrap()
    };
    batch.events.events().map(plain).collect()
}

fn check(stage: &str, sent: &str, expected: &str) {
    assert_eq!(run(&format!("[[stage]]\n{stage}"), sent), [expected], "{stage} on {sent}");
}

#[test]
fn json_is_taken_apart() {
    let stage = "type = 'json'";
    check(
        stage,
        r#"{"message":"{\"a\":1,\"b\":{\"c\":2}}"}"#,
        r#"{"message":"{\"a\":1,\"b\":{\"c\":2}}","a":1,"b":{"c":2}}"#,
    );
    check(stage, r#"{"message":"{\"message\":\"x\"}"}"#, r#"{"message":"x"}"#);
    check(stage, r#"{"message":"{no"}"#, r#"{"message":"{no","tags":["_jsonparsefailure"]}"#);
    check(stage, r#"{"message":"[1]"}"#, r#"{"message":"[1]","tags":["_jsonparsefailure"]}"#);
    check("type = 'json'\nfield = 'raw'\ntarget = 'o'", r#"{"raw":"[1]"}"#, r#"{"raw":"[1]","o":[1]}"#);
    check(stage, r#"{"other":1}"#, r#"{"other":1}"#);
}

#[test]
fn pairs_are_taken_apart() {
    check("type = 'kv'", r#"{"message":"a=1 b=\"x y\" c"}"#, r#"{"message":"a=1 b=\"x y\" c","a":1,"b":"x y"}"#);
    check("type = 'kv'", r#"{"message":"a=1 a=2"}"#, r#"{"message":"a=1 a=2","a":[1,2]}"#);
    check(
        "type = 'kv'\nfield = 'q'\nfield_split = '&?'\ntarget = 'p'\ntyped = false\nexclude_keys = ['b']",
        r#"{"q":"?a=1&b=2"}"#,
        r#"{"q":"?a=1&b=2","p":{"a":"1"}}"#,
    );
    check(
        "type = 'kv'\nprefix = 'x_'\nvalue_split = ':'\ntrim_value = ','",
        r#"{"message":"a:1, b:2"}"#,
        r#"{"message":"a:1, b:2","x_a":1,"x_b":2}"#,
    );
    check("type = 'kv'", r#"{"message":"none"}"#, r#"{"message":"none","tags":["_kvparsefailure"]}"#);
}

#[test]
fn rows_are_taken_apart() {
    let stage = "type = 'csv'\ncolumns = ['a', 'b']";
    check(stage, r#"{"message":"1,\"x,y\",z"}"#, r#"{"message":"1,\"x,y\",z","a":1,"b":"x,y","column3":"z"}"#);
    check(stage, r#"{"message":"1,\"open"}"#, r#"{"message":"1,\"open","tags":["_csvparsefailure"]}"#);
    check(
        "type = 'csv'\nseparator = ';'\nskip_empty = true\ntyped = false\ntarget = 'r'\ncolumns = ['a','b']",
        r#"{"message":"1;"}"#,
        r#"{"message":"1;","r":{"a":"1"}}"#,
    );
}

#[test]
fn text_is_dissected() {
    let stage = "type = 'dissect'\nmapping = { message = '[%{ts}] %{service}: %{text}' }";
    check(
        stage,
        r#"{"message":"[1] web: up"}"#,
        r#"{"message":"[1] web: up","ts":"1","service":"web","text":"up","tags":["_dateparsefailure"]}"#,
    );
    check(stage, r#"{"message":"no"}"#, r#"{"message":"no","tags":["_dissectfailure"]}"#);
}

#[test]
fn dates_become_the_events_time() {
    let stage = "type = 'date'\nfield = 'at'\nformats = ['dd/MM/yyyy HH:mm:ss', 'UNIX_MS']\ntimezone = 'Europe/Paris'";
    check(
        stage,
        r#"{"at":"23/11/2026 15:04:05"}"#,
        r#"{"at":"23/11/2026 15:04:05","@timestamp":"2026-11-23T14:04:05.000Z"}"#,
    );
    check(stage, r#"{"at":1795442645678}"#, r#"{"at":1795442645678,"@timestamp":"2026-11-23T14:04:05.678Z"}"#);
    check(stage, r#"{"at":"soon"}"#, r#"{"at":"soon","tags":["_dateparsefailure"]}"#);
    check(
        "type = 'date'\nfield = 'at'\ntarget = 'due'",
        r#"{"at":"2026-11-23"}"#,
        r#"{"at":"2026-11-23","due":"2026-11-23T00:00:00.000Z"}"#,
    );
    check(
        "type = 'date'\nfield = 'at'\nformats = 'UNIX'\ntarget = 'd'",
        r#"{"at":"-1.5"}"#,
        r#"{"at":"-1.5","d":"1969-12-31T23:59:58.500Z"}"#,
    );
    check(
        "type = 'date'\nfield = 'at'\nformats = 'ISO8601'\ntimezone = 'Asia/Tokyo'\ntarget = 'd'",
        r#"{"at":"2026-11-23T10:00:00,5"}"#,
        r#"{"at":"2026-11-23T10:00:00,5","d":"2026-11-23T01:00:00.500Z"}"#,
    );
}

#[test]
fn values_are_converted() {
    let stage = |kind: &str| format!("type = 'convert'\nfields = {{ a = '{kind}' }}");
    check(&stage("integer"), r#"{"a":"12.9"}"#, r#"{"a":12}"#);
    check(&stage("float"), r#"{"a":["1.5","2"]}"#, r#"{"a":[1.5,2]}"#);
    check(&stage("float_eu"), r#"{"a":"1.234,5"}"#, r#"{"a":1234.5}"#);
    check(&stage("boolean"), r#"{"a":"yes"}"#, r#"{"a":true}"#);
    check(&stage("string"), r#"{"a":12.5}"#, r#"{"a":"12.5"}"#);
    check(&stage("integer"), r#"{"a":"x"}"#, r#"{"a":"x","tags":["_mutate_error"]}"#);
    check(&stage("integer"), r#"{"b":"x"}"#, r#"{"b":"x"}"#);
}

#[test]
fn fields_are_added_moved_and_removed() {
    check(
        "type = 'add'\nfields = { shop = '%{a}-x', n = 2, t = ['u'] }",
        r#"{"a":1}"#,
        r#"{"a":1,"n":2,"shop":"1-x","t":["u"]}"#,
    );
    check("type = 'add'\nfields = { a = 'y' }", r#"{"a":"x"}"#, r#"{"a":["x","y"]}"#);
    check("type = 'add'\nexisting = 'keep'\nfields = { a = 'y' }", r#"{"a":"x"}"#, r#"{"a":"x"}"#);
    check("type = 'add'\nexisting = 'replace'\nfields = { a = 'y' }", r#"{"a":"x"}"#, r#"{"a":"y"}"#);
    check("type = 'rename'\nfields = { a = 'b.c' }", r#"{"a":1,"d":2}"#, r#"{"d":2,"b":{"c":1}}"#);
    check("type = 'copy'\nfields = { a = 'b' }", r#"{"a":[1]}"#, r#"{"a":[1],"b":[1]}"#);
    check("type = 'remove'\nfields = ['a', '[b][c]']", r#"{"a":1,"b":{"c":2,"d":3}}"#, r#"{"b":{"d":3}}"#);
    check("type = 'remove'\nall_but = ['b.c']", r#"{"a":1,"b":{"c":2,"d":3}}"#, r#"{"b":{"c":2}}"#);
}

#[test]
fn text_is_changed() {
    check("type = 'lowercase'\nfields = 'a'", r#"{"a":["ÀB",1]}"#, r#"{"a":["àb",1]}"#);
    check("type = 'uppercase'\nfields = ['a']", r#"{"a":"straße"}"#, r#"{"a":"STRASSE"}"#);
    check("type = 'trim'\nfields = ['a']", r#"{"a":" x "}"#, r#"{"a":"x"}"#);
    check("type = 'trim'\nfields = ['a']\ncharacters = '[]'", r#"{"a":"[x]"}"#, r#"{"a":"x"}"#);
    check(
        "type = 'replace'\nfields = ['a']\npattern = '(?<=/)(\\d+)(?!x)'\nwith = '<$1>'",
        r#"{"a":"/12/34x 56"}"#,
        r#"{"a":"/<12>/<3>4x 56"}"#,
    );
    check(
        "type = 'replace'\nfields = ['a']\npattern = '(\\d{4})-(\\d+)'\nwith = '$2/$1'",
        r#"{"a":"2026-11"}"#,
        r#"{"a":"11/2026"}"#,
    );
    check("type = 'url_decode'\nfields = ['a']", r#"{"a":"caf%C3%A9+%26"}"#, r#"{"a":"café &"}"#);
    check("type = 'url_decode'\nfields = ['a']", r#"{"a":"50%"}"#, r#"{"a":"50%","tags":["_urldecodefailure"]}"#);
    check("type = 'split'\nfield = 'a'\nseparator = '|'", r#"{"a":"x|y"}"#, r#"{"a":["x","y"]}"#);
    check("type = 'join'\nfield = 'a'\nseparator = ' '", r#"{"a":["x",1]}"#, r#"{"a":"x 1"}"#);
}

#[test]
fn values_are_translated_and_hashed() {
    let stage = "type = 'translate'\nfield = 'code'\ntarget = 'meaning'\nfallback = 'code %{code}'\n[stage.dictionary]\n404 = 'not found'\nx = 7";
    check(stage, r#"{"code":404}"#, r#"{"code":404,"meaning":"not found"}"#);
    check(stage, r#"{"code":"x"}"#, r#"{"code":"x","meaning":7}"#);
    check(stage, r#"{"code":1}"#, r#"{"code":1,"meaning":"code 1"}"#);
    // SHA-256 of "abc", and HMAC-SHA-256 of RFC 4231's second case.
    check(
        "type = 'hash'\nfields = ['a']",
        r#"{"a":"abc"}"#,
        r#"{"a":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}"#,
    );
    check(
        "type = 'hash'\nfields = ['a']\nkey = 'Jefe'\nbytes = 8",
        r#"{"a":"what do ya want for nothing?"}"#,
        r#"{"a":"5bdcc146bf60754e"}"#,
    );
}

#[test]
fn a_fingerprint_as_id_names_the_event() {
    let stages = "[[stage]]\ntype = 'fingerprint'\nfields = ['a', 'b']\ntarget = '_id'";
    let ids = |sent: &str| {
        let batch = decode_bytes(sent.as_bytes(), &options(stages)).unwrap();
        batch.events.events().map(|event| event.id.unwrap().0).collect::<Vec<_>>()
    };
    let found = ids("{\"a\":1,\"b\":2}\n{\"a\":1,\"b\":2,\"c\":3}\n{\"a\":\"1\",\"b\":2}\n{\"a\":1}");
    assert_eq!(found[0], found[1]);
    assert!(found[0] != found[2] && found[0] != found[3]);
    assert_eq!(found[0].len(), 32);
}

#[test]
fn one_record_becomes_none_or_several() {
    let drop = "[[stage]]\ntype = 'drop'\nwhen = 'level:debug'";
    assert_eq!(run(drop, "{\"level\":\"debug\"}\n{\"a\":1}"), [r#"{"a":1}"#]);
    let batch = decode_bytes(b"{\"level\":\"debug\"}\n{\"a\":1}", &options(drop)).unwrap();
    assert_eq!((batch.dropped, batch.events.len(), batch.record_count()), (1, 1, 2));
    assert_eq!(
        run("[[stage]]\ntype = 'clone'\nnames = ['audit']", r#"{"a":1}"#),
        [r#"{"a":1}"#, r#"{"a":1,"clone":"audit"}"#]
    );
    assert_eq!(
        run("[[stage]]\ntype = 'unnest'\nfield = 'items'\ntarget = 'item'", r#"{"a":1,"items":[{"p":1},{"p":2}]}"#),
        [r#"{"a":1,"item":{"p":1}}"#, r#"{"a":1,"item":{"p":2}}"#]
    );
    assert_eq!(
        run("[[stage]]\ntype = 'unnest'\nfield = 'a'", r#"{"a":1}"#),
        [r#"{"a":1,"tags":["_split_type_failure"]}"#]
    );
    let dedupe = "[[stage]]\ntype = 'dedupe'\nfields = ['a']\nwindow_events = 2";
    let sent = "{\"a\":1}\n{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n{\"a\":1}\n{\"b\":1}\n{\"b\":1}";
    assert_eq!(run(dedupe, sent).len(), 6);
}

#[test]
fn events_of_one_record_have_ids_of_their_own() {
    let stages = "[[stage]]\ntype = 'unnest'\nfield = 'a'";
    let batch = decode_bytes(br#"{"_id":"x","a":[1,2,3]}"#, &options(stages)).unwrap();
    let ids: Vec<String> = batch.events.events().map(|event| event.id.unwrap().0).collect();
    assert_eq!(ids, ["x", "x#1", "x#2"]);
}

#[test]
fn what_comes_of_a_record_is_bounded() {
    let stages = "[[stage]]\ntype = 'unnest'\nfield = 'a'\n".to_owned()
        + "[[stage]]\ntype = 'clone'\nnames = ['1','2','3','4','5','6','7','8','9']\n";
    let list = vec!["1"; 2_000].join(",");
    let batch = decode_bytes(format!("{{\"a\":[{list}]}}").as_bytes(), &options(&stages)).unwrap();
    assert!(batch.events.len() <= FAN_OUT_MAX && batch.events.len() > FAN_OUT_MAX - 10, "{}", batch.events.len());
    let has_tag = |event: &vigie_domain::Event| format!("{:?}", event.body).contains("_mutate_error");
    assert!(batch.events.events().any(|event| has_tag(&event)), "what found no room says so");
}

#[test]
fn a_sample_is_the_same_each_time() {
    let lines: String = (0..2_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let stages = "[[stage]]\ntype = 'sample'\none_in = 10\nby = 'n'";
    let found = run(stages, &lines);
    assert!((120..280).contains(&found.len()), "{}", found.len());
    assert_eq!(found, run(stages, &lines));
    assert_eq!(run("[[stage]]\ntype = 'sample'\none_in = 1", &lines).len(), 2_000);
}

#[test]
fn conditions_see_typed_values_and_what_stages_changed() {
    let when = |when: &str| format!("type = 'add'\nwhen = '{when}'\nfields = {{ hit = true }}");
    check(
        &when("status_code:>=500 AND service:web"),
        r#"{"status_code":503,"service":"web"}"#,
        r#"{"status_code":503,"service":"web","hit":true}"#,
    );
    check(&when("status_code:>=500"), r#"{"status_code":200}"#, r#"{"status_code":200}"#);
    check(&when("service:web"), r#"{"service.name":"web"}"#, r#"{"service.name":"web","hit":true}"#);
    let stages = "[[stage]]\ntype = 'add'\nexisting = 'replace'\nfields = { log_type = 'error' }\n\
                  [[stage]]\ntype = 'add'\nwhen = 'log_type:error'\nfields = { hit = true }";
    assert_eq!(
        run(stages, r#"{"a":1}"#),
        [r#"{"log_type":"error","a":1,"hit":true}"#
            .replace(r#""log_type":"error","a":1"#, r#""a":1,"log_type":"error""#)]
    );
}

#[test]
fn what_stages_find_is_the_events_own() {
    let stages = "[[stage]]\ntype = 'kv'";
    let sent = r#"{"message":"time=2026-11-20T10:00:00Z level=warning fraud_score=7 _id=order-1"}"#;
    let batch = decode_bytes(sent.as_bytes(), &options(stages)).unwrap();
    let event = batch.events.events().next().unwrap();
    assert_eq!(event.timestamp.to_string(), "2026-11-20T10:00:00.000Z");
    assert_eq!(event.log_type.as_str(), "fraud");
    assert_eq!(event.id.map(|id| id.0).as_deref(), Some("order-1"));
    let text = serde_json::to_string(&Value::Object(event.body)).unwrap();
    assert!(
        text.contains(r#""level":"WARN""#) && !text.contains("_no_timestamp") && !text.contains(r#""_id""#),
        "{text}"
    );
}

#[test]
fn the_window_is_asked_after_the_stages() {
    let now = Timestamp::from_seconds(RECEIVED_S);
    let window = vigie_domain::TimeRange { from: Timestamp::from_seconds(RECEIVED_S - 86_400), to: now };
    let options = DecodeOptions { window: Some(window), ..options("[[stage]]\ntype = 'date'\nfield = 'real'") };
    let batch = decode_bytes(br#"{"time":"1999-01-01","real":"2026-11-23T10:00:00Z"}"#, &options).unwrap();
    assert_eq!((batch.events.len(), batch.rejects.len()), (1, 0));
    let batch = decode_bytes(br#"{"time":"2026-11-23T10:00:00Z","real":"1999-01-01"}"#, &options).unwrap();
    assert_eq!((batch.events.len(), batch.rejects.len()), (0, 1));
    assert!(batch.rejects[0].raw.contains("1999"), "{:?}", batch.rejects[0]);
}

#[test]
fn every_stage_is_traced() {
    let options = options(
        "[[stage]]\ntype = 'kv'\nadd_tags = 'seen'\nremove_fields = 'message'\n[[stage]]\ntype = 'drop'\nwhen = 'a:2'",
    );
    let records =
        trace_bytes(b"a=1\na=2\nnone\n", &DecodeOptions { format: Some(crate::Format::Plain), ..options }, 2).unwrap();
    assert_eq!(records.len(), 2, "bounded");
    let did: Vec<Vec<&str>> = records.iter().map(|record| record.steps.iter().map(|step| step.did).collect()).collect();
    assert_eq!(did, [["changed", "skipped"], ["changed", "dropped"]]);
    assert_eq!((records[0].raw.as_str(), records[1].line, records[1].events.len()), ("a=1", 2, 0));
    let tags = Value::List(vec![Value::text("seen")]);
    assert!(records[0].steps[0].after[0].contains(&("tags".into(), tags)), "{:?}", records[0]);
    assert!(!records[0].steps[0].after[0].iter().any(|(name, _)| name == "message"));
}

#[test]
fn what_is_wrong_in_a_pipeline_is_named() {
    let check = |text: &str, expected: &str| {
        let error = Pipeline::from_toml(text).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}\nsays {error}");
    };
    check("", "key \"version\": it is missing");
    check("version = 2", "key \"version\": 2 is not known; write version = 1");
    check("version = 1\nstages = []", "key \"stages\": there is no such key");
    check("version = 1\n[stage]\ntype = 'kv'", "begin each stage with [[stage]]");
    check("version = 1\n\n[[stage]", "line 3 is no TOML");
    let check = |stage: &str, expected: &str| {
        check(&format!("version = 1\n[[stage]]\ntype = 'drop'\n[[stage]]\n{stage}"), expected);
    };
    check("field = 'a'", "stage 2, key \"type\": it is missing");
    check("type = 'grk'", "stage 2, key \"type\": \"grk\" is no stage; use one of add, bin_lookup, capitalize, clone");
    check(
        "type = 'kv'\nfeild = 'a'",
        "stage 2 (kv), key \"feild\": there is no such key; this stage has add_fields, add_tags",
    );
    check("type = 'kv'\nfield = 7", "stage 2 (kv), key \"field\": 7 is not text in quotes");
    check("type = 'kv'\nfield_split = ''", "key \"field_split\": it is empty");
    check("type = 'kv'\nwhen = 'a:('", "stage 2 (kv), key \"when\"");
    check("type = 'kv'\nwhen = '@timestamp:>now-1h'", "relative to now");
    check("type = 'rename'", "key \"fields\": it is missing; write for example");
    check("type = 'rename'\nfields = { a = 'b..c' }", "is no field");
    check("type = 'convert'\nfields = { a = 'decimal' }", "\"decimal\" is no kind; use one of int");
    check("type = 'replace'\nfields = 'a'\npattern = '('", "\"(\" is no pattern: unclosed group");
    check("type = 'replace'\nfields = 'a'\npattern = '(?:\\w{1000}){1000}'", "takes more than");
    check("type = 'date'\nfield = 'a'\nformats = 'yyyy-ww'", "\"ww\" in \"yyyy-ww\" is not known");
    check("type = 'date'\nfield = 'a'\ntimezone = 'Mars'", "\"Mars\" is no time zone");
    check("type = 'sample'", "one_in");
    check("type = 'sample'\none_in = -1", "a number from 0");
    check("type = 'dissect'\nmapping = { message = '%{a}%{b}' }", "nothing stands between");
    check("type = 'remove'", "all_but");
    check("type = 'add'\nfields = { a = '%{b..c}' }", "is no field");
}

#[test]
fn no_pipeline_text_and_no_cut_or_flipped_one_stops_the_program() {
    let text = "version = 1\n[[stage]]\ntype = 'dissect'\nwhen = 'a:1'\nmapping = { message = '%{a} %{+b/2}' }\n\
                [[stage]]\ntype = 'date'\nfield = 'at'\nformats = ['yyyy-MM-dd', \"dd/MMM 'x' Z\"]\ntimezone = 'UTC'\n";
    assert!(Pipeline::from_toml(text).is_ok());
    for at in 0..text.len() {
        let _ = Pipeline::from_toml(&text[..at]);
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] ^= 1 << (at % 7);
        let _ = Pipeline::from_toml(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn patterns_addresses_and_headers_are_taken_apart() {
    let stage = "type = 'grok'\npatterns = ['^%{WORD:verb2} %{NUMBER:took:float}$', '%{ORDER:[o][id]}']\npattern_definitions = { ORDER = '[A-Z]\\d+' }";
    check(stage, r#"{"message":"GET 1.5"}"#, r#"{"message":"GET 1.5","verb2":"GET","took":1.5}"#);
    check(stage, r#"{"message":"order A12"}"#, r#"{"message":"order A12","o":{"id":"A12"}}"#);
    check(stage, r#"{"message":"none"}"#, r#"{"message":"none","tags":["_grokparsefailure"]}"#);
    let rest = "type = 'grok'\npatterns = '%{WORD} %{GREEDYDATA:message}'";
    check(&format!("{rest}\noverwrite = 'message'"), r#"{"message":"a b c"}"#, r#"{"message":"b c"}"#);
    check(rest, r#"{"message":"a b"}"#, r#"{"message":["a b","b"]}"#);
    let off = "[enrich]\ngeoip = false\nuser_agent = false\n";
    let with = |stage: &str, sent: &str| run(&format!("{off}[[stage]]\n{stage}"), sent).remove(0);
    let geoip = "type = 'geoip'\nfield = 'peer'";
    assert_eq!(
        with(&format!("{geoip}\ntarget = 'peer_geo'"), r#"{"peer":"78.46.0.1"}"#),
        r#"{"peer":"78.46.0.1","peer_geo":{"country":"DE","country_name":"Germany"}}"#
    );
    assert_eq!(with(geoip, r#"{"peer":"10.0.0.1"}"#), r#"{"peer":"10.0.0.1"}"#);
    assert_eq!(with(geoip, r#"{"peer":"3ffe::1"}"#), r#"{"peer":"3ffe::1","tags":["_geoip_lookup_failure"]}"#);
    assert_eq!(
        with("type = 'user_agent'\nfield = 'ua'\ntarget = 'client'", r#"{"ua":"curl/8.1.2"}"#),
        r#"{"ua":"curl/8.1.2","client":{"name":"curl","version":"8.1.2","is_bot":true}}"#
    );
}

#[test]
fn every_event_gets_place_and_browser_unless_it_says_so_itself() {
    let check = |sent: &str, expected: &str| assert_eq!(run("", sent), [expected], "{sent}");
    let germany = r#""geo":{"country":"DE","country_name":"Germany"}"#;
    check(r#"{"client_ip":"78.46.0.1"}"#, &format!(r#"{{"client_ip":"78.46.0.1",{germany}}}"#));
    check(r#"{"source":{"ip":"10.0.0.1"}}"#, r#"{"source":{"ip":"10.0.0.1"}}"#);
    check(r#"{"source":{"ip":"78.46.0.1"}}"#, &format!(r#"{{"source":{{"ip":"78.46.0.1"}},{germany}}}"#));
    check(r#"{"source":{"address":"78.46.0.1"}}"#, &format!(r#"{{"source":{{"address":"78.46.0.1"}},{germany}}}"#));
    check(r#"{"source":{"address":"web-1"}}"#, r#"{"source":{"address":"web-1"}}"#);
    let own = r#"{"client_ip":"78.46.0.1","geo":{"country":"FR"}}"#;
    check(own, own);
    check(r#"{"client_ip":"3ffe::1"}"#, r#"{"client_ip":"3ffe::1","tags":["_geoip_lookup_failure"]}"#);
    check(
        r#"{"user_agent":"curl/8.1.2"}"#,
        r#"{"user_agent":"curl/8.1.2","user_agent.name":"curl","user_agent.version":"8.1.2","user_agent.is_bot":true}"#,
    );
    check(
        r#"{"user_agent":{"original":"curl/8.1.2"}}"#,
        r#"{"user_agent":{"original":"curl/8.1.2","name":"curl","version":"8.1.2","is_bot":true}}"#,
    );
    check(
        r#"{"agent":"curl/8.1.2"}"#,
        r#"{"agent":"curl/8.1.2","user_agent":{"name":"curl","version":"8.1.2","is_bot":true}}"#,
    );
    check(r#"{"a":1}"#, r#"{"a":1}"#);
}

#[test]
fn kinds_are_in_order() {
    assert!(stage_kinds().collect::<Vec<_>>().is_sorted());
}

#[test]
fn fields_and_what_patterns_find_are_masked() {
    let stage =
        "type = 'redact'\nfields = ['a.phone', 'missing']\npatterns = ['CUST-\\d{3}', '^77$']\nname = 'customer'";
    check(
        stage,
        r#"{"a":{"phone":"06 1","n":77},"list":["of CUST-123, CUST-1"],"n":771}"#,
        r#"{"a":{"phone":"[redacted:customer]","n":"[redacted:customer]"},"list":["of [redacted:customer], CUST-1"],"n":771}"#,
    );
    let within = "type = 'redact'\npatterns = ['\\d+']\nwithin = ['b']";
    check(within, r#"{"a":"x1","b":"x22y3"}"#, r#"{"a":"x1","b":"x[redacted:custom]y[redacted:custom]"}"#);
    let refused = |stage: &str| Pipeline::from_toml(&format!("version = 1\n[[stage]]\ntype = 'redact'\n{stage}"));
    for stage in
        ["", "patterns = ['(']", "patterns = ['x*']", "fields = ['a']\nwithin = ['b']", "fields = ['a']\nname = ']'"]
    {
        assert!(refused(stage).is_err(), "{stage}");
    }
}

#[test]
fn leading_digits_of_cards_tell_their_scheme_and_no_more_is_kept() {
    let stage = "type = 'bin_lookup'";
    check(stage, r#"{"card_bin":"411111"}"#, r#"{"card_bin":"411111","card":{"bin":"411111","scheme":"visa"}}"#);
    check(stage, r#"{"card_bin":222100}"#, r#"{"card_bin":222100,"card":{"bin":"222100","scheme":"mastercard"}}"#);
    let masked = "type = 'bin_lookup'\nfield = 'pan'\ntarget = 'c'\nremove_fields = ['pan']";
    check(masked, r#"{"pan":"3782 82******0005"}"#, r#"{"c":{"bin":"378282","scheme":"amex"}}"#);
    check(masked, r#"{"pan":"411111122233"}"#, r#"{"c":{"bin":"41111112","scheme":"visa"}}"#);
    for sent in ["41111", "words", "000000"] {
        let event = format!("{{\"card_bin\":\"{sent}\"}}");
        check(stage, &event, &format!("{{\"card_bin\":\"{sent}\",\"tags\":[\"_bin_lookup_failure\"]}}"));
    }
    check(stage, r#"{"a":1}"#, r#"{"a":1}"#);
}

#[test]
fn addresses_for_one_use_are_told() {
    let stage = "type = 'disposable_email'";
    let told = |address: &str, is: bool| {
        let sent = format!("{{\"email\":\"{address}\"}}");
        check(stage, &sent, &format!("{{\"email\":\"{address}\",\"email_domain_disposable\":{is}}}"));
    };
    told("ann@mailinator.com", true);
    told("ann@shop.example", false);
    check(stage, r#"{"email":"nobody"}"#, r#"{"email":"nobody","tags":["_email_parse_failure"]}"#);
}

#[test]
fn forms_are_told_for_later_conditions() {
    let stage = "type = 'match'\nfield = 'path'\npattern = '^/(?!admin)\\w+'\ntarget = 'is_shop'";
    check(stage, r#"{"path":"/cart"}"#, r#"{"path":"/cart","is_shop":true}"#);
    check(stage, r#"{"path":"/admin"}"#, r#"{"path":"/admin","is_shop":false}"#);
    check(stage, r#"{"path":["x","/cart"]}"#, r#"{"path":["x","/cart"],"is_shop":true}"#);
    check(stage, r#"{"a":1}"#, r#"{"a":1,"is_shop":false}"#);
    check("type = 'match'\nfield = 'n'\npattern = '^5%{INT}$'\ntarget = 'm'", r#"{"n":503}"#, r#"{"n":503,"m":true}"#);
    check("type = 'match'\nfield = 'o'\ntarget = 'm'", r#"{"o":{"a":1}}"#, r#"{"o":{"a":1},"m":true}"#);
    check("type = 'match'\nfield = 'o'\ntarget = 'm'", r#"{"o":null}"#, r#"{"o":null,"m":false}"#);
}

#[test]
fn fields_are_merged_and_capitalized() {
    let stage = "type = 'merge'\nfields = { a = 'b' }";
    check(stage, r#"{"a":[1],"b":[2,3]}"#, r#"{"a":[1,2,3],"b":[2,3]}"#);
    check(stage, r#"{"a":"x","b":"y"}"#, r#"{"a":["x","y"],"b":"y"}"#);
    check(stage, r#"{"b":"y"}"#, r#"{"b":"y","a":["y"]}"#);
    check(stage, r#"{"a":{"k":1,"l":2},"b":{"l":3}}"#, r#"{"a":{"k":1,"l":3},"b":{"l":3}}"#);
    check(stage, r#"{"a":{"k":1},"b":[2]}"#, r#"{"a":{"k":1},"b":[2],"tags":["_mutate_error"]}"#);
    check(stage, r#"{"a":1}"#, r#"{"a":1}"#);
    check("type = 'capitalize'\nfields = ['c']", r#"{"c":["éCLAIR","",7]}"#, r#"{"c":["Éclair","",7]}"#);
}

#[test]
fn every_stage_adds_and_removes_what_it_is_told_to() {
    let keys = "add_fields = { a = 1, b = '%{x}!' }\nremove_fields = ['x']\nadd_tags = ['t']\nremove_tags = ['u']";
    let tag = format!("type = 'tag'\n{keys}");
    check(&tag, r#"{"x":"y","a":0,"tags":["u","v"]}"#, r#"{"a":[0,1],"tags":["v","t"],"b":"y!"}"#);
    check("type = 'tag'\nremove_tags = ['u']", r#"{"n":1,"tags":["u"]}"#, r#"{"n":1}"#);
    check("type = 'tag'\nremove_tags = ['u']", r#"{"n":1,"tags":"u"}"#, r#"{"n":1}"#);
    let failing = format!("type = 'grok'\npatterns = ['^z']\nfield = 'x'\ntag_on_failure = ['p', 'q']\n{keys}");
    check(&failing, r#"{"x":"y"}"#, r#"{"x":"y","tags":["p","q"]}"#);
    check("type = 'json'\nfield = 'x'\ntag_on_failure = []", r#"{"x":"y"}"#, r#"{"x":"y"}"#);
}

#[test]
fn a_stage_without_anything_to_do_has_not_succeeded() {
    let after = "add_tags = ['done']";
    for stage in [
        "type = 'json'",
        "type = 'kv'",
        "type = 'csv'",
        "type = 'grok'\npatterns = ['x']",
        "type = 'date'\nfield = 'at'",
        "type = 'geoip'",
        "type = 'user_agent'",
        "type = 'unnest'\nfield = 'items'",
        "type = 'translate'\nfield = 'code'\ndictionary = { a = 'b' }",
        "type = 'translate'\nfield = 'other'\ndictionary = { 2 = 'b' }",
        "type = 'fingerprint'\nfields = ['id']",
        "type = 'bin_lookup'",
        "type = 'disposable_email'",
    ] {
        check(&format!("{stage}\n{after}"), r#"{"other":1}"#, r#"{"other":1}"#);
    }
    check(&format!("type = 'lowercase'\nfields = ['a']\n{after}"), r#"{"b":1}"#, r#"{"b":1,"tags":["done"]}"#);
}
