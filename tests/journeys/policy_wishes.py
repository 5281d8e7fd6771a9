"""Changes of policies as journeys ask for them, and what the cloud and our rows say afterwards."""

import uuid

from replication.models import Policy, PolicyChange, Project, Vault
from replication.services import policy_changing, policy_limits, policy_sending

EVERY_NIGHT = ("FREQ=DAILY;INTERVAL=1;BYHOUR=03;BYMINUTE=00",)


def request_by(practice, actor, *, key=None):
    """Return who asks, why, when and with which form."""
    return {"actor": actor, "reason": "Recovery plan", "key": key or uuid.uuid4(), "now": practice.now()}


def a_new_policy(
    name="replicate-orders", *, project="eu-de_production", destination="eu-nl_recovery", **fields
):
    return policy_limits.NewPolicy(
        **{
            "project": Project.objects.select_related("region").get(name=project),
            "name": name,
            "enabled": True,
            "destination": Project.objects.select_related("region").get(name=destination),
            "patterns": EVERY_NIGHT,
            "retention_days": 30,
            **fields,
        }
    )


def ask_to_create(practice, actor, name="replicate-orders", *, key=None, **fields):
    return policy_changing.request_creation(
        **request_by(practice, actor, key=key), wanted=a_new_policy(name, **fields)
    )


def ask_to_apply(practice, actor, policy, *vaults, destination="replica-production"):
    return policy_changing.request_applications(
        **request_by(practice, actor),
        policy=the_policy(policy),
        vaults=[Vault.objects.select_related("project__region").get(name=name) for name in vaults],
        destination=Vault.objects.select_related("project__region").get(name=destination),
    )


def ask_to_remove(practice, actor, policy, vault):
    return policy_changing.request_removal(
        **request_by(practice, actor),
        policy=the_policy(policy),
        vault=Vault.objects.select_related("project__region").get(name=vault),
    )


def ask_to_delete(practice, actor, policy):
    return policy_changing.request_deletion(**request_by(practice, actor), policy=the_policy(policy))


def the_policy(name):
    return Policy.objects.present().select_related("project__region").get(name=name)


def to_rest(practice):
    """Let worker and clock go on, from one thing that is due to the next, until no change is pending."""
    for _step in range(30):
        policy_sending.make_round(worker_id="worker-1", clock=practice.now)
        pending = PolicyChange.objects.pending()
        if not pending.exists():
            return
        due = min(change.claimed_until or change.check_after for change in pending)
        practice.advance(seconds=max((due - practice.now()).total_seconds() + 1, 0))


def accepted(practice):
    """Return the operations that the cloud has carried out on policies, in their order."""
    return [change["operation"] for change in practice.control("GET", "policies")["accepted"]]


def cloud_policies(practice):
    """Return what the cloud holds by name: the names of the vaults with those of their destinations."""
    names = {facts["id"]: name for name, facts in practice.control("GET", "world")["vaults"].items()}
    found = {}
    for policy in practice.control("GET", "policies")["policies"]:
        found.setdefault(policy["name"], []).append(
            {names[source]: names.get(target, "") for source, target in policy["vaults"]}
        )
    return found


def mirrored_policies():
    """Return what our mirror holds, in the form of `cloud_policies`."""
    names = dict(Vault.objects.values_list("vault_id", "name"))
    found = {}
    for policy in Policy.objects.present().prefetch_related("applied_to"):
        found.setdefault(policy.name, []).append(
            {names[row.vault_id]: names.get(row.destination_vault_id, "") for row in policy.applied_to.all()}
        )
    return found
