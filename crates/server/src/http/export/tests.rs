//! Files are what other programs read: every event, every cell, nothing run as a formula.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampNanosecondType};
use bytes::Bytes;
use vigie_domain::mapping::FieldKind;
use vigie_domain::{EventId, LogType, Object, Position, Timestamp, Value};

use super::*;

fn hit(source: &str) -> Hit {
    let json: serde_json::Value = serde_json::from_str(source).unwrap();
    let body: Object =
        json.as_object().unwrap().iter().map(|(name, value)| (name.as_str().into(), Value::from_json(value))).collect();
    Hit {
        id: EventId("e1".into()),
        position: Position { timestamp: Timestamp::from_seconds(1_795_442_645), sequence: 7 },
        ingested_at: Timestamp::from_seconds(1_795_442_646),
        log_type: LogType::Transaction,
        source: body,
    }
}

fn field(name: &str, kind: FieldKind) -> FieldView {
    FieldView { name: name.into(), kind, log_types: Vec::new(), aliases: Vec::new() }
}

fn written(format: ExportFormat, fields: Vec<FieldView>, hits: Vec<Hit>) -> Vec<u8> {
    let mut writer = EventWriter::new(format, fields).unwrap().unwrap();
    let mut bytes = if hits.is_empty() { Vec::new() } else { writer.page(hits).unwrap() };
    bytes.extend(writer.end().unwrap());
    bytes
}

fn csv_of(source: &str) -> String {
    let fields = ["@timestamp", "_id", "message", "amount", "tags"].map(|name| field(name, FieldKind::Keyword));
    let bytes = written(ExportFormat::Csv, fields.to_vec(), vec![hit(source)]);
    String::from_utf8(bytes).unwrap().lines().nth(1).unwrap_or_default().to_owned()
}

#[test]
fn cells_are_quoted_where_they_must_be() {
    let cells =
        |message: &str| csv_of(&serde_json::json!({"msg": message, "amount": -1.5, "tags": ["a", "b"]}).to_string());
    let around = |message: &str| format!("2026-11-23T14:04:05.000Z,e1,{message},-1.5,\"[\"\"a\"\",\"\"b\"\"]\"");
    assert_eq!(cells("plain"), around("plain"));
    assert_eq!(cells("a,\"b\""), around("\"a,\"\"b\"\"\""));
    for formula in ["=1+1", "+33 6", "-2", "@cmd", "\tx"] {
        assert_eq!(cells(formula), around(&format!("\"'{formula}\"")), "{formula}");
    }
}

#[test]
fn a_file_without_events_has_the_names_of_its_columns() {
    let csv = written(ExportFormat::Csv, vec![field("a", FieldKind::Int), field("b,c", FieldKind::Int)], Vec::new());
    assert_eq!(String::from_utf8(csv).unwrap(), "a,\"b,c\"\r\n");
    assert!(written(ExportFormat::Parquet, vec![field("a", FieldKind::Int)], Vec::new()).ends_with(b"PAR1"));
}

#[test]
fn columns_of_parquet_have_their_types_and_lose_nothing() {
    let fields = vec![
        field("@timestamp", FieldKind::Instant),
        field("amount", FieldKind::Decimal),
        field("n", FieldKind::Int),
        field("tags", FieldKind::Keyword),
    ];
    let hits = vec![hit(r#"{"amount":12.5,"n":3,"tags":["a","b"]}"#), hit(r#"{"amount":"much","n":1.5}"#)];
    let bytes = Bytes::from(written(ExportFormat::Parquet, fields, hits));
    let reader =
        ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    let batch = reader.into_iter().next().unwrap().unwrap();
    assert_eq!(batch.column(0).as_primitive::<TimestampNanosecondType>().value(0), 1_795_442_645_000_000_000);
    let amounts = batch.column(1).as_primitive::<Float64Type>();
    assert!((amounts.value(0) - 12.5).abs() < f64::EPSILON && amounts.is_null(1));
    let numbers = batch.column(2).as_primitive::<Int64Type>();
    assert_eq!((numbers.value(0), numbers.is_null(1)), (3, true));
    assert_eq!(batch.column(3).as_string::<i32>().value(0), r#"["a","b"]"#);
    assert!(batch.column(4).as_string::<i32>().value(1).contains(r#""amount":"much","n":1.5"#));
}
