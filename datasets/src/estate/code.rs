//! Source files and what analysers found in them.

use std::io::{self, Write};

use super::emit::{Emitter, Prop, Props};
use super::layout::{FILES_PER_REPOSITORY, Layout};
use super::rng::Class;

/// Class, weakness and weight of findings, most common first.
const CLASSES: [((&str, &str), u32); 12] = [
    (("other", "CWE-1164"), 46),
    (("misconfiguration", "CWE-16"), 14),
    (("xss", "CWE-79"), 12),
    (("secret", "CWE-798"), 7),
    (("path-traversal", "CWE-22"), 5),
    (("sql-injection", "CWE-89"), 4),
    (("ssrf", "CWE-918"), 3),
    (("broken-authorization", "CWE-639"), 3),
    (("broken-authentication", "CWE-306"), 2),
    (("deserialization", "CWE-502"), 2),
    (("command-injection", "CWE-78"), 1),
    (("template-injection", "CWE-1336"), 1),
];

/// The finding of an index: what it is and where.
pub(crate) struct Finding {
    pub(crate) id: String,
    pub(crate) class: &'static str,
    cwe: &'static str,
    repository: u64,
    file: u64,
    line: i64,
    severity: &'static str,
    confirmed: bool,
    suppressed: bool,
}

impl Finding {
    pub(crate) fn new(layout: &Layout, idx: u64) -> Self {
        let mut rng = layout.rng(Class::Finding, idx);
        let (class, cwe) = rng.weighted(&CLASSES);
        let severity = match class {
            "other" | "misconfiguration" => rng.pick(&["low", "info", "medium"]),
            "xss" | "secret" => rng.pick(&["medium", "high", "low"]),
            _ => rng.pick(&["high", "critical", "medium"]),
        };
        Self {
            id: format!("finding:estate-sast/{idx:08x}"),
            class,
            cwe,
            repository: idx % layout.n.repositories,
            file: rng.below(FILES_PER_REPOSITORY),
            line: rng.between(1, 800).cast_signed(),
            severity,
            confirmed: rng.chance(0.04),
            suppressed: rng.chance(0.06),
        }
    }

    pub(crate) fn place(&self) -> (u64, u64) {
        (self.repository, self.file)
    }

    /// Whether an attacker who calls the handler meets it.
    pub(crate) fn is_in_handler(&self) -> bool {
        !matches!(self.class, "other" | "misconfiguration" | "secret")
    }
}

/// The findings of one repository, by index.
pub(crate) fn findings_in(layout: &Layout, repository: u64) -> impl Iterator<Item = u64> {
    (repository..layout.n.findings).step_by(layout.n.repositories as usize)
}

pub(crate) fn emit<W: Write>(layout: &Layout, out: &mut Emitter<'_, W>) -> io::Result<()> {
    for repository in 0..layout.n.repositories {
        for file in 0..FILES_PER_REPOSITORY {
            let path = Layout::file_path(file);
            let props = vec![("path", Prop::Str(&path))];
            out.node(&Layout::file(repository, file), &["File"], &props)?;
        }
    }
    for idx in 0..layout.n.findings {
        let finding = Finding::new(layout, idx);
        let path = Layout::file_path(finding.file);
        let mut props: Props<'_> = vec![
            ("rule_id", Prop::Text(format!("estate.{}", finding.class))),
            ("tool", Prop::Str("estate-sast")),
            ("severity", Prop::Str(finding.severity)),
            ("class", Prop::Str(finding.class)),
            ("cwe", Prop::List(vec![finding.cwe.to_owned()])),
            ("path", Prop::Str(&path)),
            ("line", Prop::Int(finding.line)),
            ("confirmed", Prop::Bool(finding.confirmed)),
        ];
        if finding.suppressed {
            props.push(("suppressed", Prop::Bool(true)));
        }
        out.node(&finding.id, &["Finding"], &props)?;
        let repository = Layout::repository(finding.repository);
        out.edge(&repository, "HAS_FINDING", &finding.id)?;
        let file = Layout::file(finding.repository, finding.file);
        let line = vec![("line", Prop::Int(finding.line))];
        out.edge_with(&finding.id, "LOCATED_IN", &file, &line)?;
    }
    Ok(())
}
