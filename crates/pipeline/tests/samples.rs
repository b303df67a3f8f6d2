//! Every format has a sample, and it becomes the events that stand beside it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListBuilder, RecordBatch,
    StringArray, StringBuilder, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field};
use parquet::arrow::ArrowWriter;
use vigie_domain::{Timestamp, Value};
use vigie_pipeline::{DecodeOptions, FORMATS, Format, Pipeline, Redactor, decode_bytes, detect, open_file};

/// 2026-11-23T15:00:00Z.
const RECEIVED_S: i64 = 1_795_446_000;
/// The folder of samples that are pipelines and no formats.
const PIPELINES: &str = "pipelines";
/// The folder of samples that become pipelines.
const CONFIGURATIONS: &str = "logstash";

fn redactor() -> Arc<Redactor> {
    Arc::new(Redactor::new(&[7; 32]).unwrap())
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples")
}

fn input_of(folder: &Path) -> PathBuf {
    let mut inputs = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{} is missing: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_stem().is_some_and(|stem| stem == "input"));
    let input = inputs.next().unwrap_or_else(|| panic!("{} has no input", folder.display()));
    assert!(inputs.next().is_none(), "{} has two inputs", folder.display());
    input
}

#[test]
fn every_format_has_a_sample_and_it_becomes_its_events() {
    for spec in FORMATS {
        let folder = samples().join(spec.format.as_str());
        let input = fs::read(input_of(&folder)).unwrap();
        assert_eq!(detect(&input, None).format, spec.format, "found by content alone");

        let batch = decode_bytes(&input, &DecodeOptions::new(Timestamp::from_seconds(RECEIVED_S), redactor())).unwrap();
        assert_eq!(batch.rejects, [], "{}", spec.format);
        let bodies: Vec<Value> = batch.events.events().map(|event| Value::Object(event.body)).collect();
        let actual = serde_json::to_string_pretty(&bodies).unwrap() + "\n";
        let expected = fs::read_to_string(folder.join("events.json")).unwrap_or_default();
        assert!(actual == expected, "events.json of {} differs, the events are\n{actual}", spec.format);
    }
}

#[test]
fn a_file_gives_what_its_bytes_give() {
    for spec in FORMATS {
        let path = input_of(&samples().join(spec.format.as_str()));
        let options = DecodeOptions::new(Timestamp::from_seconds(RECEIVED_S), redactor());
        let from_bytes = decode_bytes(&fs::read(&path).unwrap(), &options).unwrap();
        let mut reader = open_file(&path, None, options).unwrap();
        assert_eq!(reader.detected().format, spec.format);
        assert_eq!(reader.next().unwrap().unwrap(), from_bytes);
        assert!(reader.next().is_none());
        assert_eq!(reader.bytes_read(), fs::metadata(&path).unwrap().len());
    }
}

#[test]
fn every_sample_folder_belongs_to_a_format() {
    for entry in fs::read_dir(samples()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let is_known = name == PIPELINES || name == CONFIGURATIONS || name.parse::<Format>().is_ok();
        assert!(entry.path().is_file() || is_known, "{name}");
    }
}

#[test]
fn every_pipeline_makes_the_events_beside_it() {
    let folders: Vec<PathBuf> =
        fs::read_dir(samples().join(PIPELINES)).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(folders.len() >= 2);
    let mut differing = String::new();
    for folder in folders {
        let text = fs::read_to_string(folder.join("pipeline.toml")).unwrap();
        let pipeline = Pipeline::from_toml(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let options = DecodeOptions {
            format: Some(Format::Plain),
            pipeline: Some(Arc::new(pipeline)),
            ..DecodeOptions::new(Timestamp::from_seconds(RECEIVED_S), redactor())
        };
        let batch = decode_bytes(&fs::read(input_of(&folder)).unwrap(), &options).unwrap();
        assert_eq!(batch.rejects, [], "{}", folder.display());
        let bodies: Vec<Value> = batch.events.events().map(|event| Value::Object(event.body)).collect();
        let actual = serde_json::to_string_pretty(&bodies).unwrap() + "\n";
        let expected = fs::read_to_string(folder.join("events.json")).unwrap_or_default();
        if actual != expected {
            differing += &format!("events.json of {} differs, the events are\n{actual}\n", folder.display());
        }
    }
    assert!(differing.is_empty(), "{differing}");
}

#[test]
fn every_stage_is_documented() {
    let text = fs::read_to_string(samples().join("../docs/pipelines.md")).unwrap();
    for kind in vigie_pipeline::stage_kinds() {
        assert!(text.contains(&format!("### `{kind}`")), "docs/pipelines.md says nothing about {kind}");
    }
}

/// Parquet cannot be written by hand: this writes it. Run it when the sample is to change.
#[test]
#[ignore = "it writes the sample that the other tests read"]
fn write_the_parquet_sample() {
    let utf8 = |values: [Option<&str>; 3]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let mut tags = ListBuilder::new(StringBuilder::new());
    tags.append_value([Some("gift"), None]);
    tags.append_null();
    tags.append_value(Vec::<Option<&str>>::new());
    let address = StructArray::from(vec![
        (Arc::new(Field::new("city", DataType::Utf8, true)), utf8([Some("Lyon"), None, Some("Nantes")])),
        (
            Arc::new(Field::new("location", DataType::Float64, true)),
            Arc::new(Float64Array::from(vec![Some(45.764), Some(f64::NAN), None])) as ArrayRef,
        ),
    ]);
    let amounts = Decimal128Array::from(vec![Some(599_000), Some(-120_000), None]).with_precision_and_scale(18, 4);
    let micros = [1_795_442_645_678_000, 1_795_442_646_000_001, 1_795_442_647_000_000];
    let batch = RecordBatch::try_from_iter([
        ("transaction_id", utf8([Some("tx-1"), Some("tx-2"), Some("tx-3")])),
        ("timestamp", Arc::new(TimestampMicrosecondArray::from(micros.to_vec())) as ArrayRef),
        ("amount", Arc::new(amounts.unwrap()) as ArrayRef),
        ("quantity", Arc::new(Int64Array::from(vec![Some(2), None, Some(i64::MAX)])) as ArrayRef),
        ("is_gift", Arc::new(BooleanArray::from(vec![true, false, false])) as ArrayRef),
        ("delivery_day", Arc::new(Date32Array::from(vec![20_781, 20_782, 20_783])) as ArrayRef),
        ("labels", Arc::new(tags.finish()) as ArrayRef),
        ("address", Arc::new(address) as ArrayRef),
    ]);
    let batch = batch.unwrap();
    let file = fs::File::create(samples().join("parquet/input.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn every_format_has_a_fuzz_target() {
    for spec in FORMATS {
        let target = samples().join(format!("../fuzz/fuzz_targets/{}.rs", spec.format));
        assert!(target.is_file(), "{} is missing", target.display());
    }
}
