//! What `aws <service> describe-*`, `list-*` and `get-*` print.
//!
//! Such a document names neither the command nor, often, the account. Three rules make ids sound:
//! a thing with an ARN is its ARN; instances and security groups are their own ids, which are
//! unique across accounts; a database without an ARN is its endpoint's name. Where a document does
//! not say which resource it is about (the access list of a bucket), the file name must, the way
//! collectors write it: `s3api-get-bucket-acl--<bucket>.json` or `s3-get-bucket-acl/<bucket>`.

mod clusters;
mod compute;
mod network;
mod stores;
#[cfg(test)]
#[allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]
mod tests;

use foothold_engine::model::{FactRef, Facts};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::decode::{Tree, json};
use crate::document::Document;
use crate::error::LoadError;
use crate::head::{Head, Shape, Sketch};
use crate::loader::{Loader, Match};
use crate::report::Report;

use super::arn::Arn;
use super::aws_iam::Accounts;
use super::statement;

/// The loader.
pub(crate) struct AwsDescribe;

/// Keys that no other format has at its top.
const CERTAIN: &[&str] = &[
    "Reservations[].Instances",
    "SecurityGroups[].GroupId",
    "Buckets[].CreationDate",
    "DBInstances",
    "DBClusters",
    "Table.TableArn",
    "TableNames",
    "Functions[].FunctionArn",
    "cluster.resourcesVpcConfig",
    "Configuration.FunctionArn",
    "FunctionUrlConfigs",
    "SecretList",
    "Topics[].TopicArn",
    "QueueUrls",
    "Attributes.TopicArn",
    "Attributes.QueueArn",
    "LoadBalancerDescriptions",
    "LoadBalancers[].LoadBalancerArn",
    "Clusters[].ClusterIdentifier",
    "ClusterInfoList",
    "CacheClusters",
    "ReplicationGroups",
    "FileSystems[].FileSystemArn",
    "DomainStatusList",
    "PublicAccessBlockConfiguration",
    "ServerSideEncryptionConfiguration",
    "Grants[].Grantee",
    "TagSet[].Key",
    // Read, though nothing in them becomes a fact yet.
    "NetworkInterfaces[].NetworkInterfaceId",
    "Subnets[].SubnetId",
    "Vpcs[].VpcId",
    "VpcEndpoints",
    "VpcPeeringConnections",
    "SummaryMap",
    "trailList",
    "analyzers[].arn",
    "clusterArns",
    "repositories[].repositoryArn",
    "policyText",
];

impl Loader for AwsDescribe {
    fn format(&self) -> &'static str {
        "aws-describe"
    }

    fn describe(&self) -> &'static str {
        "AWS exports: what aws describe-*, list-* and get-* print"
    }

    fn detect(&self, head: &Head<'_>) -> Match {
        let (Shape::Json(sketch) | Shape::JsonStream(sketch) | Shape::Yaml(sketch)) = head.shape
        else {
            return Match::No;
        };
        if CERTAIN.iter().any(|mark| sketch.has(mark)) || is_policy_text(sketch) {
            Match::Certain
        } else if sketch.has("Buckets") && sketch.has("Owner") {
            Match::Likely
        } else {
            Match::No
        }
    }

    fn load(
        &self,
        source: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError> {
        report.tool("aws-cli", None);
        let mut export = Export {
            name: source.name(),
            account: source.context().account.as_deref(),
            cluster: source.context().cluster.as_deref(),
            facts,
            report,
            accounts: Accounts::default(),
        };
        for Tree(value) in source.values::<Tree>()? {
            let Value::Object(members) = value else {
                return Err(LoadError::at("", "an object is expected"));
            };
            export.count_members(&members);
            let mut members = Members { members };
            stores::read(&mut export, &mut members)?;
            compute::read(&mut export, &mut members)?;
            clusters::read(&mut export, &mut members)?;
            network::read(&mut export, &mut members)?;
        }
        Ok(())
    }
}

/// `{"Policy": "{..}"}`, a resource policy as text.
fn is_policy_text(sketch: &Sketch) -> bool {
    sketch
        .scalar("Policy")
        .is_some_and(|text| text.starts_with('{') && text.contains("Statement"))
}

/// The members of a document.
struct Members {
    members: Map<String, Value>,
}

impl Members {
    /// Takes a member out and decodes it; `None` where it is absent or null.
    fn take<T: DeserializeOwned>(&mut self, member: &str) -> Result<Option<T>, LoadError> {
        match self.members.remove(member) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => json::from_value(value, &format!("/{member}")).map(Some),
        }
    }

    /// Whether the element of a list, the first one, has a key: tells two lists of one name apart.
    fn first_has(&self, member: &str, key: &str) -> bool {
        self.members
            .get(member)
            .and_then(|list| list.get(0))
            .is_some_and(|first| first.get(key).is_some())
    }

    fn has(&self, member: &str) -> bool {
        self.members.contains_key(member)
    }
}

/// One document while it is read.
struct Export<'a> {
    name: &'a str,
    /// The account that the surroundings name.
    account: Option<&'a str>,
    /// The cluster that they name.
    cluster: Option<&'a str>,
    facts: &'a mut Facts,
    report: &'a mut Report,
    accounts: Accounts,
}

impl Export<'_> {
    fn count_members(&mut self, members: &Map<String, Value>) {
        for (name, value) in members {
            let n_members = match value {
                Value::Array(items) => items.len(),
                Value::Object(object) => object.len(),
                _ => 1,
            };
            self.report
                .count(&format!("members.{name}"), n_members as u64);
        }
    }

    fn count(&mut self, name: &str, by: usize) {
        self.report.count(&format!("members.{name}"), by as u64);
    }

    /// The resource that the file name says the document is about.
    fn subject(&mut self, command: &str) -> Option<String> {
        let found = subject_of_name(self.name, command);
        if found.is_none() {
            let name = self.name;
            self.report.warn("not said which resource it is about", || {
                format!("name the file `{command}--<resource>.json`, not `{name}`")
            });
        }
        found
    }

    /// States a data store.
    fn store(&mut self, id: &str, store: Store, name: &str) -> Result<FactRef, LoadError> {
        let node = self.facts.node(id, &["DataStore", store.label()])?;
        self.facts.set(node, "name", name);
        self.facts.set(node, "kind", store.kind());
        Ok(node)
    }

    /// States which account something belongs to: that of its ARN, else that of the context.
    fn belongs(&mut self, id: &str, arn: Option<&str>) -> Result<(), LoadError> {
        let by_arn = arn
            .and_then(Arn::parse)
            .filter(|arn| arn.account_id().is_some())
            .map(|arn| arn.account.to_owned());
        match by_arn.as_deref().or(self.account) {
            Some(account) => self.accounts.belongs(self.facts, id, account),
            None => Ok(()),
        }
    }

    /// States which security groups stand in front of something.
    fn behind<'g>(
        &mut self,
        id: &str,
        groups: impl Iterator<Item = &'g str>,
    ) -> Result<(), LoadError> {
        for group in groups.filter(|group| !group.is_empty()) {
            let group = ec2_id(group);
            self.facts.node(&group, &["SecurityGroup"])?;
            self.facts.edge(id, "HAS_SECURITY_GROUP", &group)?;
        }
        Ok(())
    }
}

/// Kinds of data stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    Bucket,
    Database,
    Table,
    Queue,
    Topic,
    Cache,
    Files,
}

impl Store {
    fn label(self) -> &'static str {
        match self {
            Store::Bucket => "Bucket",
            Store::Database => "Database",
            Store::Table => "Table",
            Store::Queue => "Queue",
            Store::Topic => "Topic",
            Store::Cache => "Cache",
            Store::Files => "Files",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Store::Bucket => "bucket",
            Store::Database => "database",
            Store::Table => "table",
            Store::Queue => "queue",
            Store::Topic => "topic",
            Store::Cache => "cache",
            Store::Files => "files",
        }
    }
}

/// The node id of an instance, a security group and their like.
fn ec2_id(id: &str) -> String {
    format!("aws-ec2:{id}")
}

/// The node id of what is known by its host name only.
fn host_id(host: &str) -> String {
    format!("dns:{}", host.trim_end_matches('.').to_ascii_lowercase())
}

fn subject_of_name(name: &str, command: &str) -> Option<String> {
    let at = name.rfind(command)?;
    let rest = name.get(at + command.len()..)?;
    let rest = rest.strip_prefix("--").or_else(|| rest.strip_prefix('/'))?;
    let rest = rest.strip_suffix(".gz").unwrap_or(rest);
    let rest = rest.strip_suffix(".json").unwrap_or(rest);
    (!rest.is_empty() && !rest.contains('/')).then(|| rest.to_owned())
}

/// States the policy of a resource on its node.
pub(super) fn resource_policy(
    facts: &mut Facts,
    resource: &str,
    document: &Value,
) -> Result<(), LoadError> {
    let Some(arn) = Arn::parse(resource) else {
        return Ok(());
    };
    let (labels, kind): (&[&str], Option<Store>) = match arn.service {
        "s3" => (&["DataStore", "Bucket"], Some(Store::Bucket)),
        "sqs" => (&["DataStore", "Queue"], Some(Store::Queue)),
        "sns" => (&["DataStore", "Topic"], Some(Store::Topic)),
        "dynamodb" => (&["DataStore", "Table"], Some(Store::Table)),
        "lambda" => (&["Function"], None),
        "secretsmanager" => (&["Secret"], None),
        _ => (&[], None),
    };
    let name = arn.resource.rsplit([':', '/']).next().unwrap_or_default();
    let node = facts.node(resource, labels)?;
    facts.set(node, "name", name);
    facts.set_opt(node, "kind", kind.map(Store::kind));
    facts.set(node, "policy", document.to_string());
    if arn.service == "s3" {
        let open = open_to_everyone(document);
        if open.read {
            facts.set(node, "public_read", true);
        }
        if open.write {
            facts.set(node, "public_write", true);
        }
    }
    Ok(())
}

/// What a bucket policy opens to everyone beyond doubt: without a condition, and in a policy that
/// denies nothing. Whatever is less plain is left to the evaluator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Open {
    read: bool,
    write: bool,
}

fn open_to_everyone(document: &Value) -> Open {
    let mut open = Open::default();
    for found in statement::statements(document) {
        if !statement::allows(found) {
            return Open::default();
        }
        let principal = found.get("Principal");
        let everyone = principal.and_then(Value::as_str) == Some("*")
            || principal.is_some_and(|kinds| statement::texts(kinds, "AWS").any(|who| who == "*"));
        if !everyone || statement::is_conditional(found) {
            continue;
        }
        for action in statement::texts(found, "Action") {
            let action = action.to_ascii_lowercase();
            let covers = |wanted: &str| match action.strip_suffix('*') {
                Some(prefix) => wanted.starts_with(prefix),
                None => action == wanted,
            };
            open.read |= covers("s3:getobject");
            open.write |= covers("s3:putobject");
        }
    }
    open
}

/// Words of a classification and what they mean, the gravest first.
const WORDS: &[(&[&str], &str)] = &[
    (&["card", "pci", "cardholder", "pan"], "card"),
    (&["health", "phi", "hipaa", "medical"], "health"),
    (&["pii", "personal", "gdpr", "customer"], "pii"),
    (&["credential", "credentials", "secret"], "credential"),
    (
        &[
            "internal",
            "confidential",
            "restricted",
            "private",
            "sensitive",
        ],
        "internal",
    ),
    (&["public"], "public"),
];

/// What a tag says about the data in a store, in the words of the schema.
fn sensitivity_of_tag(key: &str, value: &str) -> Option<&'static str> {
    let key: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    if !matches!(
        key.as_str(),
        "dataclassification" | "dataclass" | "datasensitivity" | "classification" | "sensitivity"
    ) {
        return None;
    }
    let value = value.to_ascii_lowercase();
    let words: Vec<&str> = value.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    WORDS
        .iter()
        .find(|(marks, _)| marks.iter().any(|mark| words.contains(mark)))
        .map(|(_, sensitivity)| *sensitivity)
}
