"""Names the site that `admin.site` means. Apart from the site itself, since Django reads this before any model."""

from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class AdminConfig(DjangoAdminConfig):
    """The admin, with our own site as the default one."""

    default_site = "dashboard.admin_site.AuditSite"
