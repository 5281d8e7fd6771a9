"""Signs of life of the worker processes, so that pages and probes can say when nobody is working."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class WorkerBeat(models.Model):
    """When a worker process last went through its loop."""

    #: Host, process and start, so that a restarted worker is another one.
    worker_id = models.CharField(_("worker"), max_length=255, primary_key=True)
    started_at = models.DateTimeField(_("started"))
    seen_at = models.DateTimeField(_("seen"), db_index=True)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.worker_id
