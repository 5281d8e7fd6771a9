"""The pictures in README and docs/. Written only when asked for, so that no run changes the tree.

SCREENSHOT=1 make test ARGS=tests/browser/test_picture.py
"""

import base64
import os
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from replication.models import ReplicationRecord, WorkerBeat
from tests.browser.steps import choose, status_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DOCS = Path(__file__).parent.parent.parent / "docs"
#: Bytes; nobody waits for a picture of a page.
LARGEST = 150_000
#: Name → path with the replication's id, language, colours and size. The first one is the README's.
PICTURES = {
    "screenshot": ("/replications/{pk}/", "en-GB", "light", (1280, 820)),
    "pictures/overview-in-german": ("/", "de-DE", "dark", (1280, 820)),
    "pictures/look-before-sending": ("{review}", "en-GB", "light", (1280, 820)),
    "pictures/replication-on-a-phone": ("/replications/{pk}/", "de-DE", "light", (390, 844)),
}


def test_pictures_show_a_running_replication(site, practice, visit, tmp_path):
    folder = DOCS if os.environ.get("SCREENSHOT") == "1" else tmp_path
    (folder / "pictures").mkdir(exist_ok=True)
    choose(site).click()
    practice.round()
    for _step in range(100):
        if ReplicationRecord.objects.filter(arrived_at__isnull=False).count() >= 3:
            break
        practice.advance(seconds=5)
        practice.round()
    site.reload()
    expect(status_of(site)).to_have_text("Running")
    expect(site.locator("tr[id^=record-]", has_text="Arrived")).not_to_have_count(0)
    pk = site.url.rstrip("/").rpartition("/")[2]
    choose(site, "vault-mail")
    # A round made by a test leaves no sign of life, and a picture of an alarm would be a poor one.
    WorkerBeat.objects.create(worker_id="worker-1", started_at=timezone.now(), seen_at=timezone.now())
    places = {"pk": pk, "review": site.url.removeprefix(site.address)}

    for name, (path, locale, theme, (width, height)) in PICTURES.items():
        page = visit("oskar", locale=locale, color_scheme=theme, viewport={"width": width, "height": height})
        page.goto(f"{page.address}{path.format(**places)}")
        page.mouse.move(0, 0)
        (folder / f"{name}.webp").write_bytes(picture_of(page))
        page.context.close()

    sizes = {name: (folder / f"{name}.webp").stat().st_size for name in PICTURES}
    assert {name: size for name, size in sizes.items() if size >= LARGEST} == {}


def picture_of(page):
    """Return what is seen as WebP, a third of the PNG that Playwright offers."""
    wanted = {"format": "webp", "quality": 85}
    return base64.b64decode(page.context.new_cdp_session(page).send("Page.captureScreenshot", wanted)["data"])
