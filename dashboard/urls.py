"""Every address of the site: the app's pages at the top, and around them sign-in, admin and health.

Knows where things are mounted, never what they do.
"""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from . import errors, health

urlpatterns = [
    path("sign-in/", auth_views.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("sign-out/", auth_views.LogoutView.as_view(), name="logout"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    # Before the admin's own: there is one way to sign in, with one page and one set of rules.
    path("admin/login/", errors.admin_refused),
    path("admin/", admin.site.urls),
    path("", include("replication.urls")),
]

handler403 = "dashboard.errors.permission_denied"
