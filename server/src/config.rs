//! Configuration: a flag wins over an environment variable (`FOOTHOLD_*`), which wins over the file
//! `foothold.toml` in the working directory, which wins over the default.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The file that is read from the working directory.
const FILE_NAME: &str = "foothold.toml";

/// The folder of the store when nothing names one.
const DEFAULT_DB: &str = "foothold-data";

/// What `foothold.toml` may say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileConfig {
    /// The folder of the store.
    pub(crate) db: Option<PathBuf>,
    /// Where `serve` listens.
    pub(crate) listen: Option<String>,
    /// A file that holds the API token.
    pub(crate) token_file: Option<PathBuf>,
    /// Threads for graph work.
    pub(crate) threads: Option<usize>,
    /// A folder of the user's own rules.
    pub(crate) rules: Option<PathBuf>,
    /// A scoring model in place of the shipped one.
    pub(crate) model: Option<PathBuf>,
    /// Limits of the server.
    #[serde(default)]
    pub(crate) limits: FileLimits,
}

/// Limits in `foothold.toml`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileLimits {
    /// The longest a query may run.
    pub(crate) query_ms: Option<u64>,
    /// Queries that run at one time.
    pub(crate) queries: Option<usize>,
    /// Queries that wait.
    pub(crate) waiting: Option<usize>,
    /// The largest upload.
    pub(crate) upload_bytes: Option<u64>,
}

impl FileConfig {
    /// Reads the file, if there is one.
    pub(crate) fn read() -> Result<Self, String> {
        match std::fs::read_to_string(FILE_NAME) {
            Ok(text) => toml::from_str(&text).map_err(|error| format!("{FILE_NAME}: {error}")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{FILE_NAME}: {error}")),
        }
    }

    /// The folder of the store.
    pub(crate) fn db(&self, flag: Option<&Path>) -> PathBuf {
        flag.or(self.db.as_deref())
            .unwrap_or(Path::new(DEFAULT_DB))
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_setting_is_refused_by_name() {
        let error = toml::from_str::<FileConfig>("[limits]\nquery_msec = 5").unwrap_err();
        assert!(error.to_string().contains("query_msec"), "{error}");
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let file: FileConfig = toml::from_str("db = \"from-file\"").unwrap();
        assert_eq!(file.db(Some(Path::new("flag"))), Path::new("flag"));
        assert_eq!(file.db(None), Path::new("from-file"));
        assert_eq!(FileConfig::default().db(None), Path::new(DEFAULT_DB));
    }
}
