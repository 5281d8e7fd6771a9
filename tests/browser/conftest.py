"""A real Chromium against a real server, signed in, with every complaint of the page counted as a failure."""

import os
import shutil
from pathlib import Path

import pytest

from tests.browser.steps import sign_in
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


#: What Chromium itself says of an answer that is an error on purpose, such as "not found".
EXPECTED = "Failed to load resource: the server responded with a status of 40"


@pytest.fixture
def visit(live_server, browser, request):
    """Open browsers of people who have signed in through the form; their pages may complain of nothing."""
    contexts, complaints = [], []

    def open_browser(name=None, **options):
        person = request.getfixturevalue(name) if name else None
        context = browser.new_context(
            **{"reduced_motion": "reduce", "timezone_id": "Europe/Berlin", **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.address = complaints, live_server.url
        page.on("console", lambda message: _note(complaints, message))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if person:
            sign_in(page, person.username)
        return page

    yield open_browser
    for context in contexts:
        context.close()
    assert complaints == []


def _note(complaints, message):
    if message.type in {"error", "warning"} and not message.text.startswith(EXPECTED):
        complaints.append(f"{message.location.get('url')}: {message.text}")


@pytest.fixture
def site(practice, visit):
    """A page of a signed-in operator's browser."""
    return visit("oskar")
