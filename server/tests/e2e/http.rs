//! The HTTP API: answers, problems, limits, security, and the document that describes it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};

use serde_json::{Value, json};

use crate::support::{Server, run, shop};

fn ask(server: &Server, query: &str) -> Value {
    let answer = server.post("/api/v1/query", &json!({ "query": query }));
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// How many queries run now, as the metrics say.
fn running(server: &Server) -> u64 {
    let metrics = server.get("/metrics").body;
    let line = metrics
        .lines()
        .find(|line| line.starts_with("foothold_queries_running "));
    line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

/// A query that would run for hours.
const ENDLESS: &str = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b WITH a, b WHERE a + b < 0 RETURN a";

#[test]
fn a_query_is_answered_in_one_document_or_in_lines() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(dir.path());
    let answer = ask(
        &server,
        "MATCH (w:Workload) RETURN w.name AS name ORDER BY name",
    );
    assert_eq!(answer["rows"], json!([["batch"], ["checkout"]]));
    assert_eq!(answer["stats"]["snapshot"], "s1");

    let body = json!({ "query": "UNWIND range(1, 5000) AS n RETURN n" }).to_string();
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/x-ndjson"),
    ];
    let lines = server.request("POST", "/api/v1/query", &headers, Some(body.as_bytes()));
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    let lines: Vec<Value> = lines
        .body
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(lines.len(), 5002);
    assert_eq!(lines[0], json!({ "columns": ["n"] }));
    assert_eq!(lines[5000], json!([5000]));
    assert_eq!(lines[5001]["completeness"]["complete"], true);
}

#[test]
fn a_refused_query_is_a_problem_with_places() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(dir.path());
    for accept in ["application/json", "application/x-ndjson"] {
        let body = json!({ "query": "MATCH (n)\nRETRUN n" }).to_string();
        let headers = [("content-type", "application/json"), ("accept", accept)];
        let refused = server.request("POST", "/api/v1/query", &headers, Some(body.as_bytes()));
        let problem = refused.problem(422, "query.refused");
        let diagnostic = &problem["diagnostics"][0];
        assert_eq!(
            (&diagnostic["severity"], &diagnostic["line"]),
            (&json!("error"), &json!(2))
        );
    }
    let validated = server.post(
        "/api/v1/query/validate",
        &json!({ "query": "MATCH (n:Workloads) RETURN m" }),
    );
    let codes: Vec<String> = validated.json()["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["code"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        codes.contains(&"query.unknown_variable".to_owned()),
        "{codes:?}"
    );
}

#[test]
fn a_query_can_be_explained_and_completed() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(dir.path());
    let query = "MATCH (w:Workload)-[:RUNS]->(i) RETURN i";
    let explained = server
        .post("/api/v1/query/explain", &json!({ "query": query }))
        .json();
    assert!(!explained["plan"].as_array().unwrap().is_empty());
    let completed = server
        .post(
            "/api/v1/query/complete",
            &json!({ "query": "MATCH (w:Wor", "offset": 12 }),
        )
        .json();
    assert_eq!(completed["from"], 9);
    assert_eq!(completed["items"][0]["label"], "Workload");
    assert_eq!(completed["items"][0]["detail"], "label, 2 nodes");
}

#[test]
fn a_query_ends_at_its_deadline_with_what_it_found() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let body = json!({ "query": ENDLESS, "budget": { "ms": 50 } });
    let answer = server.post("/api/v1/query", &body).json();
    assert_eq!(answer["completeness"]["limit"], "time");
    assert_eq!(answer["completeness"]["answer"], "none_within_bounds");
}

#[test]
fn a_running_query_is_cancelled_by_its_id() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    server
        .delete("/api/v1/query/none")
        .problem(404, "request.not_found");
    let answer = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let body = json!({ "query": ENDLESS, "budget": { "ms": 60_000 } }).to_string();
            let headers = [
                ("content-type", "application/json"),
                ("x-request-id", "mine"),
            ];
            server
                .request("POST", "/api/v1/query", &headers, Some(body.as_bytes()))
                .json()
        });
        while server.delete("/api/v1/query/mine").status != 204 {
            std::thread::yield_now();
        }
        asking.join().unwrap()
    });
    assert_eq!(answer["completeness"]["limit"], "cancelled");
}

#[test]
fn a_client_that_goes_away_frees_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let body = json!({ "query": ENDLESS, "budget": { "ms": 60_000 } }).to_string();
    let request = format!(
        "POST /api/v1/query HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    );
    let stream = server.raw(&request);
    while running(&server) == 0 {
        std::thread::yield_now();
    }
    drop(stream);
    // Ends only if the work stops: the query itself would go on for a minute.
    while running(&server) > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn too_many_queries_are_sent_away_with_a_time_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let (db, work) = (dir.path().join("db"), dir.path().join("work"));
    std::fs::create_dir(&work).unwrap();
    std::fs::write(
        work.join("foothold.toml"),
        "[limits]\nqueries = 1\nwaiting = 0\n",
    )
    .unwrap();
    let server = Server::start_with(&db, |command| command.current_dir(&work));
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let body = json!({ "query": ENDLESS, "budget": { "ms": 60_000 } }).to_string();
            let headers = [
                ("content-type", "application/json"),
                ("x-request-id", "long"),
            ];
            server.request("POST", "/api/v1/query", &headers, Some(body.as_bytes()))
        });
        while running(&server) == 0 {
            std::thread::yield_now();
        }
        let refused = server.post("/api/v1/query", &json!({ "query": "RETURN 1" }));
        refused.problem(429, "query.too_many");
        assert_eq!(refused.header("retry-after"), Some("1"));
        assert_eq!(server.get("/healthz").status, 200, "the rest goes on");
        assert_eq!(server.delete("/api/v1/query/long").status, 204);
        asking.join().unwrap();
    });
    assert_eq!(
        server
            .post("/api/v1/query", &json!({ "query": "RETURN 1" }))
            .status,
        200
    );
}

#[test]
fn paths_come_with_what_draws_them() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(dir.path());
    let body = json!({ "to": "(d:DataStore)", "top": 5 });
    let answer = server.post("/api/v1/paths", &body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    let path = &answer["paths"][0];
    assert_eq!(path["source"]["id"], "reach(net://internet)");
    assert_eq!(
        path["target"]["asset"],
        "aws://111122223333/s3/bucket/customers"
    );
    let steps = path["steps"].as_array().unwrap();
    let exploit = steps
        .iter()
        .find(|step| step["rule"] == "exploit-network-cve")
        .unwrap();
    assert!(!exploit["evidence"].as_array().unwrap().is_empty());
    assert!(!exploit["fixes"].as_array().unwrap().is_empty());
    let nodes = answer["graph"]["nodes"].as_array().unwrap();
    let ids: BTreeSet<&str> = nodes
        .iter()
        .map(|node| node["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), nodes.len(), "each state once");
    let layer = |id: &str| {
        nodes.iter().find(|node| node["id"] == id).unwrap()["layer"]
            .as_u64()
            .unwrap()
    };
    for edge in answer["graph"]["edges"].as_array().unwrap() {
        let (from, to) = (edge["from"].as_str().unwrap(), edge["to"].as_str().unwrap());
        assert!(ids.contains(from) && ids.contains(to));
        assert!(layer(from) < layer(to), "{edge}");
    }
    assert_eq!(answer["completeness"]["answer"], "some");

    let none = server.post(
        "/api/v1/paths",
        &json!({ "to": "exec(w:Workload WHERE w.name = 'batch')" }),
    );
    assert_eq!(none.status, 200, "no path is an answer: {}", none.body);
    assert_eq!(none.json()["paths"], json!([]));
    server
        .post("/api/v1/paths", &json!({ "to": "(d:DataStore" }))
        .problem(422, "query.refused");
    let hostile = json!({ "avoiding_rules": ["x RETURN 1"] });
    server
        .post("/api/v1/paths", &hostile)
        .problem(422, "request.invalid");
}

#[test]
fn verbs_answer_with_their_columns_as_keys() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(dir.path());
    let exploitability = server.post("/api/v1/exploitability", &json!({ "of": "(d:DataStore)" }));
    assert_eq!(exploitability.status, 200, "{}", exploitability.body);
    let row = exploitability.json()["rows"][0].clone();
    assert!(row["likelihood"].as_f64().unwrap() > 0.1, "{row}");
    let blast = server.post(
        "/api/v1/blast-radius",
        &json!({ "of": "exec(w:Workload WHERE w.name = 'checkout')" }),
    );
    assert_eq!(blast.status, 200, "{}", blast.body);
    assert!(
        blast.json()["rows"][0]["crown_jewels"].is_number()
            || blast.json()["rows"][0]["crown_jewels"].is_array()
    );
}

#[test]
fn things_can_be_looked_at_expanded_and_found() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(dir.path());
    let id = "k8s://prod/shop/Deployment/checkout";
    let node = server.get(&format!("/api/v1/nodes/{id}")).json();
    assert_eq!(
        (&node["id"], &node["labels"][0]),
        (&json!(id), &json!("Workload"))
    );
    assert!(node["sources"][0].as_str().unwrap().ends_with("shop.jsonl"));
    let neighbors = server
        .get(&format!(
            "/api/v1/nodes/{id}/neighbors?kind=RUNS&direction=out"
        ))
        .json();
    assert_eq!(neighbors["items"].as_array().unwrap().len(), 1);
    assert_eq!(neighbors["items"][0]["node"]["labels"], json!(["Image"]));
    server
        .get("/api/v1/nodes/x://nothing")
        .problem(404, "request.not_found");
    let found = server.get("/api/v1/search?q=workload:check").json();
    assert_eq!(found["items"][0]["id"], id);
    let schema = server.get("/api/v1/schema").json();
    let labels = schema["labels"].as_array().unwrap();
    let workload = labels
        .iter()
        .find(|label| label["name"] == "Workload")
        .unwrap();
    assert_eq!(workload["count"], 2);
    assert_eq!(schema["snapshot"]["id"], "s1");
    assert!(
        schema["rules"]
            .as_array()
            .unwrap()
            .iter()
            .any(|rule| rule["steps"].as_u64().unwrap() > 0)
    );
}

#[test]
fn saved_queries_are_kept_changed_run_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(dir.path());
    let body = json!({ "name": "workloads", "query": "MATCH (w:Workload) WHERE w.name = $n RETURN w.name", "tags": ["a"] });
    let saved = server.post("/api/v1/queries", &body);
    assert_eq!(saved.status, 201, "{}", saved.body);
    let id = saved.json()["id"].as_str().unwrap().to_owned();
    let one = format!("/api/v1/queries/{id}");
    assert_eq!(saved.header("location"), Some(one.as_str()));
    let ran = server
        .post(
            &format!("{one}/run"),
            &json!({ "params": { "n": "batch" } }),
        )
        .json();
    assert_eq!(ran["rows"], json!([["batch"]]));
    let changed = server
        .send("PUT", &one, &json!({ "name": "one", "query": "RETURN 1" }))
        .json();
    assert_eq!(
        (&changed["name"], &changed["created_at"]),
        (&json!("one"), &saved.json()["created_at"])
    );
    assert_eq!(
        server.get("/api/v1/queries").json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(server.delete(&one).status, 204);
    server.get(&one).problem(404, "request.not_found");
    server
        .post("/api/v1/queries", &json!({ "name": " ", "query": "x" }))
        .problem(422, "request.invalid");
    let wrong = json!({ "name": "n", "query": "RETURN 1", "tags": ["a", 3] });
    let detail = server
        .post("/api/v1/queries", &wrong)
        .problem(400, "request.malformed")["detail"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(detail.contains("`tags[1]`: invalid type"), "{detail}");
    let unreadable = json!({ "name": "n", "query": "MATCH (w RETURN w" });
    let refused = server.post("/api/v1/queries", &unreadable);
    let problem = refused.problem(422, "query.refused");
    let validated = server.post(
        "/api/v1/query/validate",
        &json!({ "query": "MATCH (w RETURN w" }),
    );
    assert_eq!(problem["diagnostics"], validated.json()["diagnostics"]);
    let huge = "x".repeat(20_000);
    server
        .post("/api/v1/queries", &json!({ "name": "n", "query": huge }))
        .problem(422, "request.invalid");
}

#[test]
fn every_wrong_request_is_a_problem_document() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    server
        .get("/api/v1/nothing")
        .problem(404, "request.no_such_route");
    server
        .send("PUT", "/api/v1/query", &json!({}))
        .problem(405, "request.wrong_method");
    server
        .request("POST", "/api/v1/query", &[], Some(b"{}"))
        .problem(415, "request.not_json");
    server
        .post("/api/v1/query", &json!({ "query": 1 }))
        .problem(400, "request.malformed");
    server
        .post("/api/v1/query", &json!({ "query": "RETURN 1", "typo": 1 }))
        .problem(400, "request.malformed");
    server
        .get("/api/v1/search")
        .problem(400, "request.malformed");
    server
        .get("/no-such-page")
        .problem(404, "request.not_found");
    // Just beyond the limit, so that the server has read all of it when it refuses.
    let huge = json!({ "query": "x".repeat(1 << 20) });
    server
        .post("/api/v1/query", &huge)
        .problem(413, "request.too_large");
}

#[test]
fn pages_of_other_sites_get_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let get = |host: &str, more: &str| {
        let mut stream = server.raw(&format!(
            "GET /api/v1/schema HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n"
        ));
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    assert!(get(&server.address, "").starts_with("HTTP/1.1 200"));
    assert!(
        get("evil.example", "").starts_with("HTTP/1.1 403"),
        "a name bound to this machine"
    );
    let body = json!({ "name": "n", "query": "RETURN 1" }).to_string();
    let headers = [
        ("content-type", "application/json"),
        ("origin", "http://evil.example"),
    ];
    server
        .request("POST", "/api/v1/queries", &headers, Some(body.as_bytes()))
        .problem(403, "request.foreign_origin");
    let own = format!("http://{}", server.address);
    let headers = [
        ("content-type", "application/json"),
        ("origin", own.as_str()),
    ];
    assert_eq!(
        server
            .request("POST", "/api/v1/queries", &headers, Some(body.as_bytes()))
            .status,
        201
    );
}

#[test]
fn every_answer_carries_the_headers_that_browsers_need() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    for path in ["/", "/healthz", "/api/v1/schema", "/api/v1/nothing"] {
        let answer = server.get(path);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{path}"
        );
    }
    let page = server.get("/");
    assert_eq!(
        (page.status, page.header("cache-control")),
        (200, Some("no-cache"))
    );
    assert_eq!(
        server.get("/ui/paths").body,
        page.body,
        "the console reads its own addresses"
    );
}

#[test]
fn with_a_token_everything_below_api_asks_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let token = "EXAMPLE-TOKEN-EXAMPLE";
    let server = Server::start_with(dir.path(), |command| command.env("FOOTHOLD_TOKEN", token));
    let refused = server.get("/api/v1/schema");
    refused.problem(401, "request.unauthenticated");
    assert!(
        refused
            .header("www-authenticate")
            .unwrap()
            .starts_with("Bearer")
    );
    let bearer = format!("Bearer {token}");
    let allowed = server.request("GET", "/api/v1/schema", &[("authorization", &bearer)], None);
    assert_eq!(allowed.status, 200);
    assert_eq!(server.get("/healthz").status, 200);
    let open = run(&[
        "serve",
        "--db",
        dir.path().join("x").to_str().unwrap(),
        "--listen",
        "0.0.0.0:0",
    ]);
    assert_eq!(open.code, 2);
    assert!(open.err.contains("FOOTHOLD_TOKEN"), "{}", open.err);
}

/// A query keeps its snapshot while imports go on, and never sees half of one.
#[test]
fn queries_during_imports_see_one_state_or_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let upload = |round: u32| {
        let mut lines = String::new();
        for node in 0..200 {
            lines.push_str(&format!("{{\"node\":{{\"id\":\"app://{node}\",\"labels\":[\"Application\"],\"props\":{{\"round\":{round}}}}}}}\n"));
        }
        let path = "/api/v1/imports?name=apps.jsonl";
        let accepted = server.request("POST", path, &[], Some(lines.as_bytes()));
        accepted.json()["id"].as_str().unwrap().to_owned()
    };
    let first = upload(0);
    server.wait_for(&first);
    for round in 1..6 {
        let job = upload(round);
        loop {
            let answer = ask(
                &server,
                "MATCH (a:Application) RETURN DISTINCT a.round AS round, count(*) AS n",
            );
            assert_eq!(answer["rows"].as_array().unwrap().len(), 1, "{answer}");
            assert_eq!(answer["rows"][0][1], 200);
            if server.get(&format!("/api/v1/jobs/{job}")).json()["status"] == "done" {
                break;
            }
        }
    }
}

/// What the document names is there, and answers only with what it declares.
#[test]
fn the_openapi_document_is_true() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(dir.path());
    let document = server.get("/api/v1/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path = path.replace("{id}", "0");
            let body = operation.get("requestBody").map(|_| b"{}".as_slice());
            let headers = [("content-type", "application/json")];
            let headers: &[(&str, &str)] = if body.is_some() { &headers } else { &[] };
            let answer = server.request(&method.to_uppercase(), &path, headers, body);
            assert_ne!(answer.status, 405, "{method} {path}");
            assert!(
                !answer.body.contains("request.no_such_route"),
                "{method} {path}"
            );
            assert!(answer.status < 500, "{method} {path}: {}", answer.body);
            let declared = &operation["responses"][answer.status.to_string()];
            if declared.is_null() {
                assert_eq!(
                    answer.header("content-type"),
                    Some("application/problem+json"),
                    "{method} {path}: {}",
                    answer.status
                );
            }
        }
    }
    // Every reference leads somewhere.
    let text = document.to_string();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}

#[test]
fn a_slow_or_broken_client_hurts_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut half = server
        .raw("POST /api/v1/query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{");
    let garbage = server.raw("\u{0}\u{1}\u{2}\r\n\r\n");
    let mut answer = String::new();
    let _ = BufReader::new(garbage).read_line(&mut answer);
    assert_eq!(server.get("/healthz").status, 200);
    let _ = half.write_all(b"x");
    drop(half);
    assert_eq!(server.get("/readyz").json()["status"], "ready");
    assert!(shop().exists());
}
