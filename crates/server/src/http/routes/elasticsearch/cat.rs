//! `_cat`: small tables for people and scripts, as text or as JSON.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json};
use vigie_app::accounts::Permission;
use vigie_domain::time::NANOS_PER_SECOND;

use super::about::colour;
use super::params::Params;
use crate::http::auth::Caller;
use crate::http::error::ApiResult;
use crate::http::extract::JsonAnswer;
use crate::http::routes::Routes;
use crate::http::state::AppState;

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes
        .get("/elasticsearch/_cat/health", Permission::Authenticated, health)
        .get("/elasticsearch/_cat/indices", Permission::LogsRead, indices)
        .get("/elasticsearch/_cat/count", Permission::LogsRead, count)
}

/// A table: the names of its columns, then rows of as many cells.
struct Table {
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

async fn health(State(state): State<AppState>, params: Params) -> Response {
    let (epoch, time) = now(&state);
    let row = vec![epoch, time, "vigie".to_owned(), colour(&state).await.to_owned(), "1".to_owned(), "1".to_owned()];
    let columns = &["epoch", "timestamp", "cluster", "status", "node.total", "node.data"];
    Table { columns, rows: vec![row] }.respond(&params)
}

async fn indices(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<Response> {
    let columns = &["health", "status", "index", "uuid", "pri", "rep", "docs.count", "docs.deleted", "store.size"];
    let row = |index: vigie_domain::ports::IndexInfo| {
        let count: u64 = index.counts.iter().map(|(_, count)| count).sum();
        let name = index.day.index_name();
        let cells = ["green", "open", &name, "_na_", "1", "0", &count.to_string(), "0", &format!("{}b", index.bytes)];
        cells.map(str::to_owned).to_vec()
    };
    let rows = state.search.indices(&caller.scope).await?.into_iter().map(row).collect();
    Ok(Table { columns, rows }.respond(&params))
}

async fn count(State(state): State<AppState>, caller: Caller, params: Params) -> ApiResult<Response> {
    let indices = state.search.indices(&caller.scope).await?;
    let count: u64 = indices.iter().flat_map(|index| &index.counts).map(|(_, count)| count).sum();
    let (epoch, time) = now(&state);
    let columns = &["epoch", "timestamp", "count"];
    Ok(Table { columns, rows: vec![vec![epoch, time, count.to_string()]] }.respond(&params))
}

/// Now in seconds, and as time of day in UTC.
fn now(state: &AppState) -> (String, String) {
    let now = (state.clock)();
    let text = now.to_string();
    let time = text.split('T').nth(1).and_then(|time| time.get(..8)).unwrap_or_default();
    ((now.as_nanos() / NANOS_PER_SECOND).to_string(), time.to_owned())
}

impl Table {
    fn respond(self, params: &Params) -> Response {
        let asked: Vec<&str> =
            params.get("h").map(|names| names.split(',').map(str::trim).collect()).unwrap_or_default();
        let is_shown = |name: &&str| asked.is_empty() || asked.contains(name);
        let shown: Vec<usize> = (0..self.columns.len()).filter(|place| is_shown(&self.columns[*place])).collect();
        if params.get("format") == Some("json") {
            let object = |row: &Vec<String>| {
                let pair = |place: &usize| (self.columns[*place].to_owned(), Json::String(row[*place].clone()));
                Json::Object(shown.iter().map(pair).collect::<Map<_, _>>())
            };
            return JsonAnswer(self.rows.iter().map(object).collect::<Vec<_>>()).into_response();
        }
        let head: Vec<String> = self.columns.iter().map(|name| (*name).to_owned()).collect();
        let rows: Vec<&Vec<String>> = params.is_on("v").then_some(&head).into_iter().chain(&self.rows).collect();
        let width = |place: usize| rows.iter().map(|row| row[place].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |row: &&Vec<String>| {
            let cells: Vec<String> = shown.iter().map(|place| format!("{:<1$}", row[*place], widths[*place])).collect();
            format!("{}\n", cells.join(" ").trim_end())
        };
        let text: String = rows.iter().map(line).collect();
        ([(header::CONTENT_TYPE, "text/plain; charset=UTF-8")], text).into_response()
    }
}
