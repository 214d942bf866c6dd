//! What operators see: counters in the Prometheus text format, and a log on stderr.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters of one server.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: [AtomicU64; 5],
    queries: AtomicU64,
    queries_refused: AtomicU64,
    queries_partial: AtomicU64,
    queries_turned_away: AtomicU64,
    query_microseconds: AtomicU64,
    imports: AtomicU64,
}

/// How a query ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueryEnd {
    /// With its whole answer.
    Complete,
    /// With a part of it.
    Partial,
    /// Refused for its text.
    Refused,
}

/// What is measured when asked, not counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gauges {
    pub(crate) n_nodes: usize,
    pub(crate) n_edges: usize,
    pub(crate) n_running_queries: usize,
    pub(crate) records_bytes: u64,
}

impl Metrics {
    /// Counts a response.
    pub(crate) fn response(&self, status: u16) {
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some(counter) = self.requests.get(class) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a query.
    pub(crate) fn query(&self, end: QueryEnd, took: Duration) {
        self.queries.fetch_add(1, Ordering::Relaxed);
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.query_microseconds.fetch_add(took, Ordering::Relaxed);
        match end {
            QueryEnd::Complete => {}
            QueryEnd::Partial => {
                self.queries_partial.fetch_add(1, Ordering::Relaxed);
            }
            QueryEnd::Refused => {
                self.queries_refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Counts a query that the admission gate sent away.
    pub(crate) fn turned_away(&self) {
        self.queries_turned_away.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an import.
    pub(crate) fn import(&self) {
        self.imports.fetch_add(1, Ordering::Relaxed);
    }

    /// Everything in the Prometheus text format.
    pub(crate) fn render(&self, gauges: Gauges) -> String {
        let mut out = String::new();
        out.push_str("# TYPE foothold_http_responses_total counter\n");
        for (idx, counter) in self.requests.iter().enumerate() {
            let _ = writeln!(
                out,
                "foothold_http_responses_total{{class=\"{}xx\"}} {}",
                idx + 1,
                counter.load(Ordering::Relaxed)
            );
        }
        for (name, counter) in [
            ("foothold_queries_total", &self.queries),
            ("foothold_queries_refused_total", &self.queries_refused),
            ("foothold_queries_partial_total", &self.queries_partial),
            (
                "foothold_queries_turned_away_total",
                &self.queries_turned_away,
            ),
            (
                "foothold_query_microseconds_total",
                &self.query_microseconds,
            ),
            ("foothold_imports_total", &self.imports),
        ] {
            let value = counter.load(Ordering::Relaxed);
            let _ = writeln!(out, "# TYPE {name} counter\n{name} {value}");
        }
        for (name, value) in [
            ("foothold_graph_nodes", gauges.n_nodes as u64),
            ("foothold_graph_edges", gauges.n_edges as u64),
            ("foothold_queries_running", gauges.n_running_queries as u64),
            ("foothold_records_bytes", gauges.records_bytes),
        ] {
            let _ = writeln!(out, "# TYPE {name} gauge\n{name} {value}");
        }
        out
    }
}

/// Says on stderr what a client must not see.
pub(crate) fn log_bug(cause: &dyn std::fmt::Display) {
    let at = crate::clock::text(crate::clock::now_ms());
    let _ = writeln!(std::io::stderr(), "{at} internal error: {cause}");
}
