//! Uploads and jobs over HTTP.

use std::io::{BufRead, BufReader};

use serde_json::json;

use crate::support::{Server, run, shop};

#[test]
fn a_form_of_files_is_read_with_a_result_for_each() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let document = std::fs::read_to_string(shop()).unwrap();
    let boundary = "EXAMPLE-boundary";
    let mut body = String::new();
    for (name, content) in [
        ("scans/shop.jsonl", document.as_str()),
        (
            "scans/cut.cdx.json",
            "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"components\":[{\"type\":",
        ),
    ] {
        body.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\r\n{content}\r\n"
        ));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    let form = format!("multipart/form-data; boundary={boundary}");
    let headers = [("content-type", form.as_str())];
    let accepted = server.request(
        "POST",
        "/api/v1/imports?source=upload",
        &headers,
        Some(body.as_bytes()),
    );
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        accepted.header("location"),
        Some(format!("/api/v1/imports/{id}").as_str())
    );
    assert_eq!(server.wait_for(&id)["status"], "done");
    let import = server.get(&format!("/api/v1/imports/{id}")).json();
    let documents = import["documents"].as_array().unwrap();
    let of = |name: &str| documents.iter().find(|it| it["path"] == name).unwrap();
    assert_eq!(of("scans/shop.jsonl")["status"], "read");
    assert_eq!(of("scans/cut.cdx.json")["status"], "failed");
    assert!(of("scans/cut.cdx.json")["error"].is_string());
    assert_eq!(
        (&import["totals"]["read"], &import["totals"]["failed"]),
        (&json!(1), &json!(1))
    );

    let sources = server.get("/api/v1/sources").json();
    assert_eq!(sources["items"][0]["name"], "upload/scans/shop.jsonl");
    assert_eq!(
        server.delete("/api/v1/sources?name=upload").json()["removed"],
        1
    );
    let count = json!({ "query": "MATCH (w:Workload) RETURN count(*)" });
    assert_eq!(
        server.post("/api/v1/query", &count).json()["rows"],
        json!([[0]])
    );
    server
        .delete("/api/v1/sources?name=upload")
        .problem(404, "request.not_found");
    assert!(
        !dir.path().join("uploads").join(&id).exists(),
        "what was read is not kept twice"
    );
}

#[test]
fn hostile_uploads_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let post = |path: &str| server.request("POST", path, &[], Some(b"{}"));
    post("/api/v1/imports").problem(422, "request.invalid");
    for name in ["../evil", "/etc/evil", "a/../../evil", "a%00b"] {
        post(&format!("/api/v1/imports?name={name}")).problem(422, "request.invalid");
    }
    assert_eq!(server.get("/api/v1/imports").json()["items"], json!([]));
}

#[test]
fn an_upload_beyond_the_limit_is_refused_and_nothing_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (db, work) = (dir.path().join("db"), dir.path().join("work"));
    std::fs::create_dir(&work).unwrap();
    std::fs::write(
        work.join("foothold.toml"),
        "[limits]\nupload_bytes = 1000\n",
    )
    .unwrap();
    let server = Server::start_with(&db, |command| command.current_dir(&work));
    let large = vec![b'x'; 1001];
    let refused = server.request("POST", "/api/v1/imports?name=a.json", &[], Some(&large));
    refused.problem(413, "import.upload_too_large");
    let left = std::fs::read_dir(db.join("uploads")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn a_recomputation_tells_its_progress_and_fills_the_assets() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(dir.path());
    server
        .get("/api/v1/assets")
        .problem(404, "analysis.not_computed");
    let job = server.post("/api/v1/jobs", &json!({ "kind": "recompute" }));
    assert_eq!(job.status, 202, "{}", job.body);
    let id = job.json()["id"].as_str().unwrap().to_owned();
    let events = server.get(&format!("/api/v1/jobs/{id}/events"));
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    assert!(events.body.contains("event: end"), "{}", events.body);
    let job = server.get(&format!("/api/v1/jobs/{id}")).json();
    assert_eq!(
        (&job["status"], &job["progress"]["done"]),
        (&json!("done"), &json!(100))
    );
    let assets = server.get("/api/v1/assets?limit=1").json();
    assert_eq!(assets["assets"].as_array().unwrap().len(), 1);
    assert!(assets["assets"][0]["likelihood"].as_f64().unwrap() > 0.0);
    // A job that has ended cannot be cancelled, and one that never was is not there.
    server
        .delete(&format!("/api/v1/jobs/{id}"))
        .problem(409, "job.has_ended");
    server
        .delete("/api/v1/jobs/99")
        .problem(404, "request.not_found");
    server
        .post("/api/v1/jobs", &json!({ "kind": "dance" }))
        .problem(422, "request.invalid");
}

/// A job over a large upload is cancelled while it runs: it says so, and nothing of it is stored.
#[test]
fn a_cancelled_import_stores_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let estate = run(&["generate", "--scale", "0.02", "--seed", "3"]).out;
    let server = Server::start(dir.path());
    let path = "/api/v1/imports?name=estate.jsonl";
    let accepted = server.request("POST", path, &[], Some(estate.as_bytes()));
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    let cancelled = server.delete(&format!("/api/v1/jobs/{id}"));
    assert!(matches!(cancelled.status, 202 | 409), "{}", cancelled.body);
    let job = server.wait_for(&id);
    let snapshots = server.get("/api/v1/snapshots").json();
    let n_snapshots = snapshots["items"].as_array().unwrap().len();
    match job["status"].as_str().unwrap() {
        "cancelled" => assert_eq!(n_snapshots, 0),
        // It had already stored everything when it was told.
        "done" => assert_eq!(n_snapshots, 1),
        other => panic!("{other}: {job}"),
    }
}

#[test]
fn events_of_a_running_job_come_while_it_runs() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with_shop(dir.path());
    let id = server
        .post("/api/v1/jobs", &json!({ "kind": "recompute" }))
        .json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let request = format!(
        "GET /api/v1/jobs/{id}/events HTTP/1.1\r\nHost: {}\r\n\r\n",
        server.address
    );
    let stream = server.raw(&request);
    let ended = BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .any(|line| line == "event: end");
    assert!(ended);
}

/// A recomputation that was cancelled, wherever it was, and started again gives what one that was
/// left alone gives.
#[test]
fn a_cancelled_recomputation_goes_on_when_started_again() {
    let dir = tempfile::tempdir().unwrap();
    let estate = run(&["generate", "--scale", "0.02", "--seed", "4"]).out;
    let start = |server: &Server| {
        let job = server.post("/api/v1/jobs", &json!({ "kind": "recompute" }));
        job.json()["id"].as_str().unwrap().to_owned()
    };
    let answers = ["left alone", "cancelled"].map(|way| {
        let server = Server::start(&dir.path().join(way));
        let path = "/api/v1/imports?name=estate.jsonl";
        let accepted = server.request("POST", path, &[], Some(estate.as_bytes()));
        let import = accepted.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(server.wait_for(&import)["status"], "done");
        if way == "cancelled" {
            for _ in 0..3 {
                let id = start(&server);
                let cancelled = server.delete(&format!("/api/v1/jobs/{id}"));
                assert!(matches!(cancelled.status, 202 | 409), "{}", cancelled.body);
                let status = server.wait_for(&id)["status"].clone();
                assert!(status == "cancelled" || status == "done", "{status}");
            }
        }
        let id = start(&server);
        assert_eq!(server.wait_for(&id)["status"], "done");
        server.get("/api/v1/assets?limit=1000").json()["assets"].clone()
    });
    let [alone, cancelled] = answers;
    assert!(alone.as_array().is_some_and(|assets| assets.len() > 100));
    assert_eq!(alone, cancelled);
}

/// After an import what was computed before is taken over where the import changes nothing, and the
/// numbers are those of a server that never knew the state before.
#[test]
fn after_an_import_only_what_it_affects_is_computed_again() {
    let dir = tempfile::tempdir().unwrap();
    let estate = run(&["generate", "--scale", "0.02", "--seed", "5"]).out;
    let shop = std::fs::read_to_string(shop()).unwrap();
    // Another deployment of a vulnerable image, which nothing leads to.
    let more = [
        json!({ "node": { "id": "k8s://prod/shop/Deployment/nightly", "labels": ["Workload"],
            "props": { "name": "nightly" } } }),
        json!({ "edge": { "from": "k8s://prod/shop/Deployment/nightly", "kind": "RUNS",
            "to": "image://registry.example/checkout:1.4" } }),
        json!({ "edge": { "from": "k8s://prod/shop/Deployment/nightly", "kind": "CONNECTS_TO",
            "to": "aws://111122223333/s3/bucket/customers" } }),
    ];
    let more = more.map(|line| line.to_string()).join("\n");
    let import = |server: &Server, name: &str, body: &str| {
        let path = format!("/api/v1/imports?name={name}.jsonl");
        let accepted = server.request("POST", &path, &[], Some(body.as_bytes()));
        let id = accepted.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(server.wait_for(&id)["status"], "done");
    };
    // How many assets were computed, and how many there are.
    let recompute = |server: &Server| -> [usize; 2] {
        let job = server.post("/api/v1/jobs", &json!({ "kind": "recompute" }));
        let job = server.wait_for(job.json()["id"].as_str().unwrap());
        assert_eq!(job["status"], "done");
        let phase = job["progress"]["phase"].as_str().unwrap();
        let numbers = phase.split(' ').filter_map(|word| word.parse().ok());
        numbers.collect::<Vec<usize>>().try_into().unwrap()
    };
    let assets =
        |server: &Server| server.get("/api/v1/assets?limit=10000").json()["assets"].clone();

    let server = Server::start(&dir.path().join("changed"));
    import(&server, "estate", &estate);
    import(&server, "shop", &shop);
    let [n_computed, n_all] = recompute(&server);
    assert!(n_all > 100);
    assert_eq!(n_computed, n_all);
    let before = assets(&server);
    import(&server, "more", &more);
    let [n_computed, n_all] = recompute(&server);
    assert!(
        0 < n_computed && n_computed * 10 < n_all,
        "{n_computed} of {n_all}"
    );
    assert_ne!(assets(&server), before);

    let fresh = Server::start(&dir.path().join("fresh"));
    for (name, body) in [("estate", &estate), ("shop", &shop), ("more", &more)] {
        import(&fresh, name, body);
    }
    let [n_computed, n_all] = recompute(&fresh);
    assert_eq!(n_computed, n_all);
    assert_eq!(assets(&server), assets(&fresh));
    // Nothing changed since.
    assert_eq!(recompute(&server)[0], 0);
    assert_eq!(assets(&server), assets(&fresh));
}
