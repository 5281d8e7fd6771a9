"""The matrix, what is missing in a cell, and the targets: what people see, and where it leads them."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse
from django.utils import timezone

from replication.models import AuditEntry, CloudReading, Coverage, RecoveryTarget, WorkerBeat
from replication.services import restore_points
from tests.builders import (
    a_backup,
    a_project,
    a_protected_server,
    a_region,
    a_replication_vault,
    a_target,
    a_vault,
)
from tests.views.site import text_of

HOUR = timedelta(hours=1)


@pytest.fixture
def now(db):
    return timezone.now()


@pytest.fixture
def source(now):
    WorkerBeat.objects.create(worker_id="w", started_at=now, seen_at=now)
    a_region("eu-nl", replicates_to=("eu-de",))
    return a_vault()


@pytest.fixture
def destination(source, now):
    destination = a_replication_vault()
    CloudReading.objects.update(read_at=now)
    return destination


def protect(source, destination, name, hours_old):
    server = a_protected_server(vault=source, name=name)
    if hours_old is not None:
        made = timezone.now() - hours_old * HOUR
        fields = {"resource_id": server.resource_id, "resource_name": name, "name": f"of-{name}"}
        a_backup(vault=source, created_at=made, **fields)
        a_backup(vault=destination, created_at=made + HOUR, **fields)
    restore_points.renew()
    return server


def show(client, person, **asked):
    client.force_login(person)
    return client.get(reverse("coverage"), asked)


def servers_on(answer):
    return [row.server.name for row in answer.context["rows"]]


def test_cell_tells_verdict_age_arrival_and_target(client, vera, source, destination):
    protect(source, destination, "pg-orders-01", 30)
    a_target(vault=source, hours=24)
    restore_points.renew()

    page = text_of(show(client, vera))

    assert "1 server is behind its target in eu-nl, since" in page
    assert "Behind Restore point: 1 d 6 h old , arrived" in page
    assert "Target: 1 day, missed since" in page


def test_cell_that_is_met_is_called_so(client, vera, source, destination):
    protect(source, destination, "pg-orders-01", 3)
    a_target(vault=source, hours=24)
    restore_points.renew()

    answer = show(client, vera)

    assert answer.context["summary"].text == "The one protected server meets its target."
    assert "Met Restore point: 3 h 0 min old , arrived" in text_of(answer)


def test_unreadable_destination_makes_the_cell_and_the_sentence_doubtful(client, vera, source, destination):
    protect(source, destination, "pg-orders-01", 3)
    a_target(vault=source, hours=24)
    restore_points.renew()
    CloudReading.objects.filter(cloud="sandbox-recovery").update(error="no route")

    answer = show(client, vera)

    page = text_of(answer)
    assert answer.context["summary"].tone == "warning"
    assert "Not known Last known: 3 h 0 min old" in page
    assert "status-done" not in answer.content.decode()


def test_filter_search_and_project_stand_in_the_address(client, vera, source, destination):
    protect(source, destination, "web-01", 30)
    protect(source, destination, "web-02", 3)
    other = a_vault(name="other", project=a_project("eu-de_internal", cloud="internal"))
    CloudReading.objects.update(read_at=timezone.now())
    protect(other, destination, "mail-01", 50)
    for project in (source.project, other.project):
        a_target(project=project)
    restore_points.renew()

    found = {
        "all": servers_on(show(client, vera)),
        "behind": servers_on(show(client, vera, show="behind")),
        "web": servers_on(show(client, vera, q="WEB")),
        "project": servers_on(show(client, vera, project=other.project.project_id)),
        "nothing": servers_on(show(client, vera, q="nothing", show="behind")),
    }

    assert found == {
        "all": ["mail-01", "web-01", "web-02"],
        "behind": ["mail-01", "web-01"],
        "web": ["web-01", "web-02"],
        "project": ["mail-01"],
        "nothing": [],
    }
    assert "Nothing fits this filter" in text_of(show(client, vera, q="nothing"))


def test_rows_are_vaults_if_asked_for(client, vera, source, destination):
    protect(source, destination, "web-01", 30)
    protect(source, destination, "web-02", 3)
    a_target(vault=source)
    restore_points.renew()

    page = text_of(show(client, vera, by="vaults"))

    assert "1 vault Restore points by region" in page
    assert "Behind 1 of 2 servers meet it Restore point: 1 d 6 h old" in page


def test_cell_leads_an_operator_to_the_form_filled_in_and_a_viewer_only_to_what_is_missing(
    client, vera, oskar, source, destination
):
    protect(source, destination, "web-01", 30)

    [place] = [place for _name, place in show(client, vera).context["rows"][0].places]
    for_vera, for_oskar = (show(client, one).content.decode() for one in (vera, oskar))

    assert parse_qs(urlsplit(place.replicate).query) == {
        "vault": [str(source.pk)],
        "region": ["eu-nl"],
        "project": [str(destination.project.pk)],
        "destination": [str(destination.pk)],
    }
    href = place.replicate.replace("&", "&amp;")
    assert (href in for_vera, href in for_oskar) == (False, True)
    chosen = client.get(place.replicate).context["form"].choices
    assert (chosen.source, chosen.destinations.chosen) == (source, destination)


def test_missing_backups_of_a_cell_are_listed(client, vera, source, destination):
    server = protect(source, destination, "web-01", 30)
    a_backup(
        vault=source,
        resource_id=server.resource_id,
        name="not-yet-there",
        created_at=timezone.now(),
        contain_system_disk=False,
    )
    [place] = [place for _name, place in show(client, vera).context["rows"][0].places]

    page = text_of(client.get(place.missing))

    assert "Backups of web-01 missing in eu-nl" in page
    assert "1 missing backup" in page
    assert "not-yet-there" in page
    assert "without the system disk, so it cannot be replicated" in page
    assert "of-web-01" not in page


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"region": "eu-nl"},
        {"region": "nowhere", "server": "1"},
        {"region": "eu-nl\x00", "vault": "1"},
        {"region": "eu-nl", "server": "no-uuid"},
        {"region": "eu-nl", "vault": "8d4b3b1e-7a51-4d52-9a3f-0a2f7cf6a111"},
    ],
)
def test_what_is_missing_of_nothing_is_not_found(client, vera, source, destination, asked):
    client.force_login(vera)

    assert client.get(reverse("coverage-missing"), asked).status_code == 404


def test_each_kind_of_emptiness_has_its_own_words(client, vera, now):
    none = text_of(show(client, vera))
    CloudReading.objects.create(cloud="production", refresh_after=now)
    pending = text_of(show(client, vera))
    CloudReading.objects.update(error="no route")
    failed = text_of(show(client, vera))
    CloudReading.objects.update(error="", read_at=now)
    empty = text_of(show(client, vera))

    assert "No cloud account is connected yet" in none
    assert "The servers appear here once that is done" in pending
    assert "Whether anything is protected is not known." in failed
    assert "The accounts were read to the end, and no source vault lists a server" in empty


def scope_of(vault):
    return f"vault:{vault.pk}"


def test_operator_sets_changes_and_removes_a_target_and_the_audit_tells_all_of_it(
    client, oskar, source, destination
):
    protect(source, destination, "web-01", 30)
    client.force_login(oskar)
    address = reverse("target-list")

    client.post(address, {"scope": scope_of(source), "amount": "2", "unit": "days"})
    first = RecoveryTarget.objects.get().hours, Coverage.objects.get().target_hours
    changed = client.post(
        address, {"scope": scope_of(source), "amount": "36", "unit": "hours", "was": "48"}, follow=True
    )
    second = RecoveryTarget.objects.get().hours, Coverage.objects.get().target_hours
    client.post(reverse("target-remove", args=[RecoveryTarget.objects.get().pk]), {"hours": "36"})

    assert (first, second) == ((48, 48), (36, 36))
    assert "The target is set." in text_of(changed)
    assert (RecoveryTarget.objects.count(), Coverage.objects.get().target_hours) == (0, None)
    scope = "eu-de / eu-de_production / vault-orders-db"
    assert list(AuditEntry.objects.order_by("id").values_list("action", "actor_name", "details")) == [
        ("target.set", "oskar", {"scope": scope, "hours": 48}),
        ("target.set", "oskar", {"scope": scope, "hours": 36, "before": 48}),
        ("target.removed", "oskar", {"scope": scope, "before": 36}),
    ]


def test_nobody_overwrites_a_target_that_they_have_not_seen(client, adam, source):
    target = a_target(vault=source, hours=24)
    client.force_login(adam)

    again = client.post(reverse("target-list"), {"scope": scope_of(source), "amount": "72", "unit": "hours"})
    client.post(reverse("target-remove", args=[target.pk]), {"hours": "72"})
    untouched = RecoveryTarget.objects.get().hours
    was = again.context["form"]["was"].value()
    client.post(
        reverse("target-list"), {"scope": scope_of(source), "amount": "72", "unit": "hours", "was": was}
    )

    assert "There is a target for this already: 24 hours." in text_of(again)
    assert (untouched, was, RecoveryTarget.objects.get().hours) == (24, 24, 72)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"amount": "1", "unit": "hours"}, "Choose what the target is for."),
        (
            {"scope": "vault:none", "amount": "1", "unit": "hours"},
            "This is not, or no longer, in the inventory.",
        ),
        ({"scope": "project", "unit": "hours"}, "Say how many hours or days."),
        ({"scope": "project", "amount": "9999", "unit": "days"}, "A target is ten years at most."),
    ],
)
def test_target_that_makes_no_sense_is_refused_beside_its_field(client, oskar, source, sent, said):
    client.force_login(oskar)
    if sent.get("scope") == "project":
        sent = {**sent, "scope": f"project:{source.project.pk}"}

    answer = client.post(reverse("target-list"), sent)

    assert said in text_of(answer)
    assert RecoveryTarget.objects.count() == 0


def test_known_tags_can_be_chosen_with_and_without_their_value(client, oskar, source):
    source.tags = {"tier": "front"}
    source.save()
    client.force_login(oskar)

    client.post(reverse("target-list"), {"scope": "tag:tier=front", "amount": "8", "unit": "hours"})
    client.post(reverse("target-list"), {"scope": "tag:tier", "amount": "2", "unit": "days"})

    page = text_of(client.get(reverse("target-list")))
    assert list(RecoveryTarget.objects.order_by("hours").values_list("tag_key", "tag_value", "hours")) == [
        ("tier", "front", 8),
        ("tier", "", 48),
    ]
    assert "2 targets" in page


@pytest.mark.parametrize("person", ["vera", "anna"])
def test_who_may_not_set_targets_reads_them_and_gets_no_form(client, request, source, person):
    a_target(vault=source, hours=36)
    client.force_login(request.getfixturevalue(person))

    answer = client.get(reverse("target-list"))

    assert "eu-de / eu-de_production / vault-orders-db Vault 36 hours" in text_of(answer)
    assert 'action="/coverage/targets/"' not in answer.content.decode()
