//! Events as a file, however many they are.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa::OpenApi;
use vigie_app::accounts::Permission;
use vigie_app::search::{Export, ExportInput, FieldView};
use vigie_app::time_range::AskedRange;
use vigie_domain::event::pseudo_fields;
use vigie_domain::mapping::{self, FieldKind};
use vigie_domain::ports::{Fields, Hit};
use vigie_domain::{Error, Result, Scope};

use super::Routes;
use crate::http::auth::Caller;
use crate::http::error::{ApiResult, ProblemView};
use crate::http::export::{EventWriter, ExportFormat};
use crate::http::extract::QueryParams;
use crate::http::state::AppState;
use crate::http::views::parameters::{asked_range, said};

/// Columns of CSV unless the caller says otherwise.
const CSV_FIELDS: [&str; 6] =
    [pseudo_fields::TIMESTAMP, "level", pseudo_fields::LOG_TYPE, "service", "message", pseudo_fields::ID];
/// Columns at most.
const FIELDS_MAX: usize = 1_000;
/// How many events there were when the export began.
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// Adds the routes of this file.
pub fn routes(routes: Routes) -> Routes {
    routes.get("/api/logs/export", Permission::LogsExport, export_logs).document(ExportApi::openapi())
}

#[derive(OpenApi)]
#[openapi(paths(export_logs))]
struct ExportApi;

/// Which events, and how they are written.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ExportParams {
    /// `ndjson` unless said, `csv` or `parquet`.
    #[param(example = "csv")]
    pub format: Option<String>,
    /// Which events; all when left out.
    pub query: Option<String>,
    /// First instant; the first of all when left out. Also `date_from`, `start_date`.
    #[serde(alias = "date_from", alias = "start_date")]
    pub from: Option<String>,
    /// First instant past the range; no end when left out. Also `date_to`, `end_date`.
    #[serde(alias = "date_to", alias = "end_date")]
    pub to: Option<String>,
    /// `desc`, the latest first, unless `asc` is said.
    pub sort: Option<String>,
    /// Columns of CSV and Parquet by name, with commas between; some common ones of CSV and all of Parquet when left out. NDJSON has whole events.
    #[param(example = "@timestamp,level,message")]
    pub fields: Option<String>,
    /// Events at most; all when left out.
    pub limit: Option<u64>,
}

/// Every event that matches, as a file: NDJSON as it was sent, CSV, or Parquet.
///
/// Nothing is held back for the answer, however long it is. `X-Total-Count` says how many events there were when it began. When an export
/// cannot go on, the connection is cut off: a file that ends as its format and its length say is whole.
/// In CSV a text that a spreadsheet would take for a formula has `'` before it. At most four exports run at once.
#[utoipa::path(get, path = "/api/logs/export", tag = "logs", params(ExportParams), responses(
    (status = 200, description = "the file", body = String, content_type = "application/x-ndjson"),
    (status = 400, description = "the query or a time cannot be read", body = ProblemView, content_type = "application/problem+json"),
    (status = 422, description = "no such format or order, or too many columns", body = ProblemView, content_type = "application/problem+json"),
    (status = 429, description = "as many exports as may be are under way", body = ProblemView, content_type = "application/problem+json"),
))]
pub async fn export_logs(
    State(state): State<AppState>,
    caller: Caller,
    QueryParams(params): QueryParams<ExportParams>,
) -> ApiResult<Response> {
    let format = ExportFormat::named(&said(params.format).unwrap_or_else(|| "ndjson".into()))?;
    let range = asked_range(params.from, params.to);
    let asked = said(params.fields);
    // A file of every field needs whole events, and so do lines.
    let is_of_some = format == ExportFormat::Csv || format == ExportFormat::Parquet && asked.is_some();
    let fields = fields(&state, &caller.scope, &range, format, asked).await?;
    let names = fields.iter().map(|field| field.name.as_str());
    let input = ExportInput {
        query: params.query.unwrap_or_default(),
        range,
        oldest_first: is_oldest_first(params.sort.as_deref())?,
        limit: params.limit,
        fields: if is_of_some { Fields::only(names) } else { Fields::All },
    };
    let export = state.search.export(&caller.scope, &input).await?;
    let filename = format!("vigie-{}.{}", (state.clock)().day().index_name(), format.extension());
    let answer = Response::builder()
        .status(StatusCode::OK)
        .header(header::CONTENT_TYPE, format.media_type())
        .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{filename}\""))
        .header(header::CACHE_CONTROL, "no-store")
        .header(TOTAL, export.total());
    let body = match EventWriter::new(format, fields)? {
        Some(writer) => table_body(export, writer),
        None => lines_body(export),
    };
    answer.body(body).map_err(|error| Error::internal(format!("the answer cannot be made: {error}")).into())
}

fn is_oldest_first(sort: Option<&str>) -> Result<bool> {
    match sort {
        None | Some("" | "desc") => Ok(false),
        Some("asc") => Ok(true),
        Some(other) => Err(Error::invalid_field("sort", format!("\"{other}\" is no order; use asc or desc"))),
    }
}

/// The columns: those asked for, or those of the format.
async fn fields(
    state: &AppState,
    scope: &Scope,
    range: &AskedRange,
    format: ExportFormat,
    asked: Option<String>,
) -> Result<Vec<FieldView>> {
    if format == ExportFormat::Ndjson {
        return Ok(Vec::new());
    }
    let known = state.search.fields(scope, range).await?;
    let names: Vec<String> = match (asked, format) {
        (Some(text), _) => text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        (None, ExportFormat::Parquet) => {
            let of_the_event =
                [pseudo_fields::TIMESTAMP, pseudo_fields::ID, pseudo_fields::LOG_TYPE].map(str::to_owned);
            of_the_event.into_iter().chain(known.iter().map(|field| field.name.clone())).take(FIELDS_MAX).collect()
        }
        (None, _) => CSV_FIELDS.map(str::to_owned).to_vec(),
    };
    if names.len() > FIELDS_MAX {
        let message = format!("\"fields\" names {} columns, at most {FIELDS_MAX} are written", names.len());
        return Err(Error::invalid_field("fields", message));
    }
    let column = |name: String| {
        let canonical = mapping::canonical(&name).to_owned();
        let of_events = known.iter().find(|field| field.name == canonical);
        of_events.cloned().unwrap_or_else(|| FieldView {
            kind: mapping::kind_of(&canonical).unwrap_or(FieldKind::Keyword),
            name: canonical,
            log_types: Vec::new(),
            aliases: Vec::new(),
        })
    };
    Ok(names.into_iter().map(column).collect())
}

/// Lines, page after page: while one is sent, the next is read.
fn lines_body(mut export: Export) -> Body {
    let (pages, sent) = mpsc::channel::<Result<Vec<Vec<u8>>, std::io::Error>>(1);
    tokio::spawn(async move {
        loop {
            // Whoever has left needs no further page.
            let page = tokio::select! {
                page = export.next_lines() => page,
                () = pages.closed() => return,
            };
            let is_last = page.as_ref().map_or(true, |lines| lines.count == 0);
            if pages.send(page.map_or_else(failed, |lines| Ok(lines.texts))).await.is_err() || is_last {
                return;
            }
        }
    });
    let one_by_one =
        |texts: Vec<Vec<u8>>| stream::iter(texts.into_iter().map(Bytes::from).map(Ok::<_, std::io::Error>));
    Body::from_stream(received(sent).map_ok(one_by_one).try_flatten())
}

fn failed<T>(error: Error) -> Result<T, std::io::Error> {
    Err(std::io::Error::other(error.message))
}

fn received<T>(channel: mpsc::Receiver<T>) -> impl Stream<Item = T> {
    stream::unfold(channel, async |mut channel| Some((channel.recv().await?, channel)))
}

/// A file of columns, page after page: while one is written, the next is read.
fn table_body(export: Export, writer: EventWriter) -> Body {
    let (pages, mut read) = mpsc::channel::<Result<Vec<Hit>>>(1);
    tokio::spawn(read_pages(export, pages));
    let (chunks, written) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    tokio::task::spawn_blocking(move || {
        let mut writer = writer;
        while let Some(page) = read.blocking_recv() {
            let chunk = page.and_then(|hits| writer.page(hits)).map_or_else(failed, |bytes| Ok(Bytes::from(bytes)));
            let is_last = chunk.is_err();
            if chunks.blocking_send(chunk).is_err() || is_last {
                return;
            }
        }
        // Nobody is there to hear of it if this fails.
        let _ = chunks.blocking_send(writer.end().map_or_else(failed, |bytes| Ok(Bytes::from(bytes))));
    });
    Body::from_stream(received(written))
}

async fn read_pages(mut export: Export, pages: mpsc::Sender<Result<Vec<Hit>>>) {
    loop {
        // Whoever has left needs no further page.
        let page = tokio::select! {
            page = export.next_page() => page,
            () = pages.closed() => return,
        };
        let is_last = page.as_ref().map_or(true, Vec::is_empty);
        if page.as_ref().is_ok_and(Vec::is_empty) || pages.send(page).await.is_err() || is_last {
            return;
        }
    }
}
