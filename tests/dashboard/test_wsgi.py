import subprocess
import sys

import pytest


def import_server(**environment):
    """Import the server's entry point as a server does: in a process of its own, with this environment."""
    return subprocess.run(
        [sys.executable, "-c", "import dashboard.wsgi"],
        env={"DATABASE_URL": "sqlite://:memory:", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_server_starts_when_nothing_is_set():
    assert import_server().returncode == 0


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"SECRET_KEY": "long and random"}, "dashboard.E001"),
        ({"ALLOWED_HOSTS": "replication.example.org"}, "dashboard.E002"),
        ({"SETTLE_WINDOW_SECONDS": "0"}, "dashboard.E007"),
    ],
)
def test_server_does_not_start_half_configured(environment, reason):
    started = import_server(**environment)

    assert started.returncode == 1
    assert f"({reason})" in started.stderr
