//! Real files, where they are present: counts, sums and instants that were taken from them by other means.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests stop at the first surprise")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vigie_domain::{Event, LogType, Timestamp, Value};
use vigie_pipeline::{Compression, DecodeOptions, Format, Redactor, open_file};

fn redactor() -> Arc<Redactor> {
    Arc::new(Redactor::new(&[7; 32]).unwrap())
}

fn file(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    let is_present = path.is_file();
    if !is_present {
        println!("skipped: {name} is not here");
    }
    is_present.then_some(path)
}

fn options() -> DecodeOptions {
    DecodeOptions::new(Timestamp::from_seconds(1_795_446_000), redactor())
}

fn field<'e>(event: &'e Event, name: &str) -> Option<&'e Value> {
    event.body.iter().find(|(sent, _)| sent == name).map(|(_, value)| value)
}

fn number(event: &Event, name: &str) -> f64 {
    field(event, name).and_then(Value::as_f64).unwrap_or_else(|| panic!("{name} in {event:?}"))
}

struct Totals {
    events: usize,
    first: String,
    last: String,
}

fn read(name: &str, options: DecodeOptions, mut visit: impl FnMut(&Event)) -> Option<Totals> {
    let reader = open_file(&file(name)?, None, options).unwrap();
    let (mut events, mut first, mut last) = (0, Timestamp::MAX, Timestamp::MIN);
    for batch in reader {
        let batch = batch.unwrap();
        assert_eq!(batch.rejects, []);
        events += batch.events.len();
        for event in batch.events.events() {
            first = first.min(event.timestamp);
            last = last.max(event.timestamp);
            visit(&event);
        }
    }
    Some(Totals { events, first: first.to_string(), last: last.to_string() })
}

#[test]
fn orders_have_their_sums_and_dates() {
    let mut total_cents = 0;
    let mut quantity = 0.0;
    let options = DecodeOptions { time_field: Some("order_date".into()), ..options() };
    let totals = read("shop-ecommerce.json.gz", options, |event| {
        assert_eq!(event.log_type, LogType::Transaction);
        total_cents += (number(event, "taxful_total_price") * 100.0).round() as i64;
        quantity += number(event, "total_quantity");
    });
    let Some(totals) = totals else { return };
    assert_eq!((totals.events, total_cents, quantity), (4_675, 35_085_904, 10_091.0));
    assert_eq!((&*totals.first, &*totals.last), ("2016-12-01T00:04:19.000Z", "2016-12-31T23:45:36.000Z"));
}

#[test]
fn web_logs_as_json_have_their_sums_and_dates() {
    let mut bytes = 0.0;
    let mut not_found = 0;
    let totals = read("shop-logs.json.gz", options(), |event| {
        assert_eq!(event.log_type, LogType::Performance);
        bytes += field(event, "bytes").and_then(Value::as_f64).unwrap_or_default();
        not_found += usize::from(number(event, "response") == 404.0);
    });
    let Some(totals) = totals else { return };
    assert_eq!((totals.events, bytes, not_found), (14_074, 79_725_689.0, 801));
    assert_eq!((&*totals.first, &*totals.last), ("2018-07-22T00:39:02.912Z", "2018-09-20T21:45:26.749Z"));
}

#[test]
fn an_access_log_has_its_sums_and_dates() {
    let mut bytes = 0.0;
    let (mut by_hour, mut by_status) = ([0; 24], BTreeMap::new());
    let totals = read("apache-access.log.gz", options(), |event| {
        assert_eq!(event.log_type, LogType::Performance);
        assert!(field(event, "method").is_some() && field(event, "tags").is_none(), "{event:?}");
        bytes += field(event, "bytes_sent").and_then(Value::as_f64).unwrap_or_default();
        by_hour[event.timestamp.as_seconds().div_euclid(3_600).rem_euclid(24) as usize] += 1;
        *by_status.entry(number(event, "status_code") as u16).or_insert(0) += 1;
    });
    let Some(totals) = totals else { return };
    assert_eq!((totals.events, bytes), (10_000, 2_747_282_740.0));
    // What GoAccess 1.7 counts in the same file.
    let statuses = [(200, 9_126), (206, 45), (301, 164), (304, 445), (403, 2), (404, 213), (416, 2), (500, 3)];
    assert_eq!(by_status, BTreeMap::from(statuses));
    let hours = [
        361, 360, 365, 354, 355, 371, 366, 357, 345, 364, 443, 459, 462, 475, 498, 496, 473, 484, 478, 493, 486, 453,
        346, 356,
    ];
    assert_eq!(by_hour, hours);
    assert_eq!((&*totals.first, &*totals.last), ("2015-05-17T10:05:00.000Z", "2015-05-20T21:05:59.000Z"));
}

fn retail_options() -> DecodeOptions {
    let names = [("InvoiceNo", "order_id"), ("StockCode", "product_id"), ("Quantity", "quantity")];
    DecodeOptions {
        log_type: Some(LogType::Transaction),
        rename: names.map(|(column, field)| (column.to_owned(), field.to_owned())).into(),
        time_field: Some("InvoiceDate".into()),
        ..options()
    }
}

fn prices_in_mills(event: &Event) -> i64 {
    (number(event, "UnitPrice") * 1000.0).round() as i64
}

#[test]
fn the_first_invoice_lines_have_their_sums() {
    let Some(path) = file("online-retail.csv.zst") else { return };
    let reader = open_file(&path, None, retail_options()).unwrap();
    assert_eq!((reader.detected().format, reader.detected().compression), (Format::Csv, Compression::Zstd));
    let events: Vec<Event> =
        reader.take(4).flat_map(|batch| batch.unwrap().events.events().collect::<Vec<_>>()).collect();
    let quantity: f64 = events.iter().map(|event| number(event, "quantity")).sum();
    let mills: i64 = events.iter().map(prices_in_mills).sum();
    let without_customer = events.iter().filter(|event| field(event, "CustomerID").is_none()).count();
    assert_eq!((events.len(), quantity, mills, without_customer), (20_000, 155_318.0, 152_902_530, 6_653));
    assert_eq!(events.iter().map(|event| event.timestamp).max().unwrap().to_string(), "2010-12-09T11:45:00.000Z");
}

#[test]
#[ignore = "it reads half a million rows; the quick test reads their beginning"]
fn all_invoice_lines_have_their_sums() {
    let mut quantity = 0.0;
    let mut mills = 0;
    let totals = read("online-retail.csv.zst", retail_options(), |event| {
        quantity += number(event, "quantity");
        mills += prices_in_mills(event);
    });
    let Some(totals) = totals else { return };
    assert_eq!((totals.events, quantity, mills), (541_909, 5_176_450.0, 2_498_803_974));
    assert_eq!((&*totals.first, &*totals.last), ("2010-12-01T08:26:00.000Z", "2011-12-09T12:50:00.000Z"));
}

fn card_options() -> DecodeOptions {
    let names = [("TRANSACTION_ID", "transaction_id"), ("TX_AMOUNT", "amount"), ("CUSTOMER_ID", "user_id")];
    DecodeOptions {
        log_type: Some(LogType::Transaction),
        rename: names.map(|(column, field)| (column.to_owned(), field.to_owned())).into(),
        time_field: Some("TX_DATETIME".into()),
        ..options()
    }
}

#[test]
fn the_first_card_payments_are_read() {
    let Some(path) = file("card-transactions.parquet") else { return };
    let mut reader = open_file(&path, None, card_options()).unwrap();
    assert_eq!(reader.detected().format, Format::Parquet);
    let batch = reader.next().unwrap().unwrap();
    assert_eq!((batch.events.len(), batch.rejects.len()), (5_000, 0));
    for event in batch.events.events() {
        assert!(number(&event, "amount") > 0.0 && field(&event, "tags").is_none(), "{event:?}");
    }
}

#[test]
#[ignore = "it reads 1.7 million rows; the quick test reads their beginning"]
fn all_card_payments_are_read() {
    let mut fraud = 0.0;
    let totals = read("card-transactions.parquet", card_options(), |event| fraud += number(event, "TX_FRAUD"));
    let Some(totals) = totals else { return };
    assert_eq!((totals.events, fraud), (1_754_155, 14_681.0));
    println!("{} to {}", totals.first, totals.last);
}
