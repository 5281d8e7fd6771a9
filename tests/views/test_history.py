"""The list of replications: filter, search, pages, and the front page that keeps itself up to date."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from replication.models import AuditAction, Replication
from replication.services import audit
from replication.views import tables
from tests.builders import NOW, a_record, a_replication, a_replication_vault, a_user, a_vault
from tests.views.site import text_of

LIST = reverse("replication-list")


@pytest.fixture
def past(vera):
    """Three replications, the newest last: what was asked for by whom, when and with what outcome."""
    nina = a_user("nina", "operator")
    orders, mail = a_vault(name="vault-orders-db"), a_vault(name="vault-mail")
    recovery = a_replication_vault(name="replica-production")
    return {
        "failed": a_replication(
            source=orders,
            destination=recovery,
            status="failed",
            reason="Nightly",
            requested_at=datetime(2026, 11, 22, 22, 30, tzinfo=UTC),
        ),
        "succeeded": a_replication(
            source=mail,
            destination=recovery,
            status="succeeded",
            actor=nina,
            reason="Ticket 4711",
            cloud_request_id="request-of-the-cloud",
            requested_at=datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
        ),
        "running": a_replication(
            source=orders,
            destination=a_replication_vault(name="replica-archive"),
            status="running",
            reason="Exercise",
            requested_at=datetime(2026, 11, 24, 12, 0, tzinfo=UTC),
        ),
    }


def found(answer, past):
    names = {replication: name for name, replication in past.items()}
    return [names[row.replication] for row in answer.context["sheet"].rows]


def test_newest_comes_first(client, vera, past):
    client.force_login(vera)

    answer = client.get(LIST)

    assert found(answer, past) == ["running", "succeeded", "failed"]
    assert "3 replications" in text_of(answer)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=succeeded", ["succeeded"]),
        ("status=active", ["running"]),
        ("status=attention", ["failed"]),
        ("status=queued", []),
        ("vault={orders}", ["running", "failed"]),
        ("region=eu-nl", ["running", "succeeded", "failed"]),
        ("region=eu-de", ["running", "succeeded", "failed"]),
        ("person=nina", ["succeeded"]),
        # Midnight is the reader's: 22:30 UTC on the 22nd is half past eleven in Berlin.
        ("since=2026-11-23", ["running", "succeeded"]),
        ("until=2026-11-22", ["failed"]),
        ("since=2026-11-23&until=2026-11-23", ["succeeded"]),
        ("q=ticket", ["succeeded"]),
        ("q=ORDERS", ["running", "failed"]),
        ("q=replica-archive", ["running"]),
        ("q=no+such+words", []),
        ("q=orders&status=failed", ["failed"]),
    ],
)
def test_filter_and_search_narrow_the_list(client, vera, past, query, expected):
    client.force_login(vera)

    answer = client.get(f"{LIST}?{query.format(orders=past['failed'].source_vault_id)}")

    assert found(answer, past) == expected
    assert '<a class="btn btn-quiet" href="/replications/">' in answer.content.decode()


def test_search_knows_every_id_that_belongs_to_a_replication(client, vera, past):
    wanted = past["succeeded"]
    record = a_record(replication=wanted)
    request_id = uuid.uuid4()
    audit.record(AuditAction.REQUESTED, now=NOW, replication=wanted, request_id=request_id.hex)
    client.force_login(vera)
    ids = [
        wanted.pk,
        wanted.pk.hex,
        str(wanted.pk).upper(),
        wanted.reference,
        wanted.vault_id,
        record.backup_id,
        record.replication_record_id,
        request_id,
        request_id.hex,
        "request-of-the-cloud",
    ]

    answers = {str(one): found(client.get(LIST, {"q": str(one)}), past) for one in ids}

    assert answers == {str(one): ["succeeded"] for one in ids}


@pytest.mark.parametrize("unknown", [uuid.UUID(int=7), "00000007", "no-such-id-anywhere"])
def test_unknown_id_finds_nothing(client, vera, past, unknown):
    client.force_login(vera)

    answer = client.get(LIST, {"q": str(unknown)})

    assert found(answer, past) == []
    assert "No replication fits this filter. Show all" in text_of(answer)


def test_list_without_any_replication_offers_one_to_operators_only(client, vera, oskar):
    client.force_login(vera)
    seen = text_of(client.get(LIST))
    client.force_login(oskar)
    offered = text_of(client.get(LIST))

    assert ("Nothing has been replicated yet." in seen, "Replicate a vault" in seen) == (True, False)
    assert "Nothing has been replicated yet. Replicate a vault" in offered


@pytest.mark.parametrize(
    "query",
    [
        "status=bogus",
        "vault=12",
        "vault=%00",
        "vault=00000000-0000-0000-0000-000000000000",
        "region=nowhere",
        "region=%00",
        "person=nobody",
        "person=%00",
        "since=yesterday",
        "since=0001-01-01",
        "until=9999-12-31",
        "since=2026-02-30",
        "size=7",
        "size=-1",
        "size=x",
        "before=x",
        "before=00000000-0000-0000-0000-000000000000",
        "after=%00",
        "after=00000000-0000-0000-0000-000000000000&before=x",
        "q=%00",
        "q=" + "x" * 300,
        "q=%F0%9F",
        "page=4&unknown=1&status[]=x",
    ],
)
@pytest.mark.parametrize("address", [LIST, reverse("replication-rows")])
def test_nonsense_in_the_address_is_left_out(client, vera, past, address, query):
    client.force_login(vera)

    answer = client.get(f"{address}?{query}")

    assert answer.status_code == 200
    assert len(found(answer, past)) in {0, 3}


def test_filter_that_is_not_understood_says_so_and_can_be_cleared(client, vera, past):
    client.force_login(vera)

    page = text_of(client.get(f"{LIST}?status=bogus&since=0001-01-01"))

    assert page.count("Not understood, so it is left out.") == 2
    assert "Clear" in page


def links(answer):
    page = answer.content.decode().replace("&amp;", "&")
    return {name: LIST + query for name, query in re.findall(r'<a rel="(prev|next)" href="(\?[^"]+)"', page)}


def test_pages_go_on_from_where_the_last_one_ended_and_keep_the_filter(client, vera):
    vault = a_vault()
    for minute in range(60):
        a_replication(source=vault, status="succeeded", requested_at=NOW + timedelta(minutes=minute // 2))
    client.force_login(vera)
    seen, address = [], f"{LIST}?status=succeeded&size=25"
    answers = []
    while address:
        answers.append(client.get(address))
        seen += [row.replication.pk for row in answers[-1].context["sheet"].rows]
        address = links(answers[-1]).get("next")

    back = client.get(links(client.get(links(answers[-1])["prev"]))["prev"])

    assert [len(answer.context["sheet"].rows) for answer in answers] == [25, 25, 10]
    assert seen == list(Replication.objects.newest_first().values_list("pk", flat=True))
    assert all(answer.context["form"].cleaned_data["status"] == "succeeded" for answer in answers)
    assert [row.replication.pk for row in back.context["sheet"].rows] == seen[:25]
    assert ("First page" in text_of(answers[0]), "Last page" in text_of(answers[-1])) == (True, True)


def test_whole_number_is_not_counted_beyond_what_helps(client, vera, monkeypatch):
    monkeypatch.setattr(tables, "COUNTED", 26)
    vault = a_vault()
    for _number in range(26):
        a_replication(source=vault, status="succeeded")
    client.force_login(vera)
    counted = text_of(client.get(LIST))
    a_replication(source=vault, status="succeeded")
    more = text_of(client.get(LIST))

    assert "26 replications" in counted
    assert "More than 26 replications" in more


def polls(answer):
    return [found.replace("&amp;", "&") for found in re.findall(r'hx-get="([^"]+)"', answer.content.decode())]


def test_only_the_unfiltered_front_page_with_something_unfinished_asks_again(client, vera, past):
    client.force_login(vera)

    assert {
        query: len(polls(client.get(LIST + query))) for query in ("", "?status=running", "?q=orders")
    } == {
        "": 1,
        "?status=running": 0,
        "?q=orders": 0,
    }
    Replication.objects.filter(status="running").update(status="failed", finished_at=NOW, check_after=None)
    assert polls(client.get(LIST)) == []


def test_poll_of_the_front_page_is_empty_until_something_changed(client, vera, past):
    Replication.objects.update(changed_at=timezone.now())
    client.force_login(vera)
    [poll] = polls(client.get(f"{LIST}?size=50"))

    unchanged = client.get(poll)
    Replication.objects.filter(pk=past["running"].pk).update(version=2)
    changed = client.get(poll)

    assert poll.startswith("/replications/rows/?size=50&version=")
    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert (changed.status_code, found(changed, past)) == (200, ["running", "succeeded", "failed"])
    assert "<html" not in changed.content.decode()


def test_new_replication_reaches_the_poll_of_the_front_page(client, vera, past):
    client.force_login(vera)
    [poll] = polls(client.get(LIST))
    new = a_replication(source=a_vault(name="new"), requested_at=NOW + timedelta(days=1))

    answer = client.get(poll)

    assert answer.context["sheet"].rows[0].replication == new


def test_names_and_reasons_are_shown_as_text(client, vera):
    payload = "\"><script>alert('1')</script>"
    a_replication(source=a_vault(name=payload), destination=a_replication_vault(name=payload), reason=payload)
    client.force_login(vera)

    page = client.get(LIST, {"q": payload}).content.decode()

    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") >= 4
