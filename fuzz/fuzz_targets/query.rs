//! The query language: what is printed means what was parsed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vigie_domain::query::parse;

fuzz_target!(|text: &str| {
    if let Ok(query) = parse(text) {
        let printed = query.to_string();
        assert_eq!(parse(&printed).as_ref(), Ok(&query), "{text:?} is printed as {printed:?}");
    }
});
