//! An estate assembled after a change is the estate assembled from the start: on the documents of the
//! demo estate, and on the corpus as one estate.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foothold_engine::build::{Assembly, Document};
use foothold_engine::graph::Snapshot;
use foothold_loaders::{Options, Outcome, load_paths};

use crate::support::corpus;

fn documents(folder: PathBuf) -> Vec<Arc<Document>> {
    let mut documents = Vec::new();
    load_paths(&[folder], &Options::new(0), &mut |outcome| {
        if let Outcome::Read(loaded) = outcome {
            documents.push(Arc::new(Document::new(loaded.source, loaded.facts)));
        }
    })
    .unwrap();
    assert!(documents.len() > 30);
    documents
}

/// Everything that a snapshot says.
fn said(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for source in snapshot.sources() {
        writeln!(text, "{source:?}").unwrap();
    }
    for node in snapshot.nodes() {
        write!(text, "{}", snapshot.stable_id(node)).unwrap();
        for &label in snapshot.labels_of(node) {
            write!(text, " :{}", snapshot.label_name(label)).unwrap();
        }
        for (prop, value) in snapshot.node_props(node) {
            write!(text, " {}={value:?}", snapshot.prop_name(prop)).unwrap();
        }
        let sources = snapshot.node_sources(node);
        writeln!(text, " {sources:?} {}", snapshot.node_confidence(node)).unwrap();
        for (edge, kind, end) in snapshot.out_all(node) {
            let (kind, end) = (snapshot.kind_name(kind), snapshot.stable_id(end));
            write!(text, "  -{kind}-> {end}").unwrap();
            for (prop, value) in snapshot.edge_props(edge) {
                write!(text, " {}={value:?}", snapshot.prop_name(prop)).unwrap();
            }
            let sources = snapshot.edge_sources(edge);
            writeln!(text, " {sources:?} {}", snapshot.edge_confidence(edge)).unwrap();
        }
        let starts = snapshot
            .in_all(node)
            .map(|(edge, _, start)| (edge.0, start.0));
        writeln!(text, "  {:?}", starts.collect::<Vec<_>>()).unwrap();
    }
    for names in [
        snapshot
            .labels()
            .map(|it| snapshot.label_name(it))
            .collect::<Vec<_>>(),
        snapshot.kinds().map(|it| snapshot.kind_name(it)).collect(),
        snapshot.props().map(|it| snapshot.prop_name(it)).collect(),
    ] {
        writeln!(text, "{names:?}").unwrap();
    }
    text
}

/// Takes every n-th document out, and puts it back.
fn out_and_in(documents: &[Arc<Document>], n: usize) {
    let whole = Assembly::new(documents.to_vec()).unwrap();
    let text = said(whole.snapshot());
    for at in 0..n {
        let mut rest = documents.to_vec();
        let mut nth = 0;
        rest.retain(|_| {
            nth += 1;
            nth % n != at
        });
        let out = whole.with_documents(rest.clone()).unwrap();
        let anew = Assembly::new(rest).unwrap();
        assert!(
            said(out.snapshot()) == said(anew.snapshot()),
            "without {at} of {n}"
        );
        let back = out.with_documents(documents.to_vec()).unwrap();
        assert!(said(back.snapshot()) == text, "with {at} of {n} again");
    }
}

#[test]
fn an_estate_after_a_change_is_the_estate_from_the_start() {
    let documents = documents(Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/demo"));
    out_and_in(&documents, documents.len());
    out_and_in(&documents, 5);
}

#[test]
fn so_is_everything_that_real_tools_wrote() {
    let Some(corpus) = corpus() else { return };
    let documents = documents(corpus);
    out_and_in(&documents, 4);
}
