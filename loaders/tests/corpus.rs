//! Every file of every format in the corpus agrees with its independently counted facts.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use foothold_loaders::{DocumentReport, Options, Outcome, load_paths};
use serde_json::Value;

/// One format: where its files lie, and which facts say nothing about what a loader reads.
struct Format {
    name: &'static str,
    folders: &'static [&'static str],
    suffixes: &'static [&'static str],
    /// Not counted, with the reason.
    uncounted: &'static [(&'static str, &'static str)],
}

const FORMATS: &[Format] = &[
    Format {
        name: "cyclonedx-json",
        folders: &["cyclonedx/", "vex/cyclonedx/"],
        suffixes: &[".json", ".json.gz"],
        uncounted: &[
            ("dependency_graph_has_cycle", "a property of the graph"),
            ("root_component", "a name"),
            ("spec_version", "no count"),
            ("tools", "names"),
        ],
    },
    Format {
        name: "trivy-json",
        folders: &["trivy/"],
        suffixes: &[".json", ".json.gz"],
        uncounted: &[("schema", "a version"), ("os", "a name")],
    },
    Format {
        name: "grype-json",
        folders: &["grype/"],
        suffixes: &[".json", ".json.gz"],
        uncounted: &[
            ("source_type", "a name"),
            ("tool", "a name"),
            ("wrapped_in", "a key"),
        ],
    },
    Format {
        name: "sarif",
        folders: &["sarif/"],
        suffixes: &[".sarif", ".sarif.gz"],
        uncounted: &[("tools", "names"), ("version", "a version")],
    },
    Format {
        name: "codeowners",
        folders: &["codeowners/"],
        suffixes: &["CODEOWNERS"],
        uncounted: &[],
    },
    Format {
        name: "github-actions",
        folders: &["github-actions/"],
        suffixes: &[".yaml"],
        uncounted: &[],
    },
    Format {
        name: "epss-csv",
        folders: &["epss/"],
        suffixes: &[".csv"],
        uncounted: &[],
    },
    Format {
        name: "cisa-kev",
        folders: &["kev/"],
        suffixes: &[".json"],
        uncounted: &[],
    },
    Format {
        name: "openvex",
        folders: &["vex/openvex/"],
        suffixes: &[".json", ".json.gz"],
        uncounted: &[("version", "a version")],
    },
    Format {
        name: "opengraph",
        folders: &["opengraph/"],
        suffixes: &[".json"],
        uncounted: &[],
    },
    Format {
        name: "kubernetes",
        folders: &["kubernetes/"],
        suffixes: &[".yaml"],
        uncounted: &[],
    },
    Format {
        name: "kubernetes",
        folders: &[
            "kubernetes/cluster-dump-do/",
            "kubernetes/kubehound-test-cluster/",
            "kubernetes/netpol-ground-truth/onlineboutique-synthesised/",
        ],
        suffixes: &[".json"],
        uncounted: &[],
    },
    Format {
        name: "openapi",
        folders: &["openapi/"],
        suffixes: &[".json", ".yaml"],
        uncounted: &[],
    },
    Format {
        name: "aws-iam",
        folders: &[
            "aws-iam/cloud",
            "aws-describe/cloudmapper-demo/iam-get-account-authorization-details",
            "aws-describe/cloudmapper-demo/iam-get-role",
        ],
        suffixes: &[".json"],
        uncounted: &[],
    },
    Format {
        name: "aws-describe",
        folders: &[
            "aws-describe/cloudmapper-demo/accessanalzyer",
            "aws-describe/cloudmapper-demo/cloudtrail",
            "aws-describe/cloudmapper-demo/ec2",
            "aws-describe/cloudmapper-demo/ecr",
            "aws-describe/cloudmapper-demo/ecs",
            "aws-describe/cloudmapper-demo/elb",
            "aws-describe/cloudmapper-demo/iam-get-account-summary",
            "aws-describe/cloudmapper-demo/kafka",
            "aws-describe/cloudmapper-demo/lambda",
            "aws-describe/cloudmapper-demo/rds",
            "aws-describe/cloudmapper-demo/redshift",
            "aws-describe/cloudmapper-demo/s3",
            "aws-describe/cloudmapper-demo/secretsmanager",
            "aws-describe/cloudmapper-demo/sns",
            "aws-describe/cloudmapper-demo/sqs",
        ],
        suffixes: &[".json"],
        uncounted: &[],
    },
];

fn corpus() -> Option<PathBuf> {
    if let Ok(path) = std::env::var("FOOTHOLD_CORPUS") {
        return Some(path.into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let found = ["../shared/corpus", "../../shared/corpus"]
        .iter()
        .map(|place| root.join(place))
        .find(|path| path.join("facts.json").is_file());
    if found.is_none() {
        assert!(std::env::var("CI").is_err(), "the corpus is missing");
        println!("skipped: no corpus beside the repository; set FOOTHOLD_CORPUS");
    }
    found
}

fn load(path: &Path) -> Outcome {
    let mut outcomes = Vec::new();
    let options = Options::new(0);
    load_paths(&[path.to_owned()], &options, &mut |outcome| {
        outcomes.push(outcome);
    })
    .unwrap();
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

/// `{"a": 1, "b": {"x": 2}}` as `a=1`, `b.x=2`; texts, lists and flags are no counts.
fn counts(prefix: &str, value: &Value, out: &mut BTreeMap<String, u64>) {
    match value {
        Value::Number(number) => {
            if let Some(count) = number.as_u64() {
                out.insert(prefix.to_owned(), count);
            }
        }
        Value::Object(object) => {
            for (key, value) in object {
                let path = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                counts(&path, value, out);
            }
        }
        _ => {}
    }
}

fn differences(format: &Format, facts: &Value, report: &DocumentReport) -> Vec<String> {
    let mut expected = BTreeMap::new();
    counts("", facts, &mut expected);
    let mut wrong = Vec::new();
    for (name, count) in expected {
        let group = name.split('.').next().unwrap_or(&name);
        if format.uncounted.iter().any(|(known, _)| *known == group) {
            continue;
        }
        let found = report.counts.get(&name).copied().unwrap_or(0);
        if found != count {
            wrong.push(format!("{name}: {found}, not {count}"));
        }
    }
    wrong
}

#[test]
fn every_file_agrees_with_its_facts() {
    let Some(corpus) = corpus() else { return };
    let text = std::fs::read_to_string(corpus.join("facts.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let files = all["files"].as_object().unwrap();
    let mut wrong = Vec::new();
    for format in FORMATS {
        let mut n_files = 0;
        for (name, entry) in files {
            let here = format.folders.iter().any(|folder| name.starts_with(folder))
                && format.suffixes.iter().any(|suffix| name.ends_with(suffix));
            if !here {
                continue;
            }
            n_files += 1;
            let outcome = load(&corpus.join(name));
            let report = outcome.report();
            if report.format != Some(format.name) {
                wrong.push(format!(
                    "{name}: read as {:?}: {:?}",
                    report.format, report.reason
                ));
            } else if let Some(error) = &report.error {
                wrong.push(format!("{name}: {}", error.message));
            } else {
                let found = differences(format, &entry["facts"], report);
                wrong.extend(found.into_iter().map(|line| format!("{name}: {line}")));
            }
        }
        assert!(n_files > 0, "no files of {}", format.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The packages of an image, as different generators list them, are the same nodes.
#[test]
fn generators_agree_on_packages() {
    let Some(corpus) = corpus() else { return };
    let packages = |name: &str| -> BTreeSet<String> {
        let Outcome::Read(loaded) = load(&corpus.join("cyclonedx").join(name)) else {
            panic!("{name} is not read");
        };
        let facts = &loaded.facts;
        facts
            .nodes()
            .iter()
            .map(|node| facts.str(node.id))
            .filter(|id| id.starts_with("pkg:apk/"))
            .map(str::to_owned)
            .collect()
    };
    let trivy = packages("same-image-trivy-alpine-3.17-sbom.json");
    let syft = packages("same-image-anchore-alpine-3.17-sbom.json");
    let cdxgen = packages("same-image-depscan-alpine-3.17-sbom.json");
    assert_eq!(trivy.len(), 15);
    assert_eq!(trivy, syft);
    assert!(trivy.is_subset(&cdxgen));
    assert_eq!(cdxgen.len(), 19);
}

/// Three scanners of one image: the same vulnerable packages are the same nodes and edges.
#[test]
fn scanners_agree_on_vulnerable_packages() {
    let Some(corpus) = corpus() else { return };
    let affected = |tool: &str| -> BTreeSet<(String, String)> {
        let path = corpus.join(format!("sarif/same-image-nginx-{tool}.sarif"));
        let Outcome::Read(loaded) = load(&path) else {
            panic!("{tool} is not read");
        };
        let facts = &loaded.facts;
        let images: BTreeSet<_> = facts
            .nodes()
            .iter()
            .map(|node| facts.str(node.id))
            .filter(|id| id.starts_with("image://"))
            .collect();
        let digest =
            "image://sha256:13d22ec63300e16014d4a42aed735207a8b33c223cff19627dd3042e5a10a3a0";
        assert_eq!(images.into_iter().collect::<Vec<_>>(), [digest], "{tool}");
        facts
            .edges()
            .iter()
            .filter(|edge| facts.str(edge.kind) == "AFFECTED_BY")
            .map(|edge| {
                (
                    facts.str(edge.from).to_owned(),
                    facts.str(edge.to).to_owned(),
                )
            })
            .collect()
    };
    let (grype, trivy, snyk) = (affected("grype"), affected("trivy"), affected("snyk"));
    assert_eq!(grype.len(), 99);
    assert_eq!(grype, trivy);
    // Snyk has one row for a source package, where the others have one for each binary.
    assert_eq!(snyk.len(), 65);
    assert_eq!(snyk.intersection(&grype).count(), 64);
    let cves = |rows: &BTreeSet<(String, String)>| -> BTreeSet<String> {
        rows.iter().map(|(_, id)| id.clone()).collect()
    };
    assert_eq!(cves(&grype).len(), 64);
    assert_eq!(cves(&snyk).intersection(&cves(&grype)).count(), 64);
}

/// Ids of the nodes with a label in one file of the corpus.
fn labelled(path: &Path, label: &str) -> BTreeSet<String> {
    let Outcome::Read(loaded) = load(path) else {
        panic!("{} is not read", path.display());
    };
    let facts = &loaded.facts;
    facts
        .nodes()
        .iter()
        .filter(|node| node.labels.iter().any(|found| facts.str(*found) == label))
        .map(|node| facts.str(node.id).to_owned())
        .collect()
}

/// Pods and replica sets of a real cluster, each list in a file of its own, fold into the
/// workloads that the files of their controllers describe.
#[test]
fn pods_fold_across_the_files_of_a_dump() {
    let Some(corpus) = corpus() else { return };
    let dump = corpus.join("kubernetes/cluster-dump-do");
    let workloads = |file: &str| labelled(&dump.join(file), "Workload");
    let mut described = workloads("apis_apps_v1_deplpoyments.json");
    described.extend(workloads("apis_apps_v1_daemonsets.json"));
    described.extend(workloads("apis_apps_v1_statefulsets.json"));
    assert_eq!(described.len(), 13 + 5 + 2);
    let replica_sets = workloads("apis_apps_v1_replicasets.json");
    assert!(replica_sets.is_subset(&described));
    // 33 pods; the one that an operator's resource controls stays a workload of its own.
    let from_pods = workloads("api_v1_pods.json");
    let unfolded: Vec<_> = from_pods.difference(&described).collect();
    assert_eq!(
        unfolded,
        ["k8s://default/fix/Pod/single-server-sngl-hs5itknq-5e6755"]
    );
    assert_eq!(from_pods.len(), 20 + 1);
}

/// The files of one account, each from another command, name the same things alike.
#[test]
fn exports_of_an_account_agree_on_ids() {
    let Some(corpus) = corpus() else { return };
    let file = |name: &str| corpus.join("aws-describe/cloudmapper-demo").join(name);
    let buckets = labelled(&file("s3-list-buckets.json"), "Bucket");
    for about_one in [
        "s3-get-bucket-policy--cloudmapper_demo.json",
        "s3-get-bucket-acl--cloudmapper_demo.json",
    ] {
        assert_eq!(labelled(&file(about_one), "Bucket"), buckets);
    }
    let instances = labelled(&file("ec2-describe-instances.json"), "Instance");
    let balanced = labelled(&file("elb-describe-load-balancers.json"), "Instance");
    // Of the two instances behind the load balancer the account still has one.
    let shared: Vec<_> = balanced.intersection(&instances).collect();
    assert_eq!(shared, ["aws-ec2:i-00000000000000002"]);
    let groups = labelled(&file("ec2-describe-security-groups.json"), "SecurityGroup");
    let in_use = labelled(&file("ec2-describe-instances.json"), "SecurityGroup");
    assert!(in_use.is_subset(&groups) && !in_use.is_empty());
    let roles = labelled(
        &file("iam-get-account-authorization-details.json"),
        "CloudRole",
    );
    assert!(labelled(&file("iam-get-role--level3.json"), "CloudRole").is_subset(&roles));
}
