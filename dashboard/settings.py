"""Every setting, read once from the environment, in the order in which a deployer asks.

Unset means: a development machine that speaks to the sandbox cloud. `dashboard/checks.py` refuses to start a
production that is only half configured. The variables are listed in .env.example, which a test compares with this
file.
"""

from datetime import datetime, timedelta
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
#: What the running installation writes: the SQLite database, the sandbox's world.
VAR_DIR = BASE_DIR / "var"

env = environ.FileAwareEnv()
env.read_env(BASE_DIR / ".env")

# Debug and hosts

DEBUG = env.bool("DEBUG", default=False)
#: Turns this into an installation for practising: demo users may sign in, and every page says so.
DEMO = env.bool("DEMO", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
#: On one's own machine: plain HTTP, only under a local name. Without a secret key it can be nothing else.
LOCAL = DEBUG or not SECRET_KEY
SECRET_KEY = SECRET_KEY or "known to everybody, therefore only good for a machine that nobody else reaches"
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if LOCAL else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
#: Set when a proxy that we trust terminates TLS and always overwrites X-Forwarded-Proto.
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Database

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    if str(DATABASES["default"]["NAME"]).startswith(str(VAR_DIR)):
        VAR_DIR.mkdir(exist_ok=True)
    DATABASES["default"]["OPTIONS"] = {
        # FULL: the row that says "about to send" must survive a power cut, or a replication could be doubled.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        # Taking the write lock at BEGIN makes two writers queue instead of one of them failing half-way.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# Cloud accounts

#: Names of clouds.yaml entries, one project in one region each. Empty means the sandbox.
REPLICATION_CLOUDS = env.list("REPLICATION_CLOUDS", default=[])
if REPLICATION_CLOUDS and not env.str("SECRET_KEY", default=""):
    raise ImproperlyConfigured(
        "REPLICATION_CLOUDS names real cloud accounts, but SECRET_KEY is not set, so anybody could forge a session. "
        "Set SECRET_KEY to a long random value, or unset REPLICATION_CLOUDS to practise on the sandbox."
    )
#: Where the sandbox cloud listens; only used while REPLICATION_CLOUDS is empty.
SANDBOX_URL = env.str("SANDBOX_URL", default="http://127.0.0.1:8900")

# Sign-in

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
#: Seconds without a request after which a session ends.
SESSION_COOKIE_AGE = env.int("SESSION_SECONDS", default=12 * 60 * 60)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not LOCAL
SESSION_COOKIE_NAME = "sessionid" if LOCAL else "__Host-sessionid"
CSRF_COOKIE_NAME = "csrftoken" if LOCAL else "__Host-csrftoken"
CSRF_FAILURE_VIEW = "dashboard.errors.csrf_failure"
AUTHENTICATION_BACKENDS = ["dashboard.signin.AccountBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Tasks and the reconciler

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default"]}}
#: Pause between two looks at a running replication while it moves; it grows while nothing moves, to ten minutes.
REPLICATION_PROGRESS_INTERVAL = timedelta(seconds=env.float("PROGRESS_INTERVAL_SECONDS", default=15))
#: Pause between two readings of the inventory.
REPLICATION_INVENTORY_INTERVAL = timedelta(seconds=env.float("INVENTORY_INTERVAL_SECONDS", default=600))
#: How long the cloud must have shown nothing before a person may send an unclear replication again.
REPLICATION_SETTLE_WINDOW = timedelta(seconds=env.float("SETTLE_WINDOW_SECONDS", default=1800))
#: Replications on their way to one destination region from which on no further one is sent there. 0: no limit.
REPLICATION_REGION_LIMIT = env.int("REGION_LIMIT", default=10)
#: Where answers of the cloud wait while the database cannot take them; each machine has its own folder.
SPOOL_DIR = env.path("SPOOL_DIR", default=str(VAR_DIR / "spool"))
_MOMENT_HINT = "Write it like 2026-11-24T12:00:00+00:00, or unset it."
#: Set after the database was restored or failed over: nothing is sent until the whole cloud was read since then.
SAFE_MODE_SINCE = None
if _since := env.str("SAFE_MODE_SINCE", default=""):
    try:
        SAFE_MODE_SINCE = datetime.fromisoformat(_since)
    except ValueError:
        raise ImproperlyConfigured(
            f"SAFE_MODE_SINCE is {_since!r}, which is not a time. {_MOMENT_HINT}"
        ) from None
    if SAFE_MODE_SINCE.tzinfo is None:
        raise ImproperlyConfigured(f"SAFE_MODE_SINCE is {_since!r}, which lacks its zone. {_MOMENT_HINT}")
#: How long after the last copy replicas are looked for in the destination vault.
REPLICATION_ARRIVAL_WINDOW = timedelta(hours=env.float("ARRIVAL_WINDOW_HOURS", default=24))

# Logging

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    # These two print request bodies and headers when asked to be verbose; ours says what is needed.
    "loggers": {"keystoneauth": {"level": "WARNING"}, "urllib3": {"level": "WARNING"}},
}

# Languages and times

LANGUAGE_CODE = "en"
#: One entry a translation that is complete.
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["dashboard.formats"]
#: Shown until the browser has told its zone, or the person has chosen one.
DISPLAY_TIME_ZONE = env.str("DISPLAY_TIME_ZONE", default="Europe/Berlin")

# The rest

INSTALLED_APPS = [
    "dashboard",
    "replication",
    "dashboard.admin_config.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "bootstrap",
    "csp",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "heroicons",
]
MIDDLEWARE = [
    # What we write compresses to a sixth. Secrets are safe beside text that others chose: the session's is in no page, a
    # form's token is masked anew each time, and Django pads what it compresses by a random length.
    "django.middleware.gzip.GZipMiddleware",
    "dashboard.middleware.RequestIdMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboard.middleware.ReaderMiddleware",
    "dashboard.middleware.PrivatePagesMiddleware",
]
ROOT_URLCONF = "dashboard.urls"
WSGI_APPLICATION = "dashboard.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.context.site",
            ],
        },
    }
]

STATIC_URL = "static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "dashboard.slimming.SlimStaticFilesStorage"
    },
}

#: One policy for every page, the admin included: nothing from another host, nothing inline, nothing evaluated.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Bootstrap draws its form icons as data: images
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = 0 if LOCAL else env.int("HSTS_SECONDS", default=365 * 24 * 60 * 60)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not LOCAL
SECURE_SSL_REDIRECT = not LOCAL
#: Probes come from inside, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100
