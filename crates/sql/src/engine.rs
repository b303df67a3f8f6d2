//! Plans and runs statements.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider};
use datafusion::dataframe::DataFrame;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures_util::TryStreamExt;
use tokio::runtime::{Builder, Runtime};
use vigie_domain::ports::{SqlAnswer, SqlRequest, SqlStore};
use vigie_domain::{Error, Result, Scope};
use vigie_storage::{LogEngine, TableSession};

use crate::answer::AnswerBuilder;
use crate::error::{self, refused};
use crate::functions;
use crate::memory::QuestionMemory;
use crate::statement;
use crate::texts::{self, TextMemory};
use crate::views::LogViews;
use crate::watch::WatchJoins;

/// Stack of a thread: plans are walked by recursion, as deep as `statement` lets conditions be.
const STACK_BYTES: usize = 32 * 1024 * 1024;
/// How much longer than it may a statement is given to say so itself.
const GRACE: Duration = Duration::from_millis(100);
/// The schema of the views.
const SCHEMA: &str = "public";
/// The catalog of that.
const CATALOG: &str = "vigie";

/// Answers SQL about what the engine holds. Works on threads of its own, so that others' requests do not wait for it.
pub struct SqlEngine {
    logs: Arc<LogEngine>,
    threads: usize,
    runtime: OnceLock<std::io::Result<Runtime>>,
}

impl SqlEngine {
    /// Of this engine, on so many threads, which start with the first statement.
    pub fn new(logs: Arc<LogEngine>, threads: usize) -> Self {
        Self { logs, threads: threads.max(1), runtime: OnceLock::new() }
    }

    /// Bytes that questions hold, all of them.
    #[cfg(test)]
    pub(crate) fn held_bytes(&self) -> usize {
        self.logs.query_numbers().held_bytes
    }

    fn runtime(&self) -> Result<&Runtime> {
        let start = || {
            Builder::new_multi_thread()
                .worker_threads(self.threads)
                .thread_name("vigie-sql")
                .thread_stack_size(STACK_BYTES)
                .enable_time()
                .build()
        };
        self.runtime.get_or_init(start).as_ref().map_err(|error| {
            Error::new(
                vigie_domain::ErrorKind::Unavailable,
                format!("the threads of SQL could not be started: {error}"),
            )
        })
    }
}

impl Drop for SqlEngine {
    fn drop(&mut self) {
        if let Some(Ok(runtime)) = self.runtime.take() {
            // Waiting for them is not allowed where this may be dropped.
            runtime.shutdown_background();
        }
    }
}

/// Ends the work when nobody waits for it any more.
struct Work<T> {
    task: tokio::task::JoinHandle<T>,
    session: Arc<TableSession>,
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        self.session.give_up();
        self.task.abort();
    }
}

#[async_trait]
impl SqlStore for SqlEngine {
    async fn query(&self, scope: &Scope, request: &SqlRequest) -> Result<SqlAnswer> {
        let session = Arc::new(self.logs.table(scope).await?);
        let (request, threads) = (request.clone(), self.threads);
        let asked = session.clone();
        let task = self.runtime()?.spawn(async move { run(&asked, &request, threads).await });
        let mut work = Work { task, session };
        // The work looks at its time itself, but between two looks it may have much to do.
        let answer = match work.session.time_left() {
            Some(left) => match tokio::time::timeout(left + GRACE, &mut work.task).await {
                Ok(answer) => answer,
                Err(_) => {
                    return work.session.check().and_then(|()| Err(Error::internal("SQL: stopped before its time")));
                }
            },
            None => (&mut work.task).await,
        };
        answer.map_err(|error| Error::internal(format!("the statement could not be worked on: {error}")))?
    }
}

async fn run(session: &Arc<TableSession>, request: &SqlRequest, threads: usize) -> Result<SqlAnswer> {
    let memory = Arc::new(QuestionMemory::new(session.clone()));
    let told = |failure| memory.refusal_behind(error::told(failure, &request.text));
    let texts = Arc::new(TextMemory::new(session.clone()));
    let context = context(session, (&memory, &texts), threads)?;
    let plan = plan(&context, &request.text).await.map_err(told)?;
    let (plan, rows_max) = match plan {
        plan @ (LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::DescribeTable(_)) => {
            (plan, usize::MAX)
        }
        plan => (plan, request.rows_max),
    };
    let rows = async {
        let mut frame = DataFrame::new(context.state(), plan);
        if rows_max < usize::MAX {
            // One more tells whether there are more.
            frame = frame.limit(0, Some(rows_max.saturating_add(1)))?;
        }
        let mut answer = AnswerBuilder::new(frame.schema(), rows_max, session);
        let tasks = Arc::new(frame.task_ctx());
        let plan = frame.create_physical_plan().await?;
        texts.begin_rows();
        let mut batches = execute_stream(plan, tasks)?;
        while let Some(batch) = batches.try_next().await? {
            if !answer.push(&batch)? {
                break;
            }
        }
        Ok(answer)
    };
    let answer = rows.await.map_err(told)?;
    Ok(answer.finish(session.stats()))
}

/// Everything a statement may use: the views and the functions.
fn context(
    session: &Arc<TableSession>,
    (memory, texts): (&Arc<QuestionMemory>, &Arc<TextMemory>),
    threads: usize,
) -> Result<SessionContext> {
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(SCHEMA, Arc::new(LogViews::new(session.clone()))).map_err(error::internal)?;
    let mut config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true);
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.sql_parser.collect_spans = true;
    options.execution.time_zone = Some("UTC".to_owned());
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(memory.clone())
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .build_arc()
        .map_err(error::internal)?;
    let mut planners = SessionStateDefaults::default_expr_planners();
    planners.insert(0, texts::join_planner(texts));
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_expr_planners(planners)
        .with_scalar_functions(functions::scalar(texts))
        .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
        .with_window_functions(SessionStateDefaults::default_window_functions())
        .with_optimizer_rule(Arc::new(WatchJoins::new(session.clone())))
        .with_optimizer_rule(texts::constants_rule(texts))
        .build();
    let context = SessionContext::new_with_state(state);
    context.register_catalog(CATALOG, Arc::new(catalog));
    Ok(context)
}

async fn plan(context: &SessionContext, text: &str) -> datafusion::error::Result<LogicalPlan> {
    let state = context.state();
    let plan = state.statement_to_plan(statement::read(text)?).await?;
    let reads = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    reads.verify_plan(&plan).map_err(|_| refused())?;
    Ok(plan)
}
