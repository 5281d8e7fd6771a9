"""Somebody who may look and do nothing else."""

import pytest
from playwright.sync_api import expect

from replication.models import Replication
from tests.browser.steps import choose, status_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_viewer_sees_the_same_replication_and_is_offered_nothing(site, practice, visit):
    choose(site).click()
    expect(status_of(site)).to_have_text("Queued")
    viewer = visit("vera")

    viewer.goto(f"{viewer.address}/replications/")
    viewer.get_by_role("link", name="vault-orders-db").click()

    expect(status_of(viewer)).to_have_text("Queued")
    for name in ("Withdraw", "Replicate", "Replicate a vault", "Audit", "Users", "Read again"):
        expect(viewer.get_by_role("button", name=name, exact=True)).to_have_count(0)
        expect(viewer.get_by_role("link", name=name, exact=True)).to_have_count(0)
    practice.round()
    expect(status_of(viewer)).to_have_text("Running", timeout=10_000)


@pytest.mark.parametrize("path", ["/replications/new/", "/replications/new/review/", "/admin/"])
def test_viewer_who_tries_is_told_whom_to_ask(visit, path):
    viewer = visit("vera")

    viewer.goto(f"{viewer.address}{path}")

    expect(viewer.get_by_role("heading", level=1)).to_have_text("Not permitted")
    expect(viewer.locator("main")).to_contain_text("These roles may:")


def test_viewer_who_forges_the_form_is_refused(site, practice, visit):
    choose(site)
    review = site.url
    viewer = visit("vera")
    token = viewer.locator("input[name=csrfmiddlewaretoken]").first.get_attribute("value")

    answer = viewer.request.post(
        review,
        form={"csrfmiddlewaretoken": token, "reason": "Because I can"},
        headers={"Referer": viewer.address},
    )

    assert (answer.status, Replication.objects.count()) == (403, 0)
