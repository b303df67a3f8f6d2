//! Whatever the bytes: no panic, every record is an event or a reject, and the same bytes give the same answer.

#![allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use proptest::prelude::*;
use std::sync::Arc;
use vigie_domain::Timestamp;
use vigie_pipeline::{
    Assembler, Compression, DecodeOptions, FORMATS, Format, REJECT_RAW_MAX, Redactor, decode_bytes, detect,
    number_from_literal,
};

/// Inputs that the mutations start from: one line or two of each text format.
const SEEDS: &[&str] = &[
    "{\"@timestamp\":\"2026-11-23T14:04:05Z\",\"level\":\"warn\",\"amount\":\"12.50\",\"_id\":\"a\",\"tags\":[\"x\"]}\n{\"n\":1e400}\n",
    "[{\"a\":[1,2,{\"b\":\"\\u00e9\\\"\"}]},\n {\"ts\":1795442645.5}]",
    "{\n \"log_type\": \"error\",\n \"error\": {\"message\": \"x\"}\n}\n{}",
    "a,\"b \"\"c\"\"\",d\n1,\"x\ny\",2.5\n,,\n",
    "ts\tlevel\n1795442645\tinfo\n",
    "192.0.2.7 - - [23/Nov/2026:15:04:05 +0100] \"GET /a?b=c HTTP/1.1\" 200 5 \"-\" \"curl \\\"x\\\"\" 0.1\n",
    "level=info msg=\"a \\\"b\\\"\" ms=1.5 flag\n",
    "<165>1 2026-11-23T14:04:05Z h app 1 ID [a@1 b=\"c \\] d\"] hi\n<13>Nov 23 14:04:05 h app[1]: @cee: {\"a\":1}\n",
    "2026/11/23 14:04:05 [error] 1#2: *3 x (111: y), client: 192.0.2.7, request: \"GET / HTTP/1.1\"\n#0 {main}\n",
    "<13>Nov 23 14:04:05 h CEF:0|a|b\\|c|d|e|f|9|src=192.0.2.7 msg=a\\=b c=d e\n",
    "#Date: 2026-11-23\n#Fields: time c-ip cs(X) time-taken\n14:04:05 - \"a b\" 0.5\n",
    "2026-11-23 14:04:05,1 [t] ERROR a.b.C - x\na.b.DException: y\n\tat a.B.c(B.java:1)\n",
    "x\nTraceback (most recent call last):\n  File \"a\"\nKeyError: 'a'\n\nplain text\r\n\u{1b}[31mred\u{1b}[0m\n",
];

fn redactor() -> Arc<Redactor> {
    Arc::new(Redactor::new(&[7; 32]).unwrap())
}

fn options(format: Option<Format>) -> DecodeOptions {
    DecodeOptions {
        format,
        record_bytes_max: 64,
        ..DecodeOptions::new(Timestamp::from_seconds(1_795_446_000), redactor())
    }
}

fn check(bytes: &[u8], format: Option<Format>) {
    let decode = || decode_bytes(bytes, &options(format)).map_err(|error| error.to_string());
    let first = decode();
    assert_eq!(first, decode());
    let Ok(batch) = first else { return };
    for reject in &batch.rejects {
        assert!(reject.raw.len() <= REJECT_RAW_MAX && !reject.reason.is_empty() && reject.line > 0, "{reject:?}");
    }
    for event in batch.events.events() {
        let time = event.body.iter().find(|(name, _)| name == "@timestamp").and_then(|(_, value)| value.as_text());
        assert_eq!(time, Some(&*event.timestamp.to_string()));
        assert!(event.body.iter().any(|(name, _)| name == "log_type"));
        assert!(serde_json::to_string(&vigie_domain::Value::Object(event.body.clone())).is_ok());
    }
}

/// A seed with some bytes replaced, put in or cut out.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), any::<u8>(), 0..3_u8);
    (prop::sample::select(SEEDS), prop::collection::vec(edit, 0..8)).prop_map(|(seed, edits)| {
        let mut bytes = seed.as_bytes().to_vec();
        for (index, byte, kind) in edits {
            let at = index.index(bytes.len().max(1)).min(bytes.len());
            match kind {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                _ => bytes.truncate(at.max(1)),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_in_every_format(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&bytes, None);
        for spec in FORMATS.iter().filter(|spec| spec.format != Format::Parquet) {
            check(&bytes, Some(spec.format));
        }
        detect(&bytes, Some("x.csv.gz"));
    }

    #[test]
    fn mutated_inputs_in_every_format(bytes in mutated()) {
        check(&bytes, None);
        for spec in FORMATS.iter().filter(|spec| spec.format != Format::Parquet) {
            check(&bytes, Some(spec.format));
        }
    }

    /// GELF is no format of files: it comes in frames, packed or not.
    #[test]
    fn mutated_gelf(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut in any::<prop::sample::Index>(), is_packed in any::<bool>()) {
        let seed = br#"{"version":"1.1","host":"h","short_message":"a","full_message":"E\n\tat a.B.c(B.java:1)","timestamp":1795442645.5,"level":3,"_id":7,"_host":null}"#;
        let mut bytes = if is_packed { zstd::encode_all(&seed[..], 1).unwrap() } else { seed.to_vec() };
        for (index, byte) in edits {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        let options = DecodeOptions { record_bytes_max: 1_000, ..options(None) };
        let mut assembler = Assembler::new(&options);
        assembler.push_gelf(&bytes);
        let framed = assembler.finish();
        prop_assert_eq!(framed.received, (framed.events.len() + framed.refused.len()) as u64);
        prop_assert!(framed.received == 1 || bytes.trim_ascii().is_empty() || bytes.contains(&b'['), "{:?}", bytes);
    }

    #[test]
    fn packed_magic_and_junk(magic in prop::sample::select(vec![&b"\x1f\x8b\x08"[..], b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"\x78\x9c"]), rest in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [magic, &rest].concat();
        check(&bytes, None);
    }

    /// Checksums do not protect a Parquet file's structure, so whatever stands in it is believed at first.
    #[test]
    fn mutated_parquet(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = include_bytes!("../../../samples/parquet/input.parquet").to_vec();
        for (index, byte) in edits {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        check(&bytes, Some(Format::Parquet));
    }

    #[test]
    fn lines_are_conserved(lines in prop::collection::vec("[^\\r\\n\u{feff}]{0,20}", 0..50)) {
        prop_assume!(detect(lines.join("\n").as_bytes(), None).compression == Compression::None);
        let records = lines.iter().filter(|line| !line.trim_ascii().is_empty()).count();
        let text = lines.join("\n");
        for format in [Format::Logfmt, Format::AccessLog, Format::Syslog, Format::Cef] {
            prop_assert_eq!(decode_bytes(text.as_bytes(), &options(Some(format))).unwrap().record_count(), records);
        }
    }

    /// Lines may become one record, but every one of them is in it.
    #[test]
    fn text_of_joined_lines_is_conserved(
        lines in prop::collection::vec("[ \ta#]?(at|Caused by: |KeyError: )?[a-z]{0,8}", 0..30)
    ) {
        let text = lines.join("\n");
        let texts = |text: &str| -> Vec<String> {
            text.split('\n').map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        for format in [Format::Plain, Format::Log4j, Format::NginxError] {
            let batch = decode_bytes(text.as_bytes(), &options(Some(format))).unwrap();
            let messages = batch.events.events().filter_map(|event| {
                let (_, message) = event.body.into_iter().find(|(name, _)| name == "message")?;
                message.as_text().map(|text| text.to_owned() + "\n")
            });
            prop_assert_eq!(batch.rejects.len(), 0);
            prop_assert_eq!(texts(&messages.collect::<String>()), texts(&text));
        }
    }

    #[test]
    fn numbers_are_what_serde_json_takes_for_numbers(text in "-?[0-9]{0,20}(\\.[0-9]{0,20})?([eE][+-]?[0-9]{0,3})?") {
        let is_number = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(number_from_literal(&text).is_some(), is_number);
    }
}
