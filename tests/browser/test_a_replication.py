"""An operator replicates a vault in a browser: with a mouse, twice in a hurry, by keyboard, without JavaScript."""

import pytest
from playwright.sync_api import expect

from replication.models import Replication
from tests.browser.steps import (
    choose,
    choose_without_javascript,
    find_in_history_and_audit,
    follow_to_the_end,
    sign_in,
    status_of,
)
from tests.builders import a_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_list_follows_by_itself_to_its_end_and_is_found_in_history_and_audit(site, practice, visit):
    choose(site).click()
    expect(status_of(site)).to_have_text("Queued")

    practice.round()

    expect(status_of(site)).to_have_text("Running", timeout=10_000)
    expect(site.locator("tr[id^=record-]")).to_have_count(14)
    follow_to_the_end(practice)
    expect(status_of(site)).to_have_text("Succeeded", timeout=10_000)
    expect(site.locator("tr[id^=record-]", has_text="Arrived")).to_have_count(14)
    expect(site.locator("[data-poll]")).to_have_count(0)
    expect(site.locator(".live")).to_be_hidden()
    assert site.title() == "Succeeded \N{EN DASH} vault-orders-db → eu-nl \N{EN DASH} Vault replication"
    find_in_history_and_audit(site, visit("anna"), Replication.objects.get().reference)


def test_everything_works_without_javascript(practice, visit):
    page = visit("oskar", java_script_enabled=False)

    choose_without_javascript(page).click()
    expect(status_of(page)).to_have_text("Queued")
    practice.round()
    page.get_by_role("link", name="Reload to see what is new").click()
    expect(status_of(page)).to_have_text("Running")
    expect(page.locator("tr[id^=record-]")).to_have_count(14)
    follow_to_the_end(practice)
    page.get_by_role("link", name="Reload to see what is new").click()

    expect(status_of(page)).to_have_text("Succeeded")
    expect(page.locator("tr[id^=record-]", has_text="Arrived")).to_have_count(14)
    find_in_history_and_audit(
        page, visit("anna", java_script_enabled=False), Replication.objects.get().reference
    )


def test_a_double_click_makes_one_replication(site, practice):
    choose(site).dblclick()
    expect(site.get_by_role("heading", level=1)).to_contain_text("vault-orders-db")

    practice.round()

    assert (Replication.objects.count(), len(practice.accepted())) == (1, 1)


def test_going_back_and_sending_the_form_again_shows_the_same_replication(site):
    choose(site).click()
    expect(site.get_by_role("heading", level=1)).to_contain_text("vault-orders-db")
    first = site.url

    site.go_back()
    site.reload()
    site.locator(f"main a[href='{first.removeprefix(site.address)}']").first.click()

    assert (site.url, Replication.objects.count()) == (first, 1)


def test_two_operators_at_once_make_one_replication_and_both_see_it(site, practice, visit):
    a_user("nina", "operator")
    other = visit()
    sign_in(other, "nina")
    first, second = choose(site), choose(other)

    first.click()
    expect(status_of(site)).to_be_visible()
    second.click()
    expect(status_of(other)).to_be_visible()
    practice.round()

    assert site.url == other.url
    expect(other.locator(".notice")).to_contain_text(["Already started by oskar at"])
    assert (Replication.objects.count(), len(practice.accepted())) == (1, 1)


def test_the_whole_way_by_keyboard(site):
    choose(site)

    site.locator("#id_reason").focus()
    site.keyboard.press("Tab")
    site.keyboard.press("Enter")

    expect(site.get_by_role("heading", level=1)).to_contain_text("vault-orders-db")
    assert Replication.objects.count() == 1


def test_another_source_brings_its_own_menus_and_facts(site):
    site.goto(f"{site.address}/replications/new/")

    site.select_option("#id_vault", label="vault-orders-db")
    expect(site.locator("#source-facts")).to_contain_text("eu-de / eu-de_production")
    site.locator("#id_vault").focus()
    site.select_option("#id_vault", label="vault-edge-cache")

    expect(site.locator("#source-facts")).to_contain_text("eu-nl / eu-nl_recovery")
    expect(site.locator("#id_region")).to_have_value("eu-de")
    expect(site.locator("#id_vault")).to_be_focused()
    unfit = site.locator("#id_region option[disabled]")
    expect(unfit).to_have_text(["eu-nl \N{EN DASH} A vault cannot be replicated within its own region."])
    site.reload()
    expect(site.locator("#id_vault option[selected]")).to_have_text("vault-edge-cache")


def test_an_id_is_copied_whole_and_said_so(site, practice):
    site.context.grant_permissions(["clipboard-read", "clipboard-write"])
    site.goto(f"{site.address}/vaults/?q=vault-orders-db")
    site.get_by_role("link", name="vault-orders-db", exact=True).click()

    button = site.get_by_role("button", name="Copy vault ID")
    button.click()

    expect(site.locator("#announcer")).to_have_text("Copied")
    assert site.evaluate("navigator.clipboard.readText()") == button.get_attribute("data-copy")


def test_polling_pauses_when_asked(site, practice):
    choose(site).click()
    site.get_by_role("button", name="Pause").click()
    expect(site.locator("[data-updated-at]")).to_have_text("Paused")

    practice.round()
    site.wait_for_timeout(4000)

    expect(status_of(site)).to_have_text("Queued")
    site.get_by_role("button", name="Pause").click()
    expect(status_of(site)).to_have_text("Running")
