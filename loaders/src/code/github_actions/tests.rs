//! What GitHub documents of workflows, as cases: each was written down before the loader ran.

mod strangers;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::expect;
use foothold_engine::model::Value;

use crate::context::Context;
use crate::load::{Options, load_bytes};
use crate::report::{Loaded, Outcome};
use crate::testing::{check, check_error};

fn loaded(name: &str, text: &str) -> Box<Loaded> {
    let mut options = Options::new(0);
    options.context = Context {
        repository: Some("https://github.com/Acme/Shop".into()),
        ..Context::default()
    };
    match load_bytes(name, text.as_bytes().to_vec(), &options) {
        Outcome::Read(loaded) => loaded,
        other => panic!("{text}\n{:?}", other.report()),
    }
}

/// The properties of the job `j`, those not known left out.
fn job(text: &str) -> BTreeMap<String, String> {
    let loaded = loaded(".github/workflows/ci.yml", text);
    let facts = &loaded.facts;
    let id = "ci://github.com/acme/shop/ci.yml/j";
    let node = facts.nodes().iter().find(|node| facts.str(node.id) == id);
    let props = facts.props(&node.unwrap().props).iter();
    props
        .map(|(name, value)| {
            let value = match value {
                Value::Str(text) => text.to_string(),
                Value::Bool(flag) => flag.to_string(),
                other => format!("{other:?}"),
            };
            (facts.str(*name).to_owned(), value)
        })
        .collect()
}

fn shown(text: &str, names: &[&str]) -> String {
    let job = job(text);
    let values = names
        .iter()
        .map(|name| job.get(*name).map_or("-", String::as_str));
    values.collect::<Vec<_>>().join(" ")
}

/// Edges of the kind, as `to` with the properties.
fn edges(text: &str, kind: &str) -> String {
    let loaded = loaded(".github/workflows/ci.yml", text);
    let facts = &loaded.facts;
    let mut out = String::new();
    for edge in facts.edges() {
        if facts.str(edge.kind) == kind {
            let _ = write!(out, "{}", facts.str(edge.to));
            for (name, value) in facts.props(&edge.props) {
                let _ = match value {
                    Value::Str(text) => write!(out, " {}={text}", facts.str(*name)),
                    Value::Bool(flag) => write!(out, " {}={flag}", facts.str(*name)),
                    other => write!(out, " {}={other:?}", facts.str(*name)),
                };
            }
            if edge.confidence < 100 {
                let _ = write!(out, " {}%", edge.confidence);
            }
            out.push('\n');
        }
    }
    out
}

/// A job with this `on`, this of its own, and these steps.
fn workflow(on: &str, own: &str, steps: &str) -> String {
    format!("on: {on}\njobs:\n  j:\n    runs-on: ubuntu-latest\n    {own}\n    steps: [{steps}]\n")
}

/// privileged trigger, checks out a proposal, approval.
/// writes, federates.
#[test]
fn rights_of_tokens() {
    for (own, expected) in [
        ("", "- false"),
        ("permissions: {}", "false false"),
        ("permissions:", "false false"),
        ("permissions: read-all", "false false"),
        ("permissions: write-all", "true true"),
        ("permissions: {contents: write}", "true false"),
        ("permissions: {packages: write}", "true false"),
        (
            "permissions: {issues: write, pull-requests: write}",
            "false false",
        ),
        (
            "permissions: {id-token: write, contents: read}",
            "false true",
        ),
        ("permissions: {contents: read}", "false false"),
        ("permissions: [contents]", "- -"),
    ] {
        let text = workflow("push", own, "{run: make}");
        assert_eq!(
            shown(&text, &["write_token", "token_federation"]),
            expected,
            "{own}"
        );
    }
    // The workflow's own word holds where the job has none; what is called gets what its caller has.
    let of_workflow = "on: push\npermissions: {id-token: write}\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: make}]}}";
    assert_eq!(
        shown(of_workflow, &["write_token", "token_federation"]),
        "false true"
    );
    let of_job = "on: push\npermissions: write-all\njobs: {j: {permissions: {contents: read}, runs-on: ubuntu-latest, steps: [{run: make}]}}";
    assert_eq!(
        shown(of_job, &["write_token", "token_federation"]),
        "false false"
    );
    let called = workflow("workflow_call", "", "{run: make}");
    assert_eq!(shown(&called, &["write_token", "token_federation"]), "- -");
}

#[test]
fn secrets_that_a_job_is_handed() {
    let base = "ci-secret://github.com/acme/shop";
    for (on, own, steps, names) in [
        (
            "push",
            "",
            "{run: make, env: {K: '${{ secrets.key }}'}}",
            &["KEY"][..],
        ),
        (
            "push",
            "",
            "{run: \"echo ${{ secrets['KEY'] }}\"}",
            &["KEY"],
        ),
        (
            "push",
            "",
            "{run: make, env: {T: '${{ secrets.GITHUB_TOKEN }}', U: '${{ github.token }}'}}",
            &[],
        ),
        (
            "push",
            "environment: prod",
            "{run: make, env: {K: '${{ secrets.KEY }}'}}",
            &["prod/KEY"],
        ),
        (
            "push",
            "container: {image: a, credentials: {password: '${{ secrets.KEY }}'}}",
            "{run: make}",
            &["KEY"],
        ),
        // A caller's name for it is its own.
        (
            "{workflow_call: {secrets: {key: {}}}}",
            "",
            "{run: make, env: {K: '${{ secrets.KEY }}'}}",
            &[],
        ),
    ] {
        let text = workflow(on, own, steps);
        let mut expected = String::new();
        for name in names {
            let _ = writeln!(expected, "{base}/{name}");
        }
        assert_eq!(edges(&text, "MOUNTS"), expected, "{text}");
        let holds = shown(&text, &["secrets"]) == "true";
        assert_eq!(holds, text.to_lowercase().contains("key"), "{text}");
    }
    for uses in ["secrets: inherit", "secrets: {a: '${{ secrets.KEY }}'}"] {
        let text =
            format!("on: push\njobs:\n  j:\n    uses: ./.github/workflows/a.yml\n    {uses}\n");
        assert_eq!(shown(&text, &["secrets"]), "true", "{uses}");
    }
    let all = workflow(
        "push",
        "",
        "{run: make, env: {ALL: '${{ toJSON(secrets) }}'}}",
    );
    assert_eq!(shown(&all, &["secrets"]), "true");
}

#[test]
fn actions_of_others() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let steps = format!(
        "{{uses: some/tool@v1}}, {{uses: some/tool/sub@{commit}}}, {{uses: actions/checkout@v4}}, {{uses: Acme/own@v1}}, {{uses: ./local}}, {{uses: 'docker://alpine:3'}}, {{uses: nonsense}}"
    );
    let text = workflow("push", "", &steps);
    assert_eq!(
        edges(&text, "USES"),
        format!(
            "action://docker.io/library/alpine ref=3 pinned=false\naction://github.com/actions/checkout ref=v4 pinned=false\naction://github.com/some/tool ref={commit} pinned=true\naction://github.com/some/tool ref=v1 pinned=false\n"
        )
    );
    let found = loaded("ci.yml", &text);
    assert_eq!(found.report.warnings["action-unreadable"].count, 1);
    assert_eq!(found.report.counts["uses_own"], 1);
    let facts = &found.facts;
    let trusted = facts
        .nodes()
        .iter()
        .filter(|node| facts.prop(&node.props, "trusted_publisher").is_some());
    let trusted: Vec<_> = trusted.map(|node| facts.str(node.id)).collect();
    assert_eq!(trusted, ["action://github.com/actions/checkout"]);
    let called = "on: push\njobs: {j: {uses: 'other/flows/.github/workflows/a.yml@main'}}";
    assert_eq!(
        edges(called, "USES"),
        "action://github.com/other/flows ref=main pinned=false\n"
    );
}

#[test]
fn machines() {
    let own = "runner://github.com/acme/shop";
    for (runs_on, expected, is_unknown) in [
        ("ubuntu-latest", String::new(), false),
        (
            "[self-hosted, Linux]",
            format!("{own}/linux+self-hosted 70%\n"),
            false,
        ),
        ("self-hosted", format!("{own}/self-hosted 70%\n"), false),
        ("big-runner", String::new(), true),
        (
            "{group: build}",
            "runner://github.com/acme/group:build 70%\n".to_owned(),
            true,
        ),
        ("'${{ inputs.runner }}'", String::new(), true),
    ] {
        let text =
            format!("on: push\njobs:\n  j:\n    runs-on: {runs_on}\n    steps: [{{run: make}}]\n");
        assert_eq!(edges(&text, "RUNS_ON"), expected, "{runs_on}");
        let found = loaded("ci.yml", &text);
        assert_eq!(
            found.report.warnings.contains_key("runner-unknown"),
            is_unknown,
            "{runs_on}"
        );
    }
    let matrix = "on: push\njobs:\n  j:\n    strategy: {matrix: {on: [ubuntu-latest, self-hosted]}}\n    runs-on: '${{ matrix.on }}'\n    steps: [{run: make}]\n";
    assert_eq!(edges(matrix, "RUNS_ON"), format!("{own}/self-hosted 70%\n"));
}

#[test]
fn caches_that_others_trust() {
    let step = "{uses: actions/cache@v4, with: {key: deps, path: x}}";
    for (on, saves) in [
        ("push", true),
        ("pull_request_target", true),
        // Caches of a proposal and of a tag are their own.
        ("pull_request", false),
        ("{push: {tags: ['v*']}}", false),
    ] {
        let text = workflow(on, "", step);
        let cache = "ci-cache://github.com/acme/shop/deps\n";
        assert_eq!(edges(&text, "RESTORES"), cache, "{on}");
        assert_eq!(
            edges(&text, "SAVES"),
            if saves { cache } else { "" },
            "{on}"
        );
    }
    let by_itself = workflow("push", "", "{uses: actions/setup-go@v5}");
    assert_eq!(
        edges(&by_itself, "SAVES"),
        "ci-cache://github.com/acme/shop/setup-go 70%\n"
    );
}

/// What is published: whole references become edges, repositories a property.
#[test]
fn images_that_a_job_publishes() {
    let build = |rest: &str| format!("{{uses: docker/build-push-action@v6, with: {{{rest}}}}}");
    for (own, steps, images, repositories) in [
        (
            "",
            build("push: true, tags: 'acme/shop:1'"),
            "image://docker.io/acme/shop:1\n",
            "docker.io/acme/shop",
        ),
        ("", build("push: false, tags: 'acme/shop:1'"), "", ""),
        ("", build("tags: 'acme/shop:1'"), "", ""),
        (
            "",
            build("push: true, tags: 'ghcr.io/${{ github.repository }}:${{ github.sha }}'"),
            "",
            "ghcr.io/acme/shop",
        ),
        ("", build("push: true, tags: '${{ vars.IMAGE }}:1'"), "", ""),
        (
            "env: {IMAGE: r.example/a}",
            build("push: true, tags: '${{ env.IMAGE }}:1'"),
            "image://r.example/a:1\n",
            "r.example/a",
        ),
        (
            "strategy: {matrix: {n: [a, b]}}",
            build("push: true, tags: 'r.example/${{ matrix.n }}:${{ github.sha }}'"),
            "",
            "r.example/a, r.example/b",
        ),
        (
            "",
            format!(
                "{{id: m, uses: docker/metadata-action@v5, with: {{images: r.example/m}}}}, {}",
                build("push: true, tags: '${{ steps.m.outputs.tags }}'")
            ),
            "",
            "r.example/m",
        ),
        (
            "",
            "{run: 'docker push r.example/x:1'}".to_owned(),
            "image://r.example/x:1\n",
            "r.example/x",
        ),
        (
            "env: {TAG: '2'}",
            "{run: 'docker push \"r.example/x:$TAG\"'}".to_owned(),
            "image://r.example/x:2\n",
            "r.example/x",
        ),
        (
            "",
            "{run: 'docker push r.example/x:$(git rev-parse HEAD)'}".to_owned(),
            "",
            "r.example/x",
        ),
        (
            "",
            "{run: 'git push; echo docker push it'}".to_owned(),
            "",
            "",
        ),
    ] {
        let text = workflow("push", own, &steps);
        assert_eq!(edges(&text, "BUILDS"), images, "{text}");
        let found = job(&text).remove("publishes").unwrap_or_default();
        let found = found.replace(['"', '[', ']'], "");
        let names: Vec<&str> = found
            .split(", ")
            .map(|name| {
                name.trim_start_matches("List(")
                    .trim_start_matches("Str(")
                    .trim_end_matches(')')
            })
            .collect();
        assert_eq!(names.join(", "), repositories, "{text}");
    }
}

#[test]
fn infrastructure_that_a_job_applies() {
    let login = "{uses: aws-actions/configure-aws-credentials@v4, with: {role-to-assume: 'arn:aws:iam::111122223333:role/d'}}";
    for (steps, expected) in [
        (format!("{login}, {{run: terraform apply -auto-approve}}"), "arn:aws:iam::111122223333:role/d\n"),
        (format!("{login}, {{run: terraform plan}}"), ""),
        (format!("{login}, {{run: '# terraform apply'}}"), ""),
        ("{run: terraform apply}".to_owned(), ""),
        ("{uses: aws-actions/configure-aws-credentials@v4, with: {role-to-assume: '${{ vars.ROLE }}'}}, {run: terraform apply}".to_owned(), ""),
    ] {
        let text = workflow("push", "", &steps);
        assert_eq!(edges(&text, "APPLIED_AS"), expected, "{text}");
    }
}

#[test]
fn a_workflow_without_a_repository_stands_alone() {
    let text = "on: push\njobs: {j: {runs-on: ubuntu-latest, steps: [{run: make}]}}\n";
    let home = |name: &str| {
        let Outcome::Read(loaded) = load_bytes(name, text.into(), &Options::new(0)) else {
            panic!("not read");
        };
        assert_eq!(loaded.report.warnings["repository-unknown"].count, 1);
        let facts = &loaded.facts;
        let jobs = facts.edges().iter();
        let mut jobs = jobs.filter(|edge| facts.str(edge.kind) == "HAS_JOB");
        facts.str(jobs.next().unwrap().to).to_owned()
    };
    // Workflows of one folder are of one repository, others are not.
    assert_eq!(
        home("a/.github/workflows/ci.yml"),
        "ci://unnamed/a/ci.yml/j"
    );
    assert_eq!(home("a/.github/workflows/x.yml"), "ci://unnamed/a/x.yml/j");
    assert_eq!(home(".github/workflows/x.yml"), "ci://unnamed/./x.yml/j");
    assert_eq!(
        home("a/release.yml"),
        "ci://unnamed/a/release.yml/release.yml/j"
    );
    assert_ne!(home("a b/x.yml"), home("a-b/x.yml"));
    assert_ne!(home("a b/x.yml"), home("a%20b/x.yml"));
    let long = |end: &str| format!("{}{end}/x.yml", "a/".repeat(3_000));
    assert_ne!(home(&long("b")), home(&long("c")));
}

#[test]
fn what_is_odd_is_counted() {
    check(
        "w/.github/workflows/odd.yml",
        "on: [push, pushed]\njobs:\n  a: 3\n  b: {runs-on: ubuntu-latest, steps: {run: make}}\n  c: {runs-on: ubuntu-latest, needs: [b, gone], if: \"a b\", steps: [make, {run: 'echo ${{ never'}]}\n",
        &expect![[r#"
            repo://unnamed/w :Repository name="w"
            ci://unnamed/w/odd.yml/b :CiJob any_branch=true checks_out_proposal=false injectable=false name="odd.yml/b" privileged_trigger=false runs_on=["ubuntu-latest"] secrets=false subjects=["*", "ref:refs/heads/*", "ref:refs/tags/*"] token_federation=false triggers=["push", "pushed"]
            ci://unnamed/w/odd.yml/c :CiJob checks_out_proposal=false injectable=false name="odd.yml/c" privileged_trigger=false runs_on=["ubuntu-latest"] secrets=false subjects=["*", "ref:refs/heads/*", "ref:refs/tags/*"] token_federation=false triggers=["push", "pushed"]
            repo://unnamed/w -HAS_JOB-> ci://unnamed/w/odd.yml/b
            repo://unnamed/w -HAS_JOB-> ci://unnamed/w/odd.yml/c
            distinct_actions=0 distinct_secrets=0 jobs=2 needs_edges=2 reusable_workflow_jobs=0 self_hosted_jobs=0 steps=1 uses=0 uses_pinned_to_sha=0
            warning condition-unreadable x1: `c`
            warning job-not-a-mapping x1: `a`
            warning job-without-steps x1: `b`
            warning needs-unknown x1: c: `gone`
            warning repository-unknown x1: jobs stand at `repo://unnamed/w`; name the repository in foothold.yaml
            warning step-not-a-mapping x1: c: 0
            warning steps-not-a-list x1: `b`
            warning trigger-unknown x1: `pushed`
        "#]],
    );
}

#[test]
fn other_documents_are_not_taken_for_workflows() {
    for (text, format) in [
        (
            "version: 2.1\njobs:\n  build:\n    docker: [{image: a}]\nworkflows: {all: {jobs: [build]}}\n",
            None,
        ),
        ("services:\n  web: {image: a}\n", None),
        ("on: true\nname: x\n", None),
        ("stages: [a]\non: x\njobs: {runs-on: x}\n", None),
        (
            "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {}\n",
            Some("kubernetes"),
        ),
        (
            "openapi: 3.0.0\ninfo: {title: a}\npaths:\n  /jobs: {}\n",
            Some("openapi"),
        ),
        (
            "name: x\n\"on\": push\njobs:\n  j: {runs-on: a}\n",
            Some("github-actions"),
        ),
        (
            "true: push\njobs:\n  j:\n    runs-on: a\n",
            Some("github-actions"),
        ),
        (
            "{\"on\": \"push\", \"jobs\": {\"j\": {\"runs-on\": \"a\"}}}",
            Some("github-actions"),
        ),
    ] {
        let outcome = load_bytes("x.yml", text.into(), &Options::new(0));
        assert_eq!(
            outcome.report().format,
            format,
            "{text}\n{:?}",
            outcome.report()
        );
    }
}

#[test]
fn broken_workflows_fail_with_a_place() {
    check_error(
        "a.yml",
        "on: push\njobs: [{runs-on: a}]\n",
        &expect![[r#"at `/jobs`: expected a mapping of jobs"#]],
    );
    check_error(
        "a.yml",
        "on: push\njobs:\n  j: {runs-on: a}\n---\non: push\njobs: {}\n",
        &expect!["at ``: 2 YAML documents where one is expected"],
    );
}

/// Time grows with the document: a long chain of jobs, each of which needs all before it.
#[test]
fn many_jobs_that_need_each_other() {
    let mut text = "on: [issues, push]\njobs:\n".to_owned();
    for n in 0..3_000 {
        let needs = n - n.min(1);
        let _ = writeln!(
            text,
            "  j{n}: {{needs: [j{needs}, j0], runs-on: x, steps: [{{run: make}}]}}"
        );
    }
    assert_eq!(loaded("many.yml", &text).report.counts["jobs"], 3_000);
}
