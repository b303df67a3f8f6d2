//! Help with typing queries, as JSON.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;
use vigie_app::search::{FieldView as Field, Suggestion, SuggestionKind, Validation, ValueCount, ValuesPage};

/// What may be typed next.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AutocompleteAnswer)]
pub struct AutocompleteView {
    /// Likeliest first.
    pub suggestions: Vec<SuggestionView>,
}

/// One thing that may be typed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suggestion)]
pub struct SuggestionView {
    /// The text.
    pub text: String,
    /// `field` or `value`.
    #[schema(example = "field")]
    pub kind: &'static str,
    /// Events that have it, where counted.
    pub count: Option<u64>,
    /// A word about it, such as the kind of the field.
    pub detail: Option<String>,
}

impl From<Suggestion> for SuggestionView {
    fn from(suggestion: Suggestion) -> Self {
        let kind = match suggestion.kind {
            SuggestionKind::Field => "field",
            SuggestionKind::Value => "value",
        };
        Self { text: suggestion.text, kind, count: suggestion.count, detail: suggestion.detail }
    }
}

/// The fields that events have.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldsAnswer)]
pub struct FieldsView {
    /// By name.
    pub fields: Vec<FieldView>,
}

/// One field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Field)]
pub struct FieldView {
    /// Its one name.
    pub name: String,
    /// `keyword`, `text`, `int`, `float`, `decimal`, `bool`, `instant` or `ip`.
    #[schema(example = "keyword")]
    pub kind: &'static str,
    /// Log types whose events have it.
    pub log_types: Vec<String>,
    /// Other names that mean it.
    pub aliases: Vec<&'static str>,
}

impl From<Field> for FieldView {
    fn from(field: Field) -> Self {
        Self {
            name: field.name,
            kind: vigie_app::search::kind_name(field.kind),
            log_types: field.log_types.iter().map(ToString::to_string).collect(),
            aliases: field.aliases,
        }
    }
}

/// The most frequent values of a field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ValuesAnswer)]
pub struct ValuesView {
    /// The field's one name.
    pub field: String,
    /// Most frequent first.
    pub values: Vec<ValueView>,
    /// Events that match, with or without the field.
    pub total: u64,
    /// Events counted under values that are not listed.
    pub other_count: u64,
    /// How long it took.
    pub took_ms: u64,
    /// Rows that were looked at.
    pub rows_scanned: u64,
    /// Bytes of files that were decoded.
    pub bytes_read: u64,
    /// Whether the answer was remembered from before.
    pub cached: bool,
}

/// A value and how many events have it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ValueCount)]
pub struct ValueView {
    /// The value: a string, a number or a boolean.
    #[schema(value_type = Json)]
    pub value: Json,
    /// Events.
    pub count: u64,
}

impl ValuesView {
    /// The values as they are answered.
    pub fn new(page: ValuesPage, took_ms: u64) -> Self {
        let value = |counted: ValueCount| ValueView { value: counted.value.to_json(), count: counted.count };
        Self {
            field: page.field,
            values: page.values.into_iter().map(value).collect(),
            total: page.total,
            other_count: page.other_count,
            took_ms,
            rows_scanned: page.stats.rows_scanned,
            bytes_read: page.stats.bytes_read,
            cached: false,
        }
    }
}

/// A query to be looked at.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct ValidateRequest {
    /// The query.
    #[schema(example = "level:error AND amount>100")]
    pub query: String,
}

/// Whether a query can be read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ValidateAnswer)]
pub struct ValidateView {
    /// Whether it can.
    pub valid: bool,
    /// The query in its one form.
    pub normalized: Option<String>,
    /// What is wrong, and where.
    pub errors: Vec<QueryProblemView>,
}

/// What is wrong with a query.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueryProblem)]
pub struct QueryProblemView {
    /// What was expected, with an example.
    pub message: String,
    /// The bytes concerned, `[start, end)`.
    pub span: Option<[usize; 2]>,
}

impl From<Validation> for ValidateView {
    fn from(validation: Validation) -> Self {
        let details = validation.error.map(|error| error.details).unwrap_or_default();
        let problem = |detail: vigie_domain::error::ErrorDetail| QueryProblemView {
            message: detail.message,
            span: detail.span.map(|(start, end)| [start, end]),
        };
        Self {
            valid: validation.normalized.is_some(),
            normalized: validation.normalized,
            errors: details.into_iter().map(problem).collect(),
        }
    }
}
