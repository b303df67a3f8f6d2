//! Finding events in a data folder that no server uses.

use std::sync::Arc;

use serde_json::json;
use tokio::runtime::Runtime;
use vigie_app::search::{Search, SearchInput};
use vigie_app::time_range::AskedRange;
use vigie_domain::value::object_to_json;
use vigie_domain::{Scope, Value};

use super::sql::{Column, Rows, Statement};
use super::{Page, Question};
use crate::cli::{Failure, runtime};
use crate::config::Settings;
use crate::wire::{self, Stores};

/// A data folder, opened.
pub(super) struct Direct {
    runtime: Runtime,
    search: Search,
}

impl Direct {
    /// The data folder of the settings.
    pub(super) fn open(settings: &Settings) -> Result<Self, Failure> {
        let runtime = runtime()?;
        let stores = runtime.block_on(async { Stores::open(settings, Arc::new(|_| {})) })?;
        Ok(Self { search: wire::search(&stores.ports()), runtime })
    }

    /// The answer to a statement.
    pub(super) fn sql(&self, statement: &Statement<'_>) -> Result<Rows, Failure> {
        let rows_max = usize::try_from(statement.limit).unwrap_or(usize::MAX);
        let answer = self.runtime.block_on(self.search.sql(&Scope::main(), statement.query, rows_max))?;
        let values = |row: &Vec<Value>| row.iter().map(Value::to_json).collect();
        Ok(Rows {
            columns: answer.columns.into_iter().map(|column| Column { name: column.name }).collect(),
            rows: answer.rows.iter().map(values).collect(),
            truncated: answer.is_cut,
        })
    }

    /// One page of events.
    pub(super) fn search(&self, question: &Question<'_>) -> Result<Page, Failure> {
        let input = SearchInput {
            query: question.text.to_owned(),
            range: AskedRange {
                from: question.from.map(Into::into),
                to: question.to.map(Into::into),
                ..AskedRange::default()
            },
            size: question.size,
            cursor: question.cursor.map(Into::into),
            ..SearchInput::default()
        };
        let page = self.runtime.block_on(self.search.search(&Scope::main(), &input))?;
        let hits = page.hits.iter().map(|found| {
            let index = found.hit.position.timestamp.day().index_name();
            json!({"_id": found.hit.id, "_index": index, "_source": object_to_json(&found.hit.source)})
        });
        Ok(Page { hits: hits.collect(), total: Some(page.total), next_cursor: page.next_cursor })
    }
}
