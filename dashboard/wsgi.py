"""The entry point for a WSGI server, which refuses to start an installation that is only half configured."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

application = get_wsgi_application()

from dashboard.checks import refuse_wrong_configuration  # noqa: E402  # settings are usable only from here on

refuse_wrong_configuration()
