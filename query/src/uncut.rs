//! A question without what cuts its answer short, for comparing two answers.
//!
//! `LIMIT 3` on two graphs gives two times three rows, and where one row goes another comes: neither
//! opened nor closed. So answers are compared before the last `SKIP` and `LIMIT`, and attack paths by
//! the path, which says by itself whether it stands in the other graph, whatever `TOP` lets in.

use crate::ast::{
    Clause, Expr, ExprKind, Ident, Projection, ProjectionItem, Query, Span, Union, Verb, YieldItem,
};
use crate::resolve::has_aggregate;

/// The name of the added column; no query can write it.
const PATH: &str = "\u{1}path";

/// A question to compare answers by.
#[derive(Debug, Clone)]
pub struct Uncut {
    /// The question without the last `SKIP` and `LIMIT` of its parts.
    pub query: Query,
    /// Whether its last column is an attack path that was not asked for.
    pub adds_path: bool,
    /// Whether a `SKIP` or `LIMIT` was taken away.
    pub was_cut: bool,
    /// What the last `SKIP` and `LIMIT` say, as a question with the columns `skip` and `limit`;
    /// `None` where they say nothing, or each part of a `UNION` something of its own.
    pub counts: Option<Query>,
    /// A `SKIP`, `LIMIT` or `TOP` that stays, because what comes after it depends on it.
    pub still_cut: Option<Span>,
}

/// The question without what cuts its answer short.
pub fn uncut(asked: &Query) -> Uncut {
    let mut query = asked.clone();
    let body = &mut query.body;
    let (mut skip, mut limit) = (None, None);
    let is_union = !body.rest.is_empty();
    let mut was_cut = false;
    let rest = body.rest.iter_mut().map(|part| &mut part.query);
    for part in std::iter::once(&mut body.first).chain(rest) {
        if let Some(Clause::Return(last)) = part.clauses.last_mut() {
            skip = last.skip.take();
            limit = last.limit.take();
            was_cut |= skip.is_some() || limit.is_some();
        }
    }
    let mut still_cut = cut_in(body);
    let mut adds_path = false;
    if let Some((head, is_carried, is_added)) = with_path(&mut body.first.clauses, is_union) {
        adds_path = is_added;
        still_cut = still_cut.or((!is_carried).then_some(head));
    }
    let counts = (!is_union && was_cut).then(|| counts(asked, skip.as_ref(), limit.as_ref()));
    Uncut {
        query,
        adds_path,
        was_cut,
        counts,
        still_cut,
    }
}

/// A projection inside that passes on some of its rows only.
fn cut_in(body: &Union) -> Option<Span> {
    let rest = body.rest.iter().map(|part| &part.query);
    let parts = std::iter::once(&body.first).chain(rest);
    let mut clauses = parts.flat_map(|part| &part.clauses);
    clauses.find_map(|clause| {
        let cuts = match clause {
            Clause::With(with) => &with.projection,
            Clause::Return(last) => last,
            Clause::Call(call) => return cut_in(&call.body),
            _ => return None,
        };
        (cuts.skip.is_some() || cuts.limit.is_some()).then_some(cuts.span)
    })
}

/// `RETURN skip AS skip, limit AS limit`.
fn counts(asked: &Query, skip: Option<&Expr>, limit: Option<&Expr>) -> Query {
    let item = |name: &str, count: Option<&Expr>| {
        let null = || Expr {
            kind: ExprKind::Null,
            span: asked.span,
        };
        column(count.cloned().unwrap_or_else(null), name)
    };
    let mut query = asked.clone();
    query.body.first.clauses = vec![Clause::Return(Projection {
        distinct: false,
        star: None,
        items: vec![item("skip", skip), item("limit", limit)],
        order_by: Vec::new(),
        skip: None,
        limit: None,
        span: asked.span,
    })];
    query
}

fn column(expr: Expr, name: &str) -> ProjectionItem {
    let span = expr.span;
    ProjectionItem {
        alias: Some(Ident {
            name: name.to_owned(),
            span,
        }),
        expr,
        text: span,
        span,
    }
}

/// Adds the path of the last `ATTACK PATHS` as the last column, where every row stands for one
/// path: the words of the verb, whether rows carry the path, and whether a column was added for it.
/// `None` where there is no such verb.
fn with_path(clauses: &mut [Clause], is_union: bool) -> Option<(Span, bool, bool)> {
    let is_asked = |clause: &Clause| matches!(clause, Clause::Verb(verb) if matches!(verb.verb, Verb::AttackPaths(_)));
    let at = clauses.iter().rposition(is_asked)?;
    let (Clause::Verb(verb), after) = clauses.get_mut(at..)?.split_first_mut()? else {
        return None;
    };
    let span = verb.head;
    let keeps_rows = |projection: &Projection| {
        let is_whole = projection.star.is_none() && !projection.distinct;
        is_whole
            && !projection
                .items
                .iter()
                .any(|item| has_aggregate(&item.expr))
    };
    let is_plain = after.iter().all(|clause| match clause {
        Clause::With(with) => keeps_rows(&with.projection),
        Clause::Return(last) => keeps_rows(last),
        _ => false,
    });
    if is_union || !is_plain {
        return Some((span, false, false));
    }
    let ident = |name: &str| Ident {
        name: name.to_owned(),
        span,
    };
    let mut name = "path".to_owned();
    let mut is_added = false;
    if let Some(yields) = &mut verb.yields {
        match yields.iter().find(|item| item.column.name == "path") {
            Some(item) => name.clone_from(&item.alias.as_ref().unwrap_or(&item.column).name),
            None => {
                PATH.clone_into(&mut name);
                is_added = true;
                yields.push(YieldItem {
                    column: ident("path"),
                    alias: Some(ident(PATH)),
                });
            }
        }
    }
    for clause in after {
        let projection = match clause {
            Clause::With(with) => &mut with.projection,
            Clause::Return(last) => last,
            _ => continue,
        };
        let variable = Expr {
            kind: ExprKind::Variable(name.clone()),
            span,
        };
        projection.items.push(column(variable, PATH));
        PATH.clone_into(&mut name);
        is_added = true;
    }
    Some((span, true, is_added))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::print_query;
    use crate::parse::parse_query;

    #[track_caller]
    fn check(asked: &str, expected: &str, adds_path: bool) {
        let query = parse_query(asked).ok().expect("a query");
        let uncut = uncut(&query);
        let flat: Vec<&str> = expected.split_whitespace().collect();
        let printed = print_query(&uncut.query).replace('\u{1}', "#");
        let printed: Vec<&str> = printed.split_whitespace().collect();
        assert_eq!(printed.join(" "), flat.join(" "));
        assert_eq!(uncut.adds_path, adds_path, "{asked}");
    }

    #[test]
    fn the_last_limit_goes_and_the_others_stay() {
        let inner = "MATCH (n) WITH n ORDER BY n.name LIMIT 5";
        let asked = format!("{inner} RETURN n.name AS name SKIP 1 LIMIT 2");
        check(&asked, &format!("{inner} RETURN n.name AS name"), false);
        let query = parse_query(&asked).ok().expect("a query");
        assert!(uncut(&query).still_cut.is_some());
        assert!(uncut(&query).counts.is_some() && uncut(&query).was_cut);
        let plain = parse_query("MATCH (n) RETURN n").ok().expect("a query");
        let same = uncut(&plain);
        assert_eq!(same.query, plain);
        assert!(!same.was_cut && same.counts.is_none() && same.still_cut.is_none());
    }

    #[test]
    fn a_row_for_each_path_carries_its_path() {
        check(
            "ATTACK PATHS TOP 3 YIELD likelihood RETURN likelihood LIMIT 1",
            "ATTACK PATHS TOP 3 YIELD likelihood, path AS `#path` RETURN likelihood, `#path` AS `#path`",
            true,
        );
        check(
            "ATTACK PATHS YIELD path AS p WITH p.target AS d RETURN d.name",
            "ATTACK PATHS YIELD path AS p WITH p.target AS d, p AS `#path` RETURN d.name, `#path` AS `#path`",
            true,
        );
        check("ATTACK PATHS TOP 3", "ATTACK PATHS TOP 3", false);
        let counted = "ATTACK PATHS TOP 3 RETURN count(*) AS n";
        check(counted, counted, false);
        let query = parse_query(counted).ok().expect("a query");
        assert_eq!(
            uncut(&query).still_cut.map(|span| span.slice(counted)),
            Some("ATTACK PATHS")
        );
        let other = "EXPLOITABILITY OF (n:Node) RETURN node";
        check(other, other, false);
    }
}
