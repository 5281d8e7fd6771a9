"""What a page weighs: everything that a first visit loads, as it goes over the wire, and what a poll brings."""

import re

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from dashboard.slimming import SHEET, slim, words_of_sources
from replication.models import Replication
from tests.builders import a_backup, a_record, a_replication, a_replication_vault, a_vault

FIRST_LOAD = 60 * 1000
#: The overview also tells of thirty days, which change with every replication.
FRAGMENTS = {"overview": 2500, "replication-list": 2000}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Static files as a production serves them: collected, named by their content, compressed."""
    folder = tmp_path_factory.mktemp("static")
    storages = settings.STORAGES | {"staticfiles": {"BACKEND": "dashboard.slimming.SlimStaticFilesStorage"}}
    with override_settings(STATIC_ROOT=folder, STORAGES=storages, WHITENOISE_AUTOREFRESH=False):
        call_command("collectstatic", interactive=False, verbosity=0)
        yield folder


@pytest.fixture
def visit(vera):
    client = Client(headers={"Accept-Encoding": "gzip"})
    client.force_login(vera)
    return client


@pytest.fixture
def company(oskar):
    """Forty vaults, a page full of replications that run, and one with more backups than its page shows."""
    destination = a_replication_vault()
    sources = [a_vault(name=f"vault-of-team-{number}") for number in range(40)]
    for vault in sources:
        a_backup(vault=vault)
    replications = [
        a_replication(
            source=vault,
            destination=destination,
            status="running",
            requested_at=timezone.now(),
            changed_at=timezone.now(),
        )
        for vault in sources
    ]
    for number in range(110):
        a_record(replication=replications[0], backup_name=f"autobk_{number:03}", status="running")
    return replications


def on_the_wire(answer):
    """Return the bytes of an answer, its head included."""
    head = sum(len(f"{name}: {value}\r\n") for name, value in answer.headers.items())
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    answer.close()
    return head + len(body)


def loads_of(page):
    """Return what a page loads by itself."""
    return re.findall(r'<(?:script|img|link)[^>]*?(?:src|href)="([^"]+)"', page)


def page_text(client, address):
    return client.get(address, headers={"Accept-Encoding": "identity"}).content.decode()


@pytest.mark.parametrize(
    "name", ["overview", "vault-list", "replication-list", "replication-detail", "login"]
)
def test_first_load_is_light_and_asks_no_other_host(served, visit, company, name):
    address = reverse(name, args=[company[0].pk] if name == "replication-detail" else [])
    client = Client(headers={"Accept-Encoding": "gzip"}) if name == "login" else visit
    loads = loads_of(page_text(client, address))

    weights = {one: on_the_wire(client.get(one)) for one in [address, *loads]}

    assert len(loads) >= 4
    assert [one for one in loads if not one.startswith("/static/")] == []
    assert sum(weights.values()) <= FIRST_LOAD, weights


def test_static_files_are_compressed_and_kept_for_ever(served, visit):
    loads = loads_of(page_text(visit, reverse("overview")))

    answers = [visit.get(one) for one in loads]
    for answer in answers:
        answer.close()

    assert [
        answer.headers.get("Content-Encoding")
        for answer in answers
        if "favicon" not in answer.request["PATH_INFO"]
    ] == ["gzip"] * (len(loads) - 1)
    assert {answer["Cache-Control"] for answer in answers} == {"max-age=315360000, public, immutable"}


def test_sheet_is_cut_from_the_package_again_each_time(served):
    first = (served / SHEET).read_text()
    (served / SHEET).write_text("/* what an earlier version left */")

    call_command("collectstatic", interactive=False, verbosity=0)

    assert (served / SHEET).read_text() == first
    assert "Licensed under MIT" in first
    assert len(first) < 40_000


def test_selectors_go_unless_each_class_of_theirs_is_ours():
    sheet = (
        '@charset "UTF-8";/*! licence {} */:root,[data-x]{--a:1}.btn,.card{color:red}.btn.unused:hover{b:c}'
        "p>.btn:not(.unused,.other)::before{d:e}@media (min-width:1px){.unused{f:g}.card a{h:i}}@media print{.unused{j:k}}"
        "@keyframes turn{to{l:m}}.unused,p{n:o}"
    )

    assert slim(sheet, frozenset({"btn", "card"})) == (
        '@charset "UTF-8";/*! licence {} */:root,[data-x]{--a:1}.btn,.card{color:red}'
        "p>.btn:not(.unused,.other)::before{d:e}@media (min-width:1px){.card a{h:i}}"
        "@keyframes turn{to{l:m}}p{n:o}"
    )


def test_cutting_twice_changes_nothing(served):
    once = (served / SHEET).read_text()

    assert slim(once, words_of_sources()) == once


def poll_of(page):
    [address] = re.findall(r'data-poll hx-get="([^"]+)"', page)
    return address.replace("&amp;", "&")


@pytest.mark.parametrize("name", FRAGMENTS)
@pytest.mark.parametrize("changed", [0, 1, 3])
def test_poll_of_a_full_list_brings_what_changed_and_little_else(visit, company, name, changed):
    """The head of an answer says the same each time and is not counted; nothing changed is an answer without a body."""
    poll = poll_of(page_text(visit, reverse(name)))
    shown = company[-changed:] if changed else []
    Replication.objects.filter(pk__in=[one.pk for one in shown]).update(version=2)

    answer = visit.get(poll)
    text = page_text(visit, poll) if changed else ""

    assert len(answer.content) <= FRAGMENTS[name]
    assert answer.status_code == (200 if changed else 204)
    assert [one.reference for one in company if f'href="/replications/{one.pk}/"' in text] == [
        one.reference for one in shown
    ]
    assert text.count("hx-preserve") == (len(re.findall('<tr id="r', text)) - changed if changed else 0)
