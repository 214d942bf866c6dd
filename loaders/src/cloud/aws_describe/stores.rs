//! Buckets, databases, tables, queues, topics, caches and secrets.

#![expect(
    clippy::struct_field_names,
    reason = "fields are named as in the exports"
)]

use foothold_engine::model::FactRef;
use serde::Deserialize;
use serde_json::Value;

use crate::cloud::arn::{Arn, queue_arn};
use crate::cloud::aws_iam::{Tag, rendered_tags};
use crate::cloud::statement;
use crate::error::LoadError;
use crate::text::Text;

use super::{
    Export, Members, Store, host_id, resource_policy, sensitivity_of_tag, subject_of_name,
};

/// Reads the members that describe stores.
pub(super) fn read(export: &mut Export<'_>, members: &mut Members) -> Result<(), LoadError> {
    if members.has("Buckets") {
        for bucket in members.take::<Vec<Bucket>>("Buckets")?.unwrap_or_default() {
            let id = bucket_id(&bucket.name);
            export.store(&id, Store::Bucket, &bucket.name)?;
            export.belongs(&id, None)?;
        }
    }
    policies(export, members)?;
    bucket_settings(export, members)?;
    for member in ["DBInstances", "DBClusters"] {
        for database in members.take::<Vec<Database>>(member)?.unwrap_or_default() {
            state_database(export, &database)?;
        }
    }
    if members.first_has("Clusters", "ClusterIdentifier") {
        for cluster in members
            .take::<Vec<Warehouse>>("Clusters")?
            .unwrap_or_default()
        {
            state_warehouse(export, &cluster)?;
        }
    }
    if let Some(table) = members.take::<Table>("Table")? {
        state_table(export, &table)?;
    }
    if let Some(names) = members.take::<Vec<Text>>("TableNames")? {
        export.report.warn("tables without an account", || {
            format!("{} names; describe-table says which account", names.len())
        });
    }
    for member in ["CacheClusters", "ReplicationGroups"] {
        for cache in members.take::<Vec<Cache>>(member)?.unwrap_or_default() {
            state_cache(export, &cache)?;
        }
    }
    for cluster in members
        .take::<Vec<Broker>>("ClusterInfoList")?
        .unwrap_or_default()
    {
        let name = cluster.cluster_name.as_deref().unwrap_or_default();
        let node = export.store(&cluster.cluster_arn, Store::Queue, name)?;
        export.facts.set(node, "engine", "kafka");
        export.belongs(&cluster.cluster_arn, Some(&cluster.cluster_arn))?;
        let groups = cluster
            .broker_node_group_info
            .and_then(|info| info.security_groups);
        let groups = groups.unwrap_or_default();
        export.behind(&cluster.cluster_arn, groups.iter().map(Text::as_str))?;
    }
    for files in members
        .take::<Vec<FileSystem>>("FileSystems")?
        .unwrap_or_default()
    {
        let Some(arn) = files.file_system_arn.as_deref() else {
            continue;
        };
        let name = files.name.as_deref().unwrap_or(arn);
        let node = export.store(arn, Store::Files, name)?;
        let encrypted = files.encrypted;
        export.facts.set_opt(node, "encrypted", encrypted);
        tagged(export, node, files.tags.as_deref());
        export.belongs(arn, Some(arn))?;
    }
    queues_and_topics(export, members)?;
    for secret in members
        .take::<Vec<SecretEntry>>("SecretList")?
        .unwrap_or_default()
    {
        let node = export.facts.node(&secret.arn, &["Secret"])?;
        let name = secret.name.as_deref().unwrap_or(&secret.arn);
        export.facts.set(node, "name", name);
        let key = secret.kms_key_id.as_deref();
        export.facts.set_opt(node, "encrypted_by", key);
        let tags = rendered_tags(secret.tags.as_deref());
        export.facts.set_opt(node, "tags", tags);
        export.belongs(&secret.arn, Some(&secret.arn))?;
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
struct Bucket {
    #[serde(rename = "Name")]
    name: Text,
}

fn bucket_id(name: &str) -> String {
    format!("arn:aws:s3:::{name}")
}

/// Resource policies as text, of whatever they are attached to.
fn policies(export: &mut Export<'_>, members: &mut Members) -> Result<(), LoadError> {
    if !matches!(members.members.get("Policy"), Some(Value::String(_))) {
        return Ok(());
    }
    let Some(document) = members
        .members
        .remove("Policy")
        .and_then(statement::document)
    else {
        return Err(LoadError::at("/Policy", "text that is no policy document"));
    };
    if let Some(key) = subject_of_name(export.name, "get-key-policy") {
        // What it says of `*` is said of the key, which it does not name.
        let node = export
            .facts
            .node(&format!("aws-kms:{key}"), &["EncryptionKey"])?;
        export.facts.set(node, "name", key);
        export.facts.set(node, "policy", document.to_string());
        return Ok(());
    }
    let resource = match statement::subject(&document) {
        Some(resource) => Some(resource),
        None => export
            .subject("get-bucket-policy")
            .map(|bucket| bucket_id(&bucket)),
    };
    match resource {
        Some(resource) => resource_policy(export.facts, &resource, &document),
        None => Ok(()),
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Grant {
    grantee: Option<Grantee>,
    permission: Option<Text>,
}

#[derive(Debug, Deserialize)]
struct Grantee {
    #[serde(rename = "URI")]
    uri: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccessBlock {
    block_public_acls: Option<bool>,
    ignore_public_acls: Option<bool>,
    block_public_policy: Option<bool>,
    restrict_public_buckets: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Encryption {
    #[serde(rename = "Rules")]
    rules: Option<Vec<EncryptionRule>>,
}

#[derive(Debug, Deserialize)]
struct EncryptionRule {
    #[serde(rename = "ApplyServerSideEncryptionByDefault")]
    default: Option<DefaultEncryption>,
}

#[derive(Debug, Deserialize)]
struct DefaultEncryption {
    #[serde(rename = "KMSMasterKeyID")]
    key: Option<Text>,
}

/// Documents about one bucket that do not name it.
fn bucket_settings(export: &mut Export<'_>, members: &mut Members) -> Result<(), LoadError> {
    if members.first_has("Grants", "Grantee") {
        let grants: Vec<Grant> = members.take("Grants")?.unwrap_or_default();
        let everyone = |grant: &&Grant| {
            let uri = grant
                .grantee
                .as_ref()
                .and_then(|grantee| grantee.uri.as_deref());
            uri.is_some_and(|uri| {
                uri.ends_with("/global/AllUsers") || uri.ends_with("/global/AuthenticatedUsers")
            })
        };
        let permits = |wanted: &[&str]| {
            grants.iter().filter(everyone).any(|grant| {
                let permission = grant.permission.as_deref().unwrap_or_default();
                wanted.contains(&permission)
            })
        };
        if let Some(bucket) = export.subject("get-bucket-acl") {
            let node = export.store(&bucket_id(&bucket), Store::Bucket, &bucket)?;
            if permits(&["READ", "FULL_CONTROL"]) {
                export.facts.set(node, "public_read", true);
            }
            if permits(&["WRITE", "WRITE_ACP", "FULL_CONTROL"]) {
                export.facts.set(node, "public_write", true);
            }
        }
    }
    if let Some(block) = members.take::<AccessBlock>("PublicAccessBlockConfiguration")?
        && let Some(bucket) = export.subject("get-public-access-block")
    {
        let node = export.store(&bucket_id(&bucket), Store::Bucket, &bucket)?;
        let blocked = [
            block.block_public_acls,
            block.ignore_public_acls,
            block.block_public_policy,
            block.restrict_public_buckets,
        ]
        .iter()
        .all(|flag| *flag == Some(true));
        export.facts.set(node, "public_access_blocked", blocked);
    }
    if let Some(encryption) = members.take::<Encryption>("ServerSideEncryptionConfiguration")?
        && let Some(bucket) = export.subject("get-bucket-encryption")
    {
        let node = export.store(&bucket_id(&bucket), Store::Bucket, &bucket)?;
        export.facts.set(node, "encrypted", true);
        let key = encryption
            .rules
            .iter()
            .flatten()
            .find_map(|rule| rule.default.as_ref()?.key.as_deref());
        export.facts.set_opt(node, "encrypted_by", key);
    }
    if members.first_has("TagSet", "Key") {
        let tags: Vec<Tag> = members.take("TagSet")?.unwrap_or_default();
        if let Some(bucket) = export.subject("get-bucket-tagging") {
            let node = export.store(&bucket_id(&bucket), Store::Bucket, &bucket)?;
            tagged(export, node, Some(&tags));
        }
    }
    Ok(())
}

/// Sets tags, and the sensitivity they state.
fn tagged(export: &mut Export<'_>, node: FactRef, tags: Option<&[Tag]>) {
    export.facts.set_opt(node, "tags", rendered_tags(tags));
    let stated = tags
        .unwrap_or_default()
        .iter()
        .find_map(|tag| sensitivity_of_tag(&tag.key, tag.value.as_deref().unwrap_or_default()));
    export.facts.set_opt(node, "sensitivity", stated);
}

/// An RDS instance or cluster.
#[derive(Debug, Deserialize)]
struct Database {
    #[serde(rename = "DBInstanceArn", alias = "DBClusterArn")]
    arn: Option<String>,
    #[serde(rename = "DBInstanceIdentifier", alias = "DBClusterIdentifier")]
    identifier: Option<Text>,
    #[serde(rename = "DbiResourceId", alias = "DbClusterResourceId")]
    resource_id: Option<Text>,
    #[serde(rename = "Engine")]
    engine: Option<Text>,
    /// An object on instances, a host name on clusters.
    #[serde(rename = "Endpoint")]
    endpoint: Option<Value>,
    #[serde(rename = "Port")]
    port: Option<i64>,
    #[serde(rename = "PubliclyAccessible")]
    public: Option<bool>,
    #[serde(rename = "StorageEncrypted")]
    encrypted: Option<bool>,
    #[serde(rename = "KmsKeyId")]
    key: Option<Text>,
    #[serde(rename = "VpcSecurityGroups")]
    groups: Option<Vec<VpcSecurityGroup>>,
    #[serde(rename = "TagList")]
    tags: Option<Vec<Tag>>,
    #[serde(rename = "MasterUserSecret")]
    secret: Option<MasterSecret>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VpcSecurityGroup {
    vpc_security_group_id: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MasterSecret {
    secret_arn: Option<String>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Endpoint {
    host: Option<String>,
    port: Option<i64>,
}

/// An endpoint, as an object with address and port or as a host name alone.
fn endpoint(value: Option<&Value>) -> Endpoint {
    match value {
        Some(Value::String(host)) => Endpoint {
            host: Some(host.clone()),
            port: None,
        },
        Some(value) => Endpoint {
            host: value
                .get("Address")
                .and_then(Value::as_str)
                .map(str::to_owned),
            port: value.get("Port").and_then(Value::as_i64),
        },
        None => Endpoint::default(),
    }
}

fn groups_of(groups: Option<&[VpcSecurityGroup]>) -> Vec<&str> {
    groups
        .unwrap_or_default()
        .iter()
        .filter_map(|group| group.vpc_security_group_id.as_deref())
        .collect()
}

fn state_database(export: &mut Export<'_>, database: &Database) -> Result<(), LoadError> {
    let endpoint = endpoint(database.endpoint.as_ref());
    let Some(id) = id_or_host(export, database.arn.as_deref(), endpoint.host.as_deref()) else {
        return Ok(());
    };
    let name = database.identifier.as_deref().unwrap_or(&id);
    let node = export.store(&id, Store::Database, name)?;
    let facts = &mut *export.facts;
    facts.set_opt(node, "engine", database.engine.as_deref());
    facts.set_opt(node, "resource_id", database.resource_id.as_deref());
    facts.set_opt(node, "endpoint", endpoint.host.as_deref());
    facts.set_opt(node, "port", endpoint.port.or(database.port));
    facts.set_opt(node, "publicly_accessible", database.public);
    facts.set_opt(node, "encrypted", database.encrypted);
    facts.set_opt(node, "encrypted_by", database.key.as_deref());
    tagged(export, node, database.tags.as_deref());
    export.belongs(&id, database.arn.as_deref())?;
    export.behind(&id, groups_of(database.groups.as_deref()).into_iter())?;
    let secret = database.secret.as_ref();
    if let Some(secret) = secret.and_then(|secret| secret.secret_arn.as_deref()) {
        export.facts.node(secret, &["Secret"])?;
        export.facts.edge(secret, "AUTHENTICATES", &id)?;
    }
    Ok(())
}

/// The id of a store: its ARN, else its host name; a warning where it has neither.
fn id_or_host(export: &mut Export<'_>, arn: Option<&str>, host: Option<&str>) -> Option<String> {
    match (arn.filter(|arn| !arn.is_empty()), host) {
        (Some(arn), _) => Some(arn.to_owned()),
        (None, Some(host)) if !host.is_empty() => Some(host_id(host)),
        _ => {
            export
                .report
                .warn("store without ARN and endpoint", String::new);
            None
        }
    }
}

/// A Redshift cluster. The list holds no ARN of it; newer ones hold that of its namespace, which
/// gives region and account.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Warehouse {
    cluster_identifier: Text,
    cluster_namespace_arn: Option<String>,
    endpoint: Option<Value>,
    publicly_accessible: Option<bool>,
    encrypted: Option<bool>,
    kms_key_id: Option<Text>,
    vpc_security_groups: Option<Vec<VpcSecurityGroup>>,
    tags: Option<Vec<Tag>>,
}

fn state_warehouse(export: &mut Export<'_>, cluster: &Warehouse) -> Result<(), LoadError> {
    let endpoint = endpoint(cluster.endpoint.as_ref());
    let namespace = cluster
        .cluster_namespace_arn
        .as_deref()
        .and_then(Arn::parse);
    let arn = namespace.map(|arn| {
        format!(
            "arn:{}:redshift:{}:{}:cluster:{}",
            arn.partition, arn.region, arn.account, cluster.cluster_identifier
        )
    });
    let Some(id) = id_or_host(export, arn.as_deref(), endpoint.host.as_deref()) else {
        return Ok(());
    };
    let node = export.store(&id, Store::Database, &cluster.cluster_identifier)?;
    let facts = &mut *export.facts;
    facts.set(node, "engine", "redshift");
    facts.set_opt(node, "endpoint", endpoint.host.as_deref());
    facts.set_opt(node, "port", endpoint.port);
    facts.set_opt(node, "publicly_accessible", cluster.publicly_accessible);
    facts.set_opt(node, "encrypted", cluster.encrypted);
    facts.set_opt(node, "encrypted_by", cluster.kms_key_id.as_deref());
    tagged(export, node, cluster.tags.as_deref());
    export.belongs(&id, arn.as_deref())?;
    let groups = groups_of(cluster.vpc_security_groups.as_deref());
    export.behind(&id, groups.into_iter())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Table {
    table_arn: String,
    table_name: Option<Text>,
    item_count: Option<i64>,
    #[serde(rename = "SSEDescription")]
    encryption: Option<TableEncryption>,
}

#[derive(Debug, Deserialize)]
struct TableEncryption {
    #[serde(rename = "KMSMasterKeyArn")]
    key: Option<Text>,
}

fn state_table(export: &mut Export<'_>, table: &Table) -> Result<(), LoadError> {
    let name = table.table_name.as_deref().unwrap_or(&table.table_arn);
    let node = export.store(&table.table_arn, Store::Table, name)?;
    export.facts.set(node, "engine", "dynamodb");
    export.facts.set_opt(node, "records", table.item_count);
    let key = table
        .encryption
        .as_ref()
        .and_then(|encryption| encryption.key.as_deref());
    export.facts.set_opt(node, "encrypted_by", key);
    export.belongs(&table.table_arn, Some(&table.table_arn))
}

#[derive(Debug, Deserialize)]
struct Cache {
    #[serde(rename = "ARN")]
    arn: Option<String>,
    #[serde(rename = "CacheClusterId", alias = "ReplicationGroupId")]
    identifier: Option<Text>,
    #[serde(rename = "Engine")]
    engine: Option<Text>,
    #[serde(rename = "ConfigurationEndpoint")]
    endpoint: Option<Value>,
    #[serde(rename = "AtRestEncryptionEnabled")]
    encrypted: Option<bool>,
    #[serde(rename = "SecurityGroups")]
    groups: Option<Vec<CacheSecurityGroup>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CacheSecurityGroup {
    security_group_id: Option<Text>,
}

fn state_cache(export: &mut Export<'_>, cache: &Cache) -> Result<(), LoadError> {
    let endpoint = endpoint(cache.endpoint.as_ref());
    let Some(id) = id_or_host(export, cache.arn.as_deref(), endpoint.host.as_deref()) else {
        return Ok(());
    };
    let name = cache.identifier.as_deref().unwrap_or(&id);
    let node = export.store(&id, Store::Cache, name)?;
    let facts = &mut *export.facts;
    facts.set_opt(node, "engine", cache.engine.as_deref());
    facts.set_opt(node, "endpoint", endpoint.host.as_deref());
    facts.set_opt(node, "port", endpoint.port);
    facts.set_opt(node, "encrypted", cache.encrypted);
    export.belongs(&id, cache.arn.as_deref())?;
    let groups = cache.groups.as_deref().unwrap_or_default();
    export.behind(
        &id,
        groups
            .iter()
            .filter_map(|group| group.security_group_id.as_deref()),
    )
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Broker {
    cluster_arn: String,
    cluster_name: Option<Text>,
    broker_node_group_info: Option<BrokerNodes>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BrokerNodes {
    security_groups: Option<Vec<Text>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FileSystem {
    file_system_arn: Option<String>,
    name: Option<Text>,
    encrypted: Option<bool>,
    tags: Option<Vec<Tag>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretEntry {
    #[serde(rename = "ARN")]
    arn: String,
    name: Option<Text>,
    kms_key_id: Option<Text>,
    tags: Option<Vec<Tag>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TopicEntry {
    topic_arn: String,
}

/// `get-topic-attributes` and `get-queue-attributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    topic_arn: Option<String>,
    queue_arn: Option<String>,
    policy: Option<Value>,
    kms_master_key_id: Option<Text>,
}

fn queues_and_topics(export: &mut Export<'_>, members: &mut Members) -> Result<(), LoadError> {
    if members.first_has("Topics", "TopicArn") {
        for topic in members
            .take::<Vec<TopicEntry>>("Topics")?
            .unwrap_or_default()
        {
            state_messages(export, &topic.topic_arn, Store::Topic)?;
            export.belongs(&topic.topic_arn, Some(&topic.topic_arn))?;
        }
    }
    for url in members.take::<Vec<Text>>("QueueUrls")?.unwrap_or_default() {
        match queue_arn(&url) {
            Some(arn) => {
                state_messages(export, &arn, Store::Queue)?;
                export.belongs(&arn, Some(&arn))?;
            }
            None => export
                .report
                .warn("queue address not understood", || url.to_string()),
        }
    }
    if let Some(attributes) = members.take::<Attributes>("Attributes")? {
        let (arn, store) = match (attributes.topic_arn, attributes.queue_arn) {
            (Some(arn), _) => (arn, Store::Topic),
            (None, Some(arn)) => (arn, Store::Queue),
            (None, None) => return Ok(()),
        };
        let node = state_messages(export, &arn, store)?;
        let key = attributes.kms_master_key_id.as_deref();
        export.facts.set_opt(node, "encrypted_by", key);
        if let Some(policy) = attributes.policy.and_then(statement::document) {
            export.facts.set(node, "policy", policy.to_string());
        }
        export.belongs(&arn, Some(&arn))?;
    }
    Ok(())
}

fn state_messages(export: &mut Export<'_>, arn: &str, store: Store) -> Result<FactRef, LoadError> {
    let name = arn.rsplit(':').next().unwrap_or(arn);
    export.store(arn, store, name)
}
