//! Models as people train and choose them: every version is kept with its report, one judges, one may be tried in shadow.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Semaphore};
use vigie_domain::ports::{Document, FindRequest, LogStore, MetadataStore};
use vigie_domain::{Error, ErrorKind, Result, Scope, TimeRange, Timestamp};
use vigie_fraud::learning::{Learner, LearningError, Lessons, LiveModel, Trained, TrainingReport};
use vigie_fraud::scoring::Models;
use vigie_fraud::{Settings, import_xgboost};

use super::FraudDetection;
use super::jobs::{JobStatus, Jobs, Progress, RETRY_AFTER_S};
use super::past::shown;
use crate::Clock;
use crate::accounts::Caller;
use crate::records::{encoded, of_main_tenant, record_of};

/// Where models are kept; the id of one is its version.
const MODELS: &str = "fraud_models";
/// Models that are kept.
const MODELS_MAX: usize = 50;
/// How often a version is chosen anew that somebody else took.
const TRIES_MAX: usize = 5;

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelRole {
    /// Its points count.
    Active,
    /// It judges in shadow.
    Challenger,
    /// Nothing.
    Idle,
}

impl ModelRole {
    /// As answers have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Challenger => "challenger",
            Self::Idle => "idle",
        }
    }

    /// The role of that name.
    ///
    /// # Errors
    /// `Invalid` for any other name.
    pub fn named(name: &str) -> Result<Self> {
        [Self::Active, Self::Challenger, Self::Idle].into_iter().find(|role| role.as_str() == name).ok_or_else(|| {
            let words =
                format!("\"{name}\" is nothing that a model does; choose \"active\", \"challenger\" or \"idle\"");
            Error::invalid_field("role", words)
        })
    }
}

/// A model as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    tenant: String,
    /// What people see of it.
    about: ModelVersion,
    /// The model, as text.
    model: String,
}

/// What people see of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelVersion {
    /// 1 for the first.
    pub version: u64,
    /// What it does.
    pub role: ModelRole,
    /// How it was judged.
    pub report: TrainingReport,
    /// Who had it trained.
    pub trained_by: String,
    /// When.
    pub trained_at: Timestamp,
    /// Who gave it its role.
    pub role_by: Option<String>,
    /// When.
    pub role_at: Option<Timestamp>,
}

/// A training as it is at this moment.
pub type TrainingStatus = JobStatus<ModelVersion>;

/// Trains and keeps models.
pub struct ModelBook {
    logs: Arc<dyn LogStore>,
    metadata: Arc<dyn MetadataStore>,
    detection: Arc<FraudDetection>,
    clock: Clock,
    jobs: Jobs<ModelVersion>,
    /// One at a time: it reads much.
    tables: Semaphore,
    /// One change at a time: what judges is what is kept.
    changing: Arc<Mutex<()>>,
    /// Whether a model that is clearly better than what judges is put in force by itself.
    promotes: bool,
}

/// Who gives a model its role when nobody does.
const AUTO_PROMOTION: &str = "auto-promotion";

impl ModelBook {
    /// Of this detection, kept there.
    pub fn new(
        (logs, metadata): (Arc<dyn LogStore>, Arc<dyn MetadataStore>),
        detection: Arc<FraudDetection>,
        clock: Clock,
    ) -> Self {
        let (jobs, tables, changing) = (Jobs::new("training"), Semaphore::new(1), Arc::default());
        Self { logs, metadata, detection, clock, jobs, tables, changing, promotes: false }
    }

    /// One that puts models in force by itself that were trained here and are clearly better than what judges, if so said.
    #[must_use]
    pub fn promoting(self, promotes: bool) -> Self {
        Self { promotes, ..self }
    }

    /// Begins to train a model on the payments of a range. It is kept when it is trained, and does nothing until somebody
    /// says so.
    ///
    /// # Errors
    /// `Conflict` when there are as many models as may be; `Throttled` when another training is under way.
    pub async fn train(&self, caller: &Caller, range: TimeRange, learner: Learner) -> Result<TrainingStatus> {
        self.begin(caller, range, move |lessons| lessons.train(learner, &Settings::default())).await
    }

    /// Begins to judge a model of XGBoost, as JSON, by the payments of a range. It is kept with its report, as one that was trained here.
    ///
    /// # Errors
    /// `Invalid` when the text is no such model; else as `train`.
    pub async fn import(&self, caller: &Caller, range: TimeRange, model: Bytes) -> Result<TrainingStatus> {
        let read = tokio::task::spawn_blocking(move || import_xgboost(&model)).await;
        let imported = read.map_err(|error| Error::internal(format!("reading a model stopped: {error}")))?;
        let imported = imported.map_err(|error| Error::invalid(error.to_string()))?;
        self.begin(caller, range, move |lessons| lessons.judge(imported)).await
    }

    async fn begin(
        &self,
        caller: &Caller,
        range: TimeRange,
        learn: impl FnOnce(Lessons) -> std::result::Result<Trained, LearningError> + Send + 'static,
    ) -> Result<TrainingStatus> {
        if all(self.metadata.as_ref()).await?.len() >= MODELS_MAX {
            let words = format!("there are {MODELS_MAX} models, as many as there may be; delete one first");
            return Err(Error::new(ErrorKind::Conflict, words));
        }
        let lessons = self.lessons(range);
        let (logs, metadata, clock) = (Arc::clone(&self.logs), Arc::clone(&self.metadata), Arc::clone(&self.clock));
        let trained_by = caller.username.clone();
        let (roles, promotes) = (self.roles(), self.promotes);
        self.jobs.begin(range, |progress| async move {
            let lessons = shown(lessons, (logs.as_ref(), metadata.as_ref()), range, &progress).await?;
            let training = tokio::task::spawn_blocking(move || learn(lessons));
            let trained = training.await.map_err(|error| Error::internal(format!("training stopped: {error}")))?;
            let trained = trained.map_err(|error| Error::invalid(error.to_string()))?;
            let added = added(metadata.as_ref(), trained, (trained_by, clock())).await?;
            Ok(if promotes { roles.promote(added, clock()).await } else { added })
        })
    }

    pub(super) fn roles(&self) -> Roles {
        let (metadata, detection) = (Arc::clone(&self.metadata), Arc::clone(&self.detection));
        Roles { metadata, detection, changing: Arc::clone(&self.changing) }
    }

    fn lessons(&self, range: TimeRange) -> Lessons {
        let state = self.detection.state();
        let (rules, active) = (Arc::clone(state.scorer.rules()), state.scorer.models().active.clone());
        Lessons::new(rules, range, self.detection.settings.bounds).beside(active)
    }

    /// What models learn from, of the payments of a range: read for those who train elsewhere.
    ///
    /// # Errors
    /// `Throttled` when another such table is being made; `Invalid` when there are too many payments; what the stores answer.
    pub async fn signals(&self, range: TimeRange) -> Result<Lessons> {
        let _one_at_a_time = self.tables.try_acquire().map_err(|_| {
            let words = "another table of signals is being made; try again when it is there";
            Error::new(ErrorKind::Throttled, words).with_retry_after_s(RETRY_AFTER_S)
        })?;
        let stores = (self.logs.as_ref(), self.metadata.as_ref());
        let lessons = shown(self.lessons(range), stores, range, &Progress::default()).await?;
        lessons.check().map_err(|error| Error::invalid(error.to_string()))?;
        Ok(lessons)
    }

    /// How far a training is.
    ///
    /// # Errors
    /// `NotFound` when there is none of that id.
    pub fn training(&self, id: &str) -> Result<TrainingStatus> {
        self.jobs.get(id)
    }

    /// Gives a training up; one that has ended stays as it is.
    ///
    /// # Errors
    /// `NotFound` when there is none of that id.
    pub fn cancel(&self, id: &str) -> Result<TrainingStatus> {
        self.jobs.cancel(id)
    }

    /// All models, the newest first.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn models(&self) -> Result<Vec<ModelVersion>> {
        let kept = all(self.metadata.as_ref()).await?;
        Ok(kept.into_iter().rev().map(|(kept, _)| kept.about).collect())
    }

    /// Gives a model its role, at once; whoever had it before is idle then.
    ///
    /// # Errors
    /// `NotFound` when there is no such version.
    pub async fn assign(&self, caller: &Caller, version: u64, role: ModelRole) -> Result<ModelVersion> {
        self.roles().assign((version, role), (&caller.username, (self.clock)())).await
    }

    /// Deletes a model that does nothing.
    ///
    /// # Errors
    /// `NotFound` when there is no such version; `Conflict` when it judges.
    pub async fn delete(&self, version: u64) -> Result<ModelVersion> {
        let _one_at_a_time = self.changing.lock().await;
        let about = self.model(version).await?;
        if about.role != ModelRole::Idle {
            let words = format!("model {version} is {}; give it the role \"idle\" first", about.role.as_str());
            return Err(Error::new(ErrorKind::Conflict, words));
        }
        self.metadata.delete(MODELS, &id_of(version)).await?;
        Ok(about)
    }

    /// One model.
    ///
    /// # Errors
    /// `NotFound` when there is no such version.
    pub async fn model(&self, version: u64) -> Result<ModelVersion> {
        let document = self.metadata.get(MODELS, &id_of(version)).await?.ok_or_else(|| unknown(version))?;
        Ok(record_of::<Kept>(MODELS, document)?.about)
    }
}

/// Gives models their roles.
pub(super) struct Roles {
    metadata: Arc<dyn MetadataStore>,
    detection: Arc<FraudDetection>,
    changing: Arc<Mutex<()>>,
}

impl Roles {
    async fn assign(&self, chosen: (u64, ModelRole), by: (&str, Timestamp)) -> Result<ModelVersion> {
        let _one_at_a_time = self.changing.lock().await;
        self.assign_alone(chosen, by).await
    }

    /// Puts a model in force that gains clearly, unless something else judges by now than what it was compared with.
    pub(super) async fn promote(&self, model: ModelVersion, now: Timestamp) -> ModelVersion {
        let _one_at_a_time = self.changing.lock().await;
        let active = self.detection.state().scorer.models().active.as_ref().map(|(version, _)| *version);
        let is_better = model.report.gain.is_some_and(|gain| gain.is_clear() && gain.over == active);
        if !is_better {
            return model;
        }
        let version = model.version;
        match self.assign_alone((version, ModelRole::Active), (AUTO_PROMOTION, now)).await {
            Ok(promoted) => {
                tracing::info!(version, "a fraud model is clearly better than what judged, and judges now");
                promoted
            }
            // It is trained and kept all the same.
            Err(error) => {
                tracing::error!(version, %error, "a fraud model that is clearly better cannot be put in force");
                model
            }
        }
    }

    /// While nobody else changes roles.
    async fn assign_alone(
        &self,
        (version, role): (u64, ModelRole),
        (by, now): (&str, Timestamp),
    ) -> Result<ModelVersion> {
        let mut assigned = None;
        for (mut kept, revision) in all(self.metadata.as_ref()).await? {
            let about = &mut kept.about;
            let next = if about.version == version {
                role
            } else if about.role == role && role != ModelRole::Idle {
                ModelRole::Idle
            } else {
                continue;
            };
            if about.role != next {
                about.role = next;
                (about.role_by, about.role_at) = (Some(by.to_owned()), Some(now));
                self.metadata.replace(MODELS, &id_of(about.version), revision, encoded(&kept)?).await?;
            }
            if kept.about.version == version {
                assigned = Some(kept.about);
            }
        }
        let assigned = assigned.ok_or_else(|| unknown(version))?;
        self.detection.recall_models(self.metadata.as_ref()).await?;
        Ok(assigned)
    }
}

impl FraudDetection {
    /// Lets the models judge that people chose.
    pub(super) async fn recall_models(&self, metadata: &dyn MetadataStore) -> Result<()> {
        let mut models = Models::default();
        for (kept, _) in all(metadata).await? {
            let place = match kept.about.role {
                ModelRole::Active => &mut models.active,
                ModelRole::Challenger => &mut models.challenger,
                ModelRole::Idle => continue,
            };
            let version = kept.about.version;
            match LiveModel::from_json(&kept.model) {
                Ok(model) => *place = Some((version, Arc::new(model))),
                // Rules still judge; a model of another version of Vigie must not keep payments out.
                Err(error) => tracing::error!(version, %error, "a fraud model cannot judge and is left out"),
            }
        }
        self.state().scorer.set_models(models);
        Ok(())
    }
}

/// Keeps a model as the next version.
async fn added(metadata: &dyn MetadataStore, trained: Trained, by: (String, Timestamp)) -> Result<ModelVersion> {
    let model = trained.model.to_json().map_err(|error| Error::internal(error.to_string()))?;
    let (trained_by, trained_at) = by;
    for _ in 0..TRIES_MAX {
        let newest = all(metadata).await?.last().map_or(0, |(kept, _)| kept.about.version);
        let about = ModelVersion {
            version: newest + 1,
            role: ModelRole::Idle,
            report: trained.report.clone(),
            trained_by: trained_by.clone(),
            trained_at,
            role_by: None,
            role_at: None,
        };
        let kept = Kept { tenant: Scope::MAIN_TENANT.to_owned(), about: about.clone(), model: model.clone() };
        match metadata.insert(MODELS, &id_of(about.version), encoded(&kept)?, &[]).await {
            Ok(_) => return Ok(about),
            Err(error) if error.kind == ErrorKind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(ErrorKind::Conflict, "others train models at the same time; train it again"))
}

/// All models with their revisions, the oldest first.
async fn all(metadata: &dyn MetadataStore) -> Result<Vec<(Kept, u64)>> {
    let request = FindRequest { filters: vec![of_main_tenant()], limit: MODELS_MAX + TRIES_MAX, after: None };
    let read = |document: Document| {
        let revision = document.revision;
        record_of::<Kept>(MODELS, document).map(|kept| (kept, revision))
    };
    let mut kept = metadata.find(MODELS, &request).await?.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    kept.sort_by_key(|(kept, _)| kept.about.version);
    Ok(kept)
}

fn id_of(version: u64) -> String {
    format!("model-{version}")
}

fn unknown(version: u64) -> Error {
    Error::not_found(format!("there is no model {version}"))
}
