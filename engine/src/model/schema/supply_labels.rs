//! The table of labels of code hosts, pipelines, registries, identity providers, names and agents.

use super::PropertyType::{Bool, Str, StrList};
use super::{LabelSpec, p};

/// Labels of the software supply chain and of the people around it.
pub(super) const SUPPLY_LABELS: &[LabelSpec] = &[
    LabelSpec {
        name: "Organization",
        id: "org://<host>/<name>",
        doc: "An organisation on a code host.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "Branch",
        id: "repo://<host>/<org>/<name>@<branch>",
        doc: "A branch of a repository, with what protects it.",
        properties: &[
            p("name", Str, "Name."),
            p("default", Bool, "What is built and deployed comes from it."),
            p(
                "requires_review",
                Bool,
                "A change needs the approval of somebody else.",
            ),
            p(
                "requires_code_owner_review",
                Bool,
                "A change needs the approval of who owns the code.",
            ),
            p(
                "restricts_pushes",
                Bool,
                "Only listed identities push to it.",
            ),
        ],
    },
    LabelSpec {
        name: "CiJob",
        id: "ci://<host>/<org>/<repository>/<workflow file>/<job>",
        doc: "A job of a pipeline.",
        properties: &[
            p("name", Str, "Name."),
            p("triggers", StrList, "What starts it, as its workflow says."),
            p(
                "any_branch",
                Bool,
                "Runs for a branch that any writer may create.",
            ),
            p(
                "privileged_trigger",
                Bool,
                "Runs with the rights of the repository for proposals from outside.",
            ),
            p("checks_out_proposal", Bool, "Runs code of the proposal."),
            p(
                "approval",
                Str,
                "Whether a person lets a proposal run: `none`, `once` (and not again after a change) or `required`.",
            ),
            p(
                "injectable",
                Bool,
                "A shell step holds text that whoever opens an issue or a proposal chooses, in a run with the rights of the repository.",
            ),
            p("secrets", Bool, "It is handed secrets."),
            p(
                "write_token",
                Bool,
                "Its token may write to the repository.",
            ),
            p(
                "token_federation",
                Bool,
                "It may ask for an identity token to exchange for a cloud role.",
            ),
            p("environment", Str, "The environment that it deploys to."),
            p(
                "environment_reviewed",
                Bool,
                "Somebody other than the author lets it run in that environment.",
            ),
            p(
                "subjects",
                StrList,
                "What the subject of its identity token says after the repository: `environment:<name>`, `ref:refs/heads/<branch>`, `pull_request`, or `default` for the default branch; `*` stands for any text.",
            ),
            p(
                "publishes",
                StrList,
                "`<registry>/<repository>` of the images that it pushes.",
            ),
            p(
                "runs_on",
                StrList,
                "Labels of the machines that it asks for.",
            ),
        ],
    },
    LabelSpec {
        name: "Runner",
        id: "runner://<host>/<owner>/<name>; machines with the same labels are one: runner://<host>/<org>/<repository>/<labels>",
        doc: "A machine that runs jobs of pipelines.",
        properties: &[
            p("name", Str, "Name."),
            p("self_hosted", Bool, "The organisation's own."),
            p("ephemeral", Bool, "Made anew for each job."),
        ],
    },
    LabelSpec {
        name: "CiCache",
        id: "ci-cache://<host>/<org>/<repository>/<key>",
        doc: "A cache or artifact that jobs hand to each other.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "Action",
        id: "action://<host>/<owner>/<name>",
        doc: "An action or include that jobs take from elsewhere.",
        properties: &[
            p("name", Str, "Name."),
            p(
                "trusted_publisher",
                Bool,
                "Its publisher is one the organisation trusts.",
            ),
            p("malicious", Bool, "Known to do harm."),
        ],
    },
    LabelSpec {
        name: "App",
        id: "integration://<host>/<name>",
        doc: "An application of a vendor that is installed on a code host; also an Identity.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "Vendor",
        id: "vendor://<name>",
        doc: "A company whose software is let in.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "RegistryRepository",
        id: "its ARN, or registry://<host>/<path>",
        doc: "A repository of an image registry.",
        properties: &[
            p("name", Str, "Name."),
            p(
                "immutable_tags",
                Bool,
                "A tag cannot be moved to another image.",
            ),
            p(
                "signature_required",
                Bool,
                "Whoever runs its images verifies their signatures.",
            ),
            p("policy", Str, "Resource policy as JSON, for the evaluator."),
        ],
    },
    LabelSpec {
        name: "Human",
        id: "idp://<provider>/user/<login>",
        doc: "A person as an identity provider knows them; also an Identity.",
        properties: &[
            p("name", Str, "Name."),
            p("email", Str, "Where a message reaches them."),
            p(
                "mfa",
                Str,
                "Second factor: `none`, `weak` or `phishing-resistant`.",
            ),
            p(
                "device_required",
                Bool,
                "Signing in needs a managed device.",
            ),
        ],
    },
    LabelSpec {
        name: "AppAccount",
        id: "account://<application>/<login>",
        doc: "An account of a person in an application, a code host or a cloud; also an Identity.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "DnsRecord",
        id: "dns:<name>",
        doc: "A record of the domain name system.",
        properties: &[
            p("name", Str, "Name."),
            p("target", Str, "What it points at."),
            p(
                "claimable",
                Bool,
                "Its target does not exist and anyone may claim the name.",
            ),
        ],
    },
    LabelSpec {
        name: "Agent",
        id: "agent://<name>",
        doc: "A program that a language model steers.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "Tool",
        id: "tool://<server>/<name>",
        doc: "Something that an agent may use.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "Container",
        id: "k8s://<cluster>/<namespace>/<kind>/<workload>#<container>",
        doc: "One container of a workload, where a document tells them apart.",
        properties: &[p("name", Str, "Name.")],
    },
    LabelSpec {
        name: "CustomResourceDefinition",
        id: "k8s://<cluster>/-/CustomResourceDefinition/<name>",
        doc: "A kind of object that an operator acts on.",
        properties: &[p("name", Str, "Name.")],
    },
];
