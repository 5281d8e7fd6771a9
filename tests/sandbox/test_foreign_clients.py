"""Two clients that others wrote work against the sandbox unchanged, with their own sign-in and paging."""

import contextlib

import pytest

from replication.sandbox.identity import USERS
from tests.sandbox.visitor import DOMAIN

pytestmark = [
    pytest.mark.slow,
    # Both warn of their own future and of packages they would like; nothing of it is ours.
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ImportWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@contextlib.contextmanager
def connected(sandbox, password="sandbox"):
    import openstack
    from otcextensions import sdk

    connection = openstack.connect(
        load_envvars=False,
        load_yaml_config=False,
        auth={
            "auth_url": f"{sandbox.url}/v3",
            "username": "replication",
            "password": password,
            "project_name": "eu-de_production",
            "user_domain_name": DOMAIN,
            "project_domain_name": DOMAIN,
        },
        region_name="eu-de",
    )
    sdk.register_otc_extensions(connection)
    with contextlib.closing(connection):
        yield connection


@pytest.fixture
def openstack_connection(sandbox):
    with connected(sandbox) as connection:
        yield connection


@pytest.fixture
def huawei(sandbox, visitor):
    from huaweicloudsdkcbr.v1 import CbrClient
    from huaweicloudsdkcore.auth.credentials import BasicCredentials

    credentials = BasicCredentials(USERS[0].access_key, USERS[0].secret_key, visitor.project_id)
    return CbrClient.new_builder().with_credentials(credentials).with_endpoint(sandbox.url).build()


def test_otcextensions_finds_everything_through_the_catalog(openstack_connection, visitor):
    cbr = openstack_connection.cbr

    counts = {
        "vaults": len(list(cbr.vaults())),
        "backups": len(list(cbr.backups())),
        "operation-logs": len(list(cbr.tasks())),
        "policies": len(list(cbr.policies())),
    }

    assert counts == {path: visitor.get(path).json()["count"] for path in counts}


def test_otcextensions_pages_through_backups(openstack_connection, visitor):
    paged = [backup.id for backup in openstack_connection.cbr.backups(limit=50)]

    assert paged == [backup["id"] for backup in visitor.get("backups").json()["backups"]]


def test_otcextensions_reads_a_vault_and_a_backup(openstack_connection, visitor):
    backup = visitor.backups("vault-erp")[0]

    read_vault = openstack_connection.cbr.get_vault(visitor.vault_id("vault-erp"))
    read_backup = openstack_connection.cbr.get_backup(backup["id"])

    assert (read_vault.name, read_vault.billing.size) == ("vault-erp", 1500)
    assert (read_backup.name, read_backup.resource_name) == (backup["name"], backup["resource_name"])


def test_otcextensions_reads_tasks_and_policies_in_full(openstack_connection, visitor):
    cbr = openstack_connection.cbr
    visitor.replicate("vault-payments")

    tasks = {task.id: task for task in cbr.tasks()}
    policies = {policy.name: policy for policy in cbr.policies()}

    logs = visitor.get("operation-logs").json()["operation_logs"]
    assert {(task.id, task.status, task.operation_type) for task in tasks.values()} == {
        (log["id"], log["status"], log["operation_type"]) for log in logs
    }
    assert cbr.get_task(logs[0]["id"]).vault_name == "vault-payments"
    (pair,) = policies["replicate-erp-weekly"].associated_vaults
    assert pair.vault_id == visitor.vault_id("vault-erp")
    assert cbr.get_policy(policies["backup-nightly"].id).operation_type == "backup"


def test_otcextensions_tells_a_wrong_password(sandbox):
    from openstack.exceptions import SDKException

    with pytest.raises(SDKException, match="password is wrong"), connected(sandbox, password="wrong"):
        pass


def test_otcextensions_tells_a_missing_backup(openstack_connection):
    from openstack.exceptions import NotFoundException

    with pytest.raises(NotFoundException, match=r"BackupService\.6200|The backup does not exist"):
        openstack_connection.cbr.get_backup("7558e1a3-7046-4787-95cd-14b0ad0642a8")


def test_huaweicloudsdkcbr_lists_vaults_and_backups(huawei, visitor):
    from huaweicloudsdkcbr.v1 import ListBackupsRequest, ListVaultRequest

    vaults = huawei.list_vault(ListVaultRequest(limit=3, offset=2))
    backups = huawei.list_backups(ListBackupsRequest(vault_id=visitor.vault_id("vault-erp"), limit=4))

    assert [vault.name for vault in vaults.vaults] == [
        vault["name"] for vault in visitor.get("vaults", limit=3, offset=2).json()["vaults"]
    ]
    assert (len(backups.backups), backups.count) == (4, 10)


def test_huaweicloudsdkcbr_copies_a_checkpoint(huawei, visitor):
    from huaweicloudsdkcbr.v1 import CheckpointReplicateParam, CheckpointReplicateReq, CopyCheckpointRequest

    order = CheckpointReplicateParam(**visitor.order()["replicate"])
    answer = huawei.copy_checkpoint(CopyCheckpointRequest(body=CheckpointReplicateReq(replicate=order)))

    (accepted,) = visitor.accepted()
    assert [item.replication_record_id for item in answer.replication.backups] == accepted["record_ids"]
    assert len(accepted["record_ids"]) == 14


def test_huaweicloudsdkcbr_reads_logs_policies_and_capabilities(huawei, visitor):
    from huaweicloudsdkcbr.v1 import (
        ListOpLogsRequest,
        ListPoliciesRequest,
        ShowReplicationCapabilitiesRequest,
    )

    visitor.replicate("vault-payments")

    logs = huawei.list_op_logs(
        ListOpLogsRequest(vault_id=visitor.vault_id("vault-payments"), limit=3, offset=1)
    )
    policies = huawei.list_policies(ListPoliciesRequest(operation_type="replication"))
    capabilities = huawei.show_replication_capabilities(ShowReplicationCapabilitiesRequest())

    listed = visitor.get("operation-logs", vault_id=visitor.vault_id("vault-payments")).json()
    assert [log.id for log in logs.operation_logs] == [log["id"] for log in listed["operation_logs"][1:4]]
    assert logs.count == listed["count"] == 18
    assert [policy.name for policy in policies.policies] == ["replicate-erp-weekly"]
    assert {region.name: region.replication_destinations for region in capabilities.regions} == {
        "eu-de": ["eu-nl"],
        "eu-nl": ["eu-de"],
    }


def test_huaweicloudsdkcbr_copies_a_backup(huawei, visitor):
    from huaweicloudsdkcbr.v1 import BackupReplicateReq, BackupReplicateReqBody, CopyBackupRequest

    backup_id = visitor.backups("vault-erp")[0]["id"]
    order = BackupReplicateReqBody(**visitor.backup_order(name="erp-copy")["replicate"])
    request = CopyBackupRequest(backup_id=backup_id, body=BackupReplicateReq(replicate=order))

    answer = huawei.copy_backup(request)

    assert answer.replication.backup_id == backup_id
    assert [call["record_ids"] for call in visitor.accepted()] == [[answer.replication.replication_record_id]]


def test_huaweicloudsdkcbr_reads_the_records_of_profile_huawei(open_cloud):
    from huaweicloudsdkcbr.v1 import CbrClient, ShowBackupRequest
    from huaweicloudsdkcore.auth.credentials import BasicCredentials

    visitor = open_cloud(profile="huawei")
    accepted = visitor.replicate().json()["replication"]["backups"][0]
    credentials = BasicCredentials(USERS[0].access_key, USERS[0].secret_key, visitor.project_id)
    client = CbrClient.new_builder().with_credentials(credentials).with_endpoint(visitor.url).build()

    (record,) = client.show_backup(ShowBackupRequest(accepted["backup_id"])).backup.replication_records

    assert (record.id, record.status, record.extra_info.progress) == (
        accepted["replication_record_id"],
        "waiting_replicate",
        0,
    )


def test_huaweicloudsdkcbr_finds_its_project_by_name(sandbox, visitor):
    from huaweicloudsdkcbr.v1 import CbrClient, ListVaultRequest
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.region.region import Region

    credentials = BasicCredentials(USERS[0].access_key, USERS[0].secret_key).with_iam_endpoint(sandbox.url)
    region = Region("eu-de_production", sandbox.url)
    client = CbrClient.new_builder().with_credentials(credentials).with_region(region).build()

    assert client.list_vault(ListVaultRequest()).count == 7


def test_huaweicloudsdkcbr_tells_code_and_request_id_of_a_refusal(huawei, visitor):
    from huaweicloudsdkcbr.v1 import ShowVaultRequest
    from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

    with pytest.raises(ClientRequestException) as refused:
        huawei.show_vault(ShowVaultRequest("7558e1a3-7046-4787-95cd-14b0ad0642a8"))

    assert (refused.value.status_code, refused.value.error_code) == (404, "BackupService.6105")
    assert refused.value.request_id
