//! Service accounts to the cloud roles that their tokens are exchanged for.

use std::collections::BTreeMap;

use crate::attack::permission::Effect;
use crate::attack::permission::aws::Document;
use crate::attack::permission::aws::trust::{Trust, WebIdentity};
use crate::build::Join;
use crate::graph::NodeId;
use crate::model::Facts;

use super::view::{Method, View, cluster_of, namespace_of};

/// Annotation, trust policy and issuer agree.
const TRUSTED: Method = Method::new("annotation-and-trust", 100);
/// The issuer of the cluster is not known; there is one cluster whose account it can be.
const ONE_CLUSTER: Method = Method::new("annotation-and-trust-subject", 80);
/// Several clusters have such an account, and which of them the role trusts is not known.
const SEVERAL_CLUSTERS: Method = Method::new("annotation-and-trust-subject", 40);
/// The role was not collected with its trust policy.
const ANNOTATED: Method = Method::new("annotation", 50);

/// A pipeline of the main branch is admitted; which workflows ask for tokens is not looked at.
const PIPELINE: Method = Method::new("trust-subject", 80);
/// A pipeline of another branch, tag or environment is admitted; whether there is one is not known.
const SOME_PIPELINE: Method = Method::new("trust-subject", 60);

/// The policy admits the subject of this job's token, as far as nobody made it say something else.
const JOB: Method = Method::new("job-subject", 90);
/// The policy admits some of the subjects that the job's token may have.
const SOME_JOB: Method = Method::new("job-subject", 60);

const GITHUB: &str = "token.actions.githubusercontent.com";
const AUDIENCE: &str = "sts.amazonaws.com";

/// `ServiceAccount FEDERATES_TO CloudRole`, and the same of `Repository` and `CiJob`.
pub(super) struct Federation;

impl Join for Federation {
    fn name(&self) -> &'static str {
        "federation"
    }

    fn run(&self, view: View<'_>, facts: &mut Facts) {
        let accounts: Vec<(NodeId, &str)> = view
            .labelled("ServiceAccount")
            .into_iter()
            .filter_map(|account| Some((account, view.text(account, "irsa_role_arn")?)))
            .collect();
        let mut namesakes: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for &(account, role_arn) in &accounts {
            let name = local_name(view.id(account));
            *namesakes.entry((role_arn, name)).or_insert(0) += 1;
        }
        for &(account, role_arn) in &accounts {
            let id = view.id(account);
            let (Some(cluster), Some(namespace)) = (cluster_of(id), namespace_of(id)) else {
                continue;
            };
            let name = id.rsplit('/').next().unwrap_or_default();
            let issuer = view
                .node(&format!("k8s://{cluster}"))
                .and_then(|cluster| view.text(cluster, "oidc_issuer"));
            let trust_policy = view
                .node(role_arn)
                .and_then(|role| view.text(role, "trust_policy"))
                .and_then(|text| Document::parse(text).ok());
            let Some(document) = trust_policy else {
                federate(facts, ANNOTATED, id, role_arn, Effect::Unknown);
                continue;
            };
            let trust = Trust {
                role: role_arn,
                document: &document,
            };
            let subject = format!("system:serviceaccount:{namespace}:{name}");
            let decision = trust.admits_web_identity(&WebIdentity {
                issuer,
                subject: &subject,
                audience: AUDIENCE,
            });
            let method = match (decision.effect, issuer) {
                (Effect::Deny, _) => continue,
                (Effect::Allow, _) => TRUSTED,
                (Effect::Unknown, Some(_)) => ONE_CLUSTER,
                (Effect::Unknown, None) => {
                    // The same namespace and name in several clusters are different accounts.
                    match namesakes.get(&(role_arn, local_name(id))) {
                        Some(2..) => SEVERAL_CLUSTERS,
                        _ => ONE_CLUSTER,
                    }
                }
            };
            federate(facts, method, id, role_arn, decision.effect);
        }
        repositories(view, facts);
    }
}

/// Pipelines of a repository, by the subject that GitHub gives their tokens.
fn repositories(view: View<'_>, facts: &mut Facts) {
    for role in view.labelled("CloudRole") {
        let arn = view.id(role);
        let Some(document) = view
            .text(role, "trust_policy")
            .filter(|text| text.contains(GITHUB))
            .and_then(|text| Document::parse(text).ok())
        else {
            continue;
        };
        let trust = Trust {
            role: arn,
            document: &document,
        };
        for repository in view.labelled("Repository") {
            let id = view.id(repository);
            let Some(path) = id.strip_prefix("repo://github.com/") else {
                continue;
            };
            let path = as_spelled(view.text(role, "trust_policy").unwrap_or_default(), path);
            let admits = |subject: &str| {
                let decision = trust.admits_web_identity(&WebIdentity {
                    issuer: Some(GITHUB),
                    subject,
                    audience: AUDIENCE,
                });
                decision.effect
            };
            let of_main = admits(&format!("repo:{path}:ref:refs/heads/main"));
            if of_main != Effect::Deny {
                federate(facts, PIPELINE, id, arn, of_main);
            } else if admits(&format!("repo:{path}:*")) != Effect::Deny {
                federate(facts, SOME_PIPELINE, id, arn, Effect::Unknown);
            }
            for job in view.out(repository, "HAS_JOB") {
                if view.flag(job, "token_federation") != Some(true) {
                    continue;
                }
                let subjects = subjects(view, repository, job).into_iter();
                let effects = subjects.map(|subject| admits(&format!("repo:{path}:{subject}")));
                match effects.max() {
                    Some(Effect::Allow) => federate(facts, JOB, view.id(job), arn, Effect::Allow),
                    Some(Effect::Unknown) => {
                        federate(facts, SOME_JOB, view.id(job), arn, Effect::Unknown);
                    }
                    _ => {}
                }
            }
        }
    }
}

/// What the subject of a job's token may say after the repository, `*` for any text.
fn subjects(view: View<'_>, repository: NodeId, job: NodeId) -> Vec<String> {
    let stated = view.list(job, "subjects");
    if stated.is_empty() {
        return vec!["*".to_owned()];
    }
    let mut subjects = Vec::new();
    for subject in stated {
        if subject != "default" {
            subjects.push(subject);
            continue;
        }
        let branches = view.out(repository, "HAS_BRANCH").into_iter();
        let defaults = branches.filter(|branch| view.flag(*branch, "default") == Some(true));
        let names = defaults.filter_map(|branch| {
            let short = view.text(branch, "short_name");
            short.or_else(|| view.text(branch, "name"))
        });
        let names: Vec<&str> = names.collect();
        // What it is called as a rule, where nobody says.
        let names = if names.is_empty() {
            vec!["main"]
        } else {
            names
        };
        subjects.extend(names.iter().map(|name| format!("ref:refs/heads/{name}")));
    }
    subjects
}

/// The path of a repository with upper and lower case as a policy writes it: subjects are compared
/// letter by letter, and ids of repositories are in lower case.
fn as_spelled(policy: &str, path: &str) -> String {
    let shared = |text: &str| {
        let pairs = text.bytes().zip(path.bytes());
        pairs.take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count()
    };
    let places = policy.match_indices("repo:");
    let texts = places.filter_map(|(at, mark)| policy.get(at + mark.len()..));
    let best = texts.max_by_key(|text| shared(text));
    let found = best.and_then(|text| {
        let n_shared = shared(text);
        Some([text.get(..n_shared)?, path.get(n_shared..)?].concat())
    });
    found.unwrap_or_else(|| path.to_owned())
}

/// `<namespace>/ServiceAccount/<name>`: the id without its cluster.
fn local_name(id: &str) -> &str {
    let rest = id.strip_prefix("k8s://").unwrap_or(id);
    rest.split_once('/').map_or(rest, |(_, local)| local)
}

fn federate(facts: &mut Facts, method: Method, account: &str, role: &str, effect: Effect) {
    method.link(facts, account, "FEDERATES_TO", role, |facts, edge| {
        facts.set(edge, "decision", effect.name());
    });
}
