//! What is read, what is refused and where, and what single filters and conditions become.

use super::*;

fn try_import(text: &str) -> Result<Import, LogstashError> {
    let read = |path: &str| match path {
        "/p" => Ok(vec!["# own\nSKU [A-Z]{3}\\d+\nPAIR %{SKU:sku}/%{SKU}\n".to_owned()]),
        "/d.json" => Ok(vec!["{\"1\":\"one\"}".to_owned()]),
        other => Err(format!("{other:?} is not there")),
    };
    let variables = [("ENV".to_owned(), "live".to_owned())];
    import(text, &ImportOptions { name: "x.conf", variables: &variables, read: &read })
}

fn imported(text: &str) -> Import {
    try_import(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The stages as they are written, without comments, a line each.
fn stages(filters: &str) -> Vec<String> {
    let pipeline = imported(&format!("filter {{\n{filters}\n}}")).pipeline;
    let stages = pipeline.split("[[stage]]\n").skip(1);
    let lines = |stage: &str| {
        let keys = stage
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(|line| line.trim_start_matches("type = "));
        keys.collect::<Vec<_>>().join("; ")
    };
    stages.map(lines).collect()
}

fn check(filters: &str, expected: &[&str]) {
    assert_eq!(stages(filters), expected, "{filters}");
}

/// What was not translated: line, plugin, option and a piece of the reason.
fn check_left(text: &str, expected: &[(u32, &str, Option<&str>, &str)]) {
    let import = imported(text);
    let left: Vec<&Finding> =
        import.findings.iter().filter(|finding| finding.kind == FindingKind::NotTranslated).collect();
    assert_eq!(left.len(), expected.len(), "{text}: {left:#?}");
    for (finding, (line, plugin, option, piece)) in left.iter().zip(expected) {
        assert_eq!(
            (finding.line, finding.plugin.as_str(), finding.option.as_deref()),
            (*line, *plugin, *option),
            "{text}"
        );
        assert!(finding.reason.contains(piece), "{}", finding.reason);
    }
}

#[test]
fn errors_name_line_column_and_what_was_expected() {
    let check = |text: &str, place: (u32, u32), piece: &str| {
        let error = try_import(text).expect_err(text);
        assert_eq!((error.line, error.column), place, "{text}: {error}");
        assert!(error.message.contains(piece), "{text}: {error}");
    };
    check("", (1, 1), "input, filter or output");
    check("filters { }", (1, 1), "input, filter or output");
    check("filter {\n  grok {", (2, 8), "add a \"}\"");
    check("filter {\n  grok\n}", (3, 1), "\"{\" after grok");
    check("filter { grok { match \"x\" } }", (1, 23), "\"=>\" after match");
    check("filter { grok { match => } }", (1, 26), "a value");
    check("filter { grok { match => [\"a\" \"b\"] } }", (1, 31), "\",\" or \"]\"");
    check("filter { grok { match => { \"a\" => \"b\", \"c\" => \"d\" } } }", (1, 38), "no comma");
    check("filter { grok { match => \"x } }", (1, 26), "does not end");
    check("filter { if [a == 1 { } }", (1, 13), "in brackets");
    check("filter { if [a] = 1 { } }", (1, 17), "a comparison such as ==");
    check("filter { if ([a] == 1 { } }", (1, 23), "\")\"");
    check("filter { if [a] not [b] { } }", (1, 21), "in after not");
    check("filter { if [a] =~ 5 { } }", (1, 20), "a pattern");
    check("filter { if { } }", (1, 13), "a field such as [status]");
    check("filter { é { } }", (1, 10), "a plugin");
    check(&format!("filter {{ {}", "if [a] {".repeat(100)), (1, 325), "more than 40");
    check(&format!("filter {{ if {}", "!(".repeat(1_000)), (1, 51), "more than 40");
    check(&format!("filter {{ a {{ b => {}", "[".repeat(1_000)), (1, 57), "more than 40");
}

#[test]
fn every_form_of_the_grammar_is_read() {
    let text = r#"
        # a comment # with signs { " '
        input { stdin { codec => json { charset => "UTF-8" } } } input { "beats" { port => 5044 } }
        filter {
            mutate { add_field => { "a" => 'it "is"' 'b' => "a \" b" c => word 5 => -1.5 } } # end
            if [a] == "x" and ([b][c] > 5 or ![d]) { json { source => "m" } }
            else if [a] in ["x", 'y',] nand "z" not in [tags] { } else { mutate { add_tag => ["e", ["f"]] } }
            if [a] =~ /a\/b/ xor [b] !~ "c" { if [c] <= -5 { drop {} } }
            if f([a], "b") == "c" { drop { } }
        }
        output { elasticsearch { hosts => ["a", "b"] } }"#;
    let import = imported(text);
    assert_eq!(import.plugins, 8);
    assert!(import.findings.iter().any(|finding| finding.reason.contains("left out")), "{:#?}", import.findings);
}

#[test]
fn mutate_keeps_to_its_own_order() {
    check(
        r#"mutate {
            copy => { "c" => "d" }  strip => "s"  uppercase => ["u"]  gsub => ["g", "[\s/]+", "$\1"]
            convert => { "n" => "integer" }  replace => { "r" => "%{x}!" }  rename => { "[a][b]" => "c" }
            join => { "j" => "," }  split => { "p" => "|" }  add_field => { "n" => 5 }  add_tag => ["t"]
        }"#,
        &[
            r#""rename"; fields = { "a.b" = "c" }"#,
            r#""add"; fields = { r = "%{x}!" }; existing = "replace""#,
            r#""convert"; fields = { n = "integer" }"#,
            r#""replace"; fields = ["g"]; pattern = '(?m)[\s/]+'; with = "$$${1}""#,
            r#""uppercase"; fields = ["u"]"#,
            r#""trim"; fields = ["s"]"#,
            r#""split"; field = "p"; separator = "|""#,
            r#""join"; field = "j"; separator = ",""#,
            r#""copy"; fields = { c = "d" }; add_fields = { n = 5 }; add_tags = ["t"]"#,
        ],
    );
    check(
        r#"mutate { rename => { "b" => "c" "a" => "b" } }"#,
        &[r#""rename"; fields = { b = "c" }"#, r#""rename"; fields = { a = "b" }"#],
    );
    check(
        r#"mutate { update => { "coupon" => "x" } }"#,
        &[r#""add"; when = "coupon:*"; fields = { coupon = "x" }; existing = "replace""#],
    );
    check(
        r#"mutate { update => { "message" => "x" } }"#,
        &[
            r#""match"; field = "message"; target = "@if.line_2""#,
            r#""add"; when = "@if.line_2:true"; fields = { message = "x" }; existing = "replace""#,
            r#""remove"; fields = ["@if"]"#,
        ],
    );
    check(
        r#"mutate { replace => { "b" => "%{c}" "a" => "%{b}!" } }"#,
        &[
            r#""add"; fields = { b = "%{c}" }; existing = "replace""#,
            r#""add"; fields = { a = "%{b}!" }; existing = "replace""#,
        ],
    );
    check(
        r#"mutate { replace => { "a" => "%{c}" "b" => "%{a}!" } }"#,
        &[r#""add"; fields = { a = "%{c}", b = "%{a}!" }; existing = "replace""#],
    );
    check(r#"mutate { add_tag => ["a"] remove_tag => "b" }"#, &[r#""tag"; add_tags = ["a"]; remove_tags = ["b"]"#]);
}

#[test]
fn conditions_become_queries() {
    let check = |condition: &str, expected: &str| {
        let stages = stages(&format!("if {condition} {{ drop {{}} }}"));
        let when = stages.last().filter(|stage| !stage.contains("\"remove\"")).or_else(|| stages.iter().rev().nth(1));
        assert_eq!(when.map(String::as_str), Some(format!("\"drop\"; when = {expected}").as_str()), "{condition}");
    };
    check("[service] == \"cart\"", "\"service:cart\"");
    check("\"cart\" != [service]", "\"NOT service:cart\"");
    check("5 < [n]", "\"n>5\"");
    check("[n] >= 1.5 and [n] < 3", "\"n>=1.5 AND n<3\"");
    check("[a] == \"x\" or [b] == \"y\" and [c] == \"z\"", "\"a:x OR (b:y AND c:z)\"");
    check("[a] == \"x\" xor [b] == \"y\"", "\"(a:x AND NOT b:y) OR (NOT a:x AND b:y)\"");
    check("[a] == \"x\" nand [b] == \"y\"", "\"NOT (a:x AND b:y)\"");
    check("!([a] == \"x\")", "\"NOT a:x\"");
    check("[a] in [\"x\", \"y z\"]", r#"'a:x OR a:"y z"'"#);
    check("[a] not in [\"x\"]", "\"NOT a:x\"");
    check("\"t\" in [tags]", "\"tags:t\"");
    check("[flag]", "\"flag:* AND NOT flag:false\"");
    check("[tags]", "\"tags:*\"");
    check("![status_code]", "\"NOT status_code:*\"");
    check("[level] == \"WARNING\"", "\"level:WARNING OR level:WARN\"");
    check("[e] == \"${ENV}\"", "\"e:live\"");
    check("[e] == \"${OTHER:test}\"", "\"e:test\"");
    // What a query would answer otherwise is asked of the field itself.
    check("[message] == \"up\"", r#""@if.line_2:true""#);
    check("[message] =~ /up/", r#""@if.line_2:true""#);
    check("\"up\" in [message]", r#""@if.line_2:true""#);
    check("[time]", r#""@if.line_2:true""#);
}

#[test]
fn branches_exclude_one_another() {
    check(
        r#"if [a] == "x" { mutate { lowercase => "q" } } else if [b] { mutate { lowercase => "r" } } else { drop {} }"#,
        &[
            r#""lowercase"; when = "a:x"; fields = ["q"]"#,
            r#""lowercase"; when = "NOT a:x AND b:* AND NOT b:false"; fields = ["r"]"#,
            r#""drop"; when = "NOT a:x AND NOT (b:* AND NOT b:false)""#,
        ],
    );
    check(r#"if [a] == "x" { if [b] == "y" { drop {} } }"#, &[r#""drop"; when = "a:x AND b:y""#]);
}

#[test]
fn what_a_branch_changes_does_not_change_the_way() {
    check(
        r#"if [a] == "x" { mutate { replace => { "a" => "y" } } mutate { lowercase => "q" } } else { drop {} }"#,
        &[
            r#""add"; when = "a:x"; fields = { "@if.line_2" = true }; existing = "replace""#,
            r#""add"; when = "NOT a:x"; fields = { "@if.line_2_2" = true }; existing = "replace""#,
            r#""add"; when = "@if.line_2:true"; fields = { a = "y" }; existing = "replace""#,
            r#""lowercase"; when = "@if.line_2:true"; fields = ["q"]"#,
            r#""drop"; when = "@if.line_2_2:true""#,
            r#""remove"; fields = ["@if"]"#,
        ],
    );
}

#[test]
fn patterns_bring_their_definitions() {
    check(
        r#"grok { patterns_dir => "/p" match => ["message", "%{PAIR}"] overwrite => ["message"] tag_on_failure => [] break_on_match => false }"#,
        &[
            r#""grok"; patterns = ["%{PAIR}"]; pattern_definitions = { PAIR = "%{SKU:sku}/%{SKU}", SKU = '[A-Z]{3}\d+' }; break_on_match = false; overwrite = "message"; tag_on_failure = []"#,
        ],
    );
    check(
        r#"grok { match => { "a" => "%{WORD:x}" "b" => "%{INT:y:int}" } add_tag => "ok" }"#,
        &[
            r#""grok"; field = "a"; patterns = ["%{WORD:x}"]; tag_on_failure = []; add_fields = { "@if.line_2" = true }"#,
            r#""grok"; when = "NOT @if.line_2:true"; field = "b"; patterns = ["%{INT:y:int}"]; tag_on_failure = []; add_fields = { "@if.line_2" = true }"#,
            r#""tag"; when = "NOT @if.line_2:true"; add_tags = ["_grokparsefailure"]"#,
            r#""tag"; when = "@if.line_2:true"; add_tags = ["ok"]"#,
            r#""remove"; fields = ["@if"]"#,
        ],
    );
}

#[test]
fn other_filters_become_stages() {
    check(
        r#"date { match => ["at", "ISO8601", "UNIX_MS"] target => "due" locale => "en" }"#,
        &[r#""date"; field = "at"; formats = ["ISO8601", "UNIX_MS"]; target = "due""#],
    );
    check(
        r#"kv { source => "q" field_split => "&" }"#,
        &[r#""kv"; field = "q"; field_split = "&"; typed = false; tag_on_failure = []"#],
    );
    check(
        r#"csv { columns => ["a", "b"] separator => ";" convert => { "b" => "integer" } }"#,
        &[r#""csv"; columns = ["a", "b"]; separator = ";"; typed = false"#, r#""convert"; fields = { b = "integer" }"#],
    );
    check(
        r#"dissect { mapping => { "message" => "%{?k}=%{&k} %{x}" } }"#,
        &[r#""dissect"; mapping = { message = "%{*k}=%{&k} %{x}" }"#],
    );
    check(r#"drop { percentage => 90 }"#, &[r#""sample"; one_in = 10"#]);
    check(
        r#"clone { clones => ["audit"] add_tag => "copy" }"#,
        &[r#""clone"; names = ["audit"]; field = "type""#, r#""tag"; when = "type:audit"; add_tags = ["copy"]"#],
    );
    check(
        r#"split { field => "items" }"#,
        &[r#""split"; field = "items"; separator = "\n"; tag_on_failure = []"#, r#""unnest"; field = "items""#],
    );
    check(
        r#"translate { source => "c" dictionary_path => "/d.json" }"#,
        &[r#""translate"; field = "c"; dictionary = { 1 = "one" }"#],
    );
    check(
        r#"translate { field => "c" destination => "d" dictionary => ["1", "one"] override => true }"#,
        &[r#""translate"; field = "c"; target = "d"; dictionary = { 1 = "one" }"#],
    );
    check(r#"prune { whitelist_names => ["^a$", "^b$"] }"#, &[r#""remove"; all_but = ["a", "b"]"#]);
    check(r#"geoip { source => "[source][ip]" target => "[source][geo]" }"#, &[r#""geoip"; field = "source.ip""#]);
    check(
        r#"fingerprint { source => ["a", "b"] concatenate_sources => true target => "[@metadata][id]" key => "k" }"#,
        &[
            r#""fingerprint"; fields = ["a", "b"]; target = "@metadata.id"; key = "k""#,
            r#""remove"; fields = ["@metadata"]"#,
        ],
    );
}

#[test]
fn what_is_not_translated_is_named_with_its_line() {
    check_left("filter {\n  ruby { code => \"x\" }\n}", &[(2, "ruby", None, "code is not run")]);
    check_left("filter {\n  nosuch { }\n}", &[(2, "nosuch", None, "docs/pipelines.md")]);
    check_left("filter {\n  kv {\n    nosuch => 1\n  }\n}", &[(3, "kv", Some("nosuch"), "no such option")]);
    check_left(
        "filter {\n  mutate {\n    gsub => [\"a\", \"(?=x\", \"\"]\n  }\n}",
        &[(3, "mutate", Some("gsub"), "is no pattern")],
    );
    check_left(
        "filter {\n  mutate { add_field => { \"day\" => \"%{+YYYY.MM.dd}\" \"a\" => \"b\" } }\n}",
        &[(2, "mutate", Some("add_field"), "dates are not written here")],
    );
    check_left(
        "filter {\n  date { match => [\"a\", \"xxxx\", \"yyyy\"] locale => \"fr\" }\n}",
        &[(2, "date", Some("match"), "is not known"), (2, "date", Some("locale"), "English")],
    );
    check_left("filter {\n  grok { match => { \"message\" => \"%{NOSUCH:x}\" } }\n}", &[(2, "grok", None, "NOSUCH")]);
    check_left(
        "filter {\n  grok { patterns_dir => \"/none\" match => { \"message\" => \"x\" } }\n}",
        &[(2, "grok", Some("patterns_dir"), "is not there")],
    );
    check_left(
        "filter {\n  mutate { add_field => { \"b\" => \"x\" \"a\" => \"%{b}\" } }\n}",
        &[(2, "mutate", Some("add_field"), "a: it and another")],
    );
    check_left("filter {\n  if [a][0] > 5 { drop {} }\n}", &[(2, "if", None, "an item of a list")]);
    check_left("filter {\n  drop { percentage => 40 }\n}", &[(2, "drop", Some("percentage"), "nearest")]);
    check_left(
        "filter {\n  mutate { replace => { \"a\" => \"${NOSUCH}\" } }\n}",
        &[(2, "mutate", None, "--set NOSUCH=")],
    );
    check_left("output {\n  kafka { }\n}", &[(2, "kafka", None, "not sent on")]);
    check_left(
        "input {\n  beats {\n    client_inactivity_timeout => 60\n    add_hostname => true\n  }\n}",
        &[(4, "beats", Some("add_hostname"), "no such option")],
    );
    let joined = |codec: &str| format!("input {{ file {{ path => \"/a\"\ncodec => multiline {{ {codec} }} }} }}");
    check_left("filter { cidr { address => [\"%{client_ip}\"] } }", &[(1, "cidr", None, "nothing is asked")]);
    check_left(&joined("pattern => \"^\\s\" what => \"previous\""), &[]);
    check_left(&joined("pattern => \"\\\\$\" what => \"next\""), &[(2, "file", Some("codec"), "let Filebeat")]);
    check_left(
        &joined("pattern => \"^%{NOSUCH}\" negate => true what => \"previous\""),
        &[(2, "file", Some("codec"), "NOSUCH")],
    );
    check_left(
        "input { beats { codec => multiline { pattern => \"x\" what => \"previous\" } } }",
        &[(1, "beats", Some("codec"), "let Filebeat")],
    );
    check_left(
        "input { file { path => \"/a\" }\nfile { path => \"/b\" codec => json } }",
        &[(2, "file", Some("codec"), "here those of line 1")],
    );
    check_left(
        "input { redis { data_type => \"channel\" key => \"a\" } }",
        &[(1, "redis", Some("data_type"), "channels")],
    );
    check_left(
        "filter {\n  cidr { address => [\"%{a}\"]\n network => [\"10.0.0.0/8\"] add_tag => [\"x\"] }\n}",
        &[(2, "cidr", Some("address"), "no field of addresses")],
    );
    check_left(
        "filter {\n  cidr { address => [\"%{client_ip}\"]\n network => [\"10.0.0\", \"::1/128\"] add_tag => [\"x\"] }\n}",
        &[(3, "cidr", Some("network"), "\"10.0.0\" is no network")],
    );
    check_left("input {\n  kafka { topics => [\"a\"] }\n}", &[(2, "kafka", None, "topic")]);
    let text = "filter {\n  if [a] == [b] {\n    drop { }\n  } else {\n    mutate { lowercase => \"x\" }\n  }\n}";
    check_left(text, &[(2, "if", None, "lines 2 to 4 are left out"), (4, "else", None, "lines 4 to 6 are left out")]);
    assert_eq!(imported(text).stages, 0);
}

#[test]
fn inputs_become_settings() {
    let check = |input: &str, expected: &str| {
        let settings = imported(&format!("input {{ {input} }}")).settings;
        let plain: Vec<&str> = settings.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
        assert_eq!(plain.join("; "), expected, "{input}");
        settings.parse::<toml::Table>().unwrap();
    };
    check("beats { port => 5044 }", "[input_beats]; listen = \"0.0.0.0:5044\"");
    check("tcp { host => \"127.0.0.1\" port => 6000 codec => json_lines }", "[input_tcp]; listen = \"127.0.0.1:6000\"");
    check(
        "beats { port => 1 ssl => true ssl_certificate => \"/c\" ssl_key => \"/k\" ssl_certificate_authorities => [\"/a\"] }",
        "[input_beats]; listen = \"0.0.0.0:1\"; tls_certificate = \"/c\"; tls_key = \"/k\"; tls_client_ca = \"/a\"",
    );
    check("tcp { port => 6000 }", "[input_tcp]; listen = \"0.0.0.0:6000\"; format = \"plain\"; multiline = \"off\"");
    check("udp { codec => plain }", "[input_udp]; listen = \"0.0.0.0:5000\"; format = \"plain\"; multiline = \"off\"");
    let joined = |codec: &str| format!("tcp {{ codec => multiline {{ {codec} }} }}");
    let of = |multiline: &str| {
        format!("[input_tcp]; listen = \"0.0.0.0:5000\"; format = \"plain\"; multiline = {multiline}")
    };
    check(&joined("pattern => \"^\\s\" what => \"previous\""), &of("\"traces\""));
    check(
        &joined("pattern => \"^%{TIMESTAMP_ISO8601} \" negate => true what => \"previous\""),
        &of("\"^%{TIMESTAMP_ISO8601} \""),
    );
    check(&joined("pattern => \"\\[BEGIN\\]\" negate => true what => \"previous\""), &of("'^.*(?:\\[BEGIN\\])'"));
    check(
        &joined("pattern => \"^(Caused by:|\\s+at )\" what => \"previous\""),
        &of("'^(?!.*(?:^(Caused by:|\\s+at )))'"),
    );
    check(
        "redis { host => \"r\" key => \"logs\" data_type => \"list\" db => 2 password => \"x\" }",
        "[input_redis]; address = \"r:6379\"; db = 2; list = \"logs\"",
    );
    check("syslog { }", "[input_syslog_tcp]; listen = \"0.0.0.0:514\"; [input_syslog_udp]; listen = \"0.0.0.0:514\"");
    check(
        "gelf { use_tcp => true port_tcp => 7 }",
        "[input_gelf_udp]; listen = \"0.0.0.0:12201\"; [input_gelf_tcp]; listen = \"0.0.0.0:7\"",
    );
    check(
        "file { path => [\"/a/*.log\", \"/b.log\"] }",
        "[input_files]; paths = \"/a/*.log,/b.log\"; format = \"plain\"; multiline = \"off\"",
    );
    check("kafka { }", "");
}

#[test]
fn what_inputs_add_is_added_where_events_tell_their_input() {
    let stages = |inputs: &str| {
        let pipeline = imported(&format!("input {{ {inputs} }}")).pipeline;
        pipeline
            .lines()
            .filter(|line| line.starts_with("when") || line.starts_with("fields"))
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert_eq!(stages("beats { type => \"web\" }"), "fields = { type = \"web\" }");
    assert_eq!(
        stages("file { path => \"/a/*.log\" type => \"a\" } beats { type => \"b\" }"),
        "when = \"log.file.path:/a/*.log\"; fields = { type = \"a\" }"
    );
}

#[test]
fn inputs_of_lines_say_how_lines_are_left_whole() {
    let check = |input: &str, piece: &str, is_told: bool| {
        let import = imported(&format!("input {{ {input} }}"));
        let is_note = |finding: &Finding| finding.reason.contains(piece);
        assert_eq!(import.findings.iter().any(is_note), is_told, "{input}: {:?}", import.findings);
    };
    let whole = "message is the whole line";
    check("udp { port => 514 }", whole, true);
    check("tcp { codec => line }", whole, true);
    check("tcp { codec => json { charset => \"UTF-8\" } }", whole, false);
    check("file { path => \"/a\" codec => \"json\" }", whole, false);
    check("beats { }", whole, false);
    check("syslog { }", whole, false);
    check("syslog { }", "the header is read into", true);
}

#[test]
fn addresses_are_asked_for_their_networks() {
    check(
        "cidr { address => [\"%{clientip}\", \"%{[source][ip]}\"] network => [\"10.0.0.0/8\", \"2001:db8::/32\", \"192.0.2.7\"] add_tag => [\"inside\"] }",
        &[
            r#""tag"; when = "client_ip:10.0.0.0/8 OR client_ip:2001:db8::/32 OR client_ip:192.0.2.7"; add_tags = ["inside"]"#,
        ],
    );
}

#[test]
fn single_items_of_lists_are_named() {
    check(
        "if [labels][0] == \"x\" { mutate { add_field => { \"first\" => \"%{[labels][0]}\" } remove_field => [\"[labels][0]\"] } }",
        &[
            r#""match"; field = "labels.0"; pattern = '\Ax\z'; target = "@if.line_2""#,
            r#""tag"; when = "@if.line_2:true"; add_fields = { first = "%{labels.0}" }; remove_fields = ["labels.0"]"#,
            r#""remove"; fields = ["@if"]"#,
        ],
    );
}

#[test]
fn an_id_is_given_where_its_output_is_asked() {
    let import = |outputs: &str| imported(&format!("output {{ {outputs} }}"));
    let stored = r#"elasticsearch { document_id => "%{order}" }"#;
    let import_of_if = import(&format!("if [event] == \"order\" {{ {stored} }}"));
    assert!(import_of_if.pipeline.contains("when = \"event:order AND order:*\""), "{}", import_of_if.pipeline);
    assert_eq!(import_of_if.left_count(), 1, "{:?}", import_of_if.findings);
    // Whatever the way, the event is stored.
    let both = import(&format!("if [event] == \"order\" {{ {stored} }} else {{ elasticsearch {{ }} }}"));
    assert!(both.pipeline.contains("when = \"event:order AND order:*\""), "{}", both.pipeline);
    assert_eq!((both.stages, both.left_count()), (1, 0), "{:?}", both.findings);
    let unasked = import("if [message] =~ /x/ { elasticsearch { } } else { elasticsearch { index => \"b\" } }");
    assert_eq!((unasked.stages, unasked.left_count()), (0, 0), "{}", unasked.pipeline);
    let within = import("if [a] { if [b] { elasticsearch { } } }\nelse { elasticsearch { } }");
    assert_eq!((within.stages, within.left_count()), (0, 2), "{:?}", within.findings);
}

#[test]
fn a_question_that_nothing_depends_on_is_not_asked() {
    check("if [message] =~ /x/ { ruby { code => \"y\" } }", &[]);
}

#[test]
fn what_keeps_some_fields_keeps_marks_and_metadata() {
    check(
        r#"if [a] == "x" {
            prune { whitelist_names => ["^b$"] }
            mutate { add_field => { "[@metadata][c]" => "d" } }
        }"#,
        &[
            r#""add"; when = "a:x"; fields = { "@if.line_2" = true }; existing = "replace""#,
            r#""remove"; when = "@if.line_2:true"; all_but = ["b", "@if", "@metadata"]"#,
            r#""tag"; when = "@if.line_2:true"; add_fields = { "@metadata.c" = "d" }"#,
            r#""remove"; fields = ["@if", "@metadata"]"#,
        ],
    );
}

fn options_of(import: &Import) -> crate::DecodeOptions {
    crate::DecodeOptions {
        pipeline: Some(std::sync::Arc::new(Pipeline::from_toml(&import.pipeline).unwrap())),
        ..crate::DecodeOptions::new(
            vigie_domain::Timestamp::from_seconds(1_795_446_000),
            std::sync::Arc::new(crate::Redactor::new(&[7; 32]).unwrap()),
        )
    }
}

/// What the filters make of an event, without what every event has.
fn filtered(filters: &str, event: &str) -> String {
    let options = options_of(&imported(&format!("filter {{ {filters} }}")));
    let batch = crate::decode_bytes(event.as_bytes(), &options).unwrap();
    let mut body = batch.events.events().next().unwrap().body;
    body.retain(|(name, _)| name != "@timestamp" && name != "log_type");
    serde_json::to_string(&vigie_domain::Value::Object(body)).unwrap()
}

#[test]
fn a_field_that_is_missing_is_no_success() {
    let grok = r#"grok { match => { "a" => "^%{INT:x}$" "b" => "^%{INT:x}$" } add_tag => "ok" }"#;
    let check = |filters: &str, event: &str, expected: &str| {
        let event = format!("{{\"@timestamp\":\"2026-11-23T14:00:00Z\",{event}}}");
        assert_eq!(filtered(filters, &event), format!("{{{expected}}}"), "{filters} on {event}");
    };
    check(grok, r#""a":"1","b":"2""#, r#""a":"1","b":"2","x":"1","tags":["ok"]"#);
    check(grok, r#""b":"2""#, r#""b":"2","x":"2","tags":["ok"]"#);
    check(grok, r#""c":"2""#, r#""c":"2","tags":["_grokparsefailure"]"#);
    check(r#"date { match => ["at", "UNIX"] add_tag => "dated" }"#, r#""b":1"#, r#""b":1"#);
    let translate = r#"translate { source => "a" target => "t" dictionary => { "1" => "one" } add_tag => "known" }"#;
    check(translate, r#""a":"1""#, r#""a":"1","t":"one","tags":["known"]"#);
    check(translate, r#""a":"2""#, r#""a":"2""#);
}

#[test]
fn long_chains_mark_what_went_another_way() {
    let branch = |number: usize| {
        format!("if [name] == \"a rather long name of a thing {number}\" {{ mutate {{ lowercase => \"f{number}\" }} }}")
    };
    let chain: Vec<String> = (0..60).map(branch).collect();
    let import =
        imported(&format!("filter {{ {} else {{ mutate {{ lowercase => \"last\" }} }} }}", chain.join(" else ")));
    assert_eq!(import.left_count(), 0, "{:#?}", import.findings);
    assert!(import.stages < STAGES_MAX, "{}", import.stages);
    let options = options_of(&import);
    let event = |name: &str| {
        let fields: String = (0..60).map(|number| format!(",\"f{number}\":\"X\"")).collect();
        let sent = format!("{{\"name\":\"{name}\",\"last\":\"X\"{fields}}}");
        let batch = crate::decode_bytes(sent.as_bytes(), &options).unwrap();
        let body = batch.events.events().next().unwrap().body;
        let lowered = body.iter().filter(|(_, value)| value.as_text() == Some("x")).map(|(name, _)| name.to_string());
        let lowered: Vec<String> = lowered.collect();
        assert!(!body.iter().any(|(name, _)| name == MARKS));
        lowered.join(" ")
    };
    for number in [0, 1, 20, 30, 31, 45, 59] {
        assert_eq!(event(&format!("a rather long name of a thing {number}")), format!("f{number}"));
    }
    assert_eq!(event("another"), "last");
}

#[test]
fn text_cannot_leave_its_comment_or_quotes() {
    let import = imported(
        "filter { mutate { add_field => { \"a\" => 'x\"\n[[stage]]\ntype = \"drop\"' } } }\noutput { \"x\ny = 1\" { } }",
    );
    assert_eq!(import.stages, 1, "{}", import.pipeline);
    let named = import_named("a\nversion = 2");
    assert_eq!(Pipeline::from_toml(&named.pipeline).unwrap().stage_count(), 1);
}

fn import_named(name: &str) -> Import {
    let read = |_: &str| Err(String::new());
    import("filter { drop { } }", &ImportOptions { name, variables: &[], read: &read }).unwrap()
}
