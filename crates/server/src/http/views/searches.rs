//! Saved and recent searches, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vigie_app::listing::Listed;
use vigie_app::searches::{KeptColumn, KeptFilter, RecentSearch, SavedSearch, SearchContent, SearchDraft};

use super::logs::SortText;

/// What a search asks for, as it was typed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = SearchContent)]
#[serde(default, deny_unknown_fields)]
pub struct SearchContentView {
    /// The query.
    #[schema(example = "level:error AND service:cart")]
    pub query: String,
    /// Filters beside it, in the order shown, at most 50.
    pub filters: Vec<KeptFilterView>,
    /// Columns of the table, in order, at most 50; null leaves them as they are.
    pub columns: Option<Vec<KeptColumnView>>,
    /// Latest first unless said.
    pub sort: SortText,
    /// First instant; kept as typed, so that `now-15m` stays relative. Null leaves it as it is.
    #[schema(example = "now-15m")]
    pub from: Option<String>,
    /// First instant past the range, in the same way.
    #[schema(example = "now")]
    pub to: Option<String>,
}

/// A filter beside a query.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = KeptFilter)]
#[serde(deny_unknown_fields)]
pub struct KeptFilterView {
    /// The field.
    #[schema(example = "service")]
    pub field: String,
    /// The value that it has; null asks only whether it is there.
    #[serde(default)]
    pub value: Option<String>,
    /// Whether the opposite is asked.
    #[serde(default)]
    pub negated: bool,
    /// Whether it is kept but asks nothing now.
    #[serde(default)]
    pub disabled: bool,
}

/// A column of a table.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = KeptColumn)]
#[serde(deny_unknown_fields)]
pub struct KeptColumnView {
    /// The field.
    #[schema(example = "message")]
    pub field: String,
    /// Its width in pixels; null lets the layout choose.
    #[serde(default)]
    pub width_px: Option<u32>,
}

/// A search to be saved.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveSearchRequest {
    /// 1 to 100 characters; each of yours has its own.
    #[schema(example = "Errors of the cart")]
    pub name: String,
    /// Whether others see it; only you and admins change and delete it.
    #[serde(default)]
    pub shared: bool,
    /// What it asks for.
    #[serde(default)]
    pub search: SearchContentView,
}

/// What a saved search is to become.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSearchRequest {
    /// `version` of the search that is changed; another one is answered with 409 and the current one.
    pub version: u64,
    /// 1 to 100 characters; each of yours has its own.
    pub name: String,
    /// Whether others see it.
    #[serde(default)]
    pub shared: bool,
    /// What it asks for.
    #[serde(default)]
    pub search: SearchContentView,
}

impl From<SearchContentView> for SearchContent {
    fn from(view: SearchContentView) -> Self {
        let filter = |filter: KeptFilterView| KeptFilter {
            field: filter.field,
            value: filter.value,
            negated: filter.negated,
            disabled: filter.disabled,
        };
        let column = |column: KeptColumnView| KeptColumn { field: column.field, width_px: column.width_px };
        Self {
            query: view.query,
            filters: view.filters.into_iter().map(filter).collect(),
            columns: view.columns.map(|columns| columns.into_iter().map(column).collect()),
            oldest_first: view.sort == SortText::Oldest,
            from: view.from,
            to: view.to,
        }
    }
}

impl From<SearchContent> for SearchContentView {
    fn from(content: SearchContent) -> Self {
        let filter = |filter: KeptFilter| KeptFilterView {
            field: filter.field,
            value: filter.value,
            negated: filter.negated,
            disabled: filter.disabled,
        };
        let column = |column: KeptColumn| KeptColumnView { field: column.field, width_px: column.width_px };
        Self {
            query: content.query,
            filters: content.filters.into_iter().map(filter).collect(),
            columns: content.columns.map(|columns| columns.into_iter().map(column).collect()),
            sort: if content.oldest_first { SortText::Oldest } else { SortText::Newest },
            from: content.from,
            to: content.to,
        }
    }
}

impl From<SaveSearchRequest> for SearchDraft {
    fn from(request: SaveSearchRequest) -> Self {
        Self { name: request.name, is_shared: request.shared, content: request.search.into() }
    }
}

impl From<ChangeSearchRequest> for SearchDraft {
    fn from(request: ChangeSearchRequest) -> Self {
        Self { name: request.name, is_shared: request.shared, content: request.search.into() }
    }
}

/// A saved search.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SavedSearch)]
pub struct SavedSearchView {
    /// Its id.
    pub id: String,
    /// One more with every change.
    pub version: u64,
    /// Its name.
    pub name: String,
    /// Whether others see it.
    pub shared: bool,
    /// Id of the user who saved it.
    pub owner_id: String,
    /// Their name.
    pub owner: String,
    /// What it asks for.
    pub search: SearchContentView,
    /// When it was saved.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

impl From<SavedSearch> for SavedSearchView {
    fn from(search: SavedSearch) -> Self {
        Self {
            id: search.id,
            version: search.version,
            name: search.name,
            shared: search.is_shared,
            owner_id: search.owner_id,
            owner: search.owner,
            search: search.content.into(),
            created_at: search.created_at.to_string(),
            updated_at: search.updated_at.to_string(),
        }
    }
}

/// A page of saved searches.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SavedSearchesAnswer)]
pub struct SavedSearchesView {
    /// Latest saved first.
    pub searches: Vec<SavedSearchView>,
    /// How many there are in all.
    pub total: u64,
    /// Whether there are no more than `total`.
    pub total_is_exact: bool,
    /// For `cursor` of the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl From<Listed<SavedSearch>> for SavedSearchesView {
    fn from(listed: Listed<SavedSearch>) -> Self {
        Self {
            searches: listed.entries.into_iter().map(SavedSearchView::from).collect(),
            total: listed.total,
            total_is_exact: listed.is_total_exact,
            next_cursor: listed.next_cursor,
        }
    }
}

/// What was deleted, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeletedSearch)]
pub struct DeletedSearchView {
    /// Whether nothing was deleted.
    pub dry_run: bool,
    /// The search.
    pub search: SavedSearchView,
}

/// A search that was run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecentSearch)]
pub struct RecentSearchView {
    /// What it asked for.
    pub search: SearchContentView,
    /// When it was last run.
    #[schema(format = DateTime)]
    pub ran_at: String,
}

/// The searches that the caller ran.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecentSearchesAnswer)]
pub struct RecentSearchesView {
    /// Latest first, at most 50.
    pub searches: Vec<RecentSearchView>,
    /// How many these are.
    pub count: usize,
}

impl From<Vec<RecentSearch>> for RecentSearchesView {
    fn from(recent: Vec<RecentSearch>) -> Self {
        let view = |search: RecentSearch| RecentSearchView {
            search: search.content.into(),
            ran_at: search.ran_at.to_string(),
        };
        let searches: Vec<RecentSearchView> = recent.into_iter().map(view).collect();
        Self { count: searches.len(), searches }
    }
}

/// How many searches were forgotten, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ForgottenSearches)]
pub struct ForgottenSearchesView {
    /// Whether nothing was forgotten.
    pub dry_run: bool,
    /// How many.
    pub deleted: usize,
}
