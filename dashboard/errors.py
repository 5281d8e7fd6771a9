"""Answers to requests that may not go on: a form that cannot be trusted, a page that is not for this role.

Says what happened and what to do next; knows nothing of what was asked for.
"""

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from replication.roles import NotPermitted, Right


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001  # Django passes it; for logs
    """Refuse a form without a valid token, as after signing in anew in another tab. Nothing was changed."""
    return render(request, "403_csrf.html", status=403)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Refuse, and name the roles to ask if the refusal came from `roles.require`."""
    cause = exception if isinstance(exception, NotPermitted) else exception.__cause__
    refusal = cause if isinstance(cause, NotPermitted) else None
    return render(request, "403.html", {"refusal": refusal}, status=403)


def admin_refused(request: HttpRequest) -> HttpResponse:
    """Send whoever the admin turned away to our sign-in, or say why it is of no use to sign in again.

    Raises:
        PermissionDenied: the person is signed in already, and lacks the right.
    """
    if admin.site.has_permission(request):
        return redirect("admin:index")
    if request.user.is_authenticated:
        raise PermissionDenied from NotPermitted(Right.READ_AUDIT)
    return redirect_to_login(request.GET.get("next", "/"))
