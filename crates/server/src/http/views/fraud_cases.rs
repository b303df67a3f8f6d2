//! Cases of fraud and what people found, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vigie_app::fraud::{
    Around, Case, CaseChange, CaseOutcome, Escalation, Label, LabelReport, Note, SPANS, SpanCount, Velocity,
};
use vigie_app::listing::Listed;
use vigie_domain::time::parse_expression;
use vigie_domain::{Error, Result, Timestamp};

use super::events::HitView;
use super::fraud::DecisionView;
use super::parameters::said;
use crate::http::error::Problem;

/// A case: a payment that somebody is to look at, and what people did about it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudCase)]
pub struct CaseView {
    /// Names the case; the same as that of the decision.
    #[schema(example = "fraud-tx-4711")]
    pub case_id: String,
    /// What Vigie said.
    pub decision: DecisionView,
    /// `open`, `taken` or `closed`.
    #[schema(example = "taken")]
    pub state: &'static str,
    /// Who holds or closed it.
    pub holder: Option<String>,
    /// Since when somebody holds it.
    #[schema(format = DateTime)]
    pub taken_at: Option<String>,
    /// What was found: `confirmed`, `valuable` or `false_positive`.
    pub outcome: Option<&'static str>,
    /// When.
    #[schema(format = DateTime)]
    pub closed_at: Option<String>,
    /// When somebody is to have closed it: the payment and `fraud.case_due_hours`.
    #[schema(format = DateTime)]
    pub due_at: String,
    /// Until then it is in no queue but that of snoozed cases.
    #[schema(format = DateTime)]
    pub snoozed_until: Option<String>,
    /// Why somebody who may change rules is to decide it, or did.
    pub escalation: Option<EscalationView>,
    /// What was written, the oldest first.
    pub notes: Vec<NoteView>,
    /// Words that people find it by, in order.
    #[schema(example = json!(["chargeback"]))]
    pub tags: Vec<String>,
}

/// What somebody wrote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudNote)]
pub struct NoteView {
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who.
    pub by: String,
    /// What.
    pub text: String,
}

/// A case that was too much for who looked at it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudEscalation)]
pub struct EscalationView {
    /// Since when.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who says so.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What lies around the payment of a case.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudAround)]
pub struct AroundView {
    /// How often what the payment names paid before.
    pub velocities: Vec<VelocityView>,
    /// Events of the same customer, card, device or address within a day, the oldest first; the payment's own among them.
    pub events: Vec<HitView>,
    /// Whether there are earlier ones that are not shown.
    pub has_earlier: bool,
    /// Whether there are later ones.
    pub has_later: bool,
}

/// How often something paid.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudVelocity)]
pub struct VelocityView {
    /// `user`, `card`, `device`, `ip` or `email`.
    pub kind: &'static str,
    /// Which.
    pub value: String,
    /// By the time before the payment, the shortest first.
    pub spans: Vec<VelocitySpanView>,
}

/// Payments of a span of time that ends with the payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudVelocitySpan)]
pub struct VelocitySpanView {
    /// How long: `10m`, `1h`, `24h` or `7d`.
    #[schema(example = "1h")]
    pub span: &'static str,
    /// How many there were, the payment of the case included.
    pub payment_count: u64,
    /// How many of them were refused.
    pub declined_count: u64,
}

/// Cases.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudCases)]
pub struct CasesView {
    /// The newest payment first.
    pub cases: Vec<CaseView>,
    /// Asks for the next page; null on the last. A page may be short, or empty, although there is another.
    pub next_cursor: Option<String>,
}

/// Something to write down.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteRequest {
    /// What, up to 4,000 bytes.
    pub text: String,
}

/// Why a case is left to somebody else.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalateRequest {
    /// Why, up to 4,000 bytes.
    #[schema(example = "the same card paid in four shops")]
    pub reason: String,
}

/// Tags to put on and to take off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagsRequest {
    /// Those that the case gets: letters, digits, spaces, `-`, `_`, `.` and `:`, up to 40; kept in small letters. A case has 20 at most.
    #[serde(default)]
    #[schema(example = json!(["chargeback"]))]
    pub add: Vec<String>,
    /// Those that it loses.
    #[serde(default)]
    pub remove: Vec<String>,
}

/// Until when nobody is to look.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SnoozeRequest {
    /// RFC 3339, or such as `now+7d`, at most 180 days; when left out, the case is back at once.
    #[schema(example = "now+7d")]
    pub until: Option<String>,
}

impl SnoozeRequest {
    /// The time asked for, at `now`.
    ///
    /// # Errors
    /// `Invalid` when it cannot be read.
    pub fn into_time(self, now: Timestamp) -> Result<Option<Timestamp>> {
        let read = |text: String| {
            parse_expression(&text, now).map_err(|error| Error::invalid_field("until", error.to_string()))
        };
        said(self.until).map(read).transpose()
    }
}

/// What was found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeRequest {
    /// `confirmed`, `valuable` or `false_positive`.
    #[schema(example = "confirmed")]
    pub outcome: String,
}

/// What is done with several cases.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeCasesRequest {
    /// Names the cases, 1 to 200.
    #[schema(example = json!(["fraud-tx-4711", "fraud-tx-4712"]))]
    pub ids: Vec<String>,
    /// `take`, `release` or `close`.
    #[schema(example = "close")]
    pub action: String,
    /// What was found, when they are closed: `confirmed`, `valuable` or `false_positive`.
    #[schema(example = "false_positive")]
    pub outcome: Option<String>,
}

impl ChangeCasesRequest {
    /// What is done.
    ///
    /// # Errors
    /// `Invalid` when there is no such action or outcome, or they do not go together.
    pub fn change(&self) -> Result<CaseChange> {
        match (self.action.as_str(), &self.outcome) {
            ("take", None) => Ok(CaseChange::Take),
            ("release", None) => Ok(CaseChange::Release),
            ("close", Some(outcome)) => Ok(CaseChange::Close(CaseOutcome::named(outcome)?)),
            ("close", None) => {
                let words =
                    "\"outcome\" is missing; say what was found: \"confirmed\", \"valuable\" or \"false_positive\"";
                Err(Error::invalid_field("outcome", words))
            }
            ("take" | "release", Some(_)) => {
                Err(Error::invalid_field("outcome", "only what is closed has an outcome; leave \"outcome\" out"))
            }
            (other, _) => {
                let words = format!("\"{other}\" is no action; choose \"take\", \"release\" or \"close\"");
                Err(Error::invalid_field("action", words))
            }
        }
    }
}

/// What became of cases that were changed together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangedFraudCases)]
pub struct ChangedCasesView {
    /// How many were changed.
    pub changed: u64,
    /// Those that were not.
    pub failed: Vec<FailedCaseView>,
}

/// A case that was not changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FailedFraudCase)]
pub struct FailedCaseView {
    /// Names the case.
    pub case_id: String,
    /// As if it had been changed alone.
    #[schema(example = 409)]
    pub status: u16,
    /// Why, and what to do.
    pub problem: String,
}

impl From<Vec<(String, Result<Case>)>> for ChangedCasesView {
    fn from(outcomes: Vec<(String, Result<Case>)>) -> Self {
        let mut view = Self { changed: 0, failed: Vec::new() };
        for (case_id, outcome) in outcomes {
            match outcome {
                Ok(_) => view.changed += 1,
                Err(error) => {
                    let problem = Problem::from(error);
                    let (status, problem) = (problem.status().as_u16(), problem.detail().to_owned());
                    view.failed.push(FailedCaseView { case_id, status, problem });
                }
            }
        }
        view
    }
}

/// What turned out about a payment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelRequest {
    /// Names the payment.
    pub transaction_id: String,
    /// `fraud` or `legitimate`.
    #[schema(example = "fraud")]
    pub label: String,
}

/// What became of labels.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudLabels)]
pub struct LabelsView {
    /// How many are kept now.
    pub applied: usize,
    /// Payments that were never stored; their labels are not kept.
    pub unknown: Vec<String>,
}

impl From<Note> for NoteView {
    fn from(note: Note) -> Self {
        Self { at: note.at.to_string(), by: note.by, text: note.text }
    }
}

impl From<Escalation> for EscalationView {
    fn from(escalation: Escalation) -> Self {
        Self { at: escalation.at.to_string(), by: escalation.by, reason: escalation.reason }
    }
}

impl From<Case> for CaseView {
    fn from(case: Case) -> Self {
        let record = case.record;
        Self {
            case_id: case.decision.id.0.clone(),
            decision: case.decision.into(),
            state: record.state.as_str(),
            holder: record.holder,
            taken_at: record.taken_at.map(|at| at.to_string()),
            outcome: record.outcome.map(CaseOutcome::as_str),
            closed_at: record.closed_at.map(|at| at.to_string()),
            due_at: case.due_at.to_string(),
            snoozed_until: record.snoozed_until.map(|until| until.to_string()),
            escalation: record.escalation.map(EscalationView::from),
            notes: record.notes.into_iter().map(NoteView::from).collect(),
            tags: record.tags.into_iter().collect(),
        }
    }
}

impl From<Around> for AroundView {
    fn from(around: Around) -> Self {
        Self {
            velocities: around.velocities.into_iter().map(VelocityView::from).collect(),
            events: around.events.into_iter().map(HitView::from).collect(),
            has_earlier: around.has_earlier,
            has_later: around.has_later,
        }
    }
}

impl From<Velocity> for VelocityView {
    fn from(velocity: Velocity) -> Self {
        let (kind, value) = velocity.entity;
        let span = |((span, _), count): (&(&'static str, i64), SpanCount)| VelocitySpanView {
            span,
            payment_count: count.payment_count,
            declined_count: count.declined_count,
        };
        Self { kind: kind.as_str(), value, spans: SPANS.iter().zip(velocity.counts).map(span).collect() }
    }
}

impl From<Listed<Case>> for CasesView {
    fn from(listed: Listed<Case>) -> Self {
        Self { cases: listed.entries.into_iter().map(CaseView::from).collect(), next_cursor: listed.next_cursor }
    }
}

impl From<LabelReport> for LabelsView {
    fn from(report: LabelReport) -> Self {
        Self { applied: report.applied, unknown: report.unknown }
    }
}

/// The label of that name.
///
/// # Errors
/// `Invalid` for any other name, which says where it stood.
pub fn label_named(name: &str, place: usize) -> Result<Label> {
    match name {
        "fraud" => Ok(Label::Fraud),
        "legitimate" => Ok(Label::Legitimate),
        _ => {
            let words = format!("label {place}: \"{name}\" is none; choose \"fraud\" or \"legitimate\"");
            Err(Error::invalid_field("label", words))
        }
    }
}
