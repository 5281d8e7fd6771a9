"""The cloud does not answer, or answers nothing but errors: pages stay, say so, and nothing is lost or doubled."""

import re
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from replication.models import Replication, Vault
from replication.services import connection
from tests.browser.steps import choose, status_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@contextmanager
def unreachable(practice, settings):
    """Nobody listens where the cloud was."""
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    connection.forget()
    yield
    settings.SANDBOX_URL = practice.url
    connection.forget()


@contextmanager
def faulty(practice, _settings):
    """Every call is answered by an error of the gateway."""
    practice.fault("answer", operation="*", count=10_000, status=503, shape="html")
    yield
    practice.control("DELETE", "faults")


@pytest.mark.parametrize("trouble", [unreachable, faulty])
def test_pages_stay_up_and_the_request_waits_until_the_cloud_is_back(site, practice, settings, trouble):
    known = Vault.objects.count()

    with trouble(practice, settings):
        choose(site).click()
        practice.round()

        detail = site.url
        expect(site.locator(".headline")).to_contain_text("so nothing was started.", timeout=10_000)
        expect(status_of(site)).to_have_text("Queued")
        site.goto(f"{site.address}/vaults/")
        site.get_by_role("button", name="Read again").click()
        expect(site.locator(".notice")).to_contain_text(["The cloud will be read again within seconds."])
        practice.advance(minutes=1)
        practice.round()
        for path in ("/", "/vaults/"):
            site.goto(f"{site.address}{path}")
            expect(site.locator(".notice-warning", has_text="cannot be read.")).to_have_count(4)
        expect(site.get_by_role("heading", level=2).first).to_have_text(f"{known} vaults")

    practice.advance(minutes=30)
    practice.round()

    site.goto(detail)
    expect(status_of(site)).to_have_text("Running")
    assert (Replication.objects.count(), len(practice.accepted())) == (1, 1)
    practice.advance(minutes=30)
    practice.round()
    site.goto(f"{site.address}/vaults/")
    expect(site.locator(".notice-warning")).to_have_count(0)


def test_lost_answer_is_called_unclear_and_found_again_by_itself(site, practice):
    practice.fault("close_after_processing")

    choose(site).click()
    practice.round()

    expect(status_of(site)).to_have_text("Unclear, being reconciled", timeout=10_000)
    expect(site.locator(".headline")).to_contain_text("Do not start it again")
    practice.advance(minutes=2)
    practice.round()
    expect(status_of(site)).to_have_text(re.compile("Running|Succeeded"), timeout=10_000)
    expect(site.locator("tr[id^=record-]")).to_have_count(14)
    assert (Replication.objects.count(), len(practice.accepted())) == (1, 1)


def test_page_that_loses_our_own_server_keeps_what_it_shows_and_recovers(site, practice):
    choose(site).click()
    practice.round()
    expect(status_of(site)).to_have_text("Running", timeout=10_000)

    site.context.set_offline(True)

    expect(site.locator("#connection")).to_contain_text("No connection since", timeout=10_000)
    expect(site.locator("tr[id^=record-]")).to_have_count(14)
    site.context.set_offline(False)
    expect(site.locator("#connection")).to_be_hidden(timeout=20_000)
    # Chromium and htmx complain of each lost request, as they should.
    assert all("ERR_INTERNET_DISCONNECTED" in one or "htmx" in one for one in site.complaints)
    site.complaints.clear()
