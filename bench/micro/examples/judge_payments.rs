//! The judge on a file of labelled card payments: `make fraud-bench FILE=…`.
//!
//! `judge_payments FILE` reads Parquet in the columns of the Fraud Detection Handbook's simulated payments, replays them, and prints the
//! judge's table, what the windows deviate from the reference, and what replaying, training and scoring cost. It ends with an error when a
//! "must" is missed, a window deviates, or the leak guard fires. `--features OUT` writes what is learnt from and judged instead.

#![allow(clippy::print_stdout)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampNanosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use vigie_domain::fraud::features::{Amount, FEATURE_NAMES, Payment};
use vigie_domain::{Day, Timestamp};
use vigie_fraud::judge::{Check, JudgedHistory, JudgedPayment, Measured, Verdict, greatest_deviation, judge, split};
use vigie_fraud::{Model, Settings, train};

const USAGE: &str = "usage: judge_payments FILE.parquet [--features OUT] (columns TRANSACTION_ID, TX_DATETIME, CUSTOMER_ID, TERMINAL_ID, TX_AMOUNT, TX_FRAUD)";
/// The days on which trainings start: first the week of the handbook's chapter 3, then back in steps of a week is what it calls folds.
const CHAPTER_THREE: &str = "2018-07-25T00:00:00Z";
const FOLDS: [&str; 4] =
    ["2018-07-25T00:00:00Z", "2018-08-01T00:00:00Z", "2018-08-08T00:00:00Z", "2018-08-15T00:00:00Z"];
/// Days that are learnt from.
const TRAINING_DAYS: i32 = 7;
/// Every so many payments one is compared with the reference, which walks through all payments of its card and merchant.
const REFERENCE_STRIDE: usize = 20;
/// What a window may deviate from the reference.
const DEVIATION_MAX: f64 = 1e-6;
/// Rows that scoring is timed on.
const SCORED_ROWS: usize = 20_000;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or(USAGE)?;
    let payments = read(&path)?;
    if arguments.next().as_deref() == Some("--features") {
        return write_features(&JudgedHistory::replay(payments), &arguments.next().ok_or(USAGE)?);
    }
    let fraud_count = payments.iter().filter(|judged| judged.is_fraud).count();
    println!("{} payments, {fraud_count} of them fraud", payments.len());

    let started = Instant::now();
    let history = JudgedHistory::replay(payments);
    let replay_time = started.elapsed();
    let (deviation, feature) = greatest_deviation(&history, REFERENCE_STRIDE);
    let starts = FOLDS.map(day_of);
    let checks = judge(&history, &starts)?;
    print_checks(&checks);
    println!("\nwindows: at most {deviation:.1e} off the reference ({feature})");
    print_speeds(&history, replay_time)?;

    let missed: Vec<&str> =
        checks.iter().filter(|check| check.verdict() == Verdict::Missed).map(|check| check.name).collect();
    if deviation.is_nan() || deviation > DEVIATION_MAX {
        return Err(format!("windows: {feature} deviates by {deviation}").into());
    }
    if missed.is_empty() { Ok(()) } else { Err(format!("missed: {}", missed.join("; ")).into()) }
}

/// Writes the rows of every fold, a line each: the fold's first day, whether it is learnt from or judged, day, card, whether it is a
/// fraud, and its features.
fn write_features(history: &JudgedHistory, path: &str) -> Outcome<()> {
    let mut out = BufWriter::new(File::create(path)?);
    for start in FOLDS {
        let found = split(&history.payments, day_of(start), TRAINING_DAYS);
        for (part, rows) in [("training", found.training), ("test", found.test)] {
            for row in rows {
                let judged = &history.payments[row];
                let (day, card) = (judged.payment.at.day().0, judged.payment.card);
                write!(out, "{},{part},{day},{card},{}", &start[..10], u8::from(judged.is_fraud))?;
                history.features.row(row).iter().try_for_each(|value| write!(out, ",{value}"))?;
                writeln!(out)?;
            }
        }
    }
    Ok(out.flush()?)
}

fn day_of(text: &str) -> Day {
    let instant = text.parse().ok().and_then(Timestamp::from_jiff);
    instant.unwrap_or(Timestamp::MIN).day()
}

fn read(path: &str) -> Outcome<Vec<JudgedPayment>> {
    let file = File::open(path).map_err(|error| format!("{path}: {error}"))?;
    let mut payments = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
        append(&batch?, &mut payments)?;
    }
    Ok(payments)
}

fn append(batch: &RecordBatch, payments: &mut Vec<JudgedPayment>) -> Outcome<()> {
    let column = |name: &str, kind: &DataType| -> Outcome<ArrayRef> {
        let found = batch.column_by_name(name).ok_or_else(|| format!("no column {name}; {USAGE}"))?;
        let values = cast(found, kind)?;
        if values.null_count() > 0 {
            return Err(format!("column {name} has values that are missing or no {kind}").into());
        }
        Ok(values)
    };
    let instants = column("TX_DATETIME", &DataType::Timestamp(TimeUnit::Nanosecond, None))?;
    let [ids, cards, merchants, frauds] =
        ["TRANSACTION_ID", "CUSTOMER_ID", "TERMINAL_ID", "TX_FRAUD"].map(|name| column(name, &DataType::Int64));
    let (ids, cards, merchants, frauds) = (ids?, cards?, merchants?, frauds?);
    let amounts = column("TX_AMOUNT", &DataType::Float64)?;
    let whole = |values: &ArrayRef, row: usize| values.as_primitive::<Int64Type>().value(row);
    for row in 0..batch.num_rows() {
        let units = amounts.as_primitive::<Float64Type>().value(row);
        let payment = Payment {
            at: Timestamp::from_nanos(instants.as_primitive::<TimestampNanosecondType>().value(row)),
            id: whole(&ids, row) as u64,
            card: whole(&cards, row) as u64,
            merchant: whole(&merchants, row) as u64,
            amount: Amount::from_units(units).ok_or_else(|| format!("TX_AMOUNT {units} is no amount"))?,
        };
        payments.push(JudgedPayment { payment, is_fraud: whole(&frauds, row) != 0 });
    }
    Ok(())
}

fn print_checks(checks: &[Check]) {
    let figures = |measured: &Measured| {
        format!("{:.3} {:.3} {:.3}", measured.area_under_roc, measured.average_precision, measured.card_precision)
    };
    println!("\n{:<55} {:<18} {:<18} {:<18}", "", "AUC   AP    CP@100", "must", "aim");
    for check in checks {
        let (must, aim) = match &check.asked {
            Some((must, aim)) => (figures(must), figures(aim)),
            None => ("-".to_owned(), "-".to_owned()),
        };
        let verdict = match check.verdict() {
            Verdict::AimMet => "aim met",
            Verdict::Met => "met",
            Verdict::Missed => "MISSED",
            Verdict::Told => "",
        };
        println!("{:<55} {:<18} {must:<18} {aim:<18} {verdict}", check.name, figures(&check.measured));
    }
}

/// A model of a week and one of two months: the time that training takes, then that of scores and reasons.
fn print_speeds(history: &JudgedHistory, replay_time: Duration) -> Outcome<()> {
    let count = history.payments.len();
    println!("features: {:.2} µs a payment, one thread", micros(replay_time) / count as f64);
    let mut model = None;
    for days in [7, 60] {
        let found = split(&history.payments, day_of(CHAPTER_THREE), days);
        let table = history.features.pick(&found.training, FEATURE_NAMES.len());
        let labels: Vec<bool> = found.training.iter().map(|row| history.payments[*row].is_fraud).collect();
        let started = Instant::now();
        model = Some(train(&table, &labels, &Settings::default())?);
        let elapsed = started.elapsed().as_secs_f64();
        println!("training: {} rows of {} features in {elapsed:.2} s", labels.len(), FEATURE_NAMES.len());
    }
    let model: Model = model.ok_or("no model")?;
    let rows: Vec<Vec<f64>> = (0..SCORED_ROWS.min(count)).map(|row| history.features.row(row * 7 % count)).collect();
    let started = Instant::now();
    let sum: f64 = rows.iter().map(|row| model.log_odds(row)).sum();
    println!("score: {:.2} µs (mean {:.3})", micros(started.elapsed()) / rows.len() as f64, sum / rows.len() as f64);
    let started = Instant::now();
    let sum: f64 = rows.iter().map(|row| model.contributions(row).1).sum();
    println!("reasons: {:.2} µs (mean {:.3})", micros(started.elapsed()) / rows.len() as f64, sum / rows.len() as f64);
    Ok(())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
