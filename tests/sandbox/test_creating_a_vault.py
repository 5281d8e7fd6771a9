"""What POST vaults makes, and what it refuses."""

import pytest

from tests.sandbox.visitor import code_of

NOWHERE = "7558e1a3-7046-4787-95cd-14b0ad0642a8"
VAULT = {
    "name": "replica-new",
    "resources": [],
    "billing": {
        "consistent_level": "crash_consistent",
        "object_type": "server",
        "protect_type": "replication",
        "size": 100,
    },
}


@pytest.mark.parametrize(
    ("changes", "billing"),
    [
        ({"name": ""}, {}),
        ({"name": "x" * 65}, {}),
        ({"description": "x" * 65}, {}),
        ({"resources": [{"id": NOWHERE}]}, {}),
        ({"tags": []}, {}),
        ({"tags": [{"key": "k"}]}, {}),
        ({"colour": "red"}, {}),
        ({"bind_rules": {}}, {}),
        ({"bind_rules": {"tags": "all"}}, {}),
        ({"auto_expand": True}, {}),
        ({}, {"size": 9}),
        ({}, {"size": 10_485_761}),
        ({}, {"size": "100"}),
        ({}, {"size": True}),
        ({}, {"protect_type": "hybrid"}),
        ({}, {"object_type": "disk"}),
        ({}, {"consistent_level": "app_consistent"}),
        ({}, {"charging_mode": "pre_paid"}),
    ],
)
def test_a_vault_that_does_not_fit_is_not_made(visit, changes, billing):
    body = {"vault": VAULT | changes | {"billing": VAULT["billing"] | billing}}

    assert code_of(visit("eu-nl_recovery").post("vaults", body)) == (400, "BackupService.9900")


def test_a_new_vault_tells_what_it_binds(visit):
    rules = {"tags": [{"key": "team", "value": "orders"}]}

    vault = (
        visit().post("vaults", {"vault": VAULT | {"auto_bind": True, "bind_rules": rules}}).json()["vault"]
    )

    assert (vault["auto_bind"], vault["bind_rules"]) == (True, rules)


def policy_id(visitor, name):
    policies = visitor.get("policies").json()["policies"]
    return next(policy["id"] for policy in policies if policy["name"] == name)


@pytest.mark.parametrize(
    ("policy", "protect_type", "refusal"),
    [
        ("", "backup", (404, "BackupService.6000")),
        ("backup-nightly", "replication", (400, "BackupService.6127")),
        ("replicate-erp-weekly", "backup", (400, "BackupService.6127")),
    ],
)
def test_a_policy_that_does_not_fit_is_not_applied(visitor, policy, protect_type, refusal):
    wanted = policy_id(visitor, policy) if policy else NOWHERE
    billing = VAULT["billing"] | {"protect_type": protect_type}

    answer = visitor.post("vaults", {"vault": VAULT | {"billing": billing, "backup_policy_id": wanted}})

    assert code_of(answer) == refusal


def test_a_policy_is_applied_to_a_new_vault(visitor):
    wanted = policy_id(visitor, "backup-nightly")
    billing = VAULT["billing"] | {"protect_type": "backup"}

    made = visitor.post("vaults", {"vault": VAULT | {"billing": billing, "backup_policy_id": wanted}}).json()

    (policy,) = visitor.get("policies", vault_id=made["vault"]["id"]).json()["policies"]
    assert policy["id"] == wanted


def test_a_new_vault_takes_replicas(visitor, visit):
    recovery = visit("eu-nl_recovery")
    made = recovery.post("vaults", {"vault": VAULT | {"tags": [{"key": "team", "value": "dr"}]}}).json()[
        "vault"
    ]
    backup_id = visitor.backups("vault-orders-db")[0]["id"]

    order = visitor.backup_order(destination_vault_id=made["id"])
    answer = visitor.post(f"backups/{backup_id}/replicate", order)

    assert answer.status_code == 200
    assert recovery.get(f"vaults/{made['id']}").json()["vault"] == made


def test_a_vault_whose_name_is_no_text_is_not_made_and_the_list_is_still_answered(visit):
    visitor = visit("eu-nl_recovery")
    before = visitor.get("vaults").json()

    answer = visitor.post("vaults", {"vault": VAULT | {"name": "\ud800"}})

    assert code_of(answer) == (400, "BackupService.9900")
    assert visitor.get("vaults").json() == before
