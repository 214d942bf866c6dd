//! What the token of a job may do.

use serde_json::Value;

use crate::report::Report;

use super::workflow::{Job, Workflow};

/// Rights with which a job changes what others run or take: code, packages, caches, pages.
/// Comments, labels and the results of checks are not among them.
const WRITING: [&str; 4] = ["actions", "contents", "packages", "pages"];

/// What is known of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// It writes to the repository; a setting decides where nothing is said.
    pub(super) writes: Option<bool>,
    /// It may ask for an identity token. No setting gives that right; a caller may.
    pub(super) federates: Option<bool>,
}

impl Token {
    /// The job's own word, else that of the workflow.
    pub(super) fn of(workflow: &Workflow<'_>, job: &Job<'_>, report: &mut Report) -> Self {
        let own = job.body.get("permissions");
        let stated = own.or_else(|| workflow.body.get("permissions"));
        let both = |flag| Token {
            writes: Some(flag),
            federates: Some(flag),
        };
        match stated {
            None => Token {
                writes: None,
                // What is called gets at most what its caller has.
                federates: (!workflow.triggers.is_called()).then_some(false),
            },
            Some(Value::String(all)) if all == "write-all" => both(true),
            Some(Value::String(all)) if all == "read-all" => both(false),
            // `permissions:` with nothing behind it takes every right away, as `{}` does.
            Some(Value::Null) => both(false),
            Some(Value::Object(rights)) => {
                let writes = |name: &str| {
                    let level = rights.get(name).and_then(Value::as_str);
                    level == Some("write")
                };
                Token {
                    writes: Some(WRITING.iter().any(|name| writes(name))),
                    federates: Some(writes("id-token")),
                }
            }
            Some(other) => {
                report.warn("permissions-unreadable", || format!("{}: {other}", job.key));
                Token {
                    writes: None,
                    federates: None,
                }
            }
        }
    }
}
