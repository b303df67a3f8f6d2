//! Which fields there are, which values they have, and what may be typed next.

use vigie_domain::aggregation::{Aggregation, AggregationAnswer};
use vigie_domain::mapping::{self, FIELD_ALIASES, FieldKind};
use vigie_domain::ports::{AggregateRequest, ScanStats, Selection};
use vigie_domain::query::{Predicate, Query, glob};
use vigie_domain::{Error, LogType, Result, Scope, Value};

use super::Search;
use crate::time_range::AskedRange;

/// Values listed at most.
const VALUES_MAX: usize = 1_000;
/// Suggestions at most.
const SUGGESTIONS_MAX: usize = 20;
/// Time that values are suggested from when the caller says nothing: the last day.
const SUGGESTED_NS: i64 = vigie_domain::time::NANOS_PER_DAY;

/// A field.
#[derive(Clone, Debug)]
pub struct FieldView {
    /// Canonical name.
    pub name: String,
    /// Kind of its values.
    pub kind: FieldKind,
    /// Log types that have it.
    pub log_types: Vec<LogType>,
    /// Other names that mean it.
    pub aliases: Vec<&'static str>,
}

/// A value and how many events have it.
#[derive(Clone, Debug)]
pub struct ValueCount {
    /// The value.
    pub value: Value,
    /// Events.
    pub count: u64,
}

/// The most frequent values of a field.
#[derive(Clone, Debug)]
pub struct ValuesPage {
    /// Canonical name of the field.
    pub field: String,
    /// The values, most frequent first.
    pub values: Vec<ValueCount>,
    /// Events that match, with or without the field.
    pub total: u64,
    /// Events with other values.
    pub other_count: u64,
    /// What it cost.
    pub stats: ScanStats,
}

/// What may be typed next.
#[derive(Clone, Debug)]
pub struct Suggestion {
    /// The text.
    pub text: String,
    /// What it is.
    pub kind: SuggestionKind,
    /// Events that have it, where counted.
    pub count: Option<u64>,
    /// A word about it.
    pub detail: Option<String>,
}

/// What a suggestion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuggestionKind {
    /// The name of a field.
    Field,
    /// A value of the field asked about.
    Value,
}

/// Whether a query can be read.
#[derive(Clone, Debug)]
pub struct Validation {
    /// The query in its one form; `None` when it cannot be read.
    pub normalized: Option<String>,
    /// What is wrong and where.
    pub error: Option<Error>,
}

/// The name of a kind in the API.
pub const fn kind_name(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Keyword => "keyword",
        FieldKind::Text => "text",
        FieldKind::Int => "int",
        FieldKind::Float => "float",
        FieldKind::Decimal => "decimal",
        FieldKind::Bool => "bool",
        FieldKind::Instant => "instant",
        FieldKind::Ip => "ip",
    }
}

impl Search {
    /// The fields that events within the range have.
    ///
    /// # Errors
    /// When a time cannot be read.
    pub async fn fields(&self, scope: &Scope, range: &AskedRange) -> Result<Vec<FieldView>> {
        let range = range.resolve((self.clock)(), None)?;
        let fields = self.store.fields(scope, range).await?;
        let aliases =
            |name: &str| FIELD_ALIASES.iter().find(|(canonical, _)| *canonical == name).map(|(_, names)| *names);
        let view = |field: vigie_domain::ports::FieldInfo| FieldView {
            aliases: aliases(&field.name).map_or_else(Vec::new, <[_]>::to_vec),
            name: field.name,
            kind: field.kind,
            log_types: field.log_types,
        };
        Ok(fields.into_iter().map(view).collect())
    }

    /// The most frequent values of a field among the events that match.
    ///
    /// # Errors
    /// `Malformed` when the query or a time cannot be read; `Invalid` for an empty field or too many values.
    pub async fn values(
        &self,
        scope: &Scope,
        field: &str,
        query: &str,
        (range, limit): (&AskedRange, usize),
    ) -> Result<ValuesPage> {
        if field.is_empty() {
            let message = "name the field whose values are asked for, for example field=service";
            return Err(Error::invalid_field("field", message));
        }
        if limit > VALUES_MAX {
            let message = format!("\"limit\" is {limit}; at most {VALUES_MAX} values can be listed");
            return Err(Error::invalid_field("limit", message));
        }
        let selection = self.selection(query, range, None)?;
        self.top_values(scope, mapping::canonical(field), selection, limit).await
    }

    async fn top_values(&self, scope: &Scope, field: &str, selection: Selection, limit: usize) -> Result<ValuesPage> {
        let aggregations = vec![Aggregation::terms("values", field, limit)];
        let result = self.store.aggregate(scope, &AggregateRequest { selection, aggregations }).await?;
        let (values, other_count) = match result.answer("values") {
            Some(AggregationAnswer::Buckets { buckets, other_count }) => {
                let value = |bucket: &vigie_domain::aggregation::Bucket| ValueCount {
                    value: bucket.key.clone(),
                    count: bucket.count,
                };
                (buckets.iter().map(value).collect(), *other_count)
            }
            _ => (Vec::new(), 0),
        };
        Ok(ValuesPage { field: field.to_owned(), values, total: result.total, other_count, stats: result.stats })
    }

    /// What may be typed next: values of `field` that begin with `text`, or fields whose name contains it.
    ///
    /// # Errors
    /// When a time cannot be read.
    pub async fn autocomplete(
        &self,
        scope: &Scope,
        text: &str,
        field: Option<&str>,
        range: &AskedRange,
    ) -> Result<Vec<Suggestion>> {
        match field.filter(|field| !field.is_empty()) {
            Some(field) => self.suggest_values(scope, mapping::canonical(field), text, range).await,
            None => self.suggest_fields(scope, text, range).await,
        }
    }

    async fn suggest_fields(&self, scope: &Scope, text: &str, range: &AskedRange) -> Result<Vec<Suggestion>> {
        let wanted = text.to_lowercase();
        let is_wanted = |field: &FieldView| {
            field.name.to_lowercase().contains(&wanted) || field.aliases.iter().any(|alias| alias.contains(&wanted))
        };
        let mut fields: Vec<FieldView> = self.fields(scope, range).await?.into_iter().filter(is_wanted).collect();
        // What begins with the text comes before what only contains it.
        fields.sort_by_key(|field| (!field.name.to_lowercase().starts_with(&wanted), field.name.clone()));
        let suggestion = |field: FieldView| Suggestion {
            detail: Some(kind_name(field.kind).to_owned()),
            text: field.name,
            kind: SuggestionKind::Field,
            count: None,
        };
        Ok(fields.into_iter().take(SUGGESTIONS_MAX).map(suggestion).collect())
    }

    async fn suggest_values(
        &self,
        scope: &Scope,
        field: &str,
        prefix: &str,
        range: &AskedRange,
    ) -> Result<Vec<Suggestion>> {
        let range = range.resolve((self.clock)(), Some(SUGGESTED_NS))?;
        let mut values = Vec::new();
        if let Some(query) = begins_with(field, prefix) {
            values = self.top_values(scope, field, Selection { query, range }, VALUES_MAX).await?.values;
        }
        if values.len() < SUGGESTIONS_MAX {
            // What was typed in another case is found among the most frequent values only.
            let selection = Selection { query: Query::All, range };
            values.extend(self.top_values(scope, field, selection, VALUES_MAX).await?.values);
        }
        Ok(suggestions_of(&values, prefix))
    }

    /// Whether a query can be read, and its one form.
    pub fn validate(&self, text: &str) -> Validation {
        match super::parse_query(text, (self.clock)()) {
            Ok(_) => Validation {
                normalized: vigie_domain::query::parse(text).ok().map(|query| query.to_string()),
                error: None,
            },
            Err(error) => Validation { normalized: None, error: Some(error) },
        }
    }
}

/// The values that begin with `prefix`, in any case, each once.
fn suggestions_of(values: &[ValueCount], prefix: &str) -> Vec<Suggestion> {
    let folded = prefix.to_lowercase();
    let mut suggestions: Vec<Suggestion> = Vec::new();
    for counted in values {
        let text = counted.value.as_text().map_or_else(|| counted.value.to_json().to_string(), str::to_owned);
        let is_new = suggestions.iter().all(|known| known.text != text);
        if suggestions.len() < SUGGESTIONS_MAX && is_new && text.to_lowercase().starts_with(&folded) {
            let kind = SuggestionKind::Value;
            suggestions.push(Suggestion { text, kind, count: Some(counted.count), detail: None });
        }
    }
    suggestions
}

/// Events whose field has a value that begins with `prefix`, case and all; `None` when that cannot be asked.
fn begins_with(field: &str, prefix: &str) -> Option<Query> {
    // Text is asked for by its words, so a beginning of several words would find nothing.
    if prefix.is_empty() || mapping::is_text(field) {
        return None;
    }
    let mut pattern = String::new();
    for sign in prefix.chars() {
        if matches!(sign, '*' | '?' | '\\') {
            pattern.push('\\');
        }
        pattern.push(sign);
    }
    pattern.push('*');
    let query = Query::Field { field: field.to_owned(), predicate: Predicate::Wildcard(pattern) };
    // With every sign escaped, the pattern is twice as long.
    (prefix.len() < glob::PATTERN_BYTES_MAX / 2).then_some(query)
}
