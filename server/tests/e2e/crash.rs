//! `kill -9` in the middle of things: what is there afterwards is whole.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{Server, foothold, run};

const N_KILLS: u64 = 12;
const N_FILES: usize = 20;

/// Imports of twenty files of one source are killed at random moments. The graph holds all twenty
/// of one round, never a mixture, and the store is sound.
#[test]
fn an_import_that_is_killed_is_there_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (db, files) = (dir.path().join("db"), dir.path().join("files"));
    fs::create_dir(&files).unwrap();
    let write_round = |round: u64| {
        for file in 0..N_FILES {
            let mut lines = String::new();
            for node in 0..40 {
                lines.push_str(&format!(
                    "{{\"node\":{{\"id\":\"app://{file}-{node}\",\"labels\":[\"Application\"],\"props\":{{\"round\":{round}}}}}}}\n"
                ));
            }
            fs::write(files.join(format!("{file}.jsonl")), lines).unwrap();
        }
    };
    let import = || {
        let mut command = foothold();
        command
            .args(["import", "--source", "apps", "--db"])
            .arg(&db)
            .arg(&files);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    write_round(0);
    assert!(import().status().unwrap().success());

    let mut random: u64 = 0x2545_f491_4f6c_dd1d;
    let mut n_interrupted = 0;
    let mut stored = 0;
    for round in 1..=N_KILLS {
        write_round(round);
        let mut child = import().spawn().unwrap();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        std::thread::sleep(Duration::from_micros(random % 300_000));
        child.kill().unwrap();
        let completed = child.wait().unwrap().success();
        n_interrupted += u64::from(!completed);

        let query = "MATCH (a:Application) RETURN a.round AS round, count(*) AS n";
        let asked = run(&[
            "query",
            "--db",
            db.to_str().unwrap(),
            "--format",
            "json",
            query,
        ]);
        assert_eq!(asked.code, 0, "{}", asked.err);
        let rows = asked.json()["rows"].clone();
        assert_eq!(
            rows.as_array().unwrap().len(),
            1,
            "two rounds at once: {rows}"
        );
        assert_eq!(rows[0][1], 40 * N_FILES, "{rows}");
        let found = rows[0][0].as_u64().unwrap();
        assert!(
            found == stored || found == round,
            "round {found} after {stored} and {round}"
        );
        assert!(
            !completed || found == round,
            "an import that succeeded is gone"
        );
        stored = found;
    }
    assert!(n_interrupted > 0, "no import was interrupted");
    assert_eq!(run(&["fsck", "--db", db.to_str().unwrap()]).code, 0);
}

#[test]
fn what_the_server_acknowledged_survives_its_kill() {
    let dir = tempfile::tempdir().unwrap();
    for n in 1..=5u64 {
        let server = Server::start(dir.path());
        let body = serde_json::json!({ "name": format!("q{n}"), "query": "RETURN 1" });
        let saved = server.post("/api/v1/queries", &body);
        assert_eq!(saved.status, 201, "{}", saved.body);
        server.kill();
    }
    let server = Server::start(dir.path());
    let listed = server.get("/api/v1/queries").json();
    let names: Vec<&str> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["q1", "q2", "q3", "q4", "q5"]);
}

/// An upload is acknowledged, the server is killed at once; the next start reads it.
#[test]
fn an_import_job_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let document = fs::read(crate::support::shop()).unwrap();
    let accepted = server.request(
        "POST",
        "/api/v1/imports?name=shop.jsonl",
        &[],
        Some(&document),
    );
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    server.kill();

    let server = Server::start(dir.path());
    assert_eq!(server.wait_for(&id)["status"], "done");
    let import = server.get(&format!("/api/v1/imports/{id}")).json();
    assert_eq!(import["documents"][0]["status"], "read", "{import}");
    let query = serde_json::json!({ "query": "MATCH (w:Workload) RETURN count(*)" });
    assert_eq!(
        server.post("/api/v1/query", &query).json()["rows"],
        serde_json::json!([[2]])
    );
    let snapshots = server.get("/api/v1/snapshots").json();
    assert_eq!(
        snapshots["items"].as_array().unwrap().len(),
        1,
        "done once in effect"
    );
}

#[test]
fn a_server_that_is_asked_to_end_ends_well() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.terminate(), 0);
    assert!(
        dir.path().join("exports").is_dir(),
        "records are exported on the way out"
    );
}
