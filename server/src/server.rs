//! The server: what every request shares, start and shutdown.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::api::{self, Access};
use crate::app::App;
use crate::gate::Gate;
use crate::jobs::Jobs;
use crate::running::Running;
use crate::telemetry::Metrics;

/// What requests may ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerLimits {
    /// How long a query runs unless it says otherwise.
    pub(crate) query_default: Duration,
    /// The longest a query may ask for.
    pub(crate) query_max: Duration,
    /// The most rows a query may ask for.
    pub(crate) max_rows: u64,
    /// The most memory a query may ask for.
    pub(crate) max_memory_bytes: u64,
    /// Queries that run at one time.
    pub(crate) n_queries: usize,
    /// Queries that wait.
    pub(crate) n_waiting: usize,
    /// The largest upload.
    pub(crate) upload_bytes: u64,
}

/// What every request shares.
pub(crate) struct Server {
    app: Arc<App>,
    access: Access,
    limits: ServerLimits,
    gate: Gate,
    running: Running,
    jobs: Arc<Jobs>,
    metrics: Arc<Metrics>,
    /// Becomes true when the server is asked to end.
    closing: watch::Sender<bool>,
}

/// Between two exports of the records.
const EXPORT_EVERY: Duration = Duration::from_secs(15 * 60);

impl Server {
    /// A server over an application.
    pub(crate) fn new(app: Arc<App>, access: Access, limits: ServerLimits) -> Self {
        let jobs = Arc::new(Jobs::new(Arc::clone(app.records())));
        Self {
            app,
            access,
            limits,
            gate: Gate::new(limits.n_queries, limits.n_waiting),
            running: Running::default(),
            jobs,
            metrics: Arc::default(),
            closing: watch::Sender::new(false),
        }
    }

    /// The application.
    pub(crate) fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Who may talk to it.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// What requests may ask for.
    pub(crate) fn limits(&self) -> &ServerLimits {
        &self.limits
    }

    /// The way in for queries.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The queries under way.
    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    /// The jobs.
    pub(crate) fn jobs(&self) -> &Arc<Jobs> {
        &self.jobs
    }

    /// The counters.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Becomes true when the server is asked to end; streams end with it.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Where the uploads of a job lie until it has read them.
    pub(crate) fn upload_dir(&self, job: u64) -> PathBuf {
        match self.app.store().root() {
            Some(root) => root.join("uploads").join(job.to_string()),
            None => std::env::temp_dir().join(format!("foothold-{}-{job}", std::process::id())),
        }
    }
}

/// Serves until `stop` resolves, then ends requests and exports the records. `on_ready` is told
/// the address once requests are taken.
pub(crate) async fn serve(
    server: Arc<Server>,
    listener: tokio::net::TcpListener,
    on_ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    api::resume_jobs(&server)?;
    let exporter = tokio::spawn(export_regularly(Arc::clone(&server)));
    on_ready(listener.local_addr()?);
    let router = api::router(Arc::clone(&server));
    let for_stop = Arc::clone(&server);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            stop.await;
            // Open streams and running queries must not keep the process alive.
            for_stop.running.stop_all();
            for_stop.closing.send_replace(true);
        })
        .await?;
    exporter.abort();
    server.app.store().export_records()?;
    Ok(())
}

async fn export_regularly(server: Arc<Server>) {
    let mut every = tokio::time::interval(EXPORT_EVERY);
    // The first tick comes at once.
    every.tick().await;
    loop {
        every.tick().await;
        let app = Arc::clone(&server.app);
        let exported = tokio::task::spawn_blocking(move || app.store().export_records()).await;
        if let Ok(Err(error)) = exported {
            crate::telemetry::log_bug(&error);
        }
    }
}

/// Resolves when the process is asked to end.
pub(crate) async fn asked_to_end() {
    let interrupted = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
