use expect_test::expect;

use super::{Open, open_to_everyone, sensitivity_of_tag};
use crate::load::Options;
use crate::testing::{check, check_error, check_with};

#[test]
fn buckets_and_what_is_said_about_one() {
    let mut options = Options::new(0);
    options.context.account = Some("111122223333".into());
    check_with(
        &options,
        "s3.json",
        r#"{"Buckets": [{"Name": "cards", "CreationDate": "2020-01-01"}], "Owner": {"ID": "x"}}"#,
        &expect![[r#"
            arn:aws:s3:::cards :DataStore:Bucket kind="bucket" name="cards"
            aws://111122223333 :Account name="111122223333"
            arn:aws:s3:::cards -IN_ACCOUNT-> aws://111122223333
            members.Buckets=1 members.Owner=1
        "#]],
    );
    check(
        "p.json",
        r#"{"Policy": "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":\"s3:Get*\",\"Resource\":\"arn:aws:s3:::cards/*\"}]}"}"#,
        &expect![[r#"
            arn:aws:s3:::cards :DataStore:Bucket kind="bucket" name="cards" policy="{\"Statement\":[{\"Action\":\"s3:Get*\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Resource\":\"arn:aws:s3:::cards/*\"}]}" public_read=true
            members.Policy=1
        "#]],
    );
    let acl = r#"{"Owner": {}, "Grants": [{"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}]}"#;
    check(
        "x/s3-get-bucket-acl--cards.json",
        acl,
        &expect![[r#"
        arn:aws:s3:::cards :DataStore:Bucket kind="bucket" name="cards" public_read=true
        members.Grants=1 members.Owner=0
    "#]],
    );
    check(
        "acl.json",
        acl,
        &expect![[r#"
            members.Grants=1 members.Owner=0
            warning not said which resource it is about x1: name the file `get-bucket-acl--<resource>.json`, not `acl.json`
        "#]],
    );
    check(
        "x/s3-get-public-access-block/cards",
        r#"{"PublicAccessBlockConfiguration": {"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true}}"#,
        &expect![[r#"
            arn:aws:s3:::cards :DataStore:Bucket kind="bucket" name="cards" public_access_blocked=true
            members.PublicAccessBlockConfiguration=4
        "#]],
    );
    check(
        "s3api-get-bucket-tagging--cards.json",
        r#"{"TagSet": [{"Key": "data-classification", "Value": "PCI"}]}"#,
        &expect![[r#"
            arn:aws:s3:::cards :DataStore:Bucket kind="bucket" name="cards" sensitivity="card" tags=["data-classification=PCI"]
            members.TagSet=1
        "#]],
    );
    check(
        "kms-get-key-policy--1234abcd.json",
        r#"{"Policy": "{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:root\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}", "PolicyName": "default"}"#,
        &expect![[r#"
            aws-kms:1234abcd :EncryptionKey name="1234abcd" policy="{\"Statement\":[{\"Action\":\"kms:*\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:root\"},\"Resource\":\"*\"}]}"
            members.Policy=1 members.PolicyName=1
        "#]],
    );
}

#[test]
fn stores_with_and_without_an_arn() {
    check(
        "rds.json",
        r#"{"DBInstances": [{"DBInstanceArn": "arn:aws:rds:eu-west-1:111122223333:db:orders", "DBInstanceIdentifier": "orders", "Engine": "postgres",
            "Endpoint": {"Address": "orders.example", "Port": 5432}, "PubliclyAccessible": true, "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}],
            "MasterUserSecret": {"SecretArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-x"}, "TagList": [{"Key": "Classification", "Value": "customer data"}]}]}"#,
        &expect![[r#"
            arn:aws:rds:eu-west-1:111122223333:db:orders :DataStore:Database endpoint="orders.example" engine="postgres" kind="database" name="orders" port=5432 publicly_accessible=true sensitivity="pii" tags=["Classification=customer data"]
            aws://111122223333 :Account name="111122223333"
            aws-ec2:sg-1 :SecurityGroup
            arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-x :Secret
            arn:aws:rds:eu-west-1:111122223333:db:orders -IN_ACCOUNT-> aws://111122223333
            arn:aws:rds:eu-west-1:111122223333:db:orders -HAS_SECURITY_GROUP-> aws-ec2:sg-1
            arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-x -AUTHENTICATES-> arn:aws:rds:eu-west-1:111122223333:db:orders
            members.DBInstances=1
        "#]],
    );
    check(
        "redshift.json",
        r#"{"Clusters": [{"ClusterIdentifier": "w", "Endpoint": {"Address": "W.example", "Port": 5439}}]}"#,
        &expect![[r#"
            dns:w.example :DataStore:Database endpoint="W.example" engine="redshift" kind="database" name="w" port=5439
            members.Clusters=1
        "#]],
    );
    check(
        "sqs.json",
        r#"{"QueueUrls": ["https://sqs.eu-west-1.amazonaws.com/111122223333/q", "https://queue.amazonaws.com/111122223333/old", "ftp://x"]}"#,
        &expect![[r#"
            arn:aws:sqs:eu-west-1:111122223333:q :DataStore:Queue kind="queue" name="q"
            aws://111122223333 :Account name="111122223333"
            arn:aws:sqs:us-east-1:111122223333:old :DataStore:Queue kind="queue" name="old"
            arn:aws:sqs:eu-west-1:111122223333:q -IN_ACCOUNT-> aws://111122223333
            arn:aws:sqs:us-east-1:111122223333:old -IN_ACCOUNT-> aws://111122223333
            members.QueueUrls=3
            warning queue address not understood x1: ftp://x
        "#]],
    );
    check(
        "dynamo.json",
        r#"{"Table": {"TableArn": "arn:aws:dynamodb:eu-west-1:111122223333:table/t", "TableName": "t", "ItemCount": 7}}"#,
        &expect![[r#"
            arn:aws:dynamodb:eu-west-1:111122223333:table/t :DataStore:Table engine="dynamodb" kind="table" name="t" records=7
            aws://111122223333 :Account name="111122223333"
            arn:aws:dynamodb:eu-west-1:111122223333:table/t -IN_ACCOUNT-> aws://111122223333
            members.Table=3
        "#]],
    );
    check(
        "secrets.json",
        r#"{"SecretList": [{"ARN": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:s-x", "Name": "s"}]}"#,
        &expect![[r#"
            arn:aws:secretsmanager:eu-west-1:111122223333:secret:s-x :Secret name="s"
            aws://111122223333 :Account name="111122223333"
            arn:aws:secretsmanager:eu-west-1:111122223333:secret:s-x -IN_ACCOUNT-> aws://111122223333
            members.SecretList=1
        "#]],
    );
}

#[test]
fn compute_and_network() {
    check(
        "lambda.json",
        r#"{"Functions": [{"FunctionArn": "arn:aws:lambda:eu-west-1:111122223333:function:f", "FunctionName": "f", "Role": "arn:aws:iam::111122223333:role/f",
            "Environment": {"Variables": {"TABLE": "orders", "DB_PASSWORD": "EXAMPLE", "DB_HOST": "db.example"}}, "VpcConfig": {"VpcId": "vpc-1", "SecurityGroupIds": ["sg-1"]}}]}"#,
        &expect![[r#"
            arn:aws:lambda:eu-west-1:111122223333:function:f :Function env_hosts=["DB_HOST=db.example"] env_resources=["TABLE=orders"] name="f" vpc="vpc-1"
            arn:aws:iam::111122223333:role/f :Identity:CloudRole
            aws://111122223333 :Account name="111122223333"
            aws-ec2:sg-1 :SecurityGroup
            arn:aws:lambda:eu-west-1:111122223333:function:f -RUNS_AS-> arn:aws:iam::111122223333:role/f
            arn:aws:lambda:eu-west-1:111122223333:function:f -IN_ACCOUNT-> aws://111122223333
            arn:aws:lambda:eu-west-1:111122223333:function:f -HAS_SECURITY_GROUP-> aws-ec2:sg-1
            members.Functions=1
        "#]],
    );
    check(
        "ec2.json",
        r#"{"Reservations": [{"OwnerId": "111122223333", "Instances": [{"InstanceId": "i-1", "PublicIpAddress": "203.0.113.7", "Placement": {"AvailabilityZone": "eu-west-1b"},
            "IamInstanceProfile": {"Arn": "arn:aws:iam::111122223333:instance-profile/p"}, "MetadataOptions": {"HttpTokens": "optional", "HttpPutResponseHopLimit": 2},
            "SecurityGroups": [{"GroupId": "sg-1"}], "Tags": [{"Key": "Name", "Value": "bastion"}]}]}]}"#,
        &expect![[r#"
            aws-ec2:i-1 :Instance arn="arn:aws:ec2:eu-west-1:111122223333:instance/i-1" instance_id="i-1" metadata_hop_limit=2 metadata_token_required=false name="bastion" public_addresses=["203.0.113.7"] tags=["Name=bastion"]
            arn:aws:iam::111122223333:instance-profile/p :InstanceProfile
            aws://111122223333 :Account name="111122223333"
            aws-ec2:sg-1 :SecurityGroup
            aws-ec2:i-1 -HAS_PROFILE-> arn:aws:iam::111122223333:instance-profile/p
            aws-ec2:i-1 -IN_ACCOUNT-> aws://111122223333
            aws-ec2:i-1 -HAS_SECURITY_GROUP-> aws-ec2:sg-1
            members.Reservations=1 members.instances=1 members.instances_with_profile=1 members.instances_with_public_ip=1
        "#]],
    );
    check(
        "sg.json",
        r#"{"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web", "OwnerId": "111122223333", "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
            {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-2"}]},
            {"IpProtocol": "udp", "FromPort": 1, "ToPort": 9, "Ipv6Ranges": [{"CidrIpv6": "fd00::/8"}]}]}]}"#,
        &expect![[r#"
            aws-ec2:sg-1 :SecurityGroup egress=[] ingress=["all aws-ec2:sg-2", "tcp/443 0.0.0.0/0", "udp/1-9 fd00::/8"] name="web" open_ports=["tcp/443"]
            aws://111122223333 :Account name="111122223333"
            aws-ec2:sg-1 -ALLOWS_FROM-> aws-ec2:sg-2 ports=["all"]
            aws-ec2:sg-1 -IN_ACCOUNT-> aws://111122223333
            members.SecurityGroups=1 members.ingress_open_to_world=1 members.ingress_permissions=3 members.sg_to_sg_edges=1
        "#]],
    );
    check(
        "elb.json",
        r#"{"LoadBalancerDescriptions": [{"LoadBalancerName": "old", "DNSName": "old.example", "Scheme": "internal", "SecurityGroups": ["sg-1"],
            "ListenerDescriptions": [{"Listener": {"LoadBalancerPort": 443, "InstancePort": 8000, "Protocol": "HTTPS"}}], "Instances": [{"InstanceId": "i-1"}]}]}"#,
        &expect![[r#"
            dns:old.example :Ingress:LoadBalancer addresses=["old.example"] hosts=["old.example"] internal_only=true name="old" ports=["443/TCP"] tls=true
            aws-ec2:sg-1 :SecurityGroup
            aws-ec2:i-1 :Instance
            dns:old.example -HAS_SECURITY_GROUP-> aws-ec2:sg-1
            dns:old.example -ROUTES_TO-> aws-ec2:i-1 [8000] port="8000"
            members.LoadBalancerDescriptions=1
        "#]],
    );
}

#[test]
fn only_plain_openness_is_stated() {
    let read = Open {
        read: true,
        write: false,
    };
    for (statements, expected) in [
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}"#,
            read,
        ),
        (
            r#"{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:G*"]}"#,
            read,
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"*"}"#,
            Open {
                read: true,
                write: true,
            },
        ),
        (
            r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"*"}"#,
            Open::default(),
        ),
        (
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Condition":{"Bool":{"aws:SecureTransport":"true"}}}"#,
            Open::default(),
        ),
        (
            r#"[{"Effect":"Allow","Principal":"*","Action":"*"},{"Effect":"Deny","Principal":"*","Action":"*"}]"#,
            Open::default(),
        ),
    ] {
        let policy = format!(r#"{{"Statement":{statements}}}"#);
        let policy = serde_json::from_str(&policy).unwrap();
        assert_eq!(open_to_everyone(&policy), expected, "{statements}");
    }
}

#[test]
fn tags_that_classify() {
    assert_eq!(
        sensitivity_of_tag("Data_Classification", "PCI-DSS"),
        Some("card")
    );
    assert_eq!(
        sensitivity_of_tag("sensitivity", "Confidential"),
        Some("internal")
    );
    assert_eq!(sensitivity_of_tag("sensitivity", "company"), None);
    assert_eq!(sensitivity_of_tag("owner", "card"), None);
}

#[test]
fn broken_exports_are_named() {
    check_error(
        "x.json",
        r#"{"DBInstances": 3}"#,
        &expect!["at `/DBInstances`: invalid type: integer `3`, expected a sequence"],
    );
    check_error(
        "x.json",
        r#"{"Reservations": [{"Instances": [{"PublicIpAddress": "203.0.113.7"}]}]}"#,
        &expect!["at `/Reservations/0/Instances/0`: missing field `InstanceId`"],
    );
    check_error(
        "x.json",
        r#"{"Policy": "{\"Statement\": [}"}"#,
        &expect!["at `/Policy`: text that is no policy document"],
    );
}

#[test]
fn a_managed_cluster_names_the_issuer_of_its_tokens() {
    let described = r#"{"cluster": {"name": "eks-prod", "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/eks-prod", "resourcesVpcConfig": {}, "identity": {"oidc": {"issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"}}}}"#;
    check(
        "eks.json",
        described,
        &expect![[r#"
            k8s://eks-prod :Cluster name="eks-prod" oidc_issuer="oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
            aws://111122223333 :Account name="111122223333"
            k8s://eks-prod -IN_ACCOUNT-> aws://111122223333
            members.cluster=4
        "#]],
    );
    let mut options = Options::new(0);
    options.context.cluster = Some("prod".into());
    check_with(
        &options,
        "eks.json",
        described,
        &expect![[r#"
            k8s://prod :Cluster name="prod" oidc_issuer="oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
            aws://111122223333 :Account name="111122223333"
            k8s://prod -IN_ACCOUNT-> aws://111122223333
            members.cluster=4
        "#]],
    );
}
