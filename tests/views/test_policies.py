"""The pages of the cloud's policies: the lists, one policy, and the ways to change them."""

import re
import uuid
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from replication.models import AuditEntry, CloudReading, Policy, PolicyChange, PolicyVault
from tests.builders import (
    NOW,
    a_policy,
    a_policy_change,
    a_project,
    a_recovery_project,
    a_replication_vault,
    a_vault,
)
from tests.views.site import text_of


@pytest.fixture
def company(db):
    """A policy on one vault, a vault without one, and a vault that takes replicas."""
    project, recovery = a_project(), a_recovery_project()
    CloudReading.objects.update(policies_read_at=NOW)
    policy = a_policy(project=project)
    held, free = a_vault(project=project, name="held"), a_vault(project=project, name="free")
    target = a_replication_vault(project=recovery)
    PolicyVault.objects.create(
        policy=policy, vault_id=held.vault_id, source_vault=held, destination_vault_id=target.vault_id
    )
    return {
        "project": project,
        "recovery": recovery,
        "policy": policy,
        "held": held,
        "free": free,
        "target": target,
    }


def new_policy(company, **changes):
    """The address of the last look at a new policy."""
    wanted = {
        "key": uuid.uuid4(),
        "project": company["project"].pk,
        "name": "replicate-orders",
        "destination": company["recovery"].pk,
        "rhythm": "weekly",
        "weekdays": ["MO", "SA"],
        "hours": ["4", "2"],
        "keep": "days",
        "amount": "30",
        "enabled": "on",
        **changes,
    }
    return f"{reverse('policy-new-review')}?{urlencode(wanted, doseq=True)}"


def application(company, **changes):
    wanted = {
        "key": uuid.uuid4(),
        "vault": [company["free"].pk],
        "destination": company["target"].pk,
        **changes,
    }
    return f"{reverse('policy-apply-review', args=[company['policy'].pk])}?{urlencode(wanted, doseq=True)}"


def confirm(client, address, reason="Recovery plan"):
    """Press the button of a last look, with the key that its form carries."""
    form = client.get(address).content.decode()
    key = re.search(r'name="key" value="([0-9a-f-]{36})"', form).group(1)
    return client.post(address, {"reason": reason, "key": key})


def test_the_list_says_what_each_policy_does_and_when_it_runs(client, vera, company):
    client.force_login(vera)
    a_policy(project=company["project"], name="backup-nightly", operation_type="backup", enabled=False)

    answer = client.get(reverse("policy-list"))

    rows = answer.context["rows"]
    assert [(row.policy.name, len(row.vaults), len(row.runs)) for row in rows] == [
        ("replicate-nightly", 1, 3),
        ("backup-nightly", 0, 0),
    ]
    assert [f"{run:%H:%M}" for run in rows[0].runs] == ["03:00"] * 3
    assert [one.vault.name for one in answer.context["bare"]] == ["free"]
    page = text_of(answer)
    assert "Replication · eu-de / eu-de_production" in page
    assert "Every day at 03:00 UTC" in page
    assert "30 days" in page
    assert "none, it is switched off" in page


def test_a_schedule_that_cannot_be_read_is_shown_as_the_cloud_words_it(client, vera, company):
    client.force_login(vera)
    Policy.objects.update(patterns=["FREQ=MONTHLY;BYHOUR=1;BYMINUTE=0"])

    page = text_of(client.get(reverse("policy-detail", args=[company["policy"].pk])))

    assert "FREQ=MONTHLY;BYHOUR=1;BYMINUTE=0" in page
    assert "not known: the schedule has a part that this dashboard cannot read" in page


def test_policies_that_could_not_be_read_are_told_with_age_and_reason(client, vera, company):
    client.force_login(vera)
    CloudReading.objects.filter(cloud="sandbox-production").update(policies_error="no right to list them")
    CloudReading.objects.filter(cloud="sandbox-recovery").update(policies_read_at=None)

    page = text_of(client.get(reverse("policy-list")))

    assert "Not all policies could be read." in page
    assert "no right to list them" in page
    assert "eu-nl / eu-nl_recovery: never read, so whether it has policies is not known" in page


def test_before_the_first_reading_nothing_is_claimed(client, vera, company):
    client.force_login(vera)
    PolicyVault.objects.all().delete()
    Policy.objects.all().delete()
    CloudReading.objects.update(policies_read_at=None)

    page = text_of(client.get(reverse("policy-list")))

    assert "The policies have not been read yet" in page
    assert "Not known: the policies have not been read yet." in page
    assert "There are no policies" not in page


def test_all_vaults_without_a_policy_have_a_page_of_their_own(client, vera, company):
    client.force_login(vera)
    idle = a_policy(project=company["project"], name="idle", enabled=False)
    PolicyVault.objects.create(policy=idle, vault_id=company["free"].vault_id, source_vault=company["free"])
    a_vault(project=company["project"], name="frozen", status="frozen")

    page = text_of(client.get(reverse("policy-bare-vaults")))

    assert "2 vaults" in page
    assert "Its policy is switched off: idle" in page
    assert "At the moment none can be applied: Its status is “frozen”, not “available”." in page


def test_only_operators_are_offered_to_change_anything(client, vera, oskar, company):
    addresses = [reverse("policy-list"), reverse("policy-detail", args=[company["policy"].pk])]
    offers = ("New replication policy", "Apply to vaults", "Remove held", "Delete")

    def offered(person):
        client.force_login(person)
        pages = " ".join(text_of(client.get(address)) for address in addresses)
        return [offer for offer in offers if offer in pages]

    assert (offered(vera), offered(oskar)) == ([], list(offers))


def test_a_new_policy_is_looked_at_then_asked_for(client, oskar, company):
    client.force_login(oskar)
    address = new_policy(company)
    look = text_of(client.get(address))

    answer = confirm(client, address)

    change = PolicyChange.objects.get()
    assert answer.url == reverse("policy-change", args=[change.pk])
    assert "Every week on Mon, Sat at 02:00 and 04:00 UTC" in look
    assert (change.kind, change.status, change.reason, change.actor) == (
        "create",
        "requested",
        "Recovery plan",
        oskar,
    )
    assert change.order == {
        "method": "POST",
        "path": "policies",
        "success": 200,
        "document": {
            "policy": {
                "name": "replicate-orders",
                "enabled": True,
                "operation_type": "replication",
                "operation_definition": {
                    "destination_region": "eu-nl",
                    "destination_project_id": company["recovery"].project_id,
                    "retention_duration_days": 30,
                },
                "trigger": {
                    "properties": {
                        "pattern": [
                            "FREQ=WEEKLY;BYDAY=MO,SA;BYHOUR=02;BYMINUTE=00",
                            "FREQ=WEEKLY;BYDAY=MO,SA;BYHOUR=04;BYMINUTE=00",
                        ]
                    }
                },
            }
        },
    }
    entry = AuditEntry.objects.get(action="policy.requested")
    assert (entry.actor, entry.details["reason"], entry.details["change"]) == (
        oskar,
        "Recovery plan",
        str(change.pk),
    )


@pytest.mark.parametrize(
    ("changes", "order"),
    [
        ({"keep": "number", "amount": "7"}, {"max_backups": 7}),
        ({"keep": "for_good", "amount": ""}, {"retention_duration_days": -1}),
    ],
)
def test_a_new_policy_keeps_replicas_as_asked(client, oskar, company, changes, order):
    client.force_login(oskar)

    confirm(client, new_policy(company, **changes))

    definition = PolicyChange.objects.get().order["document"]["policy"]["operation_definition"]
    kept = {name: value for name, value in definition.items() if not name.startswith("destination")}
    assert kept == order


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "with blank"}, "A name is 1 to 64 letters, digits, underscores and hyphens."),
        ({"name": ""}, "Give it a name."),
        ({"project": ""}, "Choose the project whose vaults it is for."),
        ({"destination": "x"}, "This project is not in the inventory."),
        ({"weekdays": []}, "Choose at least one day of the week."),
        ({"hours": []}, "Choose at least one hour."),
        ({"rhythm": "every_days"}, "Say every how many days, 1 to 366."),
        ({"rhythm": "every_days", "every_days": "0"}, "greater than or equal to 1"),
        ({"amount": ""}, "Say how many, 1 to 99999, or keep them until somebody deletes them."),
        ({"amount": "100000"}, "less than or equal to 99999"),
    ],
)
def test_a_form_that_is_not_complete_says_what_is_missing(client, oskar, company, changes, message):
    client.force_login(oskar)

    page = text_of(client.get(new_policy(company, **changes)))

    assert "This cannot be looked at yet." in page
    assert message in page
    assert PolicyChange.objects.count() == 0


def test_what_the_cloud_would_refuse_is_told_with_its_code_and_never_asked_for(client, oskar, company):
    client.force_login(oskar)
    address = new_policy(company, destination=company["project"].pk)

    page = text_of(client.get(address))
    answer = client.post(address, {"reason": "All the same", "key": uuid.uuid4()})

    assert "A vault cannot be replicated within its own region." in page
    assert "BackupService.9900" in page
    assert "Create the policy" not in page
    assert (answer.status_code, PolicyChange.objects.count()) == (200, 0)


def test_the_same_button_twice_is_one_change(client, oskar, company):
    client.force_login(oskar)
    address = new_policy(company)
    key = str(uuid.uuid4())

    first = client.post(address, {"reason": "Recovery plan", "key": key})
    second = client.post(address, {"reason": "Recovery plan", "key": key})

    assert first.url == second.url
    assert PolicyChange.objects.count() == 1


def test_a_reason_is_demanded(client, oskar, company):
    client.force_login(oskar)

    page = text_of(client.post(new_policy(company), {"reason": " ", "key": uuid.uuid4()}))

    assert "Say why, in at least three characters." in page
    assert PolicyChange.objects.count() == 0


def test_vaults_are_chosen_looked_at_and_each_becomes_a_change(client, oskar, company):
    client.force_login(oskar)
    other = a_vault(project=company["project"], name="other")
    a_vault(project=company["project"], name="disks", object_type="disk")
    choices = text_of(client.get(reverse("policy-apply", args=[company["policy"].pk])))
    address = application(company, vault=[company["free"].pk, other.pk])
    look = text_of(client.get(address))

    answer = confirm(client, address)

    assert "held \N{EN DASH} has this policy already" in choices
    assert "disks \N{EN DASH} It holds backups of type “disk”" in choices
    assert "Apply it to 2 vaults" in look
    assert answer.url == reverse("policy-detail", args=[company["policy"].pk])
    changes = PolicyChange.objects.order_by("source_vault__name")
    assert [(one.kind, one.source_vault, one.order["path"], one.order["document"]) for one in changes] == [
        (
            "apply",
            vault,
            f"vaults/{vault.vault_id}/associatepolicy",
            {
                "policy_id": company["policy"].policy_id,
                "destination_vault_id": company["target"].vault_id,
            },
        )
        for vault in (company["free"], other)
    ]


def test_a_vault_that_has_a_policy_is_not_given_another(client, oskar, company):
    client.force_login(oskar)
    other = a_policy(project=company["project"], name="other")
    company["policy"] = other

    page = text_of(client.get(application(company, vault=[company["held"].pk])))

    assert "The vault has the replication policy “replicate-nightly” already" in page
    assert "BackupService.6127" in page


def test_a_policy_is_removed_from_a_vault(client, oskar, company):
    client.force_login(oskar)
    address = reverse("policy-remove", args=[company["policy"].pk, company["held"].pk])

    answer = confirm(client, address)

    change = PolicyChange.objects.get()
    assert answer.url == reverse("policy-change", args=[change.pk])
    assert (change.kind, change.order["path"], change.order["document"]) == (
        "remove",
        f"vaults/{company['held'].vault_id}/dissociatepolicy",
        {"policy_id": company["policy"].policy_id},
    )


def test_a_deletion_says_which_vaults_lose_their_policy(client, oskar, company):
    client.force_login(oskar)
    address = reverse("policy-delete", args=[company["policy"].pk])
    look = text_of(client.get(address))

    confirm(client, address)

    change = PolicyChange.objects.get()
    assert "1 vault loses its replication policy: held." in look
    assert (change.kind, change.order) == (
        "delete",
        {
            "method": "DELETE",
            "path": f"policies/{company['policy'].policy_id}",
            "document": None,
            "success": 204,
        },
    )


def test_a_second_change_of_the_same_leads_to_the_first(client, oskar, company):
    client.force_login(oskar)
    address = reverse("policy-delete", args=[company["policy"].pk])
    confirm(client, address)
    first = PolicyChange.objects.get()

    look = text_of(client.get(address))
    answer = client.post(address, {"reason": "Once more", "key": uuid.uuid4()}, follow=True)

    assert "Another change of the same is not over yet:" in look
    assert answer.redirect_chain == [(reverse("policy-change", args=[first.pk]), 303)]
    assert "Nothing was asked for: this change is not over yet." in text_of(answer)


def test_each_last_look_shows_the_same_as_a_command_without_a_secret(client, oskar, company, settings):
    client.force_login(oskar)
    settings.SANDBOX_URL = "http://127.0.0.1:8999"
    policy, held = company["policy"], company["held"]

    def command(address):
        text = client.get(address).content.decode()
        found = re.search(r'<pre id="command-1">(.*?)</pre>', text, re.DOTALL).group(1)
        return found.replace("&#x27;", "'").replace("&quot;", '"')

    base = f"http://127.0.0.1:8999/v3/{policy.project.project_id}"
    assert command(reverse("policy-delete", args=[policy.pk])) == (
        f'curl -X DELETE {base}/policies/{policy.policy_id} \\\n  -H "X-Auth-Token: $OS_TOKEN"'
    )
    removal = command(reverse("policy-remove", args=[policy.pk, held.pk]))
    assert removal.startswith(f"curl -X POST {base}/vaults/{held.vault_id}/dissociatepolicy")
    assert f'"policy_id": "{policy.policy_id}"' in removal
    assert f"{base}/vaults/{company['free'].vault_id}/associatepolicy" in command(application(company))
    assert '"name": "replicate-orders"' in command(new_policy(company))


SENTENCES = {
    "requested": "It waits for the worker",
    "sending": "The worker is sending it",
    "unclear": "its list of policies does not show it yet",
    "done": "Done: the cloud's list of policies shows it.",
    "refused": "Refused: nothing was changed in the cloud.",
    "not_done": "Not carried out",
}


@pytest.mark.parametrize("status", SENTENCES)
def test_a_change_says_how_it_stands_and_asks_again_while_it_may_change(client, vera, company, status):
    client.force_login(vera)
    change = a_policy_change(policy=company["policy"], status=status)

    answer = client.get(reverse("policy-change", args=[change.pk]))
    same = client.get(reverse("policy-change-progress", args=[change.pk]), {"version": change.version})
    newer = client.get(reverse("policy-change-progress", args=[change.pk]), {"version": change.version + 1})

    assert SENTENCES[status] in text_of(answer).replace("&#x27;", "'")
    assert ("hx-trigger" in answer.content.decode()) is change.is_pending
    assert (same.status_code, newer.status_code) == (204, 200)


def test_a_refused_change_is_explained(client, vera, company):
    client.force_login(vera)
    change = a_policy_change(
        policy=company["policy"],
        status="refused",
        error_code="BackupService.6001",
        error_message="The cloud declined the request.",
    )

    page = text_of(client.get(reverse("policy-change", args=[change.pk])))

    assert "There are too many policies" in page
    assert "Delete a policy that no vault needs" in page
    assert "BackupService.6001 The cloud declined the request." in page


def test_lists_ask_again_only_while_a_change_is_under_way(client, vera, company):
    client.force_login(vera)
    addresses = [reverse("policy-list"), reverse("policy-detail", args=[company["policy"].pk])]

    def asking():
        return ["hx-trigger" in client.get(address).content.decode() for address in addresses]

    before = asking()
    change = a_policy_change(policy=company["policy"])
    during = asking()
    stamp = client.get(addresses[0]).context["stamp"]
    quiet = client.get(reverse("policy-rows"), {"seen": stamp})
    PolicyChange.objects.filter(pk=change.pk).move("requested", "not_done", now=NOW, check_after=None)
    told = client.get(reverse("policy-rows"), {"seen": stamp})

    assert (before, during, asking()) == ([False, False], [True, True], [False, False])
    assert (quiet.status_code, told.status_code) == (204, 200)
    assert "Not carried out" in text_of(told)
