//! Trains Vigie's boosted trees and forust's on the same rows with the same settings, and prints what each finds and takes.
//!
//! Reads what `judge_payments FILE --features OUT` wrote: a line for each row with its fold, whether it is learnt from or judged, the
//! card, whether it is a fraud, and its features.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::time::Instant;

use forust_ml::Matrix;
use forust_ml::constraints::ConstraintMap;
use forust_ml::gradientbooster::GradientBooster;
use forust_ml::objective::ObjectiveType;
use forust_ml::sampler::SampleMethod;
use vigie_domain::Day;
use vigie_fraud::{ScoredPayment, Settings, Table, area_under_roc, average_precision, card_precision, train};

const USAGE: &str = "usage: vigie-compare-trees FEATURES";
/// Cards looked at per day.
const CARD_COUNT: usize = 100;
/// Bins of a feature: as many as Vigie has, and below as many as are usual.
const MANY_BINS: u16 = 4_096;
const BINS: u16 = 255;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Rows that are learnt from, or judged.
#[derive(Default)]
struct Rows {
    features: Vec<Vec<f64>>,
    cards: Vec<u64>,
    days: Vec<Day>,
    labels: Vec<bool>,
}

#[derive(Default)]
struct Fold {
    training: Rows,
    test: Rows,
}

fn main() -> Outcome<()> {
    let path = std::env::args().nth(1).ok_or(USAGE)?;
    let folds = read(&path)?;
    println!("fold        | rows   | learner         | seconds | AUC    | AP     | CP@100");
    let mut sums: BTreeMap<&str, [f64; 4]> = BTreeMap::new();
    for (name, fold) in &folds {
        for (learner, run) in [("Vigie", vigie as Learner), ("forust", forust), ("forust, 4096", forust_of_many_bins)] {
            let started = Instant::now();
            let score = run(&fold.training, &fold.test)?;
            let seconds = score.trained_at.duration_since(started).as_secs_f64();
            let rows = fold.test.labels.iter().enumerate();
            let scored: Vec<ScoredPayment> = rows
                .map(|(row, is_fraud)| ScoredPayment {
                    day: fold.test.days[row],
                    card: fold.test.cards[row],
                    is_fraud: *is_fraud,
                    score: score.scores[row],
                })
                .collect();
            let found =
                [seconds, area_under_roc(&scored), average_precision(&scored), card_precision(&scored, CARD_COUNT)];
            let sum = sums.entry(learner).or_default();
            sum.iter_mut().zip(found).for_each(|(sum, value)| *sum += value / folds.len() as f64);
            print_line(name, fold.training.labels.len(), learner, found);
        }
    }
    for (learner, mean) in sums {
        print_line("mean", 0, learner, mean);
    }
    Ok(())
}

fn print_line(fold: &str, rows: usize, learner: &str, [seconds, auc, precision, cards]: [f64; 4]) {
    println!("{fold:<11} | {rows:>6} | {learner:<15} | {seconds:>7.2} | {auc:.4} | {precision:.4} | {cards:.4}");
}

fn read(path: &str) -> Outcome<BTreeMap<String, Fold>> {
    let mut folds: BTreeMap<String, Fold> = BTreeMap::new();
    for line in BufReader::new(File::open(path)?).lines() {
        let line = line?;
        let values: Vec<&str> = line.split(',').collect();
        let [fold, part, day, card, label, features @ ..] = values.as_slice() else { return Err(USAGE.into()) };
        let fold = folds.entry((*fold).to_owned()).or_default();
        let rows = if *part == "training" { &mut fold.training } else { &mut fold.test };
        rows.features.push(features.iter().map(|value| value.parse()).collect::<Result<_, _>>()?);
        rows.days.push(Day(day.parse()?));
        rows.cards.push(card.parse()?);
        rows.labels.push(*label == "1");
    }
    Ok(folds)
}

struct Scores {
    trained_at: Instant,
    scores: Vec<f64>,
}

type Learner = fn(&Rows, &Rows) -> Outcome<Scores>;

fn vigie(training: &Rows, test: &Rows) -> Outcome<Scores> {
    let mut table = Table::new(training.features.first().map_or(0, Vec::len));
    training.features.iter().for_each(|row| table.push(row));
    let model = train(&table, &training.labels, &Settings::default())?;
    let trained_at = Instant::now();
    Ok(Scores { trained_at, scores: test.features.iter().map(|row| model.log_odds(row)).collect() })
}

fn forust(training: &Rows, test: &Rows) -> Outcome<Scores> {
    boosted(training, test, BINS)
}

fn forust_of_many_bins(training: &Rows, test: &Rows) -> Outcome<Scores> {
    boosted(training, test, MANY_BINS)
}

fn boosted(training: &Rows, test: &Rows, bins: u16) -> Outcome<Scores> {
    let settings = Settings::default();
    let (data, labels) = (by_column(training), training.labels.iter().map(|label| f64::from(u8::from(*label))));
    let labels: Vec<f64> = labels.collect();
    let columns = training.features.first().map_or(0, Vec::len);
    let mut model = GradientBooster::default()
        .set_objective_type(ObjectiveType::LogLoss)
        .set_iterations(settings.tree_count)
        .set_learning_rate(settings.learning_rate as f32)
        .set_max_depth(settings.leaves_max)
        .set_max_leaves(settings.leaves_max)
        .set_nbins(bins)
        .set_l2(settings.leaf_penalty as f32)
        .set_min_leaf_weight(1.0)
        .set_sample_method(SampleMethod::Random)
        .set_subsample(settings.row_share as f32)
        .set_colsample_bytree(settings.feature_share)
        .set_initialize_base_score(true)
        .set_monotone_constraints(None::<ConstraintMap>)
        .set_seed(settings.seed);
    model.fit_unweighted(&Matrix::new(&data, labels.len(), columns), &labels, None)?;
    let trained_at = Instant::now();
    let data = by_column(test);
    Ok(Scores { trained_at, scores: model.predict(&Matrix::new(&data, test.labels.len(), columns), true) })
}

fn by_column(rows: &Rows) -> Vec<f64> {
    let columns = rows.features.first().map_or(0, Vec::len);
    (0..columns).flat_map(|column| rows.features.iter().map(move |row| row[column])).collect()
}
