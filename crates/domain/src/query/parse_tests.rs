//! What people type means what they expect; what is printed reads back the same.

use proptest::collection;
use proptest::prelude::*;

use super::*;

fn field(name: &str, predicate: Predicate) -> Query {
    Query::Field { field: name.into(), predicate }
}

fn equals(name: &str, text: &str) -> Query {
    Query::equals(name, text)
}

fn words(text: &str) -> Query {
    Query::FreeText(TextPattern::Words(text.into()))
}

fn range(name: &str, lower: Bound, upper: Bound) -> Query {
    field(name, Predicate::Range { lower, upper })
}

fn inclusive(text: &str) -> Bound {
    Bound::Inclusive(text.into())
}

fn exclusive(text: &str) -> Bound {
    Bound::Exclusive(text.into())
}

fn not(query: Query) -> Query {
    Query::Not(Box::new(query))
}

fn check(text: &str, expected: Query) {
    assert_eq!(parse(text), Ok(expected), "{text}");
}

#[test]
fn conditions_are_joined() {
    check("", Query::All);
    check("  *  ", Query::All);
    check("*:*", Query::All);
    check("a b", Query::And(vec![words("a"), words("b")]));
    check("a AND b or c", Query::Or(vec![Query::And(vec![words("a"), words("b")]), words("c")]));
    check("a (b OR c)", Query::And(vec![words("a"), Query::Or(vec![words("b"), words("c")])]));
    check("a && !b || -c", Query::Or(vec![Query::And(vec![words("a"), not(words("b"))]), not(words("c"))]));
    check("NOT a NOT b", Query::And(vec![not(words("a")), not(words("b"))]));
    check("+a", words("a"));
    check("(a AND (b AND c))", Query::And(vec![words("a"), words("b"), words("c")]));
    check("\"AND\"", words("AND"));
    check("and:1", equals("and", "1"));
}

#[test]
fn the_example_of_the_manual_reads_as_meant() {
    check(
        "level:error AND amount>100 NOT service:\"cart api\"",
        Query::And(vec![
            equals("level", "error"),
            range("amount", exclusive("100"), Bound::Open),
            not(equals("service", "cart api")),
        ]),
    );
}

#[test]
fn fields_are_compared() {
    check("service.name:cart", equals("service", "cart"));
    check("status: failed", equals("status", "failed"));
    check("url:http://x/y", equals("url", "http://x/y"));
    check("endpoint:/api/pay", equals("endpoint", "/api/pay"));
    check("endpoint:/api/*", field("endpoint", Predicate::Wildcard("/api/*".into())));
    check("a:x\\*y?", field("a", Predicate::Wildcard("x\\*y?".into())));
    check("a:x\\*y", equals("a", "x*y"));
    check("coupon:*", Query::exists("coupon"));
    check("_exists_:app", Query::exists("service"));
    check("ip:10.0.0.0/8", field("client_ip", Predicate::Network("10.0.0.0/8".parse().unwrap())));
    check("client_ip:::1", equals("client_ip", "::1"));
    check("path:10.0.0.0/8", equals("path", "10.0.0.0/8"));
    check("a:-5", equals("a", "-5"));
    check("status:(failed OR declined)", Query::Or(vec![equals("status", "failed"), equals("status", "declined")]));
    check(
        "n:(>1 AND <5)",
        Query::And(vec![range("n", exclusive("1"), Bound::Open), range("n", Bound::Open, exclusive("5"))]),
    );
}

#[test]
fn ranges_are_read() {
    check("n>=1", range("n", inclusive("1"), Bound::Open));
    check("n:<=1", range("n", Bound::Open, inclusive("1")));
    check("n>-1.5", range("n", exclusive("-1.5"), Bound::Open));
    check("n > 5", range("n", exclusive("5"), Bound::Open));
    check("n:[1 TO 5]", range("n", inclusive("1"), inclusive("5")));
    check("n:{1 TO 5]", range("n", exclusive("1"), inclusive("5")));
    check("n:[* TO 5}", range("n", Bound::Open, exclusive("5")));
    check("n:[* TO *]", Query::exists("n"));
    check("@timestamp>now-15m", range("@timestamp", exclusive("now-15m"), Bound::Open));
    check(
        "time:[2026-11-20T00:00:00Z TO \"2026-11-21 12:00\"]",
        range("@timestamp", inclusive("2026-11-20T00:00:00Z"), inclusive("2026-11-21 12:00")),
    );
}

fn check_error(text: &str, span: &str, expected: &str) {
    let error = parse(text).unwrap_err();
    assert_eq!(&text[error.span.0..error.span.1], span, "{text}: {error}");
    assert!(error.message.contains(expected), "{text}: {error}");
}

#[test]
fn errors_name_their_place_and_what_to_do() {
    check_error("amount>", ">", "a value is expected after \"amount\"");
    check_error("level: AND b", "AND", "a value is expected");
    check_error("a AND", "D", "a condition is expected");
    check_error("AND a", "AND", "a condition is expected");
    check_error("(a OR b", "(a", "not closed");
    check_error("a)", ")", "closes no group");
    check_error("a \"b", "\"b", "not closed");
    check_error("n:[1 5]", "5]", "\"TO\" is expected");
    check_error("n:[1 TO 5", "[1", "not closed");
    check_error(":x", ":x", "name of a field is missing");
    check_error("()", ")", "a condition is expected");
    check_error(&"(".repeat(100), "(", "nested deeper");
    check_error(&"a ".repeat(2_000), "a", "more than 1024 conditions");
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_.@-]{1,8}",
        Just("AND".to_owned()),
        Just("*".to_owned()),
        Just(String::new()),
        "[ -~é\u{1F600}]{0,12}",
    ]
}

fn any_field() -> impl Strategy<Value = String> {
    prop_oneof![Just("service".to_owned()), Just("client_ip".to_owned()), Just("not".to_owned()), "[ -~é]{1,10}"]
        .prop_map(|name| mapping::canonical(&name).to_owned())
        .prop_filter("names that mean something else", |name| !matches!(name.as_str(), "_exists_" | "*"))
}

fn any_pattern() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z:( ]",
        Just("*".to_owned()),
        Just("?".to_owned()),
        Just("\\*".to_owned()),
        Just("\\\\".to_owned())
    ];
    collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat()).prop_filter(
        "a pattern has a wildcard and is not only a star",
        |pattern| {
            let unescaped = pattern.replace("\\\\", "").replace("\\*", "");
            unescaped.contains(['*', '?']) && pattern != "*"
        },
    )
}

fn any_bound() -> impl Strategy<Value = Bound> {
    prop_oneof![Just(Bound::Open), any_text().prop_map(Bound::Inclusive), any_text().prop_map(Bound::Exclusive)]
}

fn any_predicate() -> impl Strategy<Value = Predicate> {
    prop_oneof![
        Just(Predicate::Exists),
        any_text().prop_map(Predicate::Equals),
        any_pattern().prop_map(Predicate::Wildcard),
        (any_bound(), any_bound())
            .prop_filter("a range has a bound", |bounds| *bounds != (Bound::Open, Bound::Open))
            .prop_map(|(lower, upper)| Predicate::Range { lower, upper }),
    ]
}

fn any_query() -> impl Strategy<Value = Query> {
    let leaf = prop_oneof![
        Just(Query::All),
        any_text().prop_map(|text| words(&text)),
        any_pattern().prop_map(|pattern| Query::FreeText(TextPattern::Wildcard(pattern))),
        (any_field(), any_predicate()).prop_map(|(name, predicate)| field(&name, predicate)),
        Just(field("client_ip", Predicate::Network("10.0.0.0/8".parse().unwrap()))),
        Just(field("client_ip", Predicate::Network("2001:db8::/32".parse().unwrap()))),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 2..4).prop_map(|parts| flat(parts, true)),
            collection::vec(inner.clone(), 2..4).prop_map(|parts| flat(parts, false)),
            inner.prop_map(not),
        ]
    })
}

fn flat(parts: Vec<Query>, is_and: bool) -> Query {
    let take = |query: Query| match query {
        Query::And(inner) if is_and => inner,
        Query::Or(inner) if !is_and => inner,
        other => vec![other],
    };
    let parts = parts.into_iter().flat_map(take).collect();
    if is_and { Query::And(parts) } else { Query::Or(parts) }
}

#[test]
fn conditions_and_patterns_are_bounded() {
    let refused = |text: String, words: &str| {
        let error = parse(&text).unwrap_err();
        assert!(error.message.contains(words), "{error}");
        error.span
    };
    let many = |clause: &str, count: usize| vec![clause; count].join(" ");
    assert_eq!(parse(&many("a", CLAUSES_MAX)).unwrap().cost().clauses, CLAUSES_MAX);
    refused(many("a", CLAUSES_MAX + 1), "1024 conditions");
    for pattern in ["a*", "f:*a", "f:(?)"] {
        let cost = parse(&many(pattern, WILDCARDS_MAX)).unwrap().cost();
        assert_eq!((cost.wildcards, cost.excess()), (WILDCARDS_MAX, None), "{pattern}");
        refused(many(pattern, WILDCARDS_MAX + 1), "64 patterns");
    }
    let span = refused(format!("{} f:b*", many("a*", WILDCARDS_MAX)), "64 patterns");
    assert_eq!(span, (WILDCARDS_MAX * 3 + 2, WILDCARDS_MAX * 3 + 4), "the place is that of the pattern");
    assert!(parse(&many("f:*", WILDCARDS_MAX + 1)).is_ok(), "whether there is a value costs little");
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_the_same(query in any_query()) {
        let text = query.to_string();
        prop_assert_eq!(parse(&text), Ok(query), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused_at_a_place_within_it(text in "\\PC{0,60}") {
        if let Err(error) = parse(&text) {
            prop_assert!(text.get(error.span.0..error.span.1).is_some(), "{error:?}");
        }
    }

    #[test]
    fn what_was_read_prints_and_reads_back(text in "[a-c:<>()\\[\\]{}\"*?\\\\!+ ANDORTO.0-9-]{0,30}") {
        if let Ok(query) = parse(&text) {
            prop_assert_eq!(parse(&query.to_string()), Ok(query.clone()), "{} as {}", text, query);
        }
    }
}
