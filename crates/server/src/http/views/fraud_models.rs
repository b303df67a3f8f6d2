//! Models of fraud detection, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vigie_app::fraud::{JobState, ModelVersion, TrainingStatus};
use vigie_domain::{Error, Result};
use vigie_fraud::learning::{Gain, Learner, Quality};

use super::fraud_backtest::ProgressView;

/// What a model is trained on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainRequest {
    /// First instant of the payments: RFC 3339 or such as `now-90d`; 90 days ago when left out.
    #[schema(example = "now-90d")]
    pub from: Option<String>,
    /// First instant past them; now when left out.
    pub to: Option<String>,
    /// `trees` learns from payments that are labelled; `tails` needs no label, and finds what is far from usual. `trees` when left out.
    #[schema(example = "trees")]
    pub learner: Option<String>,
}

impl TrainRequest {
    /// How the model is to learn.
    ///
    /// # Errors
    /// `Invalid` for a learner that there is not.
    pub fn learner(&self) -> Result<Learner> {
        let Some(name) = &self.learner else { return Ok(Learner::default()) };
        Learner::named(name).ok_or_else(|| {
            let words = format!("\"{name}\" is no learner; choose \"trees\" (of labels) or \"tails\" (without)");
            Error::invalid_field("learner", words)
        })
    }
}

/// What a model is to do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleRequest {
    /// `active` (its points count), `challenger` (it judges in shadow) or `idle`.
    #[schema(example = "challenger")]
    pub role: String,
}

/// A training as it is at this moment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudTraining)]
pub struct TrainingView {
    /// Names it.
    pub id: String,
    /// `running`, `done`, `failed` or `cancelled`.
    pub state: &'static str,
    /// How far it is.
    pub progress: ProgressView,
    /// Why it failed.
    pub error: Option<String>,
    /// The model, once it is trained.
    pub model: Option<ModelView>,
}

/// Models.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudModels)]
pub struct ModelsView {
    /// The newest first.
    pub models: Vec<ModelView>,
}

/// A model and how it was judged.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudModel)]
pub struct ModelView {
    /// 1 for the first.
    pub version: u64,
    /// `active`, `challenger` or `idle`.
    pub role: &'static str,
    /// Who had it trained.
    pub trained_by: String,
    /// When.
    #[schema(format = DateTime)]
    pub trained_at: String,
    /// Who gave it its role.
    pub role_by: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    pub role_at: Option<String>,
    /// How it was judged.
    pub report: TrainingReportView,
}

/// What a model learnt from and how it was judged.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudTrainingReport)]
pub struct TrainingReportView {
    /// `trees` learnt from labels, `tails` without.
    pub learner: &'static str,
    /// Payments that were learnt from.
    pub training_count: u64,
    /// Those that were known as fraud when the test begins.
    pub training_fraud_count: u64,
    /// When the test begins: everything in it is newer than what was learnt.
    #[schema(format = DateTime)]
    pub test_from: String,
    /// Payments that the model was judged by.
    pub test_count: u64,
    /// Those that are labelled as fraud.
    pub test_fraud_count: u64,
    /// Of the model; null when no payment of the test is labelled as fraud.
    pub model: Option<QualityView>,
    /// Of the rules in force, on the same payments.
    pub rules: Option<QualityView>,
    /// Over what judged when it was trained; null where too few frauds tell.
    pub gain: Option<GainView>,
    /// Payments of the test that the model has somebody look at or refuses.
    pub flagged_count: u64,
    /// Those of them that are labelled as fraud.
    pub flagged_fraud_count: u64,
    /// What each signal weighs, the heaviest first.
    pub weights: Vec<WeightView>,
}

/// How well scores tell frauds from good payments.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudModelQuality)]
pub struct QualityView {
    /// The chance that a fraud has a higher score than a good payment.
    pub area_under_roc: f64,
    /// The mean precision over all frauds.
    pub average_precision: f64,
    /// The share of cards with a fraud among the 100 with the highest score of a day.
    pub card_precision_100: f64,
}

/// What a model gains over what judges.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudModelGain)]
pub struct GainView {
    /// The version of the model that judged; null: the rules alone did.
    pub over: Option<u64>,
    /// By how much its average precision is greater, as mean over parts of the test.
    pub mean: f64,
    /// The standard deviation of that from part to part.
    pub deviation: f64,
    /// Whether it is more than that.
    pub is_clear: bool,
}

/// What a signal weighs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudModelWeight)]
pub struct WeightView {
    /// The signal.
    pub signal: String,
    /// What it adds to the suspicion (of `trees` the log of the odds, of `tails` −ln of the chance) on average, regardless of sign.
    pub weight: f64,
}

impl From<TrainingStatus> for TrainingView {
    fn from(status: TrainingStatus) -> Self {
        let progress = ProgressView { read: status.read_count, total: status.total_count };
        let (state, error, model) = match status.state {
            JobState::Running => ("running", None, None),
            JobState::Done(model) => ("done", None, Some(ModelView::from(model.as_ref().clone()))),
            JobState::Failed(error) => ("failed", Some(error.message), None),
            JobState::Cancelled => ("cancelled", None, None),
        };
        Self { id: status.id, state, progress, error, model }
    }
}

impl From<ModelVersion> for ModelView {
    fn from(model: ModelVersion) -> Self {
        let report = model.report;
        let weight = |(signal, weight): (String, f64)| WeightView { signal, weight };
        Self {
            version: model.version,
            role: model.role.as_str(),
            trained_by: model.trained_by,
            trained_at: model.trained_at.to_string(),
            role_by: model.role_by,
            role_at: model.role_at.map(|at| at.to_string()),
            report: TrainingReportView {
                learner: report.learner.as_str(),
                training_count: report.training_count,
                training_fraud_count: report.training_fraud_count,
                test_from: report.test_from.to_string(),
                test_count: report.test_count,
                test_fraud_count: report.test_fraud_count,
                model: report.model.map(QualityView::from),
                rules: report.rules.map(QualityView::from),
                gain: report.gain.map(GainView::from),
                flagged_count: report.flagged_count,
                flagged_fraud_count: report.flagged_fraud_count,
                weights: report.weights.into_iter().map(weight).collect(),
            },
        }
    }
}

impl From<Gain> for GainView {
    fn from(gain: Gain) -> Self {
        let Gain { over, mean, deviation } = gain;
        Self { over, mean, deviation, is_clear: gain.is_clear() }
    }
}

impl From<Quality> for QualityView {
    fn from(quality: Quality) -> Self {
        let Quality { area_under_roc, average_precision, card_precision } = quality;
        Self { area_under_roc, average_precision, card_precision_100: card_precision }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_learner_is_named_or_refused() {
        let asked = |body: &str| serde_json::from_str::<TrainRequest>(body).unwrap().learner();
        assert_eq!(asked("{}").unwrap(), Learner::Trees);
        assert_eq!(asked(r#"{"learner":"tails"}"#).unwrap(), Learner::Tails);
        let error = asked(r#"{"learner":"forest"}"#).unwrap_err();
        assert!(error.message.contains("\"forest\" is no learner; choose \"trees\""), "{error}");
    }
}
