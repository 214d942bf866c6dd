//! The contract of the command line.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{foothold, ran, run, shop};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn help_names_every_command_with_an_example() {
    let help = run(&["--help"]);
    assert_eq!(help.code, 0);
    for command in [
        "demo",
        "import",
        "query",
        "check",
        "analyze",
        "serve",
        "rules",
        "snapshots",
        "diff",
        "sources",
        "export",
        "generate",
        "fsck",
        "backup",
        "restore",
        "shell",
        "fmt",
        "completions",
    ] {
        assert!(
            help.out.contains(&format!("\n  {command} ")),
            "{command}: {}",
            help.out
        );
        let of_command = run(&[command, "--help"]);
        assert_eq!(of_command.code, 0);
        assert!(of_command.out.contains("Example"), "{command}");
    }
}

#[test]
fn a_wrong_command_line_is_code_2_and_leaves_stdout_empty() {
    for args in [
        &["no-such-command"][..],
        &["query"],
        &["import"],
        &["query", "--load", "/nowhere", "--", "RETURN 1"],
    ] {
        let refused = run(args);
        assert_eq!(refused.code, 2, "{args:?}");
        assert_eq!(refused.out, "", "{args:?}");
        assert!(!refused.err.is_empty());
    }
}

#[test]
fn a_query_prints_one_json_document_and_nothing_else() {
    let asked = run(&[
        "query",
        "--load",
        text(&shop()),
        "--format",
        "json",
        "MATCH (w:Workload) RETURN w.name AS name, 1.0 AS one ORDER BY name",
    ]);
    assert_eq!(asked.code, 0, "{}", asked.err);
    let answer = asked.json();
    assert_eq!(answer["columns"], serde_json::json!(["name", "one"]));
    assert_eq!(
        answer["rows"],
        serde_json::json!([["batch", 1.0], ["checkout", 1.0]])
    );
    assert_eq!(answer["completeness"]["complete"], true);
    assert_eq!(answer["completeness"]["limit"], Value::Null);
    assert_eq!(answer["completeness"]["answer"], "some");
    assert_eq!(answer["stats"]["rows"], 2);
    assert_eq!(answer["warnings"], serde_json::json!([]));
    assert!(asked.out.contains("1.0"), "a float keeps its fraction");
    assert_eq!(asked.err, "");
}

#[test]
fn a_profile_says_what_each_operator_took() {
    let query = "PROFILE MATCH (w:Workload)-->(x) RETURN w.name, count(*) AS n ORDER BY n";
    let asked = run(&["query", "--load", text(&shop()), "--format", "json", query]);
    assert_eq!(asked.code, 0, "{}", asked.err);
    let answer = asked.json();
    let times: Vec<f64> = answer["plan"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|line| line.as_str().unwrap().strip_suffix(" ms]"))
        .map(|line| line.rsplit(", ").next().unwrap().parse().unwrap())
        .collect();
    // Match, aggregate, sort and whatever stands between them.
    assert!(times.len() >= 3, "{answer}");
    assert!(times.iter().all(|time| *time >= 0.0), "{answer}");
    // Each is rounded to a microsecond.
    let rounding = 0.001 * times.len() as f64;
    let elapsed = answer["stats"]["elapsed_ms"].as_f64().unwrap();
    assert!(times.iter().sum::<f64>() <= elapsed + rounding, "{answer}");
    // People read the same lines on stderr.
    let asked = run(&["query", "--load", text(&shop()), query]);
    let n_shown = asked.err.lines().filter(|line| line.ends_with(" ms]"));
    assert_eq!(n_shown.count(), times.len(), "{}", asked.err);
}

#[test]
fn no_rows_is_code_0_and_an_unknown_label_is_a_warning_with_a_guess() {
    let asked = run(&[
        "query",
        "--load",
        text(&shop()),
        "--format",
        "json",
        "MATCH (w:Workloads) RETURN w",
    ]);
    assert_eq!(asked.code, 0);
    let answer = asked.json();
    assert_eq!(answer["rows"], serde_json::json!([]));
    assert_eq!(answer["completeness"]["answer"], "none");
    let warning = &answer["warnings"][0];
    assert_eq!(warning["code"], "query.unknown_label");
    assert_eq!(
        (&warning["line"], &warning["column"]),
        (&1.into(), &10.into())
    );
    assert!(warning["help"].as_str().unwrap().contains("`Workload`"));
}

#[test]
fn what_is_loaded_by_name_and_not_read_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (diary, estate) = (dir.path().join("notes.txt"), dir.path().join("shop.jsonl"));
    fs::write(&diary, "dear diary").unwrap();
    fs::copy(shop(), &estate).unwrap();
    let ask = |paths: &[&Path]| {
        let mut args = vec!["query", "RETURN 1 AS one"];
        for path in paths {
            args.extend(["--load", text(path)]);
        }
        run(&args).err
    };
    assert!(ask(&[&diary]).contains("notes.txt: skipped"));
    assert!(ask(&[&estate, &diary]).contains("notes.txt: skipped"));
    let folder = ask(&[dir.path()]);
    assert!(!folder.contains("skipped"), "{folder}");
}

#[test]
fn a_refused_query_is_code_1_with_its_diagnostics_on_stderr() {
    let broken = "MATCH (w:Workload RETURN w";
    let asked = run(&["query", "--load", text(&shop()), "--format", "json", broken]);
    assert_eq!((asked.code, asked.out.as_str()), (1, ""));
    let refused: Value = serde_json::from_str(&asked.err).unwrap();
    let diagnostic = &refused["diagnostics"][0];
    assert_eq!(diagnostic["severity"], "error");
    assert_eq!(diagnostic["line"], 1);
    assert!(diagnostic["column"].as_u64().unwrap() >= 17);

    let asked = run(&["query", "--load", text(&shop()), broken]);
    assert_eq!((asked.code, asked.out.as_str()), (1, ""));
    assert!(asked.err.contains("MATCH (w:Workload RETURN w") && asked.err.contains('^'));
    assert!(
        !asked.err.contains('\u{1b}'),
        "no colours away from a terminal"
    );
}

#[test]
fn parameters_are_json_and_never_spliced() {
    let query = "MATCH (w:Workload {name: $name}) RETURN w.name";
    let ask = |param: &str| {
        let shop = shop();
        run(&[
            "query",
            "--load",
            text(&shop),
            "--format",
            "json",
            "--param",
            param,
            query,
        ])
    };
    assert_eq!(
        ask("name=\"checkout\"").json()["rows"],
        serde_json::json!([["checkout"]])
    );
    let hostile = ask("name=\"x'}) MATCH (n) RETURN n //\"");
    assert_eq!(
        (hostile.code, &hostile.json()["rows"]),
        (0, &serde_json::json!([]))
    );
    let not_json = ask("name=checkout");
    assert_eq!(not_json.code, 2);
    assert!(not_json.err.contains("is not JSON"), "{}", not_json.err);
}

#[test]
fn the_query_may_follow_several_paths_or_lie_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let more = dir.path().join("more.jsonl");
    fs::write(
        &more,
        "{\"node\":{\"id\":\"app://x\",\"labels\":[\"Application\"],\"props\":{}}}\n",
    )
    .unwrap();
    let query = "MATCH (n) RETURN count(*) AS n";
    let inline = run(&[
        "query",
        "--format",
        "json",
        "--load",
        text(&shop()),
        text(&more),
        query,
    ]);
    assert_eq!(inline.code, 0, "{}", inline.err);
    let file = dir.path().join("q.fql");
    fs::write(&file, query).unwrap();
    let from_file = run(&[
        "query",
        "--format",
        "json",
        "--load",
        text(&shop()),
        text(&more),
        "--file",
        text(&file),
    ]);
    assert_eq!(inline.json()["rows"], from_file.json()["rows"]);
}

#[test]
fn every_format_says_the_same() {
    let ask = |format: &str, query: &str| {
        let shop = shop();
        let asked = run(&["query", "--load", text(&shop), "--format", format, query]);
        assert_eq!(asked.code, 0, "{}", asked.err);
        asked.out
    };
    let edges = "MATCH (w:Workload)-[r:RUNS]->(i:Image) RETURN r ORDER BY w.name";
    let lines = ask("ndjson", edges);
    let lines: Vec<Value> = lines
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0]["columns"], serde_json::json!(["r"]));
    assert_eq!(lines[1][0]["$rel"]["type"], "RUNS");
    assert_eq!(lines[3]["completeness"]["complete"], true);
    let dot = ask("dot", edges);
    assert!(
        dot.starts_with("digraph") && dot.matches(" -> ").count() == 2,
        "{dot}"
    );
    let graphml = ask("graphml", edges);
    assert_eq!(graphml.matches("<edge ").count(), 2, "{graphml}");
    let csv = ask("csv", "RETURN '=1+1' AS formula, 'a,b' AS comma, 2 AS n");
    assert_eq!(csv, "formula,comma,n\r\n'=1+1,\"a,b\",2\r\n");
    let table = ask(
        "table",
        "MATCH (w:Workload) RETURN w.name AS workload ORDER BY workload",
    );
    assert_eq!(table, "workload\nbatch\ncheckout\n");
}

#[test]
fn a_limit_makes_the_answer_partial_and_says_so() {
    let asked = run(&[
        "query",
        "--load",
        text(&shop()),
        "--format",
        "json",
        "--max-rows",
        "1",
        "MATCH (w:Workload) RETURN w.name",
    ]);
    assert_eq!(asked.code, 0);
    let answer = asked.json();
    assert_eq!(answer["rows"].as_array().unwrap().len(), 1);
    assert_eq!(answer["completeness"]["complete"], false);
    assert_eq!(answer["completeness"]["limit"], "rows");
}

#[test]
fn importing_twice_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("db");
    let shop = shop();
    let import = || run(&["import", "--db", text(&db), "--format", "json", text(&shop)]);
    let count = || {
        let query =
            "MATCH (n) OPTIONAL MATCH (n)-[r]->() RETURN count(DISTINCT n) AS n, count(r) AS r";
        run(&["query", "--db", text(&db), "--format", "json", query]).json()["rows"].clone()
    };
    let first = import();
    assert_eq!(first.code, 0, "{}", first.err);
    let report = first.json();
    assert_eq!(report["documents"][0]["status"], "read");
    assert_eq!(report["documents"][0]["format"], "jsonl");
    assert_eq!(report["documents"][0]["nodes"], 8);
    assert_eq!(report["documents"][0]["error"], Value::Null);
    assert_eq!(report["totals"]["read"], 1);
    assert_eq!(report["sources"]["added"], 1);
    let before = count();
    let second = import().json();
    assert_eq!(second["sources"]["unchanged"], 1);
    assert_eq!(second["totals"]["graph"], report["totals"]["graph"]);
    assert_eq!(count(), before);
    let snapshots = run(&["snapshots", "--db", text(&db), "--format", "json"]).json();
    assert_eq!(
        snapshots.as_array().unwrap().len(),
        1,
        "nothing changed, so nothing is new"
    );
}

#[test]
fn broken_documents_are_named_and_the_rest_stands() {
    let dir = tempfile::tempdir().unwrap();
    let files = dir.path().join("files");
    fs::create_dir(&files).unwrap();
    fs::copy(shop(), files.join("shop.jsonl")).unwrap();
    fs::write(
        files.join("cut.cdx.json"),
        "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"components\":[{\"type\":",
    )
    .unwrap();
    fs::write(files.join("wrong.sarif"), "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":\"none\"}").unwrap();
    let mut bomb =
        String::from("apiVersion: v1\nkind: List\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let below = format!("*a{}", level - 1);
        bomb.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            [below.as_str(); 9].join(", ")
        ));
    }
    fs::write(files.join("bomb.yaml"), bomb).unwrap();
    fs::write(files.join("notes.txt"), "dear diary").unwrap();
    let db = dir.path().join("db");
    let imported = run(&[
        "import",
        "--db",
        text(&db),
        "--format",
        "json",
        text(&files),
    ]);
    assert_eq!(imported.code, 1, "a broken document is code 1");
    let report = imported.json();
    let status = |name: &str| {
        let documents = report["documents"].as_array().unwrap();
        let found = documents
            .iter()
            .find(|it| it["path"].as_str().unwrap().ends_with(name));
        found.unwrap_or_else(|| panic!("{name}: {report}")).clone()
    };
    assert_eq!(status("shop.jsonl")["status"], "read");
    assert_eq!(status("notes.txt")["status"], "skipped");
    for name in ["cut.cdx.json", "wrong.sarif", "bomb.yaml"] {
        let document = status(name);
        assert_eq!(document["status"], "failed", "{document}");
        assert!(!document["error"].as_str().unwrap().is_empty());
        assert!(imported.err.contains(name), "{}", imported.err);
    }
    let query = "MATCH (w:Workload) RETURN count(*)";
    let asked = run(&["query", "--db", text(&db), "--format", "json", query]);
    assert_eq!(asked.json()["rows"], serde_json::json!([[2]]));
}

#[test]
fn the_past_can_be_asked() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("db");
    let file = dir.path().join("a.jsonl");
    for n in 1..=2 {
        fs::write(&file, format!("{{\"node\":{{\"id\":\"app://{n}\",\"labels\":[\"Application\"],\"props\":{{}}}}}}\n")).unwrap();
        assert_eq!(run(&["import", "--db", text(&db), text(&file)]).code, 0);
    }
    let ask = |query: &str| run(&["query", "--db", text(&db), "--format", "json", query]);
    let ids = |query: &str| ask(query).json()["rows"].clone();
    let tail = "MATCH (a:Application) RETURN id(a)";
    assert_eq!(ids(tail), serde_json::json!([["app://2"]]));
    assert_eq!(
        ids(&format!("AT 's1' {tail}")),
        serde_json::json!([["app://1"]])
    );
    let unknown = ask(&format!("AT 's9' {tail}"));
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("s9"), "{}", unknown.err);
}

#[test]
fn a_backup_restores_and_fsck_finds_damage() {
    let dir = tempfile::tempdir().unwrap();
    let (db, backup, other) = (
        dir.path().join("db"),
        dir.path().join("bk"),
        dir.path().join("db2"),
    );
    assert_eq!(run(&["import", "--db", text(&db), text(&shop())]).code, 0);
    assert_eq!(run(&["backup", "--db", text(&db), text(&backup)]).code, 0);
    assert_eq!(
        run(&["restore", "--db", text(&other), text(&backup)]).code,
        0
    );
    let export = |db: &Path| run(&["export", "--db", text(db)]).out;
    assert_eq!(export(&db), export(&other));
    let sound = run(&["fsck", "--db", text(&db), "--format", "json"]);
    assert_eq!(
        (sound.code, &sound.json()["sound"]),
        (0, &Value::Bool(true))
    );

    let segment = db.join("segments/00000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let damaged = run(&["fsck", "--db", text(&db), "--format", "json"]);
    assert_eq!(damaged.code, 1);
    let finding = &damaged.json()["findings"][0];
    assert_eq!(finding["file"], "segments/00000001.seg");
    assert!(
        finding["remedy"]
            .as_str()
            .unwrap()
            .contains("import the source")
    );
    let asked = run(&["query", "--db", text(&db), "RETURN 1"]);
    assert_eq!(asked.code, 2);
    assert!(asked.err.contains("fsck"), "{}", asked.err);
}

#[test]
fn an_export_reads_back_to_the_same_graph() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("db");
    assert_eq!(run(&["import", "--db", text(&db), text(&shop())]).code, 0);
    let out = dir.path().join("graph.jsonl");
    assert_eq!(
        run(&["export", "--db", text(&db), "--output", text(&out)]).code,
        0
    );
    let count = "MATCH (n)-[r]->(m) RETURN type(r) AS kind, count(*) AS n ORDER BY kind";
    let of = |args: &[&str]| {
        let asked = run(&[&["query", "--format", "json"], args, &[count]].concat());
        asked.json()["rows"].clone()
    };
    assert_eq!(of(&["--db", text(&db)]), of(&["--load", text(&out)]));
}

#[test]
fn generate_is_the_same_for_the_same_seed() {
    let of = |seed: &str| run(&["generate", "--scale", "0.001", "--seed", seed]).out;
    let first = of("7");
    assert!(first.lines().count() > 100);
    assert_eq!(first, of("7"));
    assert_ne!(first, of("8"));
    assert_eq!(run(&["generate", "--scale", "0"]).code, 2);
}

#[test]
fn rules_are_listed_and_explained() {
    let rules = run(&["rules", "list", "--format", "json", "--load", text(&shop())]).json();
    let rules = rules.as_array().unwrap();
    assert!(rules.len() >= 20, "{}", rules.len());
    let exploit = rules
        .iter()
        .find(|rule| rule["name"] == "exploit-network-cve")
        .unwrap();
    assert!(exploit["steps"].as_u64().unwrap() >= 1);
    let explained = run(&["rules", "explain", "exploit-network-cve"]);
    assert_eq!(explained.code, 0);
    assert!(explained.out.contains("GAIN exec("), "{}", explained.out);
    assert_eq!(run(&["rules", "explain", "no-such-rule"]).code, 2);
}

#[test]
fn analyze_ranks_every_asset() {
    let analysis = run(&["analyze", "--format", "json", "--load", text(&shop())]).json();
    let assets = analysis["assets"].as_array().unwrap();
    let of = |id: &str| assets.iter().find(|asset| asset["id"] == id).unwrap();
    let checkout = of("k8s://prod/shop/Deployment/checkout");
    assert!(checkout["likelihood"].as_f64().unwrap() > 0.3, "{checkout}");
    assert_eq!(checkout["blast_radius"]["crown_jewels"], 1);
    let batch = assets
        .iter()
        .find(|asset| asset["id"] == "k8s://prod/shop/Deployment/batch");
    assert!(
        batch.is_none_or(|batch| batch["likelihood"] == 0.0),
        "{batch:?}"
    );
    assert_eq!(analysis["completeness"]["complete"], true);
}

#[test]
fn the_demo_prints_its_paths_without_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let demo = ran(foothold()
        .args(["demo", "--no-serve", "--top", "2"])
        .current_dir(dir.path())
        .output()
        .unwrap());
    assert_eq!(demo.code, 0, "{}", demo.err);
    assert!(
        demo.out.contains("\n1. ") && demo.out.contains("\n2. "),
        "{}",
        demo.out
    );
    assert!(demo.out.contains("likelihood 0."), "{}", demo.out);
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        0,
        "it leaves nothing behind"
    );
}

#[test]
fn settings_come_from_flag_then_environment_then_file() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["flag", "env", "file"] {
        let imported = run(&[
            "import",
            "--db",
            text(&dir.path().join(name)),
            text(&shop()),
        ]);
        assert_eq!(imported.code, 0);
    }
    fs::write(dir.path().join("foothold.toml"), "db = \"file\"\n").unwrap();
    let summary = |args: &[&str], env: Option<&str>| {
        let mut command = foothold();
        command
            .args(["fsck", "--format", "json"])
            .args(args)
            .current_dir(dir.path());
        if let Some(env) = env {
            command.env("FOOTHOLD_DB", env);
        }
        ran(command.output().unwrap())
    };
    assert_eq!(summary(&[], None).code, 0, "the file names it");
    fs::remove_dir_all(dir.path().join("file")).unwrap();
    assert_eq!(summary(&[], None).code, 2);
    assert_eq!(
        summary(&[], Some("env")).code,
        0,
        "the environment wins over the file"
    );
    assert_eq!(
        summary(&["--db", "flag"], Some("nowhere")).code,
        0,
        "the flag wins over both"
    );
    fs::write(dir.path().join("foothold.toml"), "dB = \"file\"\n").unwrap();
    let misspelt = summary(&["--db", "flag"], None);
    assert_eq!(misspelt.code, 2);
    assert!(misspelt.err.contains("foothold.toml"), "{}", misspelt.err);
}

#[test]
fn one_process_owns_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let server = crate::support::Server::with_shop(dir.path());
    let refused = run(&["query", "--db", text(dir.path()), "RETURN 1"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("in use by process"), "{}", refused.err);
    drop(server);
    assert_eq!(
        run(&["query", "--db", text(dir.path()), "RETURN 1"]).code,
        0
    );
}
