//! Packed, damaged, hostile and very large inputs through the public door.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use flate2::Compression as Level;
use flate2::write::{GzEncoder, ZlibEncoder};
use vigie_domain::{Error, ErrorKind, TimeRange, Timestamp, Value};
use vigie_pipeline::{
    Batch, Compression, DecodeError, DecodeOptions, Format, REJECT_RAW_MAX, Redactor, decode_bytes, detect, open_file,
    preview_bytes,
};
use zip::write::SimpleFileOptions;

const LINES: &[u8] = b"{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n";

fn redactor() -> Arc<Redactor> {
    Arc::new(Redactor::new(&[7; 32]).unwrap())
}

fn options() -> DecodeOptions {
    DecodeOptions::new(Timestamp::from_seconds(1_795_446_000), redactor())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Level::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(files: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn numbers(batch: &Batch) -> Vec<i64> {
    let number = |body: &vigie_domain::Object| match body.iter().find(|(name, _)| name == "n") {
        Some((_, Value::Int(number))) => *number,
        other => panic!("{other:?}"),
    };
    batch.events.events().map(|event| number(&event.body)).collect()
}

fn reasons(batch: &Batch) -> Vec<(u64, &str)> {
    batch.rejects.iter().map(|reject| (reject.line, reject.reason.as_str())).collect()
}

/// A file that goes away with its folder.
fn written(bytes: &[u8], name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn check_packed(bytes: &[u8], compression: Compression) {
    let detected = detect(bytes, None);
    assert_eq!((detected.compression, detected.format), (compression, Format::Ndjson));
    assert_eq!(numbers(&decode_bytes(bytes, &options()).unwrap()), [1, 2, 3], "{compression}");
    let (_folder, path) = written(bytes, "upload");
    let mut reader = open_file(&path, None, options()).unwrap();
    assert_eq!(reader.detected(), detected);
    assert_eq!(numbers(&reader.next().unwrap().unwrap()), [1, 2, 3], "{compression}");
    assert!(reader.next().is_none());
}

#[test]
fn packed_bytes_are_found_and_unpacked() {
    check_packed(LINES, Compression::None);
    check_packed(&gzip(LINES), Compression::Gzip);
    check_packed(&[gzip(&LINES[..10]), gzip(&LINES[10..])].concat(), Compression::Gzip);
    check_packed(&zlib(LINES), Compression::Zlib);
    check_packed(&zstd::encode_all(LINES, 3).unwrap(), Compression::Zstd);
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        check_packed(&zip(&[("logs/a.json", LINES)], method), Compression::Zip);
        check_packed(
            &zip(&[("a", &LINES[..16]), ("b.csv", b"n,x\n3,y\n"), ("__MACOSX/._a", b"\0")], method),
            Compression::Zip,
        );
    }
}

#[test]
fn text_that_begins_like_zlib_is_text() {
    assert_eq!(detect(b"x^2 + y^2 = z^2\n", None).compression, Compression::None);
    assert_eq!(detect("x\u{1}:A\u{e80}".as_bytes(), None).compression, Compression::None);
    for level in 0..=9 {
        let mut encoder = ZlibEncoder::new(Vec::new(), Level::new(level));
        encoder.write_all(b"a").unwrap();
        assert_eq!(detect(&encoder.finish().unwrap(), None).compression, Compression::Zlib);
    }
}

#[test]
fn a_file_in_an_archive_that_holds_no_logs_costs_only_itself() {
    let bytes =
        zip(&[("a", LINES), ("b.pdf", b"%PDF-1.7"), ("c", b"{\"n\":4}\nbroken\n")], zip::CompressionMethod::Deflated);
    let batch = decode_bytes(&bytes, &options()).unwrap();
    assert_eq!(numbers(&batch), [1, 2, 3, 4]);
    let reasons = reasons(&batch);
    assert_eq!(reasons[0], (1, "in \"b.pdf\": this is a PDF document; send the logs as text"));
    assert!(reasons[1].0 == 2 && reasons[1].1.starts_with("in \"c\": broken JSON"), "{reasons:?}");
}

fn check_refused(bytes: &[u8], kind: ErrorKind, words: &str) {
    let error = decode_bytes(bytes, &options()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(words), "{text}");
    assert_eq!(Error::from(error).kind, kind, "{text}");
}

#[test]
fn inputs_that_hold_no_logs_are_refused_by_name() {
    check_refused(b"%PDF-1.7 ...", ErrorKind::Malformed, "a PDF document");
    check_refused(&gzip(&gzip(LINES)), ErrorKind::Malformed, "packed twice");
    check_refused(&zip(&[], zip::CompressionMethod::Stored), ErrorKind::Malformed, "holds no file");
    check_refused(
        &zip(&[("[Content_Types].xml", b"<x/>")], zip::CompressionMethod::Stored),
        ErrorKind::Malformed,
        "Office",
    );
    check_refused(b"PK\x03\x04broken", ErrorKind::Malformed, "zip archive");
    check_refused(b"\x1f\x8b\x08 but nothing else", ErrorKind::Malformed, "the gzip data is damaged");
    check_refused(b"PAR1 but nothing else", ErrorKind::Malformed, "parquet");
    check_refused(
        "\u{feff}a".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().as_slice(),
        ErrorKind::Malformed,
        "UTF-16",
    );
}

#[test]
fn a_zip_bomb_names_the_bound_it_ran_into() {
    let zeros = || std::io::repeat(b' ').take(512 * 1024 * 1024);
    let bomb = zstd::encode_all(zeros(), 3).unwrap();
    check_refused(&bomb, ErrorKind::TooLarge, "more than 400 times its size");
    let (_folder, path) = written(&bomb, "bomb.zst");
    let mut reader = open_file(&path, None, options()).unwrap();
    assert!(matches!(reader.next(), Some(Err(DecodeError::RatioTooHigh { .. }))));
    assert!(reader.next().is_none());

    let mut encoder = GzEncoder::new(Vec::new(), Level::default());
    std::io::copy(&mut zeros(), &mut encoder).unwrap();
    check_refused(&encoder.finish().unwrap(), ErrorKind::TooLarge, "more than 400 times its size");
}

#[test]
fn a_body_has_a_bound_of_unpacked_bytes() {
    // Ten to one, so that the ratio is no concern.
    let line: Vec<u8> = (0..80_u32).flat_map(|n| format!("{:x}", n * n * 7919).into_bytes()).collect();
    let body: Vec<u8> = [line.as_slice(), b"\n"].concat().repeat(65 * 1024 * 1024 / (line.len() + 1) + 1);
    let packed = lightly_packed(&body);
    check_refused(&packed, ErrorKind::TooLarge, "more than 67108864 bytes");
}

/// gzip in blocks of 64 KiB, so that repetition does not raise the ratio without end.
fn lightly_packed(bytes: &[u8]) -> Vec<u8> {
    bytes
        .chunks(64 * 1024)
        .flat_map(|chunk| {
            let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
            encoder.write_all(chunk).unwrap();
            encoder.finish().unwrap()
        })
        .collect()
}

#[test]
fn what_was_read_before_damage_is_kept() {
    let lines: Vec<u8> =
        (0..50_000).flat_map(|n| format!("{{\"n\":{n},\"h\":\"{:x}\"}}\n", n * 7_654_321_u64).into_bytes()).collect();
    let packed = gzip(&lines);
    let (_folder, path) = written(&packed[..packed.len() / 2], "cut.gz");
    let mut reader = open_file(&path, None, options()).unwrap();
    let batches: Vec<_> = reader.by_ref().collect();
    let (last, before) = batches.split_last().unwrap();
    assert!(before.len() > 2 && before.iter().all(Result::is_ok));
    assert!(matches!(last, Err(DecodeError::Damaged { compression: Compression::Gzip, .. })), "{last:?}");

    let small = gzip(LINES);
    let (_folder, path) = written(&small[..small.len() - 8], "small.gz");
    let batches: Vec<_> = open_file(&path, None, options()).unwrap().collect();
    assert_eq!(numbers(batches[0].as_ref().unwrap()), [1, 2, 3]);
    assert!(batches[1].is_err() && batches.len() == 2);
}

#[test]
fn batches_are_the_same_every_time() {
    let lines: Vec<u8> = (0..12_000).flat_map(|n| format!("{{\"n\":{n}}}\n").into_bytes()).collect();
    let (_folder, path) = written(&gzip(&lines), "a.json.gz");
    let read = || open_file(&path, None, options()).unwrap().map(Result::unwrap).collect::<Vec<_>>();
    let batches = read();
    assert_eq!(batches.iter().map(Batch::record_count).collect::<Vec<_>>(), [5_000, 5_000, 2_000]);
    assert_eq!(batches, read());
}

#[test]
fn a_batch_of_large_records_ends_by_its_bytes() {
    let line = format!("{{\"n\":1,\"text\":\"{}\"}}\n", "x".repeat(900 * 1024));
    let (_folder, path) = written(line.repeat(25).as_bytes(), "large.json");
    let counts: Vec<usize> =
        open_file(&path, None, options()).unwrap().map(|batch| batch.unwrap().record_count()).collect();
    assert_eq!(counts, [5; 5]);
}

#[test]
fn broken_lines_are_rejected_and_good_ones_kept() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(2_000_000));
    let body = [
        "{\"n\":1}",
        "{\"n\":",
        "{\"n\":Infinity}",
        "{\"n\":\"\\ud800\"}",
        &deep,
        &long,
        "\0\u{1}\u{2}",
        "42",
        "",
        "[{\"n\":2},3]",
        "{\"n\":4}",
    ]
    .join("\n");
    let batch = decode_bytes(body.as_bytes(), &options()).unwrap();
    assert_eq!(numbers(&batch), [1, 2, 4]);
    let expected = [
        (2, "broken JSON"),
        (3, "broken JSON at column 6, near \"Infinity}\""),
        (4, "hex escape"),
        (5, "nested more than 128 levels"),
        (6, "the record has 2000009 bytes, more than the 1048576"),
        (7, "NUL byte"),
        (8, "a number is no event"),
        (10, "a number is no event"),
    ];
    let reasons = reasons(&batch);
    assert_eq!(reasons.len(), expected.len(), "{reasons:?}");
    for ((line, reason), (expected_line, words)) in reasons.into_iter().zip(expected) {
        assert!(line == expected_line && reason.contains(words), "{line}: {reason}");
    }
    assert!(batch.rejects.iter().all(|reject| reject.raw.len() <= REJECT_RAW_MAX));
}

#[test]
fn a_list_of_any_length_is_read_element_by_element() {
    let elements: Vec<String> = (0..20_000).map(|n| format!("{{\"n\":{n}}}")).collect();
    let batch = decode_bytes(format!("[{}]", elements.join(",")).as_bytes(), &options()).unwrap();
    assert_eq!(numbers(&batch), (0..20_000).collect::<Vec<_>>());
    let cut = decode_bytes(b"[{\"n\":1},{\"n\":bad},{\"n\":2},\n{\"n\":", &options()).unwrap();
    assert_eq!(numbers(&cut), [1, 2]);
    assert_eq!(cut.rejects.iter().map(|reject| reject.line).collect::<Vec<_>>(), [1, 2]);
    let deep = decode_bytes("[".repeat(100_000).as_bytes(), &options()).unwrap();
    assert_eq!((deep.events.len(), deep.rejects.len()), (0, 1));
}

#[test]
fn binary_junk_is_rejected_line_by_line() {
    let junk: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let batch = decode_bytes(&junk, &options()).unwrap();
    assert!(batch.rejects.len() * 2 > batch.record_count(), "{} of {}", batch.rejects.len(), batch.record_count());
    let nothing = decode_bytes(b"\n \r\n", &options()).unwrap();
    assert_eq!(nothing, Batch::default());
}

#[test]
fn an_event_outside_the_window_is_rejected_with_its_line() {
    let now = options().received_at;
    let window = TimeRange { from: now.saturating_add_nanos(-1_000_000_000_000), to: now };
    let options = DecodeOptions { window: Some(window), ..options() };
    let batch = decode_bytes(b"{\"n\":1}\n{\"ts\":\"1970-01-01T00:00:00Z\"}\n", &options).unwrap();
    assert_eq!(numbers(&batch), [1]);
    assert_eq!(batch.rejects[0].raw, "{\"ts\":\"1970-01-01T00:00:00Z\"}");
    assert!(reasons(&batch)[0].1.ends_with("send any_time=true to keep it"));
}

#[test]
fn a_preview_needs_only_the_beginning() {
    let lines: Vec<u8> =
        (0..50_000).flat_map(|n| format!("{{\"n\":{n},\"h\":\"{:x}\"}}\n", n * 7_654_321_u64).into_bytes()).collect();
    let packed = gzip(&lines);
    let (detected, batch) = preview_bytes(&packed[..20_000], Some("a.json.gz"), &options(), 3).unwrap();
    assert_eq!((detected.format, detected.compression), (Format::Ndjson, Compression::Gzip));
    assert_eq!(numbers(&batch), [0, 1, 2]);
}

#[test]
fn a_given_format_is_not_questioned() {
    let options = DecodeOptions { format: Some(Format::Plain), ..options() };
    let batch = decode_bytes(LINES, &options).unwrap();
    assert_eq!(batch.events.row(0).to_event().body[0], ("message".into(), Value::text("{\"n\":1}")));
}
