"""A check is saved, passed on by its link, and gone on from by a colleague; then its forecast is held to account."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from replication.models import Backup, Replication
from tests.browser.steps import choose, choose_without_javascript, sign_in, status_of
from tests.builders import a_rate_card, a_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_check_is_passed_on_and_confirmed_by_a_colleague_who_is_told_what_differs(site, practice, visit):
    a_rate_card()
    a_user("nina", "operator")
    choose(site)
    site.get_by_role("button", name="Save this check").click()
    expect(site.get_by_role("heading", level=1)).to_have_text("Check: vault-orders-db to eu-nl")
    site.context.grant_permissions(["clipboard-read", "clipboard-write"])
    site.get_by_role("button", name="Copy the link").click()
    expect(site.locator("#announcer")).to_have_text("Copied")
    link = site.evaluate("navigator.clipboard.readText()")
    assert link == site.url

    colleague = visit()
    sign_in(colleague, "nina")
    colleague.goto(link)
    expect(colleague.locator("main")).to_contain_text("Checked byoskar")
    expect(colleague.locator("#takes + dl")).to_contain_text("At most 28.00 EUR once for the traffic")
    Backup.objects.filter(name="autobk_818a").update(status="error")
    colleague.get_by_role("link", name="Look again and confirm").click()
    expect(colleague.locator(".notice-warning").first).to_contain_text("autobk_818a: Will be replicated")
    colleague.locator("#id_reason").fill("Passed on by oskar")
    colleague.get_by_role("button", name="Replicate 13 backups (1,300 GB) to eu-nl").click()
    practice.round()

    expect(status_of(colleague)).to_have_text("Running", timeout=10_000)
    # The cloud does not know what we have changed in its mirror, so the forecast was wrong, and says so.
    expect(colleague.locator("section", has_text="Forecast and answer").last).to_contain_text(
        "Other backups than forecast"
    )
    assert Replication.objects.get().actor.username == "nina"


def test_check_works_without_javascript(practice, visit):
    page = visit("oskar", java_script_enabled=False)
    choose_without_javascript(page)

    page.get_by_role("button", name="Save this check").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check: vault-orders-db to eu-nl")
    page.get_by_text("The same with curl").click()
    expect(page.locator("#command-1")).to_contain_text("X-Auth-Token: $OS_TOKEN")
    page.get_by_role("link", name="Look again and confirm").click()

    expect(page.locator(".notice-info")).to_contain_text("nothing differs from the check that oskar saved")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_check_with_everything_unfolded_is_accessible_and_fits_a_small_phone(site, practice, scheme):
    choose(site)
    site.get_by_role("button", name="Save this check").click()
    expect(site.get_by_role("heading", level=1)).to_have_text("Check: vault-orders-db to eu-nl")
    site.emulate_media(color_scheme=scheme)
    site.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")

    for width in (1280, 390, 320):
        site.set_viewport_size({"width": width, "height": 900})
        assert site.evaluate("document.documentElement.scrollWidth") <= width
        violations = Axe().run(site).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in violations] == []
