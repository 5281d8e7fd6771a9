"""The picture in the README: a replication that runs. Written only when asked for, so that no run changes the tree.

SCREENSHOT=1 make test ARGS=tests/browser/test_picture.py
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from replication.models import ReplicationRecord
from tests.browser.steps import choose, status_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PICTURE = Path(__file__).parent.parent.parent / "docs" / "screenshot.png"
LARGEST = 200_000


def test_picture_shows_a_running_replication(site, practice, tmp_path):
    site.set_viewport_size({"width": 1280, "height": 820})
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
    site.mouse.move(0, 0)
    path = PICTURE if os.environ.get("SCREENSHOT") == "1" else tmp_path / "screenshot.png"
    site.screenshot(path=path)
    assert path.stat().st_size < LARGEST
