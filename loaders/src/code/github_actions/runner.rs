//! The machine that a job runs on.

use serde_json::Value;

use super::expression::{Expr, Piece, pieces};
use super::workflow::{Job, Mapping, scalar};

/// How many values of a matrix are tried for one text.
const MAX_VALUES: usize = 64;

/// What `runs-on` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RunsOn {
    /// Labels that the machine must have, once for each machine that the job may run on.
    pub(super) labels: Vec<Vec<String>>,
    /// A group of machines.
    pub(super) group: Option<String>,
    /// Some of it is only known once it runs.
    pub(super) open: bool,
}

/// Whose machine it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    /// The code host's, made anew for each job.
    Hosted,
    /// The organisation's own.
    Own,
    /// A name that the organisation gave: larger machines of the code host and own ones look alike.
    Unknown,
}

impl RunsOn {
    pub(super) fn of(job: &Job<'_>) -> Self {
        let mut found = Self::default();
        let Some(value) = job.body.get("runs-on") else {
            return found;
        };
        let labels = match value {
            Value::Object(object) => {
                if let Some(group) = object.get("group").and_then(scalar) {
                    if group.contains("${{") {
                        found.open = true;
                    } else {
                        found.group = Some(group.into_owned());
                    }
                }
                object.get("labels").unwrap_or(&Value::Null)
            }
            other => other,
        };
        let texts: Vec<_> = match labels {
            Value::Array(items) => items.iter().filter_map(scalar).collect(),
            other => scalar(other).into_iter().collect(),
        };
        let mut machines: Vec<Vec<String>> = vec![Vec::new()];
        for text in texts {
            match filled(&text, job.body) {
                Some(values) => {
                    let with = |value: &String| {
                        let mut longer = machines.clone();
                        for labels in &mut longer {
                            labels.push(value.clone());
                        }
                        longer
                    };
                    machines = values.iter().flat_map(with).take(MAX_VALUES).collect();
                }
                None => found.open = true,
            }
        }
        for labels in &mut machines {
            labels.sort();
            labels.dedup();
        }
        machines.sort();
        machines.dedup();
        machines.retain(|labels| !labels.is_empty());
        found.labels = machines;
        found
    }
}

/// Whose machine has these labels.
pub(super) fn host_of(labels: &[String]) -> Host {
    let is_own = |label: &String| label.eq_ignore_ascii_case("self-hosted");
    if labels.iter().any(is_own) {
        Host::Own
    } else if labels.len() == 1 && labels.iter().all(|label| is_hosted(label)) {
        Host::Hosted
    } else {
        Host::Unknown
    }
}

/// Whether it is a label of the code host's own machines: `ubuntu-24.04-arm`, `macos-15-xlarge`.
fn is_hosted(label: &str) -> bool {
    let label = label.to_lowercase();
    let mut parts = label.split('-');
    let systems = ["ubuntu", "windows", "macos"];
    if !parts.next().is_some_and(|system| systems.contains(&system)) {
        return false;
    }
    let Some(version) = parts.next() else {
        return false;
    };
    let is_version = version == "latest"
        || version == "slim"
        || !version.is_empty()
            && version
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let known = ["arm", "large", "xlarge", "intel", "vs2026"];
    // Four digits are a year of Windows and no version of the others.
    let is_ours = label.starts_with("windows") || version.len() != 4 || version.contains('.');
    is_version && (is_ours || version == "slim") && parts.all(|part| known.contains(&part))
}

/// The texts that a text with values of the job's matrix in it may become; `None` where something
/// else is filled in, or the matrix is only known once it runs.
pub(super) fn filled(text: &str, job: &Mapping) -> Option<Vec<String>> {
    let mut found = vec![String::new()];
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) => {
                for one in &mut found {
                    one.push_str(plain);
                }
            }
            Piece::Filled(inner) => {
                let values = match Expr::parse(inner)? {
                    Expr::Text(text) => vec![text],
                    Expr::Path(path) => of_matrix(&path, job)?,
                    _ => return None,
                };
                let mut longer = Vec::new();
                for value in &values {
                    longer.extend(found.iter().map(|one| format!("{one}{value}")));
                }
                if longer.len() > MAX_VALUES {
                    return None;
                }
                found = longer;
            }
        }
    }
    Some(found)
}

/// The values of `matrix.name`.
fn of_matrix(path: &[String], job: &Mapping) -> Option<Vec<String>> {
    let [context, name] = path else {
        return None;
    };
    let matrix = job.get("strategy")?.get("matrix")?.as_object()?;
    if context != "matrix" {
        return None;
    }
    let has_name = |key: &String| key.eq_ignore_ascii_case(name);
    let mut values = Vec::new();
    if let Some((_, listed)) = matrix.iter().find(|(key, _)| has_name(key)) {
        values.extend(listed.as_array()?);
    }
    if let Some(include) = matrix.get("include") {
        for combination in include.as_array()? {
            let mut entries = combination.as_object()?.iter();
            values.extend(
                entries
                    .find(|(key, _)| has_name(key))
                    .map(|(_, value)| value),
            );
        }
    }
    let texts = values
        .into_iter()
        .map(|value| scalar(value).map(String::from));
    let texts: Option<Vec<String>> = texts.collect();
    let mut texts = texts?;
    texts.sort();
    texts.dedup();
    let is_known = !texts.is_empty() && texts.iter().all(|text| !text.contains("${{"));
    is_known.then_some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_machine_has_a_label() {
        for (label, expected) in [
            ("ubuntu-latest", Host::Hosted),
            ("Ubuntu-24.04", Host::Hosted),
            ("ubuntu-24.04-arm", Host::Hosted),
            ("ubuntu-slim", Host::Hosted),
            ("windows-2025", Host::Hosted),
            ("windows-11-arm", Host::Hosted),
            ("macos-15-xlarge", Host::Hosted),
            ("macos-15-intel", Host::Hosted),
            ("ubuntu-2404-2core", Host::Unknown),
            ("ubuntu-22.04-arm64", Host::Unknown),
            ("ubuntu-latest-16-cores", Host::Unknown),
            ("ubuntu", Host::Unknown),
            ("self-hosted", Host::Own),
            ("arc-runners", Host::Unknown),
        ] {
            assert_eq!(host_of(&[label.to_owned()]), expected, "{label}");
        }
    }
}
