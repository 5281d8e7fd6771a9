"""Many vaults at once, as people do it: with a mouse, with the keyboard alone, and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

from replication.models import Batch
from tests.browser.steps import choose_many, follow_to_the_end, send_many

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_ticked_vaults_are_followed_live_on_one_page(site, practice):
    choose_many(site, "vault-orders-db", "vault-mail", "vault-gitlab")
    expect(site.get_by_role("heading", name="1 vault is left out")).to_be_visible()
    send_many(site)

    expect(site.locator("#progress")).to_contain_text("0 of 2 replications are over.")
    expect(site.get_by_role("heading", name="1 vault was left out")).to_be_visible()
    follow_to_the_end(practice)
    # Nobody loads the page again.
    expect(site.locator("#progress")).to_contain_text("2 of 2 replications are over.", timeout=15_000)
    expect(site.locator("[data-poll]")).to_have_count(0, timeout=15_000)
    expect(site).to_have_title(re.compile("2 of 2 replications are over"))


def test_boxes_are_reached_and_ticked_by_keyboard_and_one_box_ticks_all(site, practice):
    site.goto(f"{site.address}/vaults/?purpose=sources&q=vault-m")
    boxes = site.locator('input[name="vault"]')
    everything = site.get_by_label("Tick all rows of this page")

    everything.focus()
    site.keyboard.press("Space")
    all_ticked = [box.is_checked() for box in boxes.all()]
    boxes.first.focus()
    site.keyboard.press("Space")
    one_less = [box.is_checked() for box in boxes.all()]
    site.get_by_role("button", name="Replicate the ticked vaults").press("Enter")

    assert (all_ticked, one_less) == ([True, True], [False, True])
    expect(site.get_by_role("heading", level=1)).to_have_text("Replicate many vaults")
    expect(site.locator("main")).to_contain_text("1 vault, ticked in the list.")


def test_all_that_fit_the_filter_without_javascript(practice, visit):
    page = visit("oskar", java_script_enabled=False)

    page.goto(f"{page.address}/vaults/?purpose=sources&q=vault-")
    page.get_by_role("link", name=re.compile(r"Replicate all \d+ source vaults that fit the filter")).click()
    page.select_option("#id_region", label="eu-nl")
    page.get_by_role("button", name="Update choices").click()
    page.select_option("#id_project", label="eu-nl_recovery")
    page.get_by_role("button", name="Update choices").click()
    page.select_option("#id_destination", label="replica-production")
    page.get_by_role("button", name="See what would happen").click()
    page.locator("#id_reason").fill("Before the maintenance window")
    page.get_by_role("button", name=re.compile(r"Replicate \d+ vaults, \d+ backups")).click()

    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Batch [0-9a-f]{8}"))
    batch = Batch.objects.get()
    # Chosen were all of them: what cannot go is told.
    assert batch.replications.count() + len(batch.left_out) == 14
    assert {told["name"] for told in batch.left_out} >= {
        "vault-gitlab",
        "vault-build-disks",
        "vault-intranet",
    }
    practice.round()
    page.get_by_role("link", name="Reload to see what is new").click()
    expect(page.locator("#progress .status").first).to_be_visible()
