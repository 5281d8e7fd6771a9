"""The site's settings, with what tests need to be fast and alone."""

import os
import tempfile
from pathlib import Path

# Before the site's settings read it: tests never speak to a cloud that somebody has configured on this machine.
for _name in ("REPLICATION_CLOUDS", "SECRET_KEY", "DEMO", "DEBUG", "OS_CLIENT_CONFIG_FILE", "OS_CLOUD"):
    os.environ.pop(_name, None)

# Late, so that it reads the environment as cleared above; whole, since these are its settings but for a few. Hence the noqa.
from dashboard.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
WHITENOISE_AUTOREFRESH = True
SPOOL_DIR = str(Path(tempfile.gettempdir()) / f"replication-test-spool-{os.getpid()}")
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    # A real file, since a database in memory locks in ways of its own; one a run, so that runs do not meet.
    DATABASES["default"]["TEST"] = {  # noqa: F405
        "NAME": str(Path(tempfile.gettempdir()) / f"replication-test-{os.getpid()}.sqlite3")
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405  # a test database with open connections cannot be dropped
    DATABASES["default"]["TEST"] = {"NAME": f"test_replication_{os.getpid()}"}  # noqa: F405
