//! API keys, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vigie_app::accounts::{ApiKey, KeyScope, MadeKey, NewKey};
use vigie_app::listing::Listed;
use vigie_domain::{Error, Result};

/// An API key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKeyRequest {
    /// What it is for, 1 to 100 characters.
    #[schema(example = "till in Lyon")]
    pub name: String,
    /// What it may be used for: `ingest` (sending events), `read` (logs and numbers), `score` (judging transactions).
    #[schema(example = json!(["ingest"]))]
    pub scopes: Vec<String>,
    /// How many days it is good, 365 unless said, at most 3,650.
    #[schema(example = 90)]
    pub expires_in_days: Option<u32>,
}

impl NewApiKeyRequest {
    /// What is asked of the use case.
    ///
    /// # Errors
    /// `Invalid` for an unknown scope.
    pub fn into_new_key(self) -> Result<NewKey> {
        let scope =
            |name: &String| name.parse::<KeyScope>().map_err(|error| Error::invalid_field("scopes", error.message));
        let scopes = self.scopes.iter().map(scope).collect::<Result<_>>()?;
        Ok(NewKey { name: self.name, scopes, expires_in_days: self.expires_in_days })
    }
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct ApiKeyView {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Id of the user in whose name it acts.
    pub owner_id: String,
    /// Their name.
    pub owner: String,
    /// What it may be used for, as far as its owner's role allows.
    #[schema(example = json!(["ingest"]))]
    pub scopes: Vec<&'static str>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it stops to be good.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When it was last used, to the minute; null when never.
    #[schema(format = DateTime)]
    pub last_used_at: Option<String>,
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            owner_id: key.owner_id,
            owner: key.owner,
            scopes: key.scopes.into_iter().map(KeyScope::as_str).collect(),
            created_at: key.created_at.to_string(),
            expires_at: key.expires_at.to_string(),
            last_used_at: key.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
#[schema(as = MadeApiKey)]
pub struct MadeApiKeyView {
    /// The key.
    pub api_key: ApiKeyView,
    /// Its text for `Authorization: ApiKey KEY`. Nobody sees it again.
    pub key: String,
    /// The same for clients of Elasticsearch: base64 of the id, a colon and the secret.
    pub encoded: String,
}

impl From<MadeKey> for MadeApiKeyView {
    fn from(made: MadeKey) -> Self {
        Self { api_key: made.key.into(), key: made.text.plain(), encoded: made.text.encoded() }
    }
}

/// A page of API keys.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKeysAnswer)]
pub struct ApiKeysView {
    /// Latest made first.
    pub api_keys: Vec<ApiKeyView>,
    /// How many there are in all.
    pub total: u64,
    /// Whether there are no more than `total`.
    pub total_is_exact: bool,
    /// For `cursor` of the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl From<Listed<ApiKey>> for ApiKeysView {
    fn from(listed: Listed<ApiKey>) -> Self {
        Self {
            api_keys: listed.entries.into_iter().map(ApiKeyView::from).collect(),
            total: listed.total,
            total_is_exact: listed.is_total_exact,
            next_cursor: listed.next_cursor,
        }
    }
}

/// What was deleted, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeletedApiKey)]
pub struct DeletedApiKeyView {
    /// Whether nothing was deleted.
    pub dry_run: bool,
    /// The key.
    pub api_key: ApiKeyView,
}
