"""The addresses of the app's pages, of the fragments that refresh them, and of what people decide on them.

Knows which view answers where, and nothing of the site around it.
"""

from django.urls import path

from replication.views import (
    batch_new,
    batches,
    checks,
    decisions,
    history,
    inventory,
    lists,
    overview,
    preferences,
    records,
    replicate,
    replications,
    vaults,
)

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("activity/", overview.activity, name="overview-activity"),
    path("vaults/", vaults.vault_list, name="vault-list"),
    path("vaults/export/", vaults.vault_export, name="vault-export"),
    path("vaults/<uuid:pk>/", vaults.vault_detail, name="vault-detail"),
    path("inventory/refresh/", inventory.refresh, name="inventory-refresh"),
    path("batches/", batches.batch_list, name="batch-list"),
    path("batches/new/", batch_new.choose, name="batch-new"),
    path("batches/new/destination/", batch_new.destination_fields, name="batch-destination-fields"),
    path("batches/new/review/", batch_new.review, name="batch-review"),
    path("batches/<uuid:pk>/", batches.batch_detail, name="batch-detail"),
    path("batches/<uuid:pk>/progress/", batches.batch_progress, name="batch-progress"),
    path("replications/new/", replicate.choose, name="replication-new"),
    path("replications/new/destination/", replicate.destination_fields, name="destination-fields"),
    path("replications/new/review/", replicate.review, name="replication-review"),
    path("checks/save/", checks.save, name="check-save"),
    path("checks/<uuid:pk>/", checks.check_detail, name="check-detail"),
    path("replications/", history.replication_list, name="replication-list"),
    path("replications/export/", history.replication_export, name="replication-export"),
    path("replications/rows/", history.replication_rows, name="replication-rows"),
    path("replications/<uuid:pk>/", replications.replication_detail, name="replication-detail"),
    path("replications/<uuid:pk>/backups/", records.record_list, name="replication-record-list"),
    path("replications/<uuid:pk>/backups/export/", records.record_export, name="replication-record-export"),
    path("replications/<uuid:pk>/records/", replications.replication_records, name="replication-records"),
    path("replications/<uuid:pk>/withdraw/", decisions.withdraw, name="replication-withdraw"),
    path("replications/<uuid:pk>/rearm/", decisions.rearm, name="replication-rearm"),
    path("replications/<uuid:pk>/give-up/", decisions.give_up, name="replication-give-up"),
    path("replications/<uuid:pk>/adopt/", decisions.adopt, name="replication-adopt"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("language/", preferences.choose_language, name="set_language"),
    path("theme/", preferences.choose_theme, name="set_theme"),
    path("lists/<slug:table>/columns/", lists.columns, name="list-columns"),
    path("lists/<slug:table>/views/", lists.view_list, name="saved-view-list"),
    path("lists/<slug:table>/default/", lists.default, name="list-default"),
    path("views/<uuid:pk>/", lists.view_change, name="saved-view-change"),
    path("views/<uuid:pk>/delete/", lists.view_delete, name="saved-view-delete"),
]
