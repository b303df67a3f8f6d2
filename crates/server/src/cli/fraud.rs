//! `vigie fraud`: what rules and models are worth, measured on events that say which of them are attacks.

mod backtest;
mod evaluate;
mod source;
mod train;

use clap::{Args, Subcommand};
use vigie_fraud::rules::{BUILTIN_RULES, Builtin, RuleSet};

use super::{Console, Failure, Outcome};
use crate::config::Settings;

/// What about fraud detection.
#[derive(Debug, Args)]
pub(super) struct FraudArguments {
    #[command(subcommand)]
    action: FraudAction,
}

#[derive(Debug, Subcommand)]
enum FraudAction {
    /// Judge labelled events and say which attacks were found.
    #[command(after_help = evaluate::EXAMPLES)]
    Evaluate(evaluate::EvaluateArguments),
    /// Try rules on labelled events and say what they would have done.
    #[command(after_help = backtest::EXAMPLES)]
    Backtest(backtest::BacktestArguments),
    /// Train a model on labelled events and say how good it is.
    #[command(after_help = train::EXAMPLES)]
    Train(train::TrainArguments),
}

pub(super) fn run(
    arguments: &FraudArguments,
    settings: &Settings,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    match &arguments.action {
        FraudAction::Evaluate(arguments) => evaluate::run(arguments, settings, console),
        FraudAction::Backtest(arguments) => backtest::run(arguments, settings, console),
        FraudAction::Train(arguments) => train::run(arguments, settings, console),
    }
}

/// The rules that every shop begins with, with the thresholds of the settings.
fn builtin_rules(settings: &Settings) -> Result<RuleSet, Failure> {
    let definitions = BUILTIN_RULES.iter().map(Builtin::definition).collect();
    RuleSet::new(definitions, settings.fraud.thresholds()).map_err(|error| Failure::failed(error.to_string()))
}
