//! What can go wrong in the application, with stable codes for both of its faces.

use std::path::PathBuf;

use foothold_engine::attack::DeriveError;
use foothold_engine::build::StagingError;
use foothold_engine::store::StoreError;
use foothold_loaders::LoadError;

/// Errors of the application.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum AppError {
    /// The store refused; its own code and remedy apply.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Reading the documents stopped as a whole, not one of them alone.
    #[error("{}", .0.describe())]
    Load(#[from] LoadError),
    /// The facts do not fit one graph.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// Deriving attack steps failed as a whole.
    #[error(transparent)]
    Derive(#[from] DeriveError),
    /// The graph comes straight from files and has no past.
    #[error("files loaded directly have no snapshots; import them into a store")]
    NoHistory,
    /// A path on the command line does not exist.
    #[error("no file or folder `{}`", .0.display())]
    NoSuchPath(PathBuf),
    /// A file of the user's rules cannot be read.
    #[error("cannot read `{}`: {reason}", .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// `settings.toml` of a rules folder is wrong.
    #[error("{}: {reason}", .path.display())]
    RuleSettings {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file of scoring constants is wrong.
    #[error("{} is no scoring model: {reason}", .path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The changed attack graph does not fit.
    #[error("the changed attack graph does not fit")]
    Topology(#[from] foothold_engine::search::TopologyError),
    /// A limit was reached before the changes of `WHAT IF` were made out.
    #[error("the changes of `WHAT IF` could not be made out within the limits: {0}")]
    ChangeStopped(foothold_engine::budget::Stop),
    /// The system refused threads.
    #[error("cannot start the threads for graph work: {0}")]
    Threads(String),
    /// The work was cancelled before it changed anything.
    #[error("cancelled")]
    Cancelled,
}

impl AppError {
    /// A stable dotted code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            AppError::Store(error) => error.code(),
            AppError::Load(error) => error.code(),
            AppError::Staging(_) => "import.too_large",
            AppError::Derive(_) => "attack.derive",
            AppError::NoHistory => "query.no_history",
            AppError::NoSuchPath(_) => "import.no_such_path",
            AppError::Unreadable { .. } => "rules.unreadable",
            AppError::RuleSettings { .. } => "rules.settings",
            AppError::Model { .. } => "rules.model",
            AppError::ChangeStopped(_) => "query.change_stopped",
            AppError::Topology(_) => "attack.too_large",
            AppError::Threads(_) => "server.threads",
            AppError::Cancelled => "import.cancelled",
        }
    }
}
