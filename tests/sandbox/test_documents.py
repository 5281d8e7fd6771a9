"""The documents judge the sandbox: every answer has the documented fields, and none besides."""

import json
from pathlib import Path

import pytest

DOCUMENTS = Path(__file__).parents[1] / "cloud" / "documents"


def read(name):
    return json.loads((DOCUMENTS / f"{name}.json").read_text())


def paths(value, prefix=""):
    """List the paths of all fields that hold something; lists are looked into, empty ones end a path."""
    if isinstance(value, dict) and value:
        return {
            path
            for name, item in value.items()
            for path in paths(item, f"{prefix}.{name}" if prefix else name)
        }
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return {path for item in value for path in paths(item, prefix)}
    return {prefix}


def undocumented(value, kind, profile):
    """List fields of an object that its profile does not document; empty groups and nested backups are allowed."""
    known = set(read("documented_fields")[profile][kind])
    groups = {path.rsplit(".", count)[0] for path in known for count in range(1, path.count(".") + 1)}
    found = {path.removeprefix("children.") for path in paths(value)}
    return (
        found - known - groups - {"children", "tags", "resources", "replication_records", "associated_vaults"}
    )


def everything(visitor, *, show_replication=False):
    """Ask for every kind of object, by list and singly."""
    query = {"show_replication": "true"} if show_replication else {}
    vaults = visitor.get("vaults").json()["vaults"]
    backups = visitor.get("backups", **query).json()["backups"]
    logs = visitor.get("operation-logs").json()["operation_logs"]
    policies = visitor.get("policies").json()["policies"]
    return {
        "vault": [*vaults, visitor.get(f"vaults/{vaults[0]['id']}").json()["vault"]],
        "backup": [*backups, visitor.get(f"backups/{backups[0]['id']}").json()["backup"]],
        "operation_log": [*logs, visitor.get(f"operation-logs/{logs[0]['id']}").json()["operation_log"]],
        "policy": [*policies, visitor.get(f"policies/{policies[0]['id']}").json()["policy"]],
        "region": visitor.get("replication-capabilities").json()["regions"],
    }


@pytest.mark.parametrize("project", ["eu-de_production", "eu-de_internal", "eu-nl_recovery"])
@pytest.mark.parametrize("profile", ["otc", "huawei"])
def test_no_answer_has_a_field_that_its_profile_does_not_document(open_cloud, profile, project):
    visitor = open_cloud(profile=profile, project=project)
    if project == "eu-de_production":
        visitor.replicate()

    objects = everything(visitor, show_replication=True)

    found = {
        kind: {path for item in items for path in undocumented(item, kind, profile)}
        for kind, items in objects.items()
    }
    assert found == {
        "vault": set(),
        "backup": set(),
        "operation_log": set(),
        "policy": set(),
        "region": set(),
    }


def test_an_accepted_replication_answers_with_the_documented_fields_and_nothing_else(visitor):
    answer = visitor.replicate().json()

    assert paths(answer) == paths(read("replicate_answer"))


def test_an_accepted_backup_answers_with_the_documented_fields_and_nothing_else(visitor):
    backup_id = visitor.backups("vault-orders-db")[0]["id"]

    answer = visitor.post(f"backups/{backup_id}/replicate", visitor.backup_order()).json()

    assert paths(answer) == paths(read("replicate_backup_answer"))


@pytest.mark.parametrize(
    ("document", "path", "kind"),
    [
        ("vaults_list", "vaults", "vault"),
        ("backups_list", "backups", "backup"),
        ("operation_logs_list", "operation-logs", "operation_log"),
        ("policies_list", "policies", "policy"),
        ("replication_capabilities", "replication-capabilities", "region"),
    ],
)
def test_a_list_is_wrapped_as_its_document_is(visitor, document, path, kind):
    answer = visitor.get(path).json()

    assert {name: type(value) for name, value in answer.items()} == {
        name: type(value) for name, value in read(document).items()
    }


@pytest.mark.parametrize(
    ("document", "key", "kind", "profile"),
    [
        ("vault", "vault", "vault", "otc"),
        ("vault_replication_huawei", "vault", "vault", "huawei"),
        ("backup", "backup", "backup", "otc"),
        ("backup_huawei", "backup", "backup", "huawei"),
        ("operation_log", "operation_log", "operation_log", "otc"),
        ("operation_log_huawei", "operation_log", "operation_log", "huawei"),
    ],
)
def test_an_object_has_all_fields_that_its_document_has(open_cloud, document, key, kind, profile):
    visitor = open_cloud(profile=profile)
    visitor.replicate()
    visitor.advance(3600 * 24)
    visitor.sign_in()
    wanted = read(document)[key]

    objects = everything(visitor, show_replication=True)[kind]

    assert set().union(*(item.keys() for item in objects)) >= wanted.keys()
    assert undocumented(wanted, kind, profile) == set()


def test_profile_otc_never_shows_what_only_the_sibling_documents(visitor):
    visitor.replicate("vault-erp")

    objects = everything(visitor, show_replication=True)

    assert "replication_records" not in json.dumps(objects["backup"])
    assert "source_backup_id" not in json.dumps(objects["operation_log"])


def test_profile_huawei_shows_records_on_the_single_backup_and_in_the_list_when_asked(open_cloud):
    visitor = open_cloud(profile="huawei")
    accepted = visitor.replicate().json()["replication"]["backups"]

    unasked = visitor.backups("vault-orders-db")
    asked = visitor.backups("vault-orders-db", show_replication="true")
    single = visitor.get(f"backups/{accepted[0]['backup_id']}").json()["backup"]

    assert all("replication_records" not in backup for backup in unasked)
    assert {backup["id"]: backup["replication_records"][0]["id"] for backup in asked} == {
        item["backup_id"]: item["replication_record_id"] for item in accepted
    }
    assert [record["id"] for record in single["replication_records"]] == [
        accepted[0]["replication_record_id"]
    ]


def test_the_example_request_of_the_reference_is_understood_field_by_field(visitor):
    answer = visitor.post("checkpoints/replicate", read("replicate_request"))

    # Its regions are called region1 and region2, which this cloud does not have: the rule on regions answers.
    assert (answer.status_code, answer.json()["error_code"]) == (500, "BackupService.1005")


def test_the_example_sign_in_is_accepted(visitor):
    answer = visitor.session.post(
        f"{visitor.url}/v3/auth/tokens", json=read("auth_token_request"), timeout=10
    )

    assert answer.status_code == 201
    assert paths(answer.json()) == paths(read("auth_token_answer"))


def test_projects_catalog_and_discovery_have_the_documented_fields(visitor):
    def ask(path):
        return visitor.session.get(f"{visitor.url}/v3{path}", timeout=10).json()

    answers = {
        "auth_projects": ask("/auth/projects"),
        "auth_catalog": ask("/auth/catalog"),
        "iam_discovery": ask(""),
    }

    assert {name: paths(answer) for name, answer in answers.items()} == {
        name: paths(read(name)) for name in answers
    }


def test_the_example_vault_can_be_created(visit):
    visitor = visit("eu-nl_recovery")

    answer = visitor.post("vaults", read("vault_create_request"))

    assert answer.status_code == 200
    billing = answer.json()["vault"]["billing"]
    assert (billing["protect_type"], billing["size"], billing["used"]) == ("replication", 2000, 0)
