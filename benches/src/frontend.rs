//! Long queries of many shapes, for measuring what happens before the first row is read.

/// A query of about `bytes` bytes, on the estate's labels and kinds.
#[derive(Debug, Clone)]
pub struct LongQuery {
    /// What is long about it.
    pub name: &'static str,
    /// The text.
    pub text: String,
}

/// How a text grows: before, repeated with `#` counting up, between, after.
struct Shape {
    name: &'static str,
    before: &'static str,
    again: &'static str,
    between: &'static str,
    after: &'static str,
}

const fn shape(
    name: &'static str,
    before: &'static str,
    again: &'static str,
    between: &'static str,
    after: &'static str,
) -> Shape {
    Shape {
        name,
        before,
        again,
        between,
        after,
    }
}

const SHAPES: &[Shape] = &[
    shape(
        "AND chain",
        "MATCH (w:Workload) WHERE ",
        "w.name <> 'wl-#'",
        " AND ",
        " RETURN w",
    ),
    shape(
        "OR chain",
        "MATCH (w:Workload) WHERE ",
        "w.name CONTAINS 'wl-#'",
        " OR ",
        " RETURN w",
    ),
    shape(
        "AND of OR",
        "MATCH (w:Workload)-[:RUNS]->(i:Image) WHERE ",
        "(w.name = 'wl-#' OR i.tag = '1.#')",
        " AND ",
        " RETURN w",
    ),
    shape(
        "IN list",
        "MATCH (w:Workload) WHERE w.name IN [",
        "'wl-#'",
        ", ",
        "] RETURN w",
    ),
    shape("number list", "RETURN [", "#", ",", "] AS list"),
    shape("map", "RETURN {", "key#: #", ", ", "} AS map"),
    shape(
        "long path",
        "MATCH (a0:Package)",
        "-[:DEPENDS_ON]->(a#:Package)",
        "",
        " RETURN count(*) AS n",
    ),
    shape(
        "connected patterns",
        "MATCH (w:Workload), ",
        "(w)-[:RUNS]->(i#:Image)",
        ", ",
        " RETURN count(*) AS n",
    ),
    shape(
        "unconnected patterns",
        "MATCH ",
        "(w#:Workload)-[:RUNS]->(i#:Image)",
        ", ",
        " RETURN count(*) AS n",
    ),
    shape(
        "clauses",
        "",
        "MATCH (w#:Workload)-[:RUNS]->(i#:Image) WHERE i#.tag = 'x'",
        " ",
        " RETURN count(*) AS n",
    ),
    shape(
        "WITH chain",
        "WITH 1 AS x ",
        "WITH x + # AS x",
        " ",
        " RETURN x",
    ),
    shape(
        "OPTIONAL chain",
        "MATCH (w:Workload) ",
        "OPTIONAL MATCH (w)-[:RUNS]->(i#:Image)",
        " ",
        " RETURN w",
    ),
    shape(
        "UNION",
        "",
        "MATCH (i:Image) WHERE i.tag = '#' RETURN i.name AS name",
        " UNION ",
        "",
    ),
    shape(
        "comments",
        "MATCH (i:Image) ",
        "/* number # of the comments */ // and a line\n",
        "",
        " RETURN i",
    ),
    shape(
        "label alternation",
        "MATCH (n:",
        "Workload|Image|Package|Service",
        "|",
        ") RETURN n",
    ),
    shape(
        "39 kinds in each relationship",
        "MATCH (a0)",
        "-[:RUNS|CONTAINS|DEPENDS_ON|AFFECTED_BY|ROUTES_TO|CAN_REACH|RUNS_AS|MOUNTS|OWNED_BY\
         |IN_NAMESPACE|IN_CLUSTER|IN_ACCOUNT|BUILDS|BUILT_FROM|SCHEDULED_ON|AUTHENTICATES\
         |FEDERATES_TO|CAN_ASSUME|HAS_PERMISSION|MEMBER_OF|RUNS|CONTAINS|DEPENDS_ON|AFFECTED_BY\
         |ROUTES_TO|CAN_REACH|RUNS_AS|MOUNTS|OWNED_BY|IN_NAMESPACE|IN_CLUSTER|IN_ACCOUNT|BUILDS\
         |BUILT_FROM|SCHEDULED_ON|AUTHENTICATES|FEDERATES_TO|CAN_ASSUME|MEMBER_OF]->(a#)",
        "",
        " RETURN count(*) AS n",
    ),
    shape(
        "unknown labels",
        "MATCH (n:",
        "Workloat#",
        "|",
        ") RETURN n",
    ),
    shape(
        "unknown properties",
        "MATCH (w:Workload) RETURN ",
        "w.nam# AS c#",
        ", ",
        "",
    ),
    shape("unknown variables", "RETURN ", "missing# AS c#", ", ", ""),
    shape("unknown functions", "RETURN ", "siez(#) AS c#", ", ", ""),
    shape(
        "columns",
        "MATCH (w:Workload) RETURN ",
        "w.name + '#' AS column#",
        ", ",
        "",
    ),
    shape(
        "aggregates",
        "MATCH (w:Workload) RETURN ",
        "sum(w.replicas + #) AS c#",
        ", ",
        "",
    ),
    shape(
        "sort keys",
        "MATCH (w:Workload) RETURN w ORDER BY ",
        "w.name + '#'",
        ", ",
        "",
    ),
    shape("sum", "RETURN ", "#", " + ", " AS n"),
    shape(
        "function calls",
        "RETURN ",
        "toUpper(trim('x#'))",
        " + ",
        " AS text",
    ),
    shape(
        "comprehensions",
        "MATCH (w:Workload) RETURN ",
        "[x IN range(1, #) WHERE x % 2 = 0 | x * x]",
        " + ",
        " AS list",
    ),
    shape(
        "CASE branches",
        "RETURN CASE 1 ",
        "WHEN # THEN 'w#'",
        " ",
        " ELSE '' END AS word",
    ),
    shape(
        "subqueries",
        "MATCH (w:Workload) WHERE ",
        "EXISTS { (w)-[:RUNS]->(:Image {tag: '#'}) }",
        " OR ",
        " RETURN w",
    ),
    shape(
        "quantified path",
        "MATCH (a:Package)",
        "(()-[:DEPENDS_ON]->()){1,2}",
        "",
        "(b) RETURN count(*) AS n",
    ),
    shape(
        "variable length",
        "MATCH (a0:Package)",
        "-[:DEPENDS_ON*1..3]->(a#)",
        "",
        " RETURN count(*) AS n",
    ),
    shape(
        "ends of a verb",
        "ATTACK PATHS TO ",
        "(d#:DataStore WHERE d#.name = 'bucket-#')",
        ", ",
        "",
    ),
];

/// What nests, at the depth that is accepted: before, opening, inside, closing, after.
const NESTED: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("nested parentheses", "RETURN ", "(1 + ", "1", ")", " AS n"),
    ("nested lists", "RETURN ", "[1, ", "1", "]", " AS n"),
    ("nested calls", "RETURN ", "abs(1 - ", "1", ")", " AS n"),
    (
        "nested CASE",
        "RETURN ",
        "CASE WHEN true THEN ",
        "1",
        " END",
        " AS n",
    ),
    (
        "nested EXISTS",
        "MATCH (w:Workload) WHERE ",
        "EXISTS { MATCH (w)-[:RUNS]->(i:Image) WHERE ",
        "true",
        " }",
        " RETURN w",
    ),
    (
        "nested CALL",
        "",
        "CALL { ",
        "RETURN 1 AS n",
        " RETURN n }",
        " RETURN n",
    ),
];

/// A query of every shape, each at most `bytes` bytes long.
pub fn long_queries(bytes: usize) -> Vec<LongQuery> {
    let mut queries: Vec<LongQuery> = SHAPES
        .iter()
        .map(|shape| LongQuery {
            name: shape.name,
            text: grown(shape, bytes),
        })
        .collect();
    for &(name, before, open, inside, close, after) in NESTED {
        for depth in [8, 20, 60, 100] {
            let text = [
                before,
                &open.repeat(depth),
                inside,
                &close.repeat(depth),
                after,
            ]
            .concat();
            if text.len() <= bytes {
                queries.push(LongQuery { name, text });
            }
        }
    }
    queries
}

fn grown(shape: &Shape, bytes: usize) -> String {
    let mut text = shape.before.to_owned();
    for n in 1_usize.. {
        let again = shape.again.replace('#', &n.to_string());
        let length = text.len() + shape.between.len() + again.len() + shape.after.len();
        if n > 1 && length > bytes {
            break;
        }
        if n > 1 {
            text.push_str(shape.between);
        }
        text.push_str(&again);
    }
    text.push_str(shape.after);
    text
}
