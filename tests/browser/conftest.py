"""A real Chromium against a real server, signed in, with every complaint of the page counted as a failure."""

import os
import shutil
from pathlib import Path

import pytest

from tests.practice import practising

# Playwright runs an event loop in the test's thread, where Django would refuse its database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "NO CHROMIUM, NO BROWSER TESTS: `make browser` gets one (or apt-get install chromium)"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args, playwright):
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None and not Path(playwright.chromium.executable_path).exists():
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
    return {**browser_type_launch_args, "args": arguments, **({"executable_path": found} if found else {})}


@pytest.fixture
def practice(transactional_db, settings):
    with practising("otc", settings) as practice:
        yield practice


@pytest.fixture
def site(practice, live_server, client, oskar, context, page):
    """A page of a signed-in operator's browser, and the list of what it complained about."""
    client.force_login(oskar)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.complaints = []
    page.on(
        "console",
        lambda message: (
            page.complaints.append(message.text) if message.type in {"error", "warning"} else None
        ),
    )
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.address = live_server.url
    yield page
    assert page.complaints == []
