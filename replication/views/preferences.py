"""How a person sees the pages: language, time zone and colours, all at once or by the switches of the footer.

The same is written into cookies, so that the sign-in page looks as the person has chosen.
"""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language

from replication.forms import PreferencesForm
from replication.models import Preferences, Theme
from replication.services.preferences import remember_preferences

from .access import PageRequest, page, see_other

#: Read by the template tag `theme`.
THEME_COOKIE = "theme"
_YEAR = 365 * 24 * 60 * 60


@require_http_methods(["GET", "HEAD", "POST"])
@page
def preferences(request: PageRequest) -> HttpResponse:
    """Show what the person has chosen, and take what they choose."""
    chosen = Preferences.of(request.user)
    initial = {
        "language": chosen.language,
        "time_zone": chosen.time_zone,
        "theme": chosen.theme or Theme.AUTO,
    }
    form = PreferencesForm(request.POST if request.method == "POST" else None, initial=initial)
    if not form.is_valid():
        return render(request, "replication/preferences.html", {"form": form, "now": timezone.now()})
    wanted = form.cleaned_data
    remember_preferences(
        actor=request.user,
        language=wanted["language"],
        time_zone=wanted["time_zone"],
        theme=wanted["theme"],
    )
    answer = see_other("preferences")
    if wanted["language"]:
        answer.set_cookie(settings.LANGUAGE_COOKIE_NAME, wanted["language"])
    else:
        answer.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    _keep_theme(request, answer, wanted["theme"])
    with translation.override(wanted["language"] or translation.get_language()):
        messages.success(request, _("Kept. It holds in every browser in which you sign in."))
    return answer


def choose_language(request: HttpRequest) -> HttpResponse:
    """Change the language of this browser, and remember it for whoever is signed in."""
    answer = set_language(request)
    language = request.POST.get("language", "")
    if request.method == "POST" and request.user.is_authenticated and language in dict(settings.LANGUAGES):
        remember_preferences(actor=request.user, language=language)
    return answer


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Change the colours of this browser, remember them for whoever is signed in, and go back to the page."""
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        back, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    answer = see_other(back if is_ours else "overview")
    theme = request.POST.get("theme", "")
    if theme in Theme.values:
        _keep_theme(request, answer, theme)
        if request.user.is_authenticated:
            remember_preferences(actor=request.user, theme=theme)
    return answer


def _keep_theme(request: HttpRequest, answer: HttpResponse, theme: str) -> None:
    answer.set_cookie(THEME_COOKIE, theme, max_age=_YEAR, samesite="Lax", secure=request.is_secure())
