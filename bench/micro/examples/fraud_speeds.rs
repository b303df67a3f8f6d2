//! What judging payments costs in one process: `bench/run.sh fraud-speeds`.
//!
//! Memory with more and more keys, single decisions (signals, 50 rules, a model, reasons when flagged), rules tried on 1.75 million payments, and
//! training. Prints each beside its target; of those that are named, if any is: `memory decisions backtests trainings`.

#![allow(clippy::print_stdout)]

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vigie_domain::fraud::features::Bounds;
use vigie_domain::{Event, EventBatch, LogType, Object, TimeRange, Timestamp, Value};
use vigie_fraud::backtest::{Backtest, Trial};
use vigie_fraud::learning::{Learner, Lessons, LiveModel};
use vigie_fraud::rules::{BUILTIN_RULES, Builtin, RuleDefinition, RuleSet, Thresholds};
use vigie_fraud::scoring::{Models, Scorer};
use vigie_fraud::stream::{Activity, ActivityReader, Told};
use vigie_fraud::{Settings, Table, train};

/// As the settings have them.
const BOUNDS: Bounds = Bounds { keys_max: 200_000, kept_max: 200 };
/// Payments of a backtest.
const TRIED: u64 = 1_750_000;
/// Payments that decisions are timed on, behind those that warm the windows.
const TIMED: u64 = 100_000;
const BATCH: u64 = 5_000;
/// One payment in so many is a fraud.
const FRAUD_EVERY: u64 = 200;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
type Part = fn() -> Outcome<()>;

fn main() -> Outcome<()> {
    println!("{:<58} {:>14} {:>20}", "", "measured", "must (aim)");
    let named: Vec<String> = std::env::args().skip(1).collect();
    // Memory first, while the process has nothing else in it.
    let parts: [(&str, Part); 4] =
        [("memory", memory), ("decisions", decisions), ("backtests", backtests), ("trainings", trainings)];
    if let Some(unknown) = named.iter().find(|name| !parts.iter().any(|(known, _)| known == name)) {
        return Err(
            format!("there is no \"{unknown}\"; name some of memory, decisions, backtests and trainings").into()
        );
    }
    let meant = parts.into_iter().filter(|(name, _)| named.is_empty() || named.iter().any(|meant| meant == name));
    meant.map(|(_, run)| run()).try_for_each(|outcome| outcome)
}

fn say(what: &str, measured: &str, asked: &str) {
    println!("{what:<58} {measured:>14} {asked:>20}");
}

/// A payment of a shop with a twentieth as many customers as payments; frauds are large.
fn payment(number: u64, users: u64) -> Event {
    let user = number.wrapping_mul(7_919) % users;
    let amount = if number.is_multiple_of(FRAUD_EVERY) { 400 + number % 300 } else { 5 + number % 90 };
    let text = |text: String| Value::text(text);
    let body: Object = vec![
        ("transaction_id".into(), text(format!("tx-{number}"))),
        ("amount".into(), Value::Int(amount.cast_signed())),
        ("currency".into(), text("EUR".to_owned())),
        ("status".into(), text(if number.is_multiple_of(40) { "declined" } else { "completed" }.to_owned())),
        ("user_id".into(), text(format!("u-{user}"))),
        ("card_hash".into(), text(format!("c-{user}"))),
        ("card_bin".into(), text(format!("49{}", 1_000 + user % 100))),
        ("device_id".into(), text(format!("d-{user}"))),
        ("client_ip".into(), text(format!("90.{}.{}.{}", user % 250, (user / 250) % 250, (user / 62_500) % 250))),
        ("ip_country".into(), text("FR".to_owned())),
        ("card_country".into(), text("FR".to_owned())),
        ("email_domain".into(), text("mail.example".to_owned())),
        ("email_hash".into(), text(format!("e-{user}"))),
        ("merchant_id".into(), text(format!("m-{}", number % 50))),
    ];
    let timestamp = Timestamp::from_seconds(1_795_392_000 + number.cast_signed());
    Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Transaction, body }
}

/// Calls `take` with payments, some at a time; what it costs to make and read them is not counted.
fn for_each(numbers: std::ops::Range<u64>, users: u64, mut take: impl FnMut(&[Told<'_>])) -> Duration {
    let (mut reader, mut spent, mut next) = (ActivityReader::default(), Duration::ZERO, numbers.start);
    while next < numbers.end {
        let until = (next + BATCH).min(numbers.end);
        let mut batch = EventBatch::default();
        (next..until).for_each(|number| batch.push(&payment(number, users)));
        let activities = batch.rows().filter_map(|row| reader.read(&row)).zip(next..until);
        let told: Vec<Told<'_>> = activities
            .map(|(activity, number)| {
                let known_at = fraud_known_at(&activity, number);
                (activity, known_at)
            })
            .collect();
        let started = Instant::now();
        take(&told);
        spent += started.elapsed();
        next = until;
    }
    spent
}

/// The rules that every shop begins with, and others up to that many.
fn rules(count: usize) -> Vec<RuleDefinition> {
    let mut rules: Vec<RuleDefinition> = BUILTIN_RULES.iter().map(Builtin::definition).collect();
    for number in rules.len()..count {
        let expression =
            format!("user.count_1h >= {number} && device.card_count_24h > 3 && transaction.amount > {number}.5");
        rules.push(RuleDefinition {
            reason_en: "{user.count_1h} payments".to_owned(),
            reason_fr: "{user.count_1h} paiements".to_owned(),
            ..RuleDefinition::draft(&format!("own_{number}"), &expression, 10)
        });
    }
    rules
}

fn fraud_known_at(activity: &Activity<'_>, number: u64) -> Option<Timestamp> {
    number.is_multiple_of(FRAUD_EVERY).then_some(activity.at)
}

fn model() -> Outcome<LiveModel> {
    let rules = RuleSet::new(rules(0), Thresholds::default())?;
    let mut lessons = Lessons::new(Arc::new(rules), TimeRange::ALL, BOUNDS);
    for_each(0..60_000, 3_000, |told| lessons.take(told));
    Ok(lessons.train(Learner::Trees, &Settings::default())?.model)
}

fn decisions() -> Outcome<()> {
    let mut scorer = Scorer::new(BOUNDS, Arc::new(RuleSet::new(rules(50), Thresholds::default())?));
    scorer.set_models(Models { active: Some((1, Arc::new(model()?))), challenger: None });
    let warm = 4 * TIMED;
    for_each(0..warm, 20_000, |told| told.iter().for_each(|(activity, _)| drop(scorer.score(activity))));
    let mut times = Vec::with_capacity(TIMED as usize);
    for_each(warm..warm + TIMED, 20_000, |told| {
        for (activity, _) in told {
            let started = Instant::now();
            drop(scorer.score(activity));
            times.push(started.elapsed());
        }
    });
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    say("decision, 50 rules and a model: p50", &format!("{:.1} µs", at(0.5)), "150 (40) µs");
    say("decision, 50 rules and a model: p99", &format!("{:.1} µs", at(0.99)), "1,000 (300) µs");
    Ok(())
}

fn backtests() -> Outcome<()> {
    let one = || vec![rules(22).swap_remove(21)];
    let with_shop = "beside the rules of every shop";
    let all = || rules(50).split_off(BUILTIN_RULES.len());
    for (what, in_force, drafts, asked) in [
        ("one rule on 1.75 M payments".to_owned(), Vec::new(), one(), "2 s"),
        (format!("one rule, {with_shop}"), rules(0), one(), ""),
        (format!("50 rules in all, {with_shop}"), rules(0), all(), "10 (3) s"),
    ] {
        let (lists, thresholds, range) = (Arc::default(), Thresholds::default(), TimeRange::ALL);
        let mut backtest = Backtest::new(Trial { in_force, drafts, lists, thresholds, range }, BOUNDS)?;
        let spent = for_each(0..TRIED, 87_500, |told| backtest.take(told));
        let report = backtest.into_report();
        let hits: u64 = report.rules.iter().map(|trial| trial.total.hit_count).sum();
        say(&format!("{what} ({hits} hits)"), &format!("{:.1} s", spent.as_secs_f64()), asked);
    }
    Ok(())
}

fn trainings() -> Outcome<()> {
    for (rows, features, asked) in [(67_000_u64, 23_u64, "1 s"), (575_000, 19, "15 s")] {
        let mut table = Table::new(features as usize);
        let mut labels = Vec::with_capacity(rows as usize);
        // A linear congruential generator (Knuth, MMIX): values need only differ.
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(u32::MAX >> 1)
        };
        for _ in 0..rows {
            let row: Vec<f64> = (0..features).map(|_| next()).collect();
            labels.push(row[0] + row[1] > 1.8 && next() > 0.5);
            table.push(&row);
        }
        let started = Instant::now();
        train(&table, &labels, &Settings::default())?;
        let spent = started.elapsed().as_secs_f64();
        say(&format!("training on {rows} rows of {features} features"), &format!("{spent:.1} s"), asked);
    }
    Ok(())
}

fn memory() -> Outcome<()> {
    let mut scorer = Scorer::new(BOUNDS, Arc::new(RuleSet::new(rules(0), Thresholds::default())?));
    let mut next = 0;
    for millions in [1_u64, 2, 5, 10] {
        let until = millions * 1_000_000;
        // Each payment has a customer, a card, a device and an e-mail of its own.
        for_each(next..until, u64::MAX, |told| told.iter().for_each(|(activity, _)| drop(scorer.score(activity))));
        next = until;
        say(
            &format!("memory after {millions} M customers, cards and devices"),
            &format!("{} MB", resident_mb()?),
            "flat from 5 M",
        );
    }
    Ok(())
}

fn resident_mb() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).ok_or("no VmRSS")?.parse()?;
    Ok(kilobytes / 1024)
}
