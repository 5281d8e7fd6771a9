"""The first page: what it says of how things stand, and how it keeps itself up to date."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

import dashboard
from replication.models import CloudReading, Replication, WorkerBeat
from replication.services.statistics import InventoryHealth, Overview, WorkerHealth
from replication.views.overview import Summary, summarise
from tests.builders import a_project, a_record, a_replication, a_replication_vault, a_vault
from tests.views.site import text_of

ALIVE = WorkerHealth(seen_at=timezone.now(), is_alive=True)


def counts(**some):
    return Overview(
        **{"running": 0, "queued": 0, "unconfirmed": 0, "attention": 0, "arrived_today": 0, **some}
    )


def inventory(*readings, failed=()):
    return InventoryHealth(readings=readings, oldest_read_at=None, failed=failed, is_stale=False)


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
            Summary("Nothing is under way, and nothing needs attention.", "success", "check-circle"),
        ),
    ],
)
def test_worst_decides_what_the_one_sentence_says(some, health, worker, expected):
    assert summarise(counts(**some), health, worker) == expected


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
