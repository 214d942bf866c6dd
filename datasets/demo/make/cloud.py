"""Builds Ferrypay's AWS account in moto, the local emulator, and exports it with boto3.

The exports are what the AWS command line prints for the calls that name the files.
"""

import datetime
import json

import os

from estate import ACCOUNT, CLUSTER, DEMO, REGION, SERVICES

os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT

import boto3  # noqa: E402
from moto import mock_aws  # noqa: E402
from moto.moto_api._internal import mock_random  # noqa: E402

CLOUD = DEMO / "cloud"

BUCKETS = {
    "ferrypay-kyc-archive": {"data-class": "pii"},
    "ferrypay-settlement-files": {"data-class": "card"},
    "ferrypay-chargeback-evidence": {"data-class": "card"},
    "ferrypay-analytics-lake": {"data-class": "internal"},
    "ferrypay-storefront-assets": {"data-class": "public"},
}
TABLES = {
    "card-tokens": ("token", "card"),
    "customers": ("id", "pii"),
    "loyalty-members": ("id", "pii"),
    "pan-vault": ("reference", "card"),
}
DATABASES = {"orders": "pii", "ledger": "pii"}


def statement(actions, resources, effect="Allow", sid=None):
    found = {"Effect": effect, "Action": actions, "Resource": resources}
    return {"Sid": sid, **found} if sid else found


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def table_arn(name):
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


def objects_of(bucket):
    return [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


def role_arn(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def workload_trust(service, issuer):
    namespace = SERVICES[service][0]
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    f"{issuer}:aud": "sts.amazonaws.com",
                    f"{issuer}:sub": f"system:serviceaccount:{namespace}:{service}",
                }
            },
        }
    )


READ_TABLE = ["dynamodb:GetItem", "dynamodb:Query"]
READ_BUCKET = ["s3:GetObject", "s3:ListBucket"]

# Role: the service whose account may take it, and its inline policy.
WORKLOAD_ROLES = {
    "ferrypay-checkout": (
        "checkout-api",
        document(statement([*READ_TABLE, "dynamodb:PutItem"], table_arn("card-tokens"))),
    ),
    "ferrypay-customer-profile": (
        "customer-profile",
        document(statement([*READ_TABLE, "dynamodb:PutItem"], table_arn("customers"))),
    ),
    "ferrypay-kyc-intake": (
        "kyc-intake",
        document(
            statement("s3:PutObject", "arn:aws:s3:::ferrypay-kyc-archive/*", sid="Upload"),
            statement("sts:AssumeRole", role_arn("ferrypay-kyc-archive-reader"), sid="Recheck"),
        ),
    ),
    "ferrypay-settlement": (
        "settlement-batch",
        document(statement([*READ_BUCKET, "s3:PutObject"], objects_of("ferrypay-settlement-files"))),
    ),
    "ferrypay-loyalty": ("loyalty-api", document(statement(READ_TABLE, table_arn("loyalty-members")))),
    "ferrypay-analytics": (
        "analytics-api",
        document(
            statement(
                READ_BUCKET,
                objects_of("ferrypay-analytics-lake") + objects_of("ferrypay-chargeback-evidence"),
                sid="ReadLake",
            )
        ),
    ),
    "ferrypay-card-vault": (
        "card-vault",
        document(statement([*READ_TABLE, "dynamodb:PutItem"], table_arn("pan-vault"))),
    ),
}


def build_identities(iam, issuer):
    iam.create_open_id_connect_provider(
        Url=f"https://{issuer}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )
    for role, (service, policy) in WORKLOAD_ROLES.items():
        iam.create_role(
            RoleName=role, AssumeRolePolicyDocument=workload_trust(service, issuer)
        )
        iam.put_role_policy(RoleName=role, PolicyName="access", PolicyDocument=policy)
    reader = document(
        {
            "Effect": "Allow",
            "Principal": {"AWS": role_arn("ferrypay-kyc-intake")},
            "Action": "sts:AssumeRole",
        }
    )
    iam.create_role(RoleName="ferrypay-kyc-archive-reader", AssumeRolePolicyDocument=reader)
    iam.put_role_policy(
        RoleName="ferrypay-kyc-archive-reader",
        PolicyName="access",
        PolicyDocument=document(statement(READ_BUCKET, objects_of("ferrypay-kyc-archive"))),
    )
    guard = iam.create_policy(
        PolicyName="ferrypay-deny-cardholder-data",
        PolicyDocument=document(
            statement(
                "s3:*",
                objects_of("ferrypay-chargeback-evidence") + objects_of("ferrypay-settlement-files"),
                effect="Deny",
                sid="NoCardholderData",
            )
        ),
    )["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="ferrypay-analytics", PolicyArn=guard)
    build_people(iam)


def build_cluster(session):
    """The cluster of cluster/, for the issuer of its service accounts' tokens."""
    ec2 = session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=f"{REGION}{zone}")
        for block, zone in (("10.20.0.0/20", "a"), ("10.20.16.0/20", "b"))
    ]
    cluster = session.client("eks").create_cluster(
        name=CLUSTER,
        version="1.31",
        clientRequestToken="EXAMPLE",
        roleArn=role_arn("ferrypay-eks"),
        resourcesVpcConfig={"subnetIds": [made["Subnet"]["SubnetId"] for made in subnets]},
    )["cluster"]
    return vpc, cluster["identity"]["oidc"]["issuer"].removeprefix("https://")


def build_people(iam):
    people = document(
        statement(["cloudwatch:GetMetricData", "logs:FilterLogEvents"], "*", sid="Watch")
    )
    iam.create_group(GroupName="operations")
    iam.put_group_policy(GroupName="operations", PolicyName="watch", PolicyDocument=people)
    for name in ("amira.example", "jonas.example"):
        iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName="operations", UserName=name)


def build_stores(session, vpc):
    s3 = session.client("s3")
    for bucket, tags in BUCKETS.items():
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": pairs})
    dynamo = session.client("dynamodb")
    for table, (key, data_class) in TABLES.items():
        dynamo.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            Tags=[{"Key": "data-class", "Value": data_class}],
        )
    ec2 = session.client("ec2")
    group = ec2.create_security_group(
        GroupName="databases", Description="Databases, from inside the network", VpcId=vpc
    )["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=5432, ToPort=5432, CidrIp="10.20.0.0/16"
    )
    rds = session.client("rds")
    for name, data_class in DATABASES.items():
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBName=name,
            Engine="postgres",
            DBInstanceClass="db.t4g.medium",
            MasterUsername="EXAMPLE",
            MasterUserPassword="EXAMPLE-PLACEHOLDER",
            AllocatedStorage=100,
            StorageEncrypted=True,
            PubliclyAccessible=False,
            VpcSecurityGroupIds=[group],
            Tags=[{"Key": "data-class", "Value": data_class}],
        )


def plain(value):
    """As the command line prints it: no response metadata, dates as text, one fixed day."""
    if isinstance(value, dict):
        return {key: plain(held) for key, held in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(held) for held in value]
    if isinstance(value, datetime.datetime):
        return "2026-11-20T04:00:00+00:00"
    if isinstance(value, bytes):
        return value.decode()
    return value


def write(name, answer):
    (CLOUD / name).write_text(json.dumps(plain(answer), indent=4) + "\n")


def export(session):
    write(
        "iam-get-account-authorization-details.json",
        session.client("iam").get_account_authorization_details(
            Filter=["User", "Role", "Group", "LocalManagedPolicy"], MaxItems=1000
        ),
    )
    described = session.client("eks").describe_cluster(name=CLUSTER)
    described["cluster"]["certificateAuthority"]["data"] = "EXAMPLE"
    write("eks-describe-cluster.json", described)
    s3 = session.client("s3")
    write("s3-list-buckets.json", s3.list_buckets())
    dynamo = session.client("dynamodb")
    for table in TABLES:
        write(f"dynamodb-describe-table--{table}.json", dynamo.describe_table(TableName=table))
    write(
        "ec2-describe-security-groups.json",
        session.client("ec2").describe_security_groups(
            Filters=[{"Name": "group-name", "Values": ["databases"]}]
        ),
    )
    write("rds-describe-db-instances.json", session.client("rds").describe_db_instances())


def main():
    mock_random.seed(7)
    with mock_aws(config={"core": {"reset_boto3_session": True}}):
        session = boto3.Session(
            aws_access_key_id="EXAMPLE", aws_secret_access_key="EXAMPLE", region_name=REGION
        )
        vpc, issuer = build_cluster(session)
        build_identities(session.client("iam"), issuer)
        build_stores(session, vpc)
        export(session)


if __name__ == "__main__":
    main()
