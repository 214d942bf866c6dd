//! Where sources disagree and another one wins than before.

use std::collections::HashMap;
use std::sync::Arc;

use crate::build::assemble::observed_at_ms;
use crate::model::SourceInfo;

use super::{Assembly, Document};

/// Where another source may win now than before, though nobody says anything else.
pub(super) struct Precedence<'a> {
    /// Sources whose authority or time changed: against any other.
    pub(super) moved: Vec<&'a str>,
    /// Sources that were the newest, and are not any more: against joins.
    pub(super) overtaken: Vec<&'a str>,
    pub(super) joins: Vec<&'a str>,
}

impl<'a> Precedence<'a> {
    pub(super) fn new(
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
