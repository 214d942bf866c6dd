//! What permissions are asked about: stores, secrets, roles, users, compute.

use std::collections::BTreeSet;

use crate::attack::permission::Effect;
use crate::attack::permission::aws::trust::{Trust, account_of};
use crate::attack::permission::aws::{
    Context, Document, Policies, Principal, PrincipalKind, Request, ResourceSay, Source, evaluate,
};
use crate::build::correlate::view::View;
use crate::graph::NodeId;

/// Starting compute and the like: asked of the whole account.
pub(super) const ACCOUNT_ACTIONS: &[&str] = &[
    "apprunner:CreateService",
    "bedrock-agentcore:CreateCodeInterpreter",
    "cloudformation:CreateChangeSet",
    "cloudformation:CreateStack",
    "cloudformation:CreateStackSet",
    "cloudformation:UpdateStack",
    "cloudformation:UpdateStackSet",
    "codebuild:CreateProject",
    "codebuild:StartBuild",
    "datapipeline:CreatePipeline",
    "ec2:RequestSpotInstances",
    "ec2:RunInstances",
    "ecs:CreateService",
    "ecs:RegisterTaskDefinition",
    "ecs:RunTask",
    "ecs:StartTask",
    "eks:AssociateAccessPolicy",
    "eks:CreateAccessEntry",
    "glue:CreateDevEndpoint",
    "glue:CreateJob",
    "glue:UpdateDevEndpoint",
    "glue:UpdateJob",
    "iam:UpdateSAMLProvider",
    "lambda:CreateFunction",
    "sagemaker:CreateNotebookInstance",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateTrainingJob",
    "sso:AttachManagedPolicyToPermissionSet",
    "sso:CreateAccountAssignment",
    "sso:PutInlinePolicyToPermissionSet",
];

/// Writing policies, with the sort of thing each writes to.
pub(super) const POLICY_ACTIONS: &[(&str, &str)] = &[
    ("iam:AddUserToGroup", "group"),
    ("iam:AttachGroupPolicy", "group"),
    ("iam:AttachRolePolicy", "role"),
    ("iam:AttachUserPolicy", "user"),
    ("iam:CreatePolicyVersion", "policy"),
    ("iam:PutGroupPolicy", "group"),
    ("iam:PutRolePolicy", "role"),
    ("iam:PutUserPolicy", "user"),
    ("iam:SetDefaultPolicyVersion", "policy"),
];

/// Actions that hand out what a store holds.
pub(super) const READING: &[&str] = &[
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "kinesis:GetRecords",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "sqs:ReceiveMessage",
];

/// Actions that change or destroy what a store holds.
pub(super) const WRITING: &[&str] = &[
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "s3:DeleteObject",
    "s3:PutObject",
    "sqs:DeleteQueue",
];

/// Something that permissions are asked about.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) id: &'a str,
    /// Its account; none where nobody says.
    pub(super) account: Option<&'a str>,
    /// Actions with the resource each is asked on.
    pub(super) actions: Vec<(&'static str, String)>,
    /// Whether it has a resource policy.
    pub(super) has_policy: bool,
    /// The resource policy, where it could be read.
    pub(super) policy: Option<Document>,
    /// Actions that its policy lets anyone do.
    public: BTreeSet<&'static str>,
    /// The key that encrypts it, where it is one of the customer's own.
    pub(super) key: Option<Key>,
    /// Of a role: the services that its trust policy admits.
    pub(super) services: Vec<String>,
}

/// A key of a customer.
#[derive(Debug)]
pub(super) struct Key {
    /// Its ARN; one that ends in `*` where only an alias is known.
    pub(super) arn: String,
    /// Its policy, where it was collected.
    pub(super) policy: Option<Document>,
}

impl Target<'_> {
    pub(super) fn policy_source(&self) -> Option<Source<'_>> {
        self.has_policy.then_some(Source {
            name: self.id,
            document: self.policy.as_ref(),
        })
    }
}

impl Target<'_> {
    /// Whether nobody of this account gets in: across accounts the resource has to agree, and it
    /// says nothing.
    pub(super) fn is_closed_to(&self, account: &str) -> bool {
        !self.has_policy && self.account.is_some_and(|own| own != account)
    }

    pub(super) fn is_public(&self, action: &str) -> bool {
        self.public.contains(action)
    }

    fn find_public(&mut self) {
        let stranger = Principal {
            id: "*",
            account: "",
            kind: PrincipalKind::Anonymous,
        };
        let contexts = Context::of_strangers();
        let policies = Policies {
            identity: &[],
            boundary: None,
            service_control: &[],
            session: None,
            resource: self.policy_source(),
            resource_say: ResourceSay::Optional,
        };
        let is_public = |(action, resource): &&(&'static str, String)| {
            contexts.iter().any(|context| {
                let request = Request {
                    principal: stranger,
                    action,
                    resource,
                    resource_account: self.account.unwrap_or_default(),
                    context,
                };
                evaluate(&policies, &request).effect == Effect::Allow
            })
        };
        let public = self.actions.iter().filter(is_public);
        self.public = public.map(|(action, _)| *action).collect();
    }
}

/// Every action that is asked about anywhere.
pub(super) fn every_action(targets: &[Target<'_>]) -> BTreeSet<&'static str> {
    let of_targets = targets.iter().flat_map(|target| &target.actions);
    let of_policies = POLICY_ACTIONS.iter().map(|(action, _)| *action);
    of_targets
        .map(|(action, _)| *action)
        .chain(of_policies)
        .chain(ACCOUNT_ACTIONS.iter().copied())
        .collect()
}

/// Whether the resource stands for things of which only some may belong to the store, because
/// nothing known says which do: a right on a part of them may be a right on others.
pub(super) fn may_be_of_others(resource: &str) -> bool {
    resource.ends_with(":dbuser:*") || resource.ends_with(":snapshot:*")
}

/// Whether the action hands out what the key protects.
pub(super) fn needs_key(action: &str) -> bool {
    matches!(
        action,
        "s3:GetObject"
            | "s3:GetObjectVersion"
            | "dynamodb:BatchGetItem"
            | "dynamodb:GetItem"
            | "dynamodb:Query"
            | "dynamodb:Scan"
            | "sqs:ReceiveMessage"
            | "kinesis:GetRecords"
            | "secretsmanager:GetSecretValue"
            | "ssm:GetParameter"
            | "ssm:GetParameters"
            | "ssm:GetParametersByPath"
    )
}

/// The customer's key that a node says it is encrypted with. Keys of AWS admit whoever may use the
/// service.
fn key_of(view: View<'_>, node: NodeId, arn: &str, account: Option<&str>) -> Option<Key> {
    let named = view.text(node, "encrypted_by")?;
    if named.is_empty() || named.contains("alias/aws/") {
        return None;
    }
    let is_alias = named.contains("alias/");
    let arn = if named.starts_with("arn:") && !is_alias {
        named.to_owned()
    } else {
        let source = if named.starts_with("arn:") {
            named
        } else {
            arn
        };
        let region = source.split(':').nth(3).filter(|region| !region.is_empty());
        let account = Some(account_of(source))
            .filter(|account| !account.is_empty())
            .or(account);
        let id = if is_alias { "*" } else { named };
        let (region, account) = (region.unwrap_or("*"), account.unwrap_or("*"));
        format!("arn:aws:kms:{region}:{account}:key/{id}")
    };
    let id = arn.rsplit('/').next().unwrap_or_default();
    let by_id = format!("aws-kms:{id}");
    let policy = [arn.as_str(), &by_id]
        .into_iter()
        .find_map(|name| view.text(view.node(name)?, "policy"))
        .and_then(|text| Document::parse(text).ok());
    Some(Key { arn, policy })
}

/// Every target, in order of id within each sort. Registries are named by the references of
/// images, before any node stands for them.
pub(super) fn of<'a>(view: View<'a>, registries: &'a BTreeSet<String>) -> Vec<Target<'a>> {
    let mut targets = Vec::new();
    for arn in registries {
        // What an export says of the registry itself comes with its node.
        let node = view.node(arn);
        let policy = node.and_then(|node| view.text(node, "policy"));
        let actions = ["ecr:BatchGetImage", "ecr:PutImage"];
        let mut target = Target {
            public: BTreeSet::new(),
            id: arn,
            account: Some(account_of(arn)),
            actions: actions.map(|action| (action, arn.clone())).into(),
            has_policy: policy.is_some(),
            policy: policy.and_then(|text| Document::parse(text).ok()),
            key: None,
            services: Vec::new(),
        };
        if target.has_policy {
            target.find_public();
        }
        targets.push(target);
    }
    for label in [
        "DataStore",
        "Secret",
        "CloudRole",
        "CloudUser",
        "CloudGroup",
        "CloudPolicy",
        "Function",
        "Instance",
    ] {
        for node in view.labelled(label) {
            let id = view.id(node);
            let arn = view.text(node, "arn").unwrap_or(id);
            let actions = actions(view, node, label, arn);
            if actions.is_empty() {
                continue;
            }
            let policy = view.text(node, "policy").filter(|_| label != "CloudRole");
            let account = account(view, node, arn);
            let mut target = Target {
                public: BTreeSet::new(),
                id,
                account,
                actions,
                has_policy: policy.is_some(),
                policy: policy.and_then(|text| Document::parse(text).ok()),
                key: key_of(view, node, arn, account),
                services: view
                    .text(node, "trust_policy")
                    .map(|text| admitted_services(id, text))
                    .unwrap_or_default(),
            };
            // Blocked public access takes the effect from whatever a policy says of everyone.
            if target.has_policy && view.flag(node, "public_access_blocked") != Some(true) {
                target.find_public();
            }
            targets.push(target);
        }
    }
    targets
}

fn admitted_services(role: &str, trust_policy: &str) -> Vec<String> {
    let Ok(document) = Document::parse(trust_policy) else {
        return Vec::new();
    };
    let trust = Trust {
        role,
        document: &document,
    };
    let services = trust.services().into_iter();
    services
        .filter(|service| trust.admits_service(service).effect != Effect::Deny)
        .map(str::to_owned)
        .collect()
}

/// The account of a node: of its ARN, else of its `IN_ACCOUNT` edge.
fn account<'a>(view: View<'a>, node: NodeId, arn: &'a str) -> Option<&'a str> {
    let of_arn = Some(account_of(arn)).filter(|account| !account.is_empty());
    of_arn.or_else(|| {
        let accounts = view.out(node, "IN_ACCOUNT");
        let account = view.id(*accounts.first()?);
        account.strip_prefix("aws://")
    })
}

fn actions(view: View<'_>, node: NodeId, label: &str, arn: &str) -> Vec<(&'static str, String)> {
    let on = |actions: &[&'static str], resource: &str| {
        let actions = actions.iter().copied();
        actions
            .map(|action| (action, resource.to_owned()))
            .collect::<Vec<_>>()
    };
    let mut parts = arn.split(':');
    let service = parts.nth(2).unwrap_or_default();
    let region = parts.next().unwrap_or_default();
    let account = parts.next().unwrap_or_default();
    match (label, service) {
        ("DataStore", "s3") => {
            let mut all = on(
                &[
                    "s3:GetObject",
                    "s3:GetObjectVersion",
                    "s3:PutObject",
                    "s3:DeleteObject",
                ],
                &format!("{arn}/*"),
            );
            all.extend(on(&["s3:DeleteBucket", "s3:PutBucketPolicy"], arn));
            all
        }
        ("DataStore", "dynamodb") => on(
            &[
                "dynamodb:BatchGetItem",
                "dynamodb:DeleteItem",
                "dynamodb:DeleteTable",
                "dynamodb:ExportTableToPointInTime",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:Scan",
                "dynamodb:UpdateItem",
            ],
            arn,
        ),
        ("DataStore", "rds") => {
            let mut all = on(&["rds-data:ExecuteStatement", "rds:DeleteDBInstance"], arn);
            let login = match view.text(node, "resource_id") {
                Some(id) => format!("arn:aws:rds-db:{region}:{account}:dbuser:{id}/*"),
                None => format!("arn:aws:rds-db:{region}:{account}:dbuser:*"),
            };
            all.extend(on(&["rds-db:connect"], &login));
            let snapshots = format!("arn:aws:rds:{region}:{account}:snapshot:*");
            all.extend(on(
                &[
                    "rds:CopyDBSnapshot",
                    "rds:ModifyDBSnapshotAttribute",
                    "rds:RestoreDBInstanceFromDBSnapshot",
                    "rds:StartExportTask",
                ],
                &snapshots,
            ));
            all
        }
        ("DataStore", "sqs") => on(
            &["sqs:DeleteQueue", "sqs:ReceiveMessage", "sqs:SendMessage"],
            arn,
        ),
        ("DataStore", "sns") => on(&["sns:Publish"], arn),
        ("DataStore", "kinesis") => on(&["kinesis:GetRecords", "kinesis:PutRecord"], arn),
        ("DataStore", "es") => on(&["es:ESHttpGet"], &format!("{arn}/*")),
        ("DataStore", "redshift") => on(&["redshift-data:ExecuteStatement"], arn),
        ("DataStore", "elasticache") => on(&["elasticache:Connect"], arn),
        ("Secret", "secretsmanager") => on(&["secretsmanager:GetSecretValue"], arn),
        ("Secret", "ssm") => on(
            &[
                "ssm:GetParameter",
                "ssm:GetParameters",
                "ssm:GetParametersByPath",
            ],
            arn,
        ),
        ("CloudRole", "iam") => on(
            &[
                super::PASS_ROLE,
                "iam:AttachRolePolicy",
                "iam:PutRolePolicy",
                "iam:UpdateAssumeRolePolicy",
            ],
            arn,
        ),
        // Policies of AWS belong to nobody here; those written into an identity have no versions.
        ("CloudPolicy", "iam")
            if account != "aws"
                && view.flag(node, "inline") != Some(true)
                && !view.starts(node, "HAS_POLICY").is_empty() =>
        {
            on(
                &["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"],
                arn,
            )
        }
        ("CloudGroup", "iam") => on(&["iam:AddUserToGroup"], arn),
        ("CloudUser", "iam") => on(
            &[
                "iam:AttachUserPolicy",
                "iam:CreateAccessKey",
                "iam:CreateLoginProfile",
                "iam:PutUserPolicy",
                "iam:UpdateLoginProfile",
            ],
            arn,
        ),
        ("Function", "lambda") => on(
            &[
                "lambda:UpdateFunctionCode",
                "lambda:UpdateFunctionConfiguration",
            ],
            arn,
        ),
        ("Instance", _) => {
            // Its id alone names no account; machines of one id are one machine.
            let resource = if service == "ec2" {
                arn.to_owned()
            } else {
                let id = view.id(node).trim_start_matches("aws-ec2:");
                let id = view.text(node, "instance_id").unwrap_or(id);
                format!("arn:aws:ec2:*:*:instance/{id}")
            };
            on(
                &[
                    "ec2-instance-connect:SendSSHPublicKey",
                    "ec2:ModifyInstanceAttribute",
                    "ssm:SendCommand",
                    "ssm:StartSession",
                ],
                &resource,
            )
        }
        _ => Vec::new(),
    }
}
