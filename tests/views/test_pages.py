"""What the pages show and refuse, without a browser."""

import re
import uuid

import pytest
from django.urls import reverse

from replication.models import AuditEntry, Replication
from tests.builders import a_backup, a_record, a_replication, a_replication_vault, a_vault


@pytest.fixture
def vaults(db):
    source, destination = a_vault(), a_replication_vault()
    a_backup(vault=source)
    return source, destination


def review_address(source, destination, key=None):
    key = key or uuid.uuid4()
    return (
        f"{reverse('replication-review')}?key={key}&vault={source.pk}&region=eu-nl"
        f"&project={destination.project.pk}&destination={destination.pk}"
    )


PAGES = ["overview", "vault-list", "replication-list"]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("who", ["vera", "oskar", "anna", "adam"])
def test_every_role_may_read(client, request, name, who, vaults):
    client.force_login(request.getfixturevalue(who))

    answer = client.get(reverse(name))

    assert (answer.status_code, b"<h1>" in answer.content) == (200, True)


@pytest.mark.parametrize("name", [*PAGES, "replication-new", "replication-review"])
def test_nobody_reads_without_signing_in(client, db, name):
    answer = client.get(reverse(name))

    assert (answer.status_code, answer["Location"]) == (302, f"/sign-in/?next={reverse(name)}")


@pytest.mark.parametrize("who", ["vera", "anna", "adam"])
@pytest.mark.parametrize("name", ["replication-new", "replication-review"])
def test_only_operators_see_the_form_and_others_are_told_whom_to_ask(client, request, who, name, vaults):
    client.force_login(request.getfixturevalue(who))

    answer = client.get(reverse(name))

    assert (answer.status_code, "Operator" in answer.content.decode()) == (403, True)


@pytest.mark.parametrize("who", ["vera", "anna", "adam"])
@pytest.mark.parametrize("name", ["withdraw", "rearm", "give-up", "adopt"])
def test_only_operators_decide(client, request, who, name, db):
    replication = a_replication(status="requested" if name == "withdraw" else "unconfirmed")
    client.force_login(request.getfixturevalue(who))

    answer = client.post(reverse(f"replication-{name}", args=[replication.pk]), {"reason": "Please"})

    before = replication.status
    replication.refresh_from_db()
    assert (answer.status_code, replication.status, AuditEntry.objects.count()) == (403, before, 0)


def test_confirming_makes_a_replication_and_leads_to_its_page(client, oskar, vaults):
    client.force_login(oskar)

    answer = client.post(review_address(*vaults), {"reason": "Exercise"})

    replication = Replication.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/replications/{replication.pk}/")
    assert (replication.reason, replication.actor) == ("Exercise", oskar)


def test_sending_the_same_form_again_leads_to_the_same_replication(client, oskar, vaults):
    client.force_login(oskar)
    address = review_address(*vaults)

    answers = [client.post(address, {"reason": "Exercise"}) for _click in range(2)]

    assert answers[0]["Location"] == answers[1]["Location"]
    assert Replication.objects.count() == 1


def test_second_operator_is_led_to_the_first_ones_replication(client, oskar, vaults):
    active = a_replication(source=vaults[0], destination=vaults[1], actor=oskar, status="running")
    client.force_login(oskar)

    answer = client.post(review_address(*vaults), {"reason": "Me too"}, follow=True)

    assert answer.redirect_chain == [(f"/replications/{active.pk}/", 303)]
    assert re.search(r"Already started by oskar at \d\d:\d\d", answer.content.decode())


def test_reason_is_required(client, oskar, vaults):
    client.force_login(oskar)

    answer = client.post(review_address(*vaults), {"reason": "  "})

    assert (answer.status_code, Replication.objects.count()) == (200, 0)
    assert "Say why, in at least three characters." in answer.content.decode()


def test_unfit_vault_is_listed_with_its_reason_and_refused_when_forced(client, oskar, vaults):
    locked = a_vault(name="vault-gitlab", status="lock")
    client.force_login(oskar)

    listed = client.get(reverse("replication-new")).content.decode()
    forced = client.post(review_address(locked, vaults[1]), {"reason": "Anyway"})

    assert re.search(r"<option[^>]* disabled>vault-gitlab \W Its status is “lock”", listed)
    assert (forced.status_code, Replication.objects.count()) == (200, 0)


def test_poll_of_an_unchanged_replication_is_empty(client, oskar, db):
    replication = a_replication(status="running")
    a_record(replication=replication)
    client.force_login(oskar)
    page = client.get(reverse("replication-detail", args=[replication.pk])).content.decode()
    poll = re.search(r'hx-get="([^"]+)"', page).group(1).replace("&amp;", "&")

    unchanged = client.get(poll)
    Replication.objects.filter(pk=replication.pk).update(version=2)
    changed = client.get(poll)

    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert (changed.status_code, b'id="progress"' in changed.content) == (200, True)


@pytest.mark.parametrize(("status", "polls"), [("running", True), ("requested", True), ("succeeded", False)])
def test_page_asks_again_only_while_something_can_change(client, oskar, status, polls, db):
    replication = a_replication(status=status)
    client.force_login(oskar)

    page = client.get(reverse("replication-detail", args=[replication.pk])).content.decode()

    assert ("hx-trigger" in page) == polls


def test_queries_do_not_grow_with_the_number_of_backups(client, oskar, django_assert_num_queries, db):
    counts = []
    for number in (1, 50):
        replication = a_replication(source=a_vault(name=f"vault-{number}"), status="running")
        for _record in range(number):
            a_record(replication=replication)
        client.force_login(oskar)
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get(reverse("replication-records", args=[replication.pk]))
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_names_from_the_cloud_are_shown_as_text(client, oskar, db):
    payload = "<script>alert(1)</script>"
    replication = a_replication(source=a_vault(name=payload), status="running")
    a_record(replication=replication, backup_name=payload, error_message=payload)
    client.force_login(oskar)

    page = client.get(reverse("replication-detail", args=[replication.pk])).content.decode()

    assert payload not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_every_page_has_the_strict_policy(client, oskar, vaults):
    client.force_login(oskar)

    policies = {client.get(reverse(name))["Content-Security-Policy"] for name in [*PAGES, "replication-new"]}

    [policy] = policies
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
