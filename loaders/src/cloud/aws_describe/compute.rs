//! Functions and instances.

#![expect(
    clippy::struct_field_names,
    reason = "fields are named as in the exports"
)]

use std::collections::{BTreeMap, BTreeSet};

use foothold_engine::model::Value as Property;
use serde::Deserialize;

use crate::cloud::aws_iam::{Tag, rendered_tags};
use crate::error::LoadError;
use crate::hints::Hints;
use crate::keys::ImageRef;
use crate::text::Text;

use super::{Export, Members, ec2_id};

/// Reads the members that describe compute.
pub(super) fn read(export: &mut Export<'_>, members: &mut Members) -> Result<(), LoadError> {
    if members.first_has("Functions", "FunctionArn") {
        for function in members
            .take::<Vec<Function>>("Functions")?
            .unwrap_or_default()
        {
            state_function(export, &function, None)?;
        }
    }
    if let Some(function) = members.take::<Option<Function>>("Configuration")?.flatten() {
        let code: Option<Code> = members.take("Code")?;
        let image = code.and_then(|code| code.image_uri);
        state_function(export, &function, image.as_deref())?;
    }
    for url in members
        .take::<Vec<FunctionUrl>>("FunctionUrlConfigs")?
        .unwrap_or_default()
    {
        let node = export.facts.node(&url.function_arn, &["Function"])?;
        export
            .facts
            .set_opt(node, "url", url.function_url.as_deref());
        export
            .facts
            .set_opt(node, "url_authentication", url.auth_type.as_deref());
    }
    for reservation in members
        .take::<Vec<Reservation>>("Reservations")?
        .unwrap_or_default()
    {
        for instance in reservation.instances.unwrap_or_default() {
            state_instance(export, &instance, reservation.owner_id.as_deref())?;
        }
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Function {
    function_arn: String,
    function_name: Option<Text>,
    role: Option<String>,
    runtime: Option<Text>,
    handler: Option<Text>,
    environment: Option<Environment>,
    vpc_config: Option<VpcConfig>,
}

#[derive(Debug, Deserialize)]
struct Environment {
    #[serde(rename = "Variables")]
    variables: Option<BTreeMap<String, Option<Text>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VpcConfig {
    vpc_id: Option<Text>,
    security_group_ids: Option<Vec<Text>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Code {
    image_uri: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionUrl {
    function_arn: String,
    function_url: Option<Text>,
    auth_type: Option<Text>,
}

fn state_function(
    export: &mut Export<'_>,
    function: &Function,
    image: Option<&str>,
) -> Result<(), LoadError> {
    let arn = &function.function_arn;
    let mut hints = Hints::default();
    let variables = function
        .environment
        .iter()
        .filter_map(|environment| environment.variables.as_ref())
        .flatten();
    for (name, value) in variables {
        hints.variable(name, value.as_deref().unwrap_or_default());
    }
    let network = function.vpc_config.as_ref();
    let node = export.facts.node(arn, &["Function"])?;
    let facts = &mut *export.facts;
    let name = function.function_name.as_deref().unwrap_or(arn);
    facts.set(node, "name", name);
    facts.set_opt(node, "runtime", function.runtime.as_deref());
    facts.set_opt(node, "handler", function.handler.as_deref());
    let vpc = network.and_then(|network| network.vpc_id.as_deref());
    facts.set_opt(node, "vpc", vpc.filter(|vpc| !vpc.is_empty()));
    facts.set_opt(node, "image", image);
    for (name, list) in [
        ("env_hosts", &hints.hosts),
        ("env_resources", &hints.resources),
    ] {
        if !list.is_empty() {
            facts.set(node, name, Property::strings(list));
        }
    }
    if let Some(role) = function.role.as_deref().filter(|role| !role.is_empty()) {
        facts.node(role, &["Identity", "CloudRole"])?;
        facts.edge(arn, "RUNS_AS", role)?;
    }
    if let Some(image) = image.and_then(ImageRef::parse) {
        facts.node(&image.id(), &["Image"])?;
        facts.edge(arn, "RUNS", &image.id())?;
    }
    export.belongs(arn, Some(arn))?;
    let groups = network
        .and_then(|network| network.security_group_ids.as_deref())
        .unwrap_or_default();
    export.behind(arn, groups.iter().map(Text::as_str))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reservation {
    owner_id: Option<Text>,
    instances: Option<Vec<Instance>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Instance {
    instance_id: Text,
    public_ip_address: Option<Text>,
    public_dns_name: Option<Text>,
    private_ip_address: Option<Text>,
    private_dns_name: Option<Text>,
    vpc_id: Option<Text>,
    state: Option<State>,
    placement: Option<Placement>,
    iam_instance_profile: Option<Profile>,
    metadata_options: Option<MetadataOptions>,
    security_groups: Option<Vec<Group>>,
    network_interfaces: Option<Vec<Interface>>,
    tags: Option<Vec<Tag>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    name: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Placement {
    availability_zone: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Profile {
    arn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetadataOptions {
    http_tokens: Option<Text>,
    http_put_response_hop_limit: Option<i64>,
    http_endpoint: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    group_id: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Interface {
    owner_id: Option<Text>,
    groups: Option<Vec<Group>>,
}

fn state_instance(
    export: &mut Export<'_>,
    instance: &Instance,
    owner: Option<&str>,
) -> Result<(), LoadError> {
    let profile = instance
        .iam_instance_profile
        .as_ref()
        .and_then(|profile| profile.arn.as_deref());
    let public = addresses([&instance.public_ip_address, &instance.public_dns_name]);
    export.count("instances", 1);
    export.count("instances_with_profile", usize::from(profile.is_some()));
    let has_address = instance.public_ip_address.is_some();
    export.count("instances_with_public_ip", usize::from(has_address));
    let interfaces = instance.network_interfaces.as_deref().unwrap_or_default();
    let owner = owner.or_else(|| {
        interfaces
            .iter()
            .find_map(|interface| interface.owner_id.as_deref())
    });
    let id = ec2_id(&instance.instance_id);
    let node = export.facts.node(&id, &["Instance"])?;
    let facts = &mut *export.facts;
    let tags = instance.tags.as_deref();
    let name = tags
        .unwrap_or_default()
        .iter()
        .find(|tag| tag.key.as_str() == "Name")
        .and_then(|tag| tag.value.as_deref())
        .unwrap_or(&instance.instance_id);
    facts.set(node, "name", name);
    facts.set(node, "instance_id", instance.instance_id.as_str());
    facts.set_opt(node, "arn", arn(instance, owner));
    let state = instance
        .state
        .as_ref()
        .and_then(|state| state.name.as_deref());
    facts.set_opt(node, "state", state);
    facts.set_opt(node, "vpc", instance.vpc_id.as_deref());
    facts.set_opt(node, "tags", rendered_tags(tags));
    let private = addresses([&instance.private_ip_address, &instance.private_dns_name]);
    for (name, list) in [
        ("public_addresses", &public),
        ("private_addresses", &private),
    ] {
        if !list.is_empty() {
            facts.set(node, name, Property::strings(list));
        }
    }
    if let Some(options) = &instance.metadata_options {
        let off = options.http_endpoint.as_deref() == Some("disabled");
        let required = options
            .http_tokens
            .as_deref()
            .map(|tokens| tokens == "required");
        facts.set_opt(node, "metadata_token_required", required);
        let hops = options.http_put_response_hop_limit.filter(|_| !off);
        facts.set_opt(node, "metadata_hop_limit", if off { Some(0) } else { hops });
    }
    if let Some(profile) = profile {
        facts.node(profile, &["InstanceProfile"])?;
        facts.edge(&id, "HAS_PROFILE", profile)?;
    }
    let account = owner.or(export.account);
    if let Some(account) = account {
        export.accounts.belongs(export.facts, &id, account)?;
    }
    let groups: BTreeSet<&str> = instance
        .security_groups
        .iter()
        .flatten()
        .chain(
            interfaces
                .iter()
                .flat_map(|interface| interface.groups.iter().flatten()),
        )
        .filter_map(|group| group.group_id.as_deref())
        .collect();
    export.behind(&id, groups.into_iter())
}

fn addresses<const N: usize>(found: [&Option<Text>; N]) -> BTreeSet<&str> {
    found
        .into_iter()
        .filter_map(|address| address.as_deref())
        .filter(|address| !address.is_empty())
        .collect()
}

/// The ARN, where account and zone are known.
fn arn(instance: &Instance, owner: Option<&str>) -> Option<String> {
    let zone = instance.placement.as_ref()?.availability_zone.as_deref()?;
    let region = zone.trim_end_matches(|c: char| c.is_ascii_lowercase());
    Some(format!(
        "arn:aws:ec2:{region}:{}:instance/{}",
        owner?, instance.instance_id
    ))
}
