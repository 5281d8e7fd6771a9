"""Collects static files for serving, and leaves them alone while nothing about them has changed."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command

#: Beside the collected files: what they were made from.
_FINGERPRINT = ".made-from"


def collect_if_changed() -> bool:
    """Collect, compress and name the static files, unless that was done with the same files and tools before.

    Returns whether it was necessary.
    """
    target = Path(settings.STATIC_ROOT)
    made_from = target / _FINGERPRINT
    fingerprint = _fingerprint()
    if made_from.is_file() and made_from.read_text() == fingerprint and _is_complete(target):
        return False
    made_from.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    target.mkdir(parents=True, exist_ok=True)
    made_from.write_text(fingerprint)
    return True


def _fingerprint() -> str:
    """Return a digest of name, size and time of change of every source, and of what turns them into the result."""
    digest = hashlib.sha256()
    digest.update(json.dumps([settings.STORAGES["staticfiles"], settings.STATIC_URL], default=str).encode())
    digest.update(f"{version('django')} {version('whitenoise')}".encode())
    for finder in get_finders():
        for path, storage in finder.list(ignore_patterns=[]):
            found = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    # A storage that looks at more than the files names what it looks at.
    for source in getattr(staticfiles_storage, "made_from", list)():
        found = source.stat()
        digest.update(f"{source}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _is_complete(target: Path) -> bool:
    """Return whether every file that pages will ask for is there."""
    manifest = target / "staticfiles.json"
    if not manifest.is_file():
        return False
    names = json.loads(manifest.read_text())["paths"].values()
    return all((target / name).is_file() for name in names)
