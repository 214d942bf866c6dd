//! `foothold serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::output::print_line;
use super::{Context, DbArgs, Exit};
use crate::api::Access;
use crate::app::App;
use crate::server::{self, Server, ServerLimits};

/// Where the server listens when nothing says otherwise.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:7171";

/// How long work may go on after the process was asked to end.
const GRACE: Duration = Duration::from_secs(5);

/// Serve the HTTP API and the console
///
/// Listens on loopback unless a token is set; with one, every request below `/api` must carry
/// `Authorization: Bearer <token>`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  foothold serve
  FOOTHOLD_TOKEN=... foothold serve --listen 0.0.0.0:7171")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    pub(crate) http: HttpArgs,
}

/// How to serve.
#[derive(Debug, Clone, Args)]
pub(crate) struct HttpArgs {
    /// Address and port; port 0 takes a free one [default: 127.0.0.1:7171]
    #[arg(long, env = "FOOTHOLD_LISTEN", value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// A file that holds the API token; `FOOTHOLD_TOKEN` holds the token itself
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

pub(crate) fn run(context: &Context, args: &ServeArgs) -> anyhow::Result<Exit> {
    let settings = Settings::new(context, &args.http)?;
    let app = context.open_or_create(&args.db)?;
    settings.serve(Arc::new(app))?;
    Ok(Exit::Done)
}

/// Resolved settings of a server; wrong ones are refused before a store is opened.
pub(crate) struct Settings {
    listen: SocketAddr,
    access: Access,
    limits: ServerLimits,
}

impl Settings {
    /// Reads flags, environment and file.
    pub(crate) fn new(context: &Context, args: &HttpArgs) -> anyhow::Result<Self> {
        let file = &context.config;
        let listen = args
            .listen
            .as_deref()
            .or(file.listen.as_deref())
            .unwrap_or(DEFAULT_LISTEN);
        let listen: SocketAddr = listen
            .parse()
            .with_context(|| format!("`{listen}` is not an address and port"))?;
        let token = read_token(args.token_file.as_ref().or(file.token_file.as_ref()))?;
        let n_cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let limits = &file.limits;
        let query_max = Duration::from_millis(limits.query_ms.unwrap_or(60_000));
        Ok(Self {
            listen,
            access: Access::new(listen, token.as_deref())?,
            limits: ServerLimits {
                query_default: query_max.min(Duration::from_secs(10)),
                query_max,
                max_rows: 100_000,
                max_memory_bytes: 512 << 20,
                n_queries: limits.queries.unwrap_or(n_cores * 2).max(1),
                n_waiting: limits.waiting.unwrap_or(32),
                upload_bytes: limits.upload_bytes.unwrap_or(2 << 30),
            },
        })
    }

    /// Serves until the process is asked to end.
    pub(crate) fn serve(self, app: Arc<App>) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start the server's threads")?;
        let server = Arc::new(Server::new(app, self.access, self.limits));
        let listen = self.listen;
        let outcome = runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind(listen)
                .await
                .with_context(|| format!("cannot listen on `{listen}`"))?;
            let on_ready = |address| {
                // One line on stdout: the address is the answer that scripts wait for.
                let _ = print_line(&format!("listening on http://{address}"));
            };
            server::serve(server, listener, on_ready, server::asked_to_end()).await
        });
        // Jobs under way are not waited for: they are started again at the next start.
        runtime.shutdown_timeout(GRACE);
        outcome
    }
}

/// `FOOTHOLD_TOKEN`, or what the file holds.
pub(crate) fn read_token(file: Option<&PathBuf>) -> anyhow::Result<Option<String>> {
    if let Ok(token) = std::env::var("FOOTHOLD_TOKEN")
        && !token.is_empty()
    {
        return Ok(Some(token));
    }
    let Some(path) = file else {
        return Ok(None);
    };
    let token = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the token from `{}`", path.display()))?;
    Ok(Some(token.trim().to_owned()))
}
