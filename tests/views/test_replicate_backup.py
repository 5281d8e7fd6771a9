"""Replicating one backup from its row: choosing where to, the last look, and the request itself."""

import re
import uuid
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from replication.models import AuditEntry, Replication
from tests.builders import NOW, a_backup, a_record, a_replication, a_replication_vault, a_vault
from tests.views.site import text_of

NEW, REVIEW = reverse("replication-new"), reverse("replication-review")


@pytest.fixture
def backup(vaults):
    """The one backup of the source vault."""
    found = vaults[0].backups.select_related("vault__project__region").get()
    found.name = "autobk_monday"
    found.save()
    return found


def review_of(backup, destination, **more):
    wanted = {
        "key": uuid.uuid4(),
        "backup": backup.pk,
        "region": destination.project.region.name,
        "project": destination.project.pk,
        "destination": destination.pk,
        "replica_name": "",
        "replica_description": "",
        **more,
    }
    return f"{REVIEW}?{urlencode(wanted)}"


def test_each_backup_of_a_fit_vault_has_a_button_for_those_who_may(client, oskar, vera, vaults, backup):
    address = reverse("vault-detail", args=[vaults[0].pk])
    found = {}
    for person in (oskar, vera):
        client.force_login(person)
        found[person.username] = f'href="{NEW}?backup={backup.pk}"' in client.get(address).content.decode()

    assert found == {"oskar": True, "vera": False}


@pytest.mark.parametrize(
    "fields", [{"status": "lock"}, {"protect_type": "replication"}, {"vanished_at": NOW}]
)
def test_backups_of_a_vault_that_cannot_be_replicated_have_none(client, oskar, fields):
    vault = a_vault(name="unfit", **fields)
    a_backup(vault=vault)
    client.force_login(oskar)

    assert "?backup=" not in client.get(reverse("vault-detail", args=[vault.pk])).content.decode()


def test_record_of_a_finished_replication_leads_to_the_same_destination(client, oskar, vaults, backup):
    source, destination = vaults
    past = a_replication(source=source, destination=destination, status="failed")
    a_record(replication=past, source_backup=backup, backup_id=backup.backup_id, status="failed")
    client.force_login(oskar)

    page = client.get(reverse("replication-detail", args=[past.pk])).content.decode()
    [address] = re.findall(rf'href="({NEW}\?backup=[^"]*)"', page)
    form = client.get(address.replace("&amp;", "&")).context["form"]

    assert (form.one_backup, form.choices.destinations.chosen) == (backup, destination)


def test_record_of_a_running_replication_has_no_button(client, oskar, vaults, backup):
    running = a_replication(source=vaults[0], destination=vaults[1], status="running")
    a_record(replication=running, source_backup=backup, status="running")
    client.force_login(oskar)

    assert "?backup=" not in client.get(reverse("replication-detail", args=[running.pk])).content.decode()


def test_form_shows_the_backup_and_asks_for_destination_name_and_description(client, oskar, vaults, backup):
    client.force_login(oskar)

    answer = client.get(f"{NEW}?backup={backup.pk}")

    page = text_of(answer)
    assert "Replicate one backup" in page
    assert "Backup autobk_monday Resource pg-orders-01 40 GB Made" in page
    assert f"Vault eu-de / eu-de_production / {vaults[0].name} Backup ID {backup.backup_id}" in page
    names = re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]*)"', answer.content.decode())
    assert names.count("backup") == 1
    assert {"region", "project", "destination", "replica_name", "replica_description"} <= set(names)
    assert not {"vault", "auto_trigger"} & set(names)


def test_change_of_a_choice_keeps_backup_name_and_description_in_the_address(client, oskar, vaults, backup):
    client.force_login(oskar)

    answer = client.get(
        reverse("destination-fields"),
        {
            "backup": backup.pk,
            "region": "eu-nl",
            "destination": vaults[1].pk,
            "replica_name": "drill",
            "key": "x",
        },
    )

    kept = urlencode(
        {"backup": backup.pk, "region": "eu-nl", "destination": vaults[1].pk, "replica_name": "drill"}
    )
    assert answer["HX-Replace-Url"] == f"{NEW}?{kept}"
    # There is no place on the page for what the source vault is.
    assert "hx-swap-oob" not in answer.content.decode()


def test_backup_that_nobody_knows_is_said_to_be_unknown(client, oskar, vaults):
    client.force_login(oskar)

    for unknown in ("", "x", uuid.uuid4()):
        page = text_of(client.get(f"{NEW}?backup={unknown}"))
        assert "This backup is not in the inventory" in page


def test_backup_of_an_unfit_vault_says_why_it_cannot_be_chosen(client, oskar, vaults, backup):
    vaults[0].status = "lock"
    vaults[0].save()
    client.force_login(oskar)

    page = text_of(client.get(f"{NEW}?backup={backup.pk}"))
    looked = text_of(client.get(review_of(backup, vaults[1])))

    assert "vault-orders-db: Its status is “lock”, not “available”." in page
    assert "This cannot be looked at yet." in looked
    assert "vault-orders-db: Its status is “lock”, not “available”." in looked


def test_last_look_names_backup_target_and_replica(client, oskar, vaults, backup):
    a_backup(vault=vaults[0], name="another")
    client.force_login(oskar)

    page = text_of(
        client.get(review_of(backup, vaults[1], replica_name="drill-1", replica_description="For the drill"))
    )

    assert "Backup autobk_monday" in page
    assert "Name of the replica drill-1 Description of the replica For the drill" in page
    assert "Replicate this backup (40 GB) to eu-nl" in page
    assert "another" not in page


def test_last_look_leaves_the_name_to_the_cloud_where_none_is_given(client, oskar, vaults, backup):
    client.force_login(oskar)

    page = text_of(client.get(review_of(backup, vaults[1])))

    assert "Name of the replica the cloud chooses" in page
    assert "Description of the replica" not in page


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("with space", "A name is up to 64 letters, digits, underscores and hyphens."),
        ("größe", "A name is up to 64 letters, digits, underscores and hyphens."),
        ("x" * 65, "Ensure this value has at most 64 characters (it has 65)."),
    ],
)
def test_name_that_the_cloud_would_refuse_is_not_taken(client, oskar, vaults, backup, name, told):
    client.force_login(oskar)
    address = review_of(backup, vaults[1], replica_name=name)

    looked = text_of(client.get(address))
    client.post(address, {"reason": "Exercise"})

    assert f"Name of the replica : {told}" in looked
    assert not Replication.objects.exists()


def test_confirming_makes_a_replication_of_this_backup_and_leads_to_its_page(client, oskar, vaults, backup):
    source, destination = vaults
    key = uuid.uuid4()
    client.force_login(oskar)
    address = review_of(
        backup, destination, key=key, replica_name="drill-1", replica_description="For the drill"
    )

    answer = client.post(address, {"reason": "Exercise"}, follow=True)
    again = client.post(address, {"reason": "Exercise"}, follow=True)

    replication = Replication.objects.get()
    assert answer.redirect_chain == again.redirect_chain == [(f"/replications/{replication.pk}/", 303)]
    assert {
        name: getattr(replication, name)
        for name in (
            *("key", "actor", "reason", "source_vault", "vault_id", "backup_id", "backup_name"),
            *("replica_name", "replica_description", "destination", "destination_region", "status"),
        )
    } == {
        "key": key,
        "actor": oskar,
        "reason": "Exercise",
        "source_vault": source,
        "vault_id": source.vault_id,
        "backup_id": backup.backup_id,
        "backup_name": "autobk_monday",
        "replica_name": "drill-1",
        "replica_description": "For the drill",
        "destination": destination,
        "destination_region": "eu-nl",
        "status": "requested",
    }
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.details["backup_id"], entry.details["replica_name"]) == (
        "replication.requested",
        backup.backup_id,
        "drill-1",
    )
    page = text_of(answer)
    assert "autobk_monday to eu-nl" in page
    assert "Backup autobk_monday , and no other of its vault" in page


def test_key_of_a_whole_vault_sends_no_single_backup(client, oskar, vaults, backup):
    other = a_replication(source=vaults[0], destination=vaults[1], status="failed")
    client.force_login(oskar)

    answer = client.post(review_of(backup, vaults[1], key=other.key), {"reason": "Exercise"}, follow=True)

    assert "This form was used before, for a replication to somewhere else." in text_of(answer)
    assert Replication.objects.get() == other


def test_whole_vault_that_is_under_way_rules_its_backups_out(client, oskar, vaults, backup):
    active = a_replication(source=vaults[0], destination=vaults[1], status="running")
    client.force_login(oskar)

    looked = text_of(client.get(review_of(backup, vaults[1])))
    answer = client.post(review_of(backup, vaults[1]), {"reason": "Me too"}, follow=True)

    assert "oskar is already replicating this vault to eu-nl, since 2026-11-24 13:00 CET" in looked
    assert "Reason" not in looked
    assert answer.redirect_chain == [(f"/replications/{active.pk}/", 303)]
    assert Replication.objects.get() == active


def test_single_backup_that_waits_rules_its_whole_vault_out(client, oskar, vaults, backup):
    a_replication(source=vaults[0], destination=vaults[1], backup_id=backup.backup_id)
    client.force_login(oskar)
    whole = {
        "key": uuid.uuid4(),
        "vault": vaults[0].pk,
        "region": "eu-nl",
        "project": vaults[1].project.pk,
        "destination": vaults[1].pk,
    }

    looked = text_of(client.get(f"{REVIEW}?{urlencode(whole)}"))

    assert "oskar is already replicating a backup of this vault to eu-nl," in looked
    assert "The whole vault can be replicated once its single backups are over." in looked


def test_another_backup_of_the_vault_may_be_asked_for_and_says_what_it_waits_for(
    client, oskar, vaults, backup
):
    other = a_backup(vault=vaults[0], name="autobk_tuesday")
    first = a_replication(
        source=vaults[0], destination=vaults[1], backup_id=backup.backup_id, status="running"
    )
    client.force_login(oskar)
    address = review_of(other, vaults[1])

    looked = text_of(client.get(address))
    answer = client.post(address, {"reason": "As well"}, follow=True)

    second = Replication.objects.get(backup_id=other.backup_id)
    assert (
        "Another replication of this vault to eu-nl is under way. This one is written down and sent by itself"
        in looked
    )
    assert second.status == "requested"
    page = text_of(answer)
    assert (
        "It is written down, and nothing was sent yet. "
        f"Waits for replication {first.reference} of the same vault. Go to that replication"
    ) in page
    assert f'href="/replications/{first.pk}/"' in answer.content.decode()


def test_poll_of_one_that_waits_is_answered_once_it_need_not_wait_any_more(client, oskar, vaults, backup):
    first = a_replication(source=vaults[0], destination=vaults[1], backup_id="b-1", status="running")
    waiting = a_replication(
        source=vaults[0],
        destination=vaults[1],
        backup_id=backup.backup_id,
        requested_at=NOW + timedelta(minutes=1),
    )
    client.force_login(oskar)
    version = client.get(reverse("replication-detail", args=[waiting.pk])).context["snapshot"].version
    poll = f"{reverse('replication-records', args=[waiting.pk])}?version={version}"
    before = client.get(poll).status_code
    Replication.objects.filter(pk=first.pk).move("running", "succeeded", now=NOW)

    after = client.get(poll)

    assert (before, after.status_code) == (204, 200)
    assert "A worker sends it within seconds." in after.content.decode()


def test_single_backup_is_named_in_the_lists_and_found_by_its_id(client, oskar, vaults, backup):
    a_replication(
        source=vaults[0], destination=vaults[1], backup_id=backup.backup_id, backup_name="autobk_monday"
    )
    client.force_login(oskar)

    listed = text_of(client.get(f"{reverse('replication-list')}?q={backup.backup_id}"))
    missed = text_of(client.get(f"{reverse('replication-list')}?q={uuid.uuid4()}"))

    assert "only the backup autobk_monday" in listed
    assert "only the backup" not in missed


def test_names_are_shown_as_text(client, oskar, db):
    payload = "\"><script>alert('1')</script>"
    destination = a_replication_vault(name=payload)
    backup = a_backup(vault=a_vault(name=payload), name=payload, resource_name=payload)
    replication = a_replication(
        source=backup.vault,
        destination=destination,
        backup_id=payload[:64],
        backup_name=payload,
        replica_description=payload,
    )
    client.force_login(oskar)

    pages = [
        client.get(address).content.decode()
        for address in (
            f"{NEW}?backup={backup.pk}",
            review_of(backup, destination, replica_description=payload),
            reverse("replication-detail", args=[replication.pk]),
            reverse("replication-list"),
            reverse("vault-detail", args=[backup.vault.pk]),
        )
    ]

    assert [page.count("<script>alert") for page in pages] == [0] * 5
