"""Saved views: kept under a name, shared, begun with; changed by who may, and written down."""

import re

import pytest
from django.urls import reverse

from replication.models import AuditEntry, SavedView, TablePreference
from replication.services import saved_views
from tests.builders import a_replication, a_saved_view
from tests.views.site import text_of

LIST = reverse("replication-list")
VIEWS = reverse("saved-view-list", args=["replications"])


def links_of(answer):
    nav = answer.content.decode().partition('<nav class="views"')[2].partition("</nav>")[0]
    return [
        (" ".join(re.sub("<[^>]+>", " ", text).split()), href.replace("&amp;", "&"), "aria-current" in more)
        for href, more, text in re.findall(r'<a [^>]*?href="([^"]*)"([^>]*)>(.*?)</a>', nav)
    ]


def test_filter_is_kept_under_a_name_and_stands_above_the_list(client, vera):
    client.force_login(vera)
    a_replication(status="failed")
    offered = client.get(f"{VIEWS}?status=failed&sort=status&size=50&before=x")

    answer = client.post(f"{VIEWS}?status=failed&sort=status&size=50&before=x", {"name": "Trouble"})

    view = SavedView.objects.get()
    assert "status=failed&sort=status&size=50" in text_of(offered).replace("&amp;", "&")
    assert (answer.status_code, answer["Location"]) == (303, f"{LIST}?{view.query}")
    assert (view.owner, view.table, view.name, view.query, view.is_shared) == (
        vera,
        "replications",
        "Trouble",
        "status=failed&sort=status&size=50",
        False,
    )
    assert links_of(client.get(answer["Location"])) == [
        ("All", LIST, False),
        ("Trouble", f"?{view.query}", True),
        ("Save this view", f"{VIEWS}?{view.query}", False),
    ]


def test_saving_is_written_down(client, vera):
    client.force_login(vera)

    answer = client.post(f"{VIEWS}?status=failed", {"name": "Trouble", "is_shared": "on"})

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.request_id, entry.details) == (
        "view.saved",
        vera,
        answer["X-Request-Id"],
        {"list": "replications", "name": "Trouble", "filter": "status=failed", "shared": True},
    )


def test_private_view_is_seen_by_its_owner_only_and_a_shared_one_by_everybody(client, vera, oskar):
    a_saved_view(owner=vera, name="Mine")
    a_saved_view(owner=vera, name="Ours", is_shared=True)
    client.force_login(oskar)

    names = [name for name, _address, _current in links_of(client.get(LIST))]

    assert names == ["All", "Ours vera", "Views"]
    assert "Mine" not in text_of(client.get(VIEWS))


@pytest.mark.parametrize(
    ("who", "is_shared", "status", "is_changed"),
    [
        ("vera", False, 303, True),
        ("vera", True, 303, True),
        ("oskar", False, 404, False),
        ("oskar", True, 403, False),
        ("anna", True, 403, False),
        ("adam", False, 404, False),
        ("adam", True, 303, True),
    ],
)
@pytest.mark.parametrize("action", ["change", "delete"])
def test_only_the_owner_or_for_a_shared_one_an_administrator_changes_it(
    client, request, vera, who, is_shared, status, is_changed, action
):
    view = a_saved_view(owner=vera, is_shared=is_shared)
    client.force_login(request.getfixturevalue(who))
    before = list(SavedView.objects.values())

    answer = client.post(
        reverse(f"saved-view-{action}", args=[view.pk]), {"name": "Renamed", "is_shared": "on"}
    )

    assert answer.status_code == status
    assert (list(SavedView.objects.values()) != before) == is_changed
    assert AuditEntry.objects.count() == is_changed


@pytest.mark.parametrize(("who", "offered"), [("vera", 2), ("oskar", 0), ("adam", 2)])
def test_page_offers_to_change_only_what_one_may(client, request, vera, who, offered):
    a_saved_view(owner=vera, is_shared=True)
    client.force_login(request.getfixturevalue(who))

    page = client.get(VIEWS).content.decode()

    assert len(re.findall(r'action="/views/[^"]+"', page)) == offered


@pytest.mark.parametrize("address", ["new", "change"])
def test_second_view_of_a_name_is_refused_in_words(client, vera, address):
    a_saved_view(owner=vera, name="Trouble")
    other = a_saved_view(owner=vera, name="Other")
    client.force_login(vera)
    url = VIEWS + "?status=failed" if address == "new" else reverse("saved-view-change", args=[other.pk])

    answer = client.post(url, {"name": "Trouble"}, follow=True)

    assert "a view of this name already" in text_of(answer)
    assert sorted(SavedView.objects.values_list("name", flat=True)) == ["Other", "Trouble"]
    assert AuditEntry.objects.count() == 0


def test_another_list_and_another_person_may_use_the_name(client, vera, oskar):
    a_saved_view(owner=vera, name="Trouble")
    a_saved_view(owner=oskar, name="Trouble")
    client.force_login(vera)

    client.post(reverse("saved-view-list", args=["vaults"]) + "?q=x", {"name": "Trouble"})

    assert SavedView.objects.count() == 3


def test_nobody_keeps_more_views_than_anybody_needs(client, vera, monkeypatch):
    monkeypatch.setattr(saved_views, "MOST_VIEWS", 1)
    a_saved_view(owner=vera)
    client.force_login(vera)

    answer = client.post(f"{VIEWS}?status=failed", {"name": "One more"})

    assert "You have as many views as anybody may have." in text_of(answer)
    assert SavedView.objects.count() == 1


def test_list_begins_with_the_default_view_and_everything_is_one_click_away(client, vera):
    view = a_saved_view(owner=vera)
    client.force_login(vera)

    client.post(reverse("list-default", args=["replications"]), {"view": str(view.pk)})
    began = client.get(LIST)
    page = client.get(began["Location"])
    everything = client.get(f"{LIST}?everything=1")

    assert (began.status_code, began["Location"]) == (302, f"{LIST}?status=failed")
    assert ("All", f"{LIST}?everything=1", False) in links_of(page)
    assert f'<a class="btn btn-quiet" href="{LIST}?everything=1">' in page.content.decode()
    assert [chip.address for chip in page.context["sheet"].chips] == ["?everything=1"]
    assert everything.status_code == 200
    assert links_of(everything)[0] == ("All", f"{LIST}?everything=1", True)


def test_default_is_each_persons_own_and_can_be_given_up(client, vera, oskar):
    view = a_saved_view(owner=vera, is_shared=True)
    for person in (vera, oskar):
        TablePreference.objects.create(user=person, table="replications", default_view=view)
    client.force_login(oskar)

    client.post(reverse("list-default", args=["replications"]))
    mine = client.get(LIST).status_code
    client.force_login(vera)

    assert (mine, client.get(LIST).status_code) == (200, 302)


def test_default_that_is_no_longer_shared_or_deleted_is_the_whole_list_again(client, vera, oskar):
    view = a_saved_view(owner=vera, is_shared=True)
    TablePreference.objects.create(user=oskar, table="replications", default_view=view)
    client.force_login(oskar)

    shared = client.get(LIST).status_code
    SavedView.objects.update(is_shared=False)
    withdrawn = client.get(LIST).status_code
    view.delete()

    assert (shared, withdrawn, client.get(LIST).status_code) == (302, 200, 200)


@pytest.mark.parametrize(
    "wanted", ["private", "of another list", "x", "00000000-0000-0000-0000-000000000000"]
)
def test_default_can_only_be_a_usable_view_of_this_list(client, vera, oskar, wanted):
    private = a_saved_view(owner=vera)
    elsewhere = a_saved_view(owner=oskar, table="vaults")
    client.force_login(oskar)

    answer = client.post(
        reverse("list-default", args=["replications"]),
        {"view": {"private": str(private.pk), "of another list": str(elsewhere.pk)}.get(wanted, wanted)},
    )

    assert answer.status_code == 404
    assert TablePreference.objects.count() == 0


def test_names_are_shown_as_text(client, vera):
    payload = "\"><script>alert('1')</script>"
    a_saved_view(owner=vera, name=payload, query="q=%3Cscript%3Ealert", is_shared=True)
    client.force_login(vera)

    pages = [client.get(address).content.decode() for address in (LIST, VIEWS)]

    assert ["<script>alert" in page for page in pages] == [False, False]
    assert all("&lt;script&gt;alert" in page for page in pages)
