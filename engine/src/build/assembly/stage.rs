//! Merging again what is touched, from the statements of every source about it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::build::aliases::Aliases;
use crate::build::change::Changes;
use crate::build::difference::Rows;
use crate::build::staging::{Staging, StagingError};
use crate::graph::{EdgeId, NodeId, Replaced, Snapshot, SourceId};

use super::Document;
use super::change::RowsBySource;
use super::touched::Touched;

/// Sources that are merged together.
pub(super) struct Stage<'a> {
    pub(super) documents: Vec<Arc<Document>>,
    pub(super) aliases: &'a Aliases,
    /// The aliases behind the snapshot before.
    pub(super) before: &'a Aliases,
    pub(super) changes: &'a Changes,
    pub(super) observed_at_ms: i64,
}

impl Stage<'_> {
    /// A snapshot with what is touched merged again; `rows` are to be merged too, although the
    /// snapshot does not say that these sources have them.
    pub(super) fn applied(
        &self,
        base: &Snapshot,
        touched: &Touched,
        rows: &RowsBySource,
    ) -> Result<Snapshot, StagingError> {
        let mut wanted: Vec<Rows> = self
            .documents
            .iter()
            .map(|document| rows.get(&document.info.name).cloned().unwrap_or_default())
            .collect();
        self.want(base, touched, &mut wanted);
        let mut staging = Staging::new();
        for (document, rows) in self.documents.iter().zip(&wanted) {
            staging.add_rows(&document.info, &document.facts, rows);
        }
        self.aliases.state(&mut staging);
        self.changes.apply(&mut staging, 0, 0);
        self.changes.add_to(&mut staging, self.observed_at_ms);
        let part = staging.snapshot()?;
        let replaced = Replaced {
            nodes: &touched.nodes,
            edges: &touched.edges,
            part: &part,
        };
        Ok(base.with_replaced(&replaced))
    }

    /// Adds the rows that the sources have of what is touched.
    fn want<'b>(&'b self, base: &'b Snapshot, touched: &Touched, wanted: &mut [Rows]) {
        let at: HashMap<&str, usize> = (self.documents.iter().enumerate())
            .map(|(at, document)| (&*document.info.name, at))
            .collect();
        let sources = base.sources().iter();
        let at: Vec<Option<usize>> = sources
            .map(|source| at.get(&*source.name).copied())
            .collect();
        let own = |sources: &[SourceId], found: &mut Vec<usize>| {
            found.clear();
            found.extend(sources.iter().filter_map(|source| at[source.0 as usize]));
            !found.is_empty()
        };
        let (mut ids, mut others, mut found) = (Vec::new(), Vec::new(), Vec::new());
        for node in touched.nodes.iter().map(|&node| NodeId(node)) {
            if own(base.node_sources(node), &mut found) {
                self.written(base.stable_id(node), &mut ids);
                for &at in &found {
                    let strings = self.documents[at].facts.strings();
                    let ids = ids.iter().filter_map(|id| strings.get(id));
                    wanted[at].nodes.extend(ids);
                }
            }
        }
        for edge in touched.edges.iter().map(|&edge| EdgeId(edge)) {
            if !own(base.edge_sources(edge), &mut found) {
                continue;
            }
            let ends = base.edge(edge);
            self.written(base.stable_id(ends.source), &mut ids);
            self.written(base.stable_id(ends.target), &mut others);
            for &at in &found {
                let strings = self.documents[at].facts.strings();
                let Some(kind) = strings.get(base.kind_name(ends.kind)) else {
                    continue;
                };
                for from in ids.iter().filter_map(|id| strings.get(id)) {
                    for to in others.iter().filter_map(|id| strings.get(id)) {
                        wanted[at].edges.insert((from, kind, to));
                    }
                }
            }
        }
    }

    /// The ids under which sources may write of a node.
    fn written<'b>(&'b self, id: &'b str, ids: &mut Vec<&'b str>) {
        ids.clear();
        ids.push(id);
        ids.extend(self.aliases.behind(id));
        if !std::ptr::eq(self.aliases, self.before) {
            ids.extend(self.before.behind(id));
        }
    }
}
