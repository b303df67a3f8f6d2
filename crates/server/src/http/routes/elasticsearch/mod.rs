//! The Elasticsearch-compatible API: what shippers and their libraries call to write events, to search them and to find out with whom
//! they speak. `docs/elasticsearch.md` lists every route.
//!
//! It lies below one path of the main port, and at the root of a listener of its own when one is set: the same routes,
//! accounts, roles and bounds. No answer below that path has another shape than Elasticsearch's (`dialect`).

mod about;
mod aliases;
mod analyze;
mod answer;
mod answer_form;
mod async_search;
mod bulk;
mod cat;
mod cat_columns;
mod cat_table;
mod definitions;
mod deletion;
mod dialect;
mod documents;
mod error;
mod error_trace;
mod field_caps;
mod filter_path;
mod indices;
mod kept;
mod listed;
mod one_document;
mod params;
mod read;
mod search;
mod stats;
mod time_value;

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use tower::Layer;
use tower::util::MapRequestLayer;

use super::Routes;

pub use dialect::{speak, unknown_call};

/// Where the API lies on the main port.
pub const PREFIX: &str = "/elasticsearch";
/// Where its tables lie.
const TABLES: &str = "/elasticsearch/_cat/";

/// Adds the routes of this folder.
pub fn routes(routes: Routes) -> Routes {
    let routes = about::routes(routes);
    let routes = bulk::routes(routes);
    let routes = documents::routes(routes);
    let routes = kept::routes(routes);
    let routes = indices::routes(routes);
    let routes = definitions::routes(routes);
    let routes = aliases::routes(routes);
    let routes = one_document::routes(routes);
    let routes = deletion::routes(routes);
    let routes = search::routes(routes);
    let routes = async_search::routes(routes);
    let routes = read::routes(routes);
    let routes = field_caps::routes(routes);
    let routes = stats::routes(routes);
    let routes = analyze::routes(routes);
    cat::routes(routes)
}

/// Whether the path is one of this API.
pub fn is_below(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The whole application with this API at its root and nothing else in reach: for a listener of its own.
pub fn at_the_root(application: Router) -> Router {
    let layer = MapRequestLayer::new(|mut request: Request| {
        *request.uri_mut() = below_prefix(request.uri());
        request
    });
    Router::new().fallback_service(layer.layer(application))
}

fn below_prefix(uri: &Uri) -> Uri {
    let sent = uri.path_and_query().map_or("/", |path| path.as_str());
    // `OPTIONS *` has no path; nothing may lead out of the API.
    let sent = if sent.starts_with('/') { sent } else { "" };
    format!("{PREFIX}{sent}").parse().unwrap_or_else(|_| Uri::from_static(PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_api() {
        let check = |sent: &str, expected: &str| {
            let uri = below_prefix(&sent.parse().unwrap());
            assert_eq!(uri.to_string(), expected, "{sent}");
            assert!(is_below(uri.path()), "{sent}");
        };
        check("/", "/elasticsearch/");
        check("/_bulk?refresh=true", "/elasticsearch/_bulk?refresh=true");
        check("/api/logs/recent", "/elasticsearch/api/logs/recent");
        check("//api/logs", "/elasticsearch//api/logs");
        check("/elasticsearch/_bulk", "/elasticsearch/elasticsearch/_bulk");
        check("http://host:9200/_license", "/elasticsearch/_license");
        check("*", "/elasticsearch");
        assert!(!is_below("/elasticsearches") && !is_below("/api") && is_below("/elasticsearch"));
    }
}
