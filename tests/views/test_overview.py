"""The first page: what it says of how things stand, and how it keeps itself up to date."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

import dashboard
from replication.models import CloudReading, Replication, WorkerBeat
from replication.services import restore_points
from replication.services.coverage import RegionStanding, Standing
from replication.services.statistics import InventoryHealth, Overview, WorkerHealth
from replication.views.overview import summarise
from replication.views.standing import Summary
from tests.builders import (
    a_backup,
    a_project,
    a_protected_server,
    a_record,
    a_replication,
    a_replication_vault,
    a_target,
    a_vault,
)
from tests.views.site import text_of

ALIVE = WorkerHealth(seen_at=timezone.now(), is_alive=True)


def counts(**some):
    return Overview(
        **{"running": 0, "queued": 0, "unconfirmed": 0, "attention": 0, "arrived_today": 0, **some}
    )


def inventory(*readings, failed=(), is_stale=False):
    return InventoryHealth(readings=readings, oldest_read_at=None, failed=failed, is_stale=is_stale)


def standing(servers=4, targeted=4, unknown=0, **regions):
    """How servers stand: four that meet their targets, or what is said of regions by name."""
    found = tuple(
        RegionStanding(
            **{
                "region": name.replace("_", "-"),
                **dict.fromkeys(("never", "behind", "unknown", "untargeted", "met"), 0),
                "since": None,
                **some,
            }
        )
        for name, some in regions.items()
    )
    broken = sum(one.broken for one in found)
    return Standing(servers=servers, targeted=targeted, broken=broken, unknown=unknown, regions=found)


READ = CloudReading(cloud="production", read_at=timezone.now())
PENDING = CloudReading(cloud="production", read_at=None, error="")
BROKEN = CloudReading(cloud="production", read_at=None, error="no route")


@pytest.mark.parametrize(
    ("some", "health", "worker", "expected"),
    [
        (
            {"unconfirmed": 1},
            inventory(READ),
            WorkerHealth(seen_at=None, is_alive=False),
            Summary("No worker is running, so nothing is sent and nothing is followed.", "error", "x-circle"),
        ),
        (
            {"unconfirmed": 2, "attention": 3},
            inventory(READ),
            ALIVE,
            Summary(
                "2 replications are unclear: they may or may not have been started.",
                "warning",
                "question-mark-circle",
            ),
        ),
        (
            {"attention": 1, "running": 4},
            inventory(READ),
            ALIVE,
            Summary(
                "1 replication of the last seven days needs attention.", "warning", "exclamation-triangle"
            ),
        ),
        (
            {"running": 1},
            inventory(PENDING),
            ALIVE,
            Summary("The cloud is being read for the first time.", "info", "arrow-path"),
        ),
        (
            {},
            inventory(),
            ALIVE,
            Summary("The cloud is being read for the first time.", "info", "arrow-path"),
        ),
        (
            {"running": 1},
            inventory(BROKEN, failed=(BROKEN,)),
            ALIVE,
            Summary("Part of the cloud cannot be read at the moment.", "warning", "exclamation-triangle"),
        ),
        (
            {"running": 1, "queued": 1},
            inventory(READ),
            ALIVE,
            Summary("2 replications are under way, and nothing needs attention.", "info", "arrow-path"),
        ),
        (
            {},
            inventory(READ),
            ALIVE,
            Summary(
                "Nothing is under way, nothing needs attention, and every server meets its target.",
                "success",
                "check-circle",
            ),
        ),
    ],
)
def test_worst_decides_what_the_one_sentence_says(some, health, worker, expected):
    assert summarise(counts(**some), health, worker, standing()) == expected


SINCE = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stand", "health", "expected"),
    [
        (
            standing(eu_nl={"behind": 3, "since": SINCE}),
            inventory(READ),
            Summary(
                "3 servers are behind their target in eu-nl, the longest since 2026-11-20 14:00 CET.",
                "error",
                "x-circle",
            ),
        ),
        (
            standing(eu_nl={"behind": 1, "since": SINCE}),
            inventory(READ, BROKEN, failed=(BROKEN,)),
            Summary(
                "1 server is behind its target in eu-nl, since 2026-11-20 14:00 CET.", "error", "x-circle"
            ),
        ),
        (
            standing(eu_nl={"behind": 1, "never": 1, "since": SINCE}, eu_de={"never": 1}),
            inventory(READ),
            Summary(
                "3 servers are behind their target in eu-nl, eu-de, the longest since 2026-11-20 14:00 CET; "
                "some have never arrived.",
                "error",
                "x-circle",
            ),
        ),
        (
            standing(eu_nl={"never": 2}),
            inventory(READ),
            Summary(
                "2 servers miss their target: nothing of them has ever arrived in eu-nl.", "error", "x-circle"
            ),
        ),
        (
            standing(),
            inventory(READ, is_stale=True),
            Summary(
                "What is known of the cloud is too old to say how things stand.",
                "warning",
                "exclamation-triangle",
            ),
        ),
        (
            standing(servers=0, targeted=0),
            inventory(READ),
            Summary(
                "No protected server is known: no source vault lists one or holds a backup of one.",
                "warning",
                "exclamation-triangle",
            ),
        ),
        (
            standing(targeted=0),
            inventory(READ),
            Summary(
                "No targets are set, so nobody can say whether restore points are new enough.", "info", "flag"
            ),
        ),
        (
            standing(unknown=2),
            inventory(READ),
            Summary(
                "Of 2 servers it is not known whether they meet their targets.",
                "warning",
                "question-mark-circle",
            ),
        ),
        (
            standing(servers=6),
            inventory(READ),
            Summary("Every server with a target meets it; 2 servers have no target.", "info", "flag"),
        ),
    ],
)
def test_nothing_is_called_well_that_misses_its_target_or_that_nobody_sees(stand, health, expected):
    with timezone.override("Europe/Berlin"):
        assert summarise(counts(), health, ALIVE, stand) == expected


def test_server_behind_its_target_is_worse_than_a_replication_that_failed():
    summary = summarise(
        counts(unconfirmed=1, attention=2),
        inventory(READ),
        ALIVE,
        standing(eu_nl={"behind": 1, "since": SINCE}),
    )

    assert summary.text.startswith("1 server is behind its target")


def test_strip_shows_what_arrived_and_what_failed_day_by_day_and_says_the_same_in_a_table(
    client, vera, a_worker
):
    now = timezone.now()
    done = make("succeeded", "done")
    a_record(replication=done, status="succeeded", arrived_at=now)
    a_record(replication=done, status="failed", finished_at=now - timedelta(days=3))
    foreign = make("succeeded", "foreign")
    Replication.objects.filter(pk=foreign.pk).update(origin="foreign", actor=None)
    a_record(replication=foreign, status="succeeded", arrived_at=now - timedelta(days=3))
    make("rejected", "refused", finished_at=now - timedelta(days=5))
    client.force_login(vera)

    answer = client.get(reverse("overview"))

    today = timezone.localdate(now)
    told = {
        (today - day.date).days: (day.kind, day.arrived, day.elsewhere, day.failed, day.refused)
        for day in answer.context["days"]
        if day.is_known
    }
    assert told == {
        0: ("arrived", 1, 0, 0, 0),
        3: ("mixed", 1, 1, 1, 0),
        5: ("failed", 0, 0, 0, 1),
    }
    assert len(answer.context["days"]) == 30
    page = text_of(answer)
    assert f"{today.isoformat()} 1 0 0 0" in page
    assert f"{(today - timedelta(days=1)).isoformat()} not recorded yet" in page


def test_latest_arrivals_name_server_place_and_times_and_mark_what_was_started_elsewhere(
    client, vera, a_worker
):
    foreign = make("succeeded", "foreign")
    Replication.objects.filter(pk=foreign.pk).update(origin="foreign", actor=None)
    ours = make("succeeded", "ours")
    for replication, hours in ((foreign, 1), (ours, 2)):
        backup = a_backup(vault=replication.source_vault)
        a_record(
            replication=replication,
            source_backup=backup,
            status="succeeded",
            arrived_at=timezone.now() - timedelta(hours=hours),
        )
    client.force_login(vera)

    answer = client.get(reverse("overview"))

    assert [record.replication for record in answer.context["arrivals"]] == [foreign, ours]
    page = text_of(answer)
    assert "Latest arrivals 2 backups in 24 hours" in page
    assert "autobk_20261123 · started elsewhere eu-nl eu-nl_recovery / for-foreign" in page
    assert "autobk_20261123 eu-nl eu-nl_recovery / for-ours" in page


@pytest.mark.parametrize(
    ("target", "hours_old", "card"),
    [
        (None, 3, "\N{EN DASH} Servers behind target (no target is set)"),
        (24, 3, "0 Servers behind target"),
        (24, 30, "1 Servers behind target"),
    ],
)
def test_number_of_servers_behind_is_no_zero_without_a_target(
    client, vera, a_worker, target, hours_old, card
):
    source, destination = a_vault(), a_replication_vault()
    made = timezone.now() - timedelta(hours=hours_old)
    server = a_protected_server(vault=source, resource_id="one")
    for vault in (source, destination):
        a_backup(vault=vault, resource_id=server.resource_id, created_at=made)
    if target:
        a_target(vault=source, hours=target)
    restore_points.renew()
    CloudReading.objects.update(read_at=timezone.now())
    client.force_login(vera)

    assert card in text_of(client.get(reverse("overview")))


@pytest.fixture
def a_worker(db):
    return WorkerBeat.objects.create(worker_id="w", started_at=timezone.now(), seen_at=timezone.now())


def make(status, name, **fields):
    now = timezone.now()
    return a_replication(
        source=a_vault(name=name),
        status=status,
        destination=fields.pop("destination", None) or a_replication_vault(name=f"for-{name}"),
        requested_at=fields.pop("requested_at", now),
        changed_at=now,
        **fields,
    )


def test_replications_stand_under_what_they_need(client, vera, a_worker):
    week_old = timezone.now() - timedelta(days=8)
    old_failure = make("failed", "old-failure", requested_at=week_old)
    old_unclear = make("unconfirmed", "old-unclear", requested_at=week_old)
    new = {
        status: make(status, status)
        for status in ("partial", "running", "requested", "succeeded", "cancelled")
    }
    client.force_login(vera)

    context = client.get(reverse("overview")).context

    def listed(name):
        return {row.replication for row in context[name]}

    assert listed("attention") == {new["partial"], old_unclear}
    assert listed("under_way") == {new["running"], new["requested"]}
    assert listed("ended") == {new["succeeded"], new["cancelled"], old_failure}


def test_row_tells_route_person_reason_and_backups(client, vera, a_worker):
    replication = make("running", "vault-orders-db")
    for status in ("succeeded", "running", "waiting"):
        a_record(replication=replication, status=status)
    client.force_login(vera)

    page = text_of(client.get(reverse("overview")))

    assert "vault-orders-db → eu-nl eu-de / eu-de_production → eu-nl_recovery / for-vault-orders-db" in page
    assert f"Quarterly recovery exercise oskar · {replication.reference}… 1 of 3" in page


def test_longer_list_of_what_needs_attention_leads_to_the_rest(client, vera, a_worker):
    for number in range(12):
        make("failed", f"vault-{number}")
    client.force_login(vera)

    answer = client.get(reverse("overview"))

    assert len(answer.context["attention"]) == 10
    assert (
        '<a href="/replications/?status=attention">All 12 and the older ones</a>' in answer.content.decode()
    )


def test_first_visit_shows_the_steps_that_remain(client, vera, oskar, a_worker):
    client.force_login(vera)
    nothing = text_of(client.get(reverse("overview")))
    reading = CloudReading.objects.create(cloud="production", refresh_after=timezone.now())
    pending = text_of(client.get(reverse("overview")))
    reading.read_at = timezone.now()
    reading.save()
    empty = text_of(client.get(reverse("overview")))
    a_vault()
    client.force_login(oskar)
    full = text_of(client.get(reverse("overview")))

    assert "No cloud account is connected yet" in nothing
    assert (
        "1 cloud account is connected. The first reading of regions, projects, vaults and backups is under"
        in pending
    )
    assert "The accounts were read; there are no vaults in them. An operator replicates a vault" in empty
    assert "The vaults have been read. Replicate a vault to another region." in full


def test_what_is_wrong_with_our_sight_of_the_cloud_is_said(client, vera, db):
    a_project()
    CloudReading.objects.update(error="the gateway answered 503", read_at=timezone.now() - timedelta(hours=2))
    WorkerBeat.objects.create(
        worker_id="w", started_at=timezone.now(), seen_at=timezone.now() - timedelta(minutes=5)
    )
    client.force_login(vera)

    page = text_of(client.get(reverse("overview")))

    assert "No worker is running. Its last sign of life: 5 minutes ago ." in page
    assert (
        "The account “sandbox-production” cannot be read. What you see of it was read: 2 hours ago ." in page
    )
    assert "the gateway answered 503" in page


def test_old_picture_of_the_cloud_is_called_old(client, vera, a_worker):
    a_project()
    CloudReading.objects.update(read_at=timezone.now() - timedelta(hours=2))
    client.force_login(vera)

    page = text_of(client.get(reverse("overview")))

    assert "What you see of the cloud is old. It was last read: 2 hours ago ." in page


def test_only_those_who_may_read_the_cloud_anew_get_the_button(client, request, a_worker):
    a_project()
    people = ["vera", "oskar", "anna", "adam"]
    offered = set()
    for person in people:
        client.force_login(request.getfixturevalue(person))
        if "Read again" in text_of(client.get(reverse("overview"))):
            offered.add(person)

    assert offered == {"oskar", "adam"}


def poll_of(page):
    found = re.findall(r'hx-get="([^"]+)"', page)
    return [address.replace("&amp;", "&") for address in found]


def test_poll_is_empty_until_something_looks_different(client, vera, a_worker):
    replication = make("running", "vault-orders-db")
    client.force_login(vera)
    [poll] = poll_of(client.get(reverse("overview")).content.decode())

    unchanged = client.get(poll)
    Replication.objects.filter(pk=replication.pk).update(version=2)
    changed = client.get(poll)
    [next_poll] = poll_of(changed.content.decode())
    after = client.get(next_poll)

    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert (changed.status_code, b'id="activity"' in changed.content) == (200, True)
    assert after.status_code == 204


def test_news_from_elsewhere_reaches_the_poll(client, vera, a_worker):
    make("running", "vault-orders-db")
    reading = CloudReading.objects.first()
    client.force_login(vera)

    def version_after(change):
        change()
        [poll] = poll_of(client.get(reverse("overview")).content.decode())
        return poll

    def fail():
        CloudReading.objects.filter(pk=reading.pk).update(error="no route")

    def silence():
        WorkerBeat.objects.update(seen_at=timezone.now() - timedelta(hours=1))

    polls = [
        version_after(change)
        for change in (lambda: None, lambda: make("succeeded", "another"), fail, silence)
    ]

    assert len(set(polls)) == len(polls)


def test_page_stops_asking_once_nothing_can_change(client, vera, a_worker):
    replication = make("running", "vault-orders-db")
    client.force_login(vera)
    [poll] = poll_of(client.get(reverse("overview")).content.decode())
    Replication.objects.filter(pk=replication.pk).update(
        status="succeeded", finished_at=timezone.now(), check_after=None, version=2
    )

    last = client.get(poll)

    assert last.status_code == 200
    assert poll_of(last.content.decode()) == []


def test_footer_names_the_version_of_the_site(client, vera, a_worker):
    make("running", "vault-orders-db")
    client.force_login(vera)

    page = client.get(reverse("overview")).content.decode()

    assert f'<p class="version">Version {dashboard.__version__}</p>' in page
