"""The page that sets a source vault beside its replicas: four lists, where each was read, and never a false all-clear."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse
from django.utils import timezone

from replication.models import Backup, CloudReading, Vault
from tests.builders import (
    a_backup,
    a_project,
    a_record,
    a_replication,
    a_replication_vault,
    a_vault,
    an_origin,
)
from tests.views.site import text_of


@pytest.fixture
def vaults(db):
    """A source and a destination, both read right now."""
    now = timezone.now()
    source, destination = a_vault(name="vault-orders-db"), a_replication_vault(name="replica-production")
    CloudReading.objects.update(read_at=now)
    Vault.objects.update(seen_at=now)
    return source, destination


@pytest.fixture
def filled(vaults):
    """Two backups only here, one in both, and one replica by hand whose source has expired."""
    source, destination = vaults
    made = timezone.now() - timedelta(days=2)
    for name in ("b-1", "b-2"):
        a_backup(vault=source, backup_id=name, name=f"only-here-{name}", created_at=made)
    a_backup(vault=source, backup_id="b-3", name="in-both", created_at=made)
    a_backup(vault=source, backup_id="b-4", name="has-expired", created_at=made, vanished_at=made)
    for source_id, replica_id, is_automatic in (("b-3", "r-3", True), ("b-4", "r-4", False)):
        a_backup(vault=destination, backup_id=replica_id, image_type="replication", created_at=made)
        an_origin(source=source, backup_id=source_id, replica_id=replica_id, is_automatic=is_automatic)
    return vaults


def look(client, vault, **asked):
    answer = client.get(reverse("vault-diff", args=[vault.pk]), asked)
    assert answer.status_code == 200
    return answer


def names(answer):
    return [
        (
            row.pair.source.name if row.pair.source else None,
            row.pair.replica.backup_id if row.pair.replica else None,
        )
        for row in answer.context["rows"]
    ]


def test_four_lists_tell_how_many_how_large_and_how_old(client, vera, filled):
    client.force_login(vera)

    answer = look(client, filled[0])

    assert [(card.name, card.sum.count, card.sum.gb, card.is_shown) for card in answer.context["cards"]] == [
        ("here", 2, 80, True),
        ("both", 1, 40, False),
        ("there", 1, 40, False),
        ("kept", 1, 40, False),
    ]
    assert sorted(names(answer)) == [("only-here-b-1", None), ("only-here-b-2", None)]


@pytest.mark.parametrize(
    ("shown", "rows"),
    [
        ("both", [("in-both", "r-3")]),
        ("there", [("has-expired", "r-4")]),
        ("kept", [("has-expired", "r-4")]),
        ("nonsense", [("only-here-b-1", None), ("only-here-b-2", None)]),
    ],
)
def test_each_list_is_one_click_away(client, vera, filled, shown, rows):
    client.force_login(vera)

    assert sorted(names(look(client, filled[0], show=shown))) == rows


def test_each_side_says_when_it_was_read(client, vera, filled):
    client.force_login(vera)

    text = text_of(look(client, filled[0]))

    assert text.count("inventory, read to its end now") == 2


def test_operator_replicates_from_here_with_everything_filled_in(client, oskar, filled):
    source, destination = filled
    client.force_login(oskar)

    page = look(client, source).content.decode()

    [href] = re.findall(r'href="([^"]*/replications/new/\?[^"]*)"', page)
    assert parse_qs(urlsplit(href.replace("&amp;", "&")).query) == {
        "vault": [str(source.pk)],
        "region": ["eu-nl"],
        "project": [str(destination.project.pk)],
        "destination": [str(destination.pk)],
    }
    form = client.get(href.replace("&amp;", "&")).context["form"]
    assert (form.choices.source, form.choices.destinations.chosen) == (source, destination)


@pytest.mark.parametrize("who", ["vera", "anna", "adam"])
def test_whoever_may_not_trigger_is_not_offered_it(client, request, filled, who):
    client.force_login(request.getfixturevalue(who))

    assert "/replications/new/" not in look(client, filled[0]).content.decode().partition("<main")[2]


def test_destination_that_cannot_take_replicas_is_not_offered_either(client, oskar, filled):
    Vault.objects.filter(pk=filled[1].pk).update(used_mb=1000 * 1024)
    client.force_login(oskar)

    assert look(client, filled[0]).context["replicate"] == ""


def test_nothing_missing_is_said_only_when_both_sides_were_read(client, vera, vaults):
    client.force_login(vera)
    good = text_of(look(client, vaults[0]))
    CloudReading.objects.filter(cloud="sandbox-recovery").update(error="The gateway does not answer.")

    failed = text_of(look(client, vaults[0]))

    assert "No backup is without a replica there, by what was last read of both sides." in good
    assert "No backup is without a replica there" not in failed
    assert "nothing can be called missing or complete" in failed
    assert "The gateway does not answer." in failed


def test_destination_that_nobody_reads_shows_no_list_at_all(client, vera, filled):
    project = a_project("eu-nl_foreign", cloud="")
    blind = a_replication_vault(project=project, name="out of sight")
    client.force_login(vera)

    answer = look(client, filled[0], to=blind.pk)

    text = text_of(answer)
    assert "The destination cannot be read, so nothing can be compared." in text
    assert ("only-here-b-1" in text, "number-card" in answer.content.decode()) == (False, False)


def test_destination_that_the_inventory_does_not_have_is_named_as_not_known(client, vera, vaults):
    source, destination = vaults
    replication = a_replication(source=source, destination=destination, status="succeeded")
    type(replication).objects.update(
        destination=None, destination_vault_id="v-far", destination_project_id="p-far"
    )
    client.force_login(vera)

    text = text_of(look(client, source))

    assert "eu-nl: v-far in project p-far" in text
    assert "what is there, and what is missing there, is not known" in text


def test_destination_is_the_one_last_replicated_to_unless_another_is_asked_for(client, vera, vaults):
    source, destination = vaults
    other = a_replication_vault(name="replica-another")
    client.force_login(vera)
    undecided = look(client, source).context["destination"]
    a_replication(source=source, destination=destination, status="succeeded")

    assert undecided is None
    assert look(client, source).context["destination"] == destination
    assert look(client, source, to=other.pk).context["destination"] == other
    assert look(client, source, to="nonsense", region="\x00").context["targets"] == ()


def test_region_narrows_the_destinations(client, vera, vaults):
    source, destination = vaults
    far = a_replication_vault(project=a_project("eu-ch2_archive", cloud="swiss"), name="replica-far")
    a_replication_vault(project=a_project(), name="in our own region")
    client.force_login(vera)

    everything = look(client, source).context
    narrowed = look(client, source, region="eu-ch2").context

    assert [region.name for region in everything["regions"]] == ["eu-ch2", "eu-nl"]
    assert [target.vault for target in everything["targets"]] == [far, destination]
    assert narrowed["destination"] == far


@pytest.mark.parametrize(
    ("fields", "record", "note"),
    [
        ({"contain_system_disk": False}, None, "It cannot be replicated."),
        (
            {"replicated_to": ["eu-nl"]},
            None,
            "was replicated to this region, but not that it is in this vault",
        ),
        ({}, {"status": "running"}, "It is being replicated."),
        (
            {},
            {"status": "succeeded", "arrived_at": timedelta(minutes=1)},
            "has arrived since the destination was last read",
        ),
        (
            {},
            {"status": "succeeded", "arrived_at": timedelta(days=-1)},
            "is not there any more or not recognised",
        ),
        ({}, None, "It was not replicated there, as far as our history knows."),
    ],
)
def test_backup_without_a_replica_says_why_as_far_as_anybody_knows(
    client, vera, vaults, fields, record, note
):
    source, destination = vaults
    a_backup(vault=source, backup_id="b-1", **fields)
    if record:
        over = record["status"] == "succeeded"
        replication = a_replication(
            source=source, destination=destination, status="succeeded" if over else "running"
        )
        if over:
            record["arrived_at"] = timezone.now() + record["arrived_at"]
        a_record(replication=replication, backup_id="b-1", **record)
    client.force_login(vera)

    assert note in text_of(look(client, source, to=destination.pk))


def test_thousands_are_shown_page_by_page(client, vera, vaults):
    source, _destination = vaults
    Backup.objects.bulk_create(
        [
            Backup(vault=source, backup_id=f"b-{number}", name=f"n-{number}", status="available")
            for number in range(2001)
        ],
        batch_size=500,
    )
    client.force_login(vera)

    last = look(client, source, page="41")

    assert (last.context["page"].paginator.num_pages, len(last.context["rows"])) == (41, 1)
    assert 'rel="prev" href="?page=40"' in last.content.decode()


def test_replication_vault_leads_to_its_source_vaults(client, vera, vaults):
    source, destination = vaults
    a_replication(source=source, destination=destination, status="succeeded")
    client.force_login(vera)

    page = look(client, destination).content.decode()

    assert f"{reverse('vault-diff', args=[source.pk])}?to={destination.pk}" in page


def test_vault_pages_and_the_list_lead_here(client, vera, vaults):
    source, destination = vaults
    client.force_login(vera)

    for address in (
        reverse("vault-detail", args=[source.pk]),
        reverse("vault-detail", args=[destination.pk]),
        reverse("vault-list"),
    ):
        assert "/diff/" in client.get(address).content.decode()
