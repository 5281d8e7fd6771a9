"""What people need who listen, who type, who want no motion, or who print."""

import re

import pytest
from playwright.sync_api import expect

from replication.models import Preferences, Replication
from tests.browser.steps import choose, follow_to_the_end, status_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

#: Writes down every text that a region says, with the name of the region.
LISTEN = """() => {
  window.heard = [];
  for (const region of document.querySelectorAll('[role=status], [role=alert]'))
    new MutationObserver(() => region.textContent && window.heard.push([region.id, region.textContent]))
      .observe(region, { childList: true, characterData: true, subtree: true });
}"""
#: Whether what has the focus is seen: on the screen, and under nothing else.
IS_SEEN = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect();
  const spots = [[box.left + 2, box.top + 2], [box.left + box.width / 2, box.top + box.height / 2]];
  return spots.some(([x, y]) => { const top = document.elementFromPoint(x, y); return top && (one.contains(top) || top.contains(one)); });
}"""
FOCUS = "() => [document.activeElement.tagName, document.activeElement.id || document.activeElement.innerText.trim()]"


def heard(page):
    return page.evaluate("window.heard")


def tab_to(page, wanted, *, limit=60):
    """Press Tab until `wanted`, an id or the words of a control, has the focus; everything on the way has to be seen."""
    for _press in range(limit):
        page.keyboard.press("Tab")
        assert page.evaluate(IS_SEEN), page.evaluate(FOCUS)
        if page.evaluate(FOCUS)[1] == wanted:
            return
    pytest.fail(f"{wanted} is not reached by the Tab key")


def test_listener_hears_changes_of_state_and_quarters_and_nothing_else(site, practice):
    choose(site).click()
    expect(status_of(site)).to_have_text("Queued")
    site.evaluate(LISTEN)

    practice.round()
    expect(status_of(site)).to_have_text("Running", timeout=10_000)
    follow_to_the_end(practice)
    expect(status_of(site)).to_have_text("Succeeded", timeout=10_000)
    expect(site.locator("#announcer")).to_contain_text("Succeeded", timeout=10_000)

    said = heard(site)
    assert {region for region, _text in said} == {"announcer"}
    assert said[-1] == ["announcer", "Succeeded: 14 of 14 backups copied, 14 arrived."]
    allowed = re.compile(
        r"Submitting|Running: (?:0|25|50|75|100) % of the backups are over\.|Succeeded: 14 of 14 .*"
    )
    assert [text for _region, text in said if not allowed.fullmatch(text)] == []
    assert len(said) == len({text for _region, text in said})


def test_listener_is_told_at_once_when_it_becomes_unclear(site, practice):
    choose(site).click()
    expect(status_of(site)).to_have_text("Queued")
    site.evaluate(LISTEN)

    practice.fault("close_before_processing")
    practice.round()
    expect(status_of(site)).to_have_text("Unclear, being reconciled", timeout=10_000)

    expect(site.locator("#alarm")).to_have_text("Unclear, being reconciled")
    assert heard(site)[-1] == ["alarm", "Unclear, being reconciled"]


def test_whole_way_from_the_overview_to_sending_by_keyboard_alone(site):
    site.set_viewport_size({"width": 390, "height": 700})
    site.goto(f"{site.address}/")
    site.keyboard.press("Tab")
    assert site.evaluate(FOCUS) == ["A", "Skip to the content"]
    tab_to(site, "Replicate")
    site.keyboard.press("Enter")
    expect(site.get_by_role("heading", level=1)).to_have_text("Replicate a vault")

    # A menu is opened by nothing: letters choose in it, as everywhere.
    tab_to(site, "id_vault")
    site.keyboard.type("vault-orders")
    expect(site.locator("#source-facts")).to_contain_text("eu-de_production")
    expect(site.locator("#id_region")).to_have_value("eu-nl")
    expect(site.locator("#id_vault")).to_be_focused()
    tab_to(site, "id_project")
    site.keyboard.type("eu-nl_rec")
    site.locator("#id_destination option", has_text="replica-production").wait_for(state="attached")
    expect(site.locator("#id_project")).to_be_focused()
    tab_to(site, "id_destination")
    site.keyboard.type("replica-prod")
    expect(site.locator("#destination-fields .capacity")).to_be_visible()
    tab_to(site, "See what would happen")
    site.keyboard.press("Enter")
    expect(site.get_by_role("heading", level=1)).to_have_text("A last look before sending")

    tab_to(site, "id_reason")
    site.keyboard.type("Quarterly recovery exercise")
    site.keyboard.press("Tab")
    assert site.evaluate(FOCUS)[1].startswith("Replicate 14 backups")
    site.keyboard.press("Enter")

    expect(status_of(site)).to_have_text("Queued")
    assert Replication.objects.get().reason == "Quarterly recovery exercise"


def test_skip_link_leads_past_the_menu(site):
    site.goto(f"{site.address}/vaults/")
    site.keyboard.press("Tab")
    site.keyboard.press("Enter")
    site.keyboard.press("Tab")

    assert site.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_nothing_moves_for_whoever_wants_no_motion(site, practice):
    choose(site).click()
    expect(site.locator(".live")).to_be_visible()
    motions = "document.getAnimations().filter(one => one.playState === 'running').length"

    site.emulate_media(reduced_motion="no-preference")
    with_motion = site.evaluate(motions)
    site.emulate_media(reduced_motion="reduce")

    assert (with_motion, site.evaluate(motions)) == (1, 0)


def test_replication_is_printed_on_white_with_everything_open_and_nothing_to_click(site, practice, oskar):
    choose(site, "vault-erp").click()
    practice.round()
    follow_to_the_end(practice)
    Preferences.objects.create(user=oskar, theme="dark")
    site.reload()
    expect(status_of(site)).to_have_text("Succeeded")

    site.emulate_media(media="print", color_scheme="dark")

    for gone in (".site-nav", ".who", ".site-footer", ".copy", ".live", "main button"):
        assert site.locator(gone).locator("visible=true").count() == 0, gone
    expect(site.locator("#answer pre")).to_be_visible()
    expect(site.locator("#attempts .timeline")).to_be_visible()
    expect(site.locator("tr[id^=record-]").locator("visible=true")).to_have_count(4)
    looks = site.evaluate(
        "[getComputedStyle(document.documentElement).colorScheme, getComputedStyle(document.querySelector('main')).color,"
        " getComputedStyle(document.body).backgroundColor]"
    )
    assert looks == ["light", "rgb(28, 35, 41)", "rgba(0, 0, 0, 0)"]
    assert site.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_dark_colours_are_there_before_any_script_runs(practice, oskar, visit):
    Preferences.objects.create(user=oskar, theme="dark")

    page = visit("oskar", java_script_enabled=False, color_scheme="light")

    # Without scripts, so that only what the server sent can have done it.
    expect(page.locator("html")).to_have_css("color-scheme", "dark")
    page.get_by_role("button", name="Light").click()
    expect(page.locator("html")).to_have_css("color-scheme", "light")
    assert Preferences.objects.get().theme == "light"


def test_language_and_zone_are_the_browsers_until_they_are_chosen(practice, oskar, visit):
    page = visit("oskar", locale="de-DE", timezone_id="America/New_York")
    page.goto(f"{page.address}/preferences/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Einstellungen")
    expect(page.locator("main time")).to_have_text(re.compile(r"\d\d\.\d\d\.\d{4} \d\d:\d\d E[SD]T"))

    page.select_option("#id_language", label="English")
    page.select_option("#id_time_zone", label="Asia/Tokyo")
    page.get_by_role("button", name="Speichern").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Preferences")
    expect(page.locator("main time")).to_have_text(re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d JST"))
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Einstellungen")
    assert Preferences.objects.get().language == "de"
