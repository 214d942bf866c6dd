//! An assembled snapshot that the next change builds on.
//!
//! ```text
//! documents ──difference──▶ what is said otherwise ──▶ statements about the same ──merge──▶ part
//!     │                              │                                                       │
//!     └── names ──▶ joins that read them run again                   snapshot before ──with──┴──▶ snapshot
//! ```
//!
//! Merging decides about each node and each group of parallel edges on its own. So it is enough to
//! merge again what some changed statement is about, from the statements of every source about it, and
//! to put the result in place of what the snapshot says of it. A join whose names no change is about
//! states what it stated before.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::graph::{EdgeId, NodeId, Replaced, Snapshot, SourceId};
use crate::model::{Facts, SourceInfo};

use super::aliases::Aliases;
use super::assemble::{Joined, assemble_named, observed_at_ms, run};
use super::change::Changes;
use super::correlate::ROUNDS;
use super::difference::{Difference, Rows};
use super::scope::Scope;
use super::staging::{Staging, StagingError};

/// What one document says.
#[derive(Debug)]
pub struct Document {
    /// Where it comes from.
    pub info: SourceInfo,
    /// What it says.
    pub facts: Arc<Facts>,
}

impl Document {
    /// A document.
    pub fn new(info: SourceInfo, facts: Facts) -> Self {
        Document {
            info,
            facts: Arc::new(facts),
        }
    }

    /// The same facts, of which something else is known.
    #[must_use]
    pub fn with_info(&self, info: SourceInfo) -> Self {
        Document {
            info,
            facts: Arc::clone(&self.facts),
        }
    }
}

/// Documents and the snapshot that they give.
#[derive(Debug, Clone)]
pub struct Assembly {
    documents: Vec<Arc<Document>>,
    aliases: Arc<Aliases>,
    /// Every join, in the order of the rounds.
    joined: Vec<Joined>,
    snapshot: Arc<Snapshot>,
    /// Texts of values when all of it was assembled last.
    n_texts: usize,
}

/// With more than one node or edge in so many replaced, assembling all of it is less work.
const WORTH: usize = 3;

/// So many more texts than at first are kept although no value may have them.
const SPARE_TEXTS: usize = 65_536;

impl Assembly {
    /// Assembles all of it. O(facts log facts).
    pub fn new(documents: Vec<Arc<Document>>) -> Result<Self, StagingError> {
        let aliases = Aliases::of(documents.iter().map(|document| &*document.facts));
        let mut staging = Staging::new();
        for document in &documents {
            staging.add(&document.info, &document.facts);
        }
        aliases.state(&mut staging);
        let (snapshot, joined) = assemble_named(staging, &Changes::new())?;
        Ok(Assembly {
            n_texts: snapshot.n_texts(),
            snapshot: Arc::new(snapshot),
            aliases: Arc::new(aliases),
            documents,
            joined,
        })
    }

    /// The snapshot: that of [`super::assemble`].
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The documents, as they were given.
    pub fn documents(&self) -> &[Arc<Document>] {
        &self.documents
    }

    /// The same of other documents: what [`Assembly::new`] gives for them. Those that are shared with
    /// this assembly are not read again; of the others only what they say otherwise counts. O(snapshot)
    /// with a few bytes a row, and O(n log n) of what changed.
    pub fn with_documents(&self, documents: Vec<Arc<Document>>) -> Result<Self, StagingError> {
        let Some(change) = Change::between(self, &documents) else {
            return Assembly::new(documents);
        };
        let Some((snapshot, joined)) = self.renewed(&change, &documents, &Changes::new(), WORTH)?
        else {
            return Assembly::new(documents);
        };
        Ok(Assembly {
            documents,
            aliases: change.aliases,
            joined,
            snapshot: Arc::new(snapshot),
            n_texts: self.n_texts,
        })
    }

    /// The snapshot that the documents would give if they were changed so.
    pub fn changed(&self, changes: &Changes) -> Result<Snapshot, StagingError> {
        if let Some(change) = Change::pretended(self, changes)
            && let Some((snapshot, _)) = self.renewed(&change, &self.documents, changes, WORTH)?
        {
            return Ok(snapshot);
        }
        let mut staging = Staging::new();
        for document in &self.documents {
            staging.add(&document.info, &document.facts);
        }
        self.aliases.state(&mut staging);
        Ok(assemble_named(staging, changes)?.0)
    }

    /// Nothing where replacing would be more work than assembling.
    fn renewed(
        &self,
        change: &Change,
        documents: &[Arc<Document>],
        changes: &Changes,
        worth: usize,
    ) -> Result<Option<(Snapshot, Vec<Joined>)>, StagingError> {
        let observed_at_ms = observed_at_ms(documents.iter().map(|document| &document.info));
        let mut joined = self.joined.clone();
        for joined in &mut joined {
            joined.observe(observed_at_ms);
        }
        let mut scope = change.scope.clone();
        let n_before = |round: usize| {
            ROUNDS[..round]
                .iter()
                .map(|joins| joins.len())
                .sum::<usize>()
        };
        let meets = |scope: &Scope, joined: &[Joined], round: usize| {
            let own = n_before(round)..n_before(round + 1);
            joined[own].iter().any(|joined| joined.scope.meets(scope))
        };
        let rounds = 0..ROUNDS.len();
        let first = rounds.clone().find(|&round| meets(&scope, &joined, round));
        let first = first.unwrap_or(ROUNDS.len());

        let mut touched = change.touched.clone();
        let dropped = &joined[n_before(first)..];
        touched.add_stated_by(&self.snapshot, |name| {
            dropped
                .iter()
                .any(|joined| *joined.document.info.name == *name)
        });
        let touched = touched.sorted(&self.snapshot);
        if touched.is_more_than(worth, &self.snapshot) {
            return Ok(None);
        }
        let stage = |n_joined: usize, joined: &[Joined]| Stage {
            documents: documents
                .iter()
                .chain(joined[..n_joined].iter().map(|joined| &joined.document))
                .enumerate()
                .filter(|(at, document)| *at < documents.len() || !document.facts.is_empty())
                .map(|(_, document)| Arc::clone(document))
                .collect(),
            aliases: &change.aliases,
            before: &self.aliases,
            changes,
            observed_at_ms,
        };
        let mut snapshot =
            stage(n_before(first), &joined).applied(&self.snapshot, &touched, &change.rows)?;
        for round in rounds.skip(first) {
            let known = scope.clone();
            for (at, join) in (n_before(round)..).zip(ROUNDS[round]) {
                if !joined[at].scope.meets(&known) {
                    continue;
                }
                let done = run(*join, &snapshot, observed_at_ms);
                let (old, new) = (&joined[at].document.facts, &done.document.facts);
                let difference = Difference::new(old, new);
                scope.add(&difference.scope);
                scope.ids |= difference.only.iter().any(|rows| !rows.is_empty());
                joined[at] = done;
            }
            let own = &joined[n_before(round)..n_before(round + 1)];
            if own.iter().all(|joined| joined.document.facts.is_empty()) {
                continue;
            }
            let stage = stage(n_before(round + 1), &joined);
            let mut touched = Touched::default();
            changes.concern(&snapshot, &change.aliases, &mut touched);
            let mut rows = RowsBySource::new();
            for joined in own {
                let facts = &joined.document.facts;
                let all = Rows::all(facts);
                let resolve = |id: &str| change.aliases.resolve(id).to_owned();
                touched.add_rows(&snapshot, facts, &all, resolve);
                rows.insert(Arc::clone(&joined.document.info.name), all);
            }
            snapshot = stage.applied(&snapshot, &touched.sorted(&snapshot), &rows)?;
        }
        let too_many = snapshot.n_texts() > 2 * self.n_texts + SPARE_TEXTS;
        Ok((!too_many).then_some((snapshot, joined)))
    }
}

impl Joined {
    /// The same facts at another time.
    fn observe(&mut self, observed_at_ms: i64) {
        if self.document.info.observed_at_ms != observed_at_ms {
            let info = SourceInfo {
                observed_at_ms,
                ..self.document.info.clone()
            };
            self.document = Arc::new(self.document.with_info(info));
        }
    }
}

/// What is said otherwise than before, in terms of the snapshot before.
struct Change {
    aliases: Arc<Aliases>,
    touched: Touched,
    /// By source: rows that are new or differ.
    rows: RowsBySource,
    scope: Scope,
}

type RowsBySource = HashMap<Arc<str>, Rows>;

impl Change {
    /// Nothing where sources cannot be told apart by name.
    fn between(before: &Assembly, documents: &[Arc<Document>]) -> Option<Self> {
        let old = by_name(&before.documents, &before.joined)?;
        let new = by_name(documents, &before.joined)?;
        let mut differences: Vec<(Arc<str>, Option<&Document>, Option<&Document>, Difference)> =
            Vec::new();
        for document in documents {
            let name = &document.info.name;
            let earlier = old.get(&**name).copied();
            let difference = match earlier {
                Some(earlier) if Arc::ptr_eq(&earlier.facts, &document.facts) => {
                    Difference::default()
                }
                Some(earlier) => Difference::new(&earlier.facts, &document.facts),
                None => Difference::appeared(&document.facts),
            };
            differences.push((Arc::clone(name), earlier, Some(document), difference));
        }
        for earlier in &before.documents {
            let name = &earlier.info.name;
            if !new.contains_key(&**name) {
                let difference = Difference::disappeared(&earlier.facts);
                differences.push((Arc::clone(name), Some(earlier), None, difference));
            }
        }
        let mut scope = Scope::default();
        for (.., difference) in &differences {
            scope.add(&difference.scope);
        }
        let aliases = if Aliases::are_about(&scope) {
            let facts = documents.iter().map(|document| &*document.facts);
            Arc::new(Aliases::of(facts))
        } else {
            Arc::clone(&before.aliases)
        };

        let snapshot = &before.snapshot;
        let mut touched = Touched::default();
        let mut rows = RowsBySource::new();
        let resolvers: [&Aliases; 2] = [&before.aliases, &aliases];
        for (name, earlier, now, difference) in differences {
            for aliases in resolvers {
                let resolve = |id: &'_ str| -> String { aliases.resolve(id).to_owned() };
                let Difference { old, new, only, .. } = &difference;
                if let Some(earlier) = earlier {
                    touched.add_rows(snapshot, &earlier.facts, old, resolve);
                    touched.note_moves(snapshot, &earlier.facts, &only[0], resolve);
                }
                if let Some(now) = now {
                    touched.add_rows(snapshot, &now.facts, new, resolve);
                    touched.note_moves(snapshot, &now.facts, &only[1], resolve);
                }
            }
            rows.insert(name, difference.new);
        }
        scope.ids |= touched.moves_nodes;
        let moved = aliases.moved(&before.aliases);
        scope.everything |= !moved.is_empty();
        for id in moved {
            touched.add_node_and_edges(snapshot, id);
        }
        let precedence = Precedence::new(before, &old, documents);
        touched.add_disputed(snapshot, &precedence, &mut scope);
        Some(Change {
            aliases,
            touched: touched.sorted(snapshot),
            rows,
            scope,
        })
    }

    /// What changes to pretend are about.
    fn pretended(before: &Assembly, changes: &Changes) -> Option<Self> {
        by_name(&before.documents, &before.joined)?;
        let mut touched = Touched::default();
        let mut scope = Scope::default();
        changes.concern(&before.snapshot, &before.aliases, &mut touched);
        changes.name(&before.snapshot, &mut scope);
        Some(Change {
            aliases: Arc::clone(&before.aliases),
            touched: touched.sorted(&before.snapshot),
            rows: RowsBySource::new(),
            scope,
        })
    }
}

/// Documents by name; nothing if two have one name, or one has that of a join.
fn by_name<'a>(
    documents: &'a [Arc<Document>],
    joined: &[Joined],
) -> Option<HashMap<&'a str, &'a Document>> {
    let mut found: HashMap<&str, &Document> = HashMap::with_capacity(documents.len());
    for document in documents {
        if found.insert(&document.info.name, document).is_some() {
            return None;
        }
    }
    let mut joined = joined.iter();
    let is_clear = !joined.any(|joined| found.contains_key(&*joined.document.info.name));
    is_clear.then_some(found)
}

/// Where another source may win now than before, though nobody says anything else.
struct Precedence<'a> {
    /// Sources whose authority or time changed: against any other.
    moved: Vec<&'a str>,
    /// Sources that were the newest, and are not any more: against joins.
    overtaken: Vec<&'a str>,
    joins: Vec<&'a str>,
}

impl<'a> Precedence<'a> {
    fn new(
        before: &'a Assembly,
        old: &HashMap<&str, &Document>,
        documents: &'a [Arc<Document>],
    ) -> Self {
        let newest = |documents: &[Arc<Document>]| {
            observed_at_ms(documents.iter().map(|document| &document.info))
        };
        let (last, next) = (newest(&before.documents), newest(documents));
        let mut precedence = Precedence {
            moved: Vec::new(),
            overtaken: Vec::new(),
            joins: Vec::new(),
        };
        for document in documents {
            let info = &document.info;
            let Some(earlier) = old.get(&*info.name) else {
                continue;
            };
            let rank = |info: &SourceInfo| (info.authority, info.observed_at_ms);
            if rank(&earlier.info) != rank(info) {
                precedence.moved.push(&info.name);
            } else if last != next && [last, next].contains(&info.observed_at_ms) {
                precedence.overtaken.push(&info.name);
            }
        }
        let joins = before
            .joined
            .iter()
            .map(|joined| &*joined.document.info.name);
        precedence.joins = joins.collect();
        precedence
    }
}

/// Nodes and edges of a snapshot that are merged again.
#[derive(Debug, Clone, Default)]
pub(super) struct Touched {
    nodes: Vec<u32>,
    edges: Vec<u32>,
    /// Whether nodes may come or go.
    moves_nodes: bool,
}

impl Touched {
    /// What the rows of a document are about, where the snapshot has it.
    pub(super) fn add_rows(
        &mut self,
        snapshot: &Snapshot,
        facts: &Facts,
        rows: &Rows,
        resolve: impl Fn(&str) -> String,
    ) {
        for &id in &rows.nodes {
            let node = snapshot.node(&resolve(facts.str(id)));
            self.nodes.extend(node.map(|node| node.0));
        }
        for &(from, kind, to) in &rows.edges {
            let ends = [from, to].map(|end| snapshot.node(&resolve(facts.str(end))));
            if let [Some(from), Some(to)] = ends {
                self.add_edges(snapshot, from, facts.str(kind), to);
            }
        }
    }

    /// Notes whether nodes may come or go with these rows.
    fn note_moves(
        &mut self,
        snapshot: &Snapshot,
        facts: &Facts,
        rows: &Rows,
        resolve: impl Fn(&str) -> String,
    ) {
        let n_sources = |id| {
            let node = snapshot.node(&resolve(facts.str(id)));
            node.map_or(0, |node| snapshot.node_sources(node).len())
        };
        let ends = rows.edges.iter().flat_map(|&(from, _, to)| [from, to]);
        // Who states such a node is the only one; or it is there for its edges alone.
        self.moves_nodes |= rows.nodes.iter().any(|&id| n_sources(id) < 2);
        self.moves_nodes |= ends.into_iter().any(|end| n_sources(end) == 0);
    }

    /// The edges of a kind between two nodes.
    pub(super) fn add_edges(&mut self, snapshot: &Snapshot, from: NodeId, kind: &str, to: NodeId) {
        if let Some(kind) = snapshot.kind_id(kind) {
            let row = snapshot.out_edges(from, kind);
            let first = row.targets().partition_point(|&target| target < to.0);
            let row = row.iter().skip(first);
            let own = row.take_while(|&(_, target)| target == to);
            self.edges.extend(own.map(|(edge, _)| edge.0));
        }
    }

    /// A node.
    pub(super) fn add_node(&mut self, node: NodeId) {
        self.nodes.push(node.0);
    }

    /// A node, if it is there, and all its edges.
    pub(super) fn add_node_and_edges(&mut self, snapshot: &Snapshot, id: &str) {
        if let Some(node) = snapshot.node(id) {
            self.nodes.push(node.0);
            let edges = snapshot.out_all(node).chain(snapshot.in_all(node));
            self.edges.extend(edges.map(|(edge, ..)| edge.0));
        }
    }

    /// Everything that one of these sources states.
    fn add_stated_by(&mut self, snapshot: &Snapshot, is_one: impl Fn(&str) -> bool) {
        let sources = snapshot.sources().iter();
        let is_one: Vec<bool> = sources.map(|source| is_one(&source.name)).collect();
        if is_one.contains(&true) {
            let any = |set: &[SourceId]| set.iter().any(|source| is_one[source.0 as usize]);
            self.nodes.extend(snapshot.nodes_by_sources(any));
            self.edges.extend(snapshot.edges_by_sources(any));
        }
    }

    /// Everything on which sources may disagree otherwise than before.
    fn add_disputed(
        &mut self,
        snapshot: &Snapshot,
        precedence: &Precedence<'_>,
        scope: &mut Scope,
    ) {
        let Precedence {
            moved,
            overtaken,
            joins,
        } = precedence;
        if moved.is_empty() && overtaken.is_empty() {
            return;
        }
        let marked = |names: &[&str]| -> Vec<bool> {
            let names: HashSet<&str> = names.iter().copied().collect();
            let sources = snapshot.sources().iter();
            sources
                .map(|source| names.contains(&*source.name))
                .collect()
        };
        let (moved, overtaken, joins) = (marked(moved), marked(overtaken), marked(joins));
        let any = |set: &[SourceId], of: &[bool]| set.iter().any(|source| of[source.0 as usize]);
        let is_disputed = |set: &[SourceId]| {
            set.len() > 1 && (any(set, &moved) || any(set, &overtaken) && any(set, &joins))
        };
        let (n_nodes, n_edges) = (self.nodes.len(), self.edges.len());
        self.nodes.extend(snapshot.nodes_by_sources(is_disputed));
        self.edges.extend(snapshot.edges_by_sources(is_disputed));
        let nodes = self.nodes[n_nodes..].iter().map(|&node| NodeId(node));
        let edges = self.edges[n_edges..].iter().map(|&edge| EdgeId(edge));
        let mut is_named = vec![false; snapshot.props().len()];
        let of_nodes = nodes.flat_map(|node| snapshot.node_prop_ids(node));
        let of_edges = edges.flat_map(|edge| snapshot.edge_prop_ids(edge));
        for prop in of_nodes.chain(of_edges) {
            is_named[usize::from(prop.0)] = true;
        }
        for prop in snapshot
            .props()
            .filter(|prop| is_named[usize::from(prop.0)])
        {
            scope.prop(snapshot.prop_name(prop));
        }
    }

    /// Each once, with an edge every parallel one of its kind.
    fn sorted(mut self, snapshot: &Snapshot) -> Self {
        self.nodes.sort_unstable();
        self.nodes.dedup();
        self.edges.sort_unstable();
        self.edges.dedup();
        let mut edges: Vec<u32> = Vec::with_capacity(self.edges.len());
        for &edge in &self.edges {
            if edges.last().is_none_or(|&last| last < edge) {
                edges.extend(snapshot.parallel(EdgeId(edge)));
            }
        }
        self.edges = edges;
        self
    }

    /// Whether more than one node or edge in so many is.
    fn is_more_than(&self, one_in: usize, snapshot: &Snapshot) -> bool {
        self.nodes.len().saturating_mul(one_in) > snapshot.n_nodes()
            || self.edges.len().saturating_mul(one_in) > snapshot.n_edges()
    }
}

/// Sources that are merged together.
struct Stage<'a> {
    documents: Vec<Arc<Document>>,
    aliases: &'a Aliases,
    /// The aliases behind the snapshot before.
    before: &'a Aliases,
    changes: &'a Changes,
    observed_at_ms: i64,
}

impl Stage<'_> {
    /// A snapshot with what is touched merged again; `rows` are to be merged too, although the
    /// snapshot does not say that these sources have them.
    fn applied(
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
    fn want(&self, base: &Snapshot, touched: &Touched, wanted: &mut [Rows]) {
        let at: HashMap<&str, usize> = (self.documents.iter().enumerate())
            .map(|(at, document)| (&*document.info.name, at))
            .collect();
        let sources = base.sources().iter();
        let at: Vec<Option<usize>> = sources
            .map(|source| at.get(&*source.name).copied())
            .collect();
        let written = |id: &str| -> Vec<String> {
            let behind = self.aliases.behind(id).chain(self.before.behind(id));
            let mut ids: Vec<String> = behind.map(str::to_owned).collect();
            ids.push(id.to_owned());
            ids
        };
        for &node in &touched.nodes {
            let node = NodeId(node);
            let ids = written(base.stable_id(node));
            for source in base.node_sources(node) {
                let Some(at) = at[source.0 as usize] else {
                    continue;
                };
                let strings = self.documents[at].facts.strings();
                wanted[at]
                    .nodes
                    .extend(ids.iter().filter_map(|id| strings.get(id)));
            }
        }
        for &edge in &touched.edges {
            let edge = EdgeId(edge);
            let ends = base.edge(edge);
            let froms = written(base.stable_id(ends.source));
            let tos = written(base.stable_id(ends.target));
            for source in base.edge_sources(edge) {
                let Some(at) = at[source.0 as usize] else {
                    continue;
                };
                let strings = self.documents[at].facts.strings();
                let Some(kind) = strings.get(base.kind_name(ends.kind)) else {
                    continue;
                };
                for from in froms.iter().filter_map(|id| strings.get(id)) {
                    for to in tos.iter().filter_map(|id| strings.get(id)) {
                        wanted[at].edges.insert((from, kind, to));
                    }
                }
            }
        }
    }
}
