"""Proves that nothing is lost and nothing doubled, whatever fails: python -m bench.faults --triggers 10000 --seed 7.

Prints one line, and ends with 1 unless nothing was lost, doubled or wrong. With --without RULE the design is run without one
of its rules, and has to lose or double: else this harness would see nothing.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.surroundings import database, sandbox

from .compression import SETTLE_WINDOW
from .removal import RULES

#: Slow enough that no copy ends while the run lasts, however the sandbox's clock is moved.
_SPEED = "0.0001"


def main(arguments: list[str] | None = None) -> int:
    """Run it, and return the exit code."""
    options = _read(arguments)
    folder = Path(tempfile.mkdtemp(prefix="replication-faults-"))
    try:
        # Without a guard of its own against doubles, so that ours is what is measured.
        cloud = sandbox(
            folder, "--profile", options.profile, "--speed", _SPEED, "--switch", "duplicate_guard=off"
        )
        with database(options.database, folder) as url, cloud as sandbox_url:
            os.environ.update(_environment(url, sandbox_url, folder))
            return _run(options, sandbox_url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument(
        "--triggers", type=_positive, default=10_000, help="replications to ask for (default 10000)"
    )
    parser.add_argument("--seed", type=int, default=7, help="decides faults, kills and people (default 7)")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument(
        "--kills", type=int, help="workers to kill (default: one a hundred triggers, at least 20)"
    )
    parser.add_argument(
        "--freezes",
        type=int,
        default=12,
        help="about how many to freeze between claim and sending (default 12)",
    )
    parser.add_argument("--workers", type=_positive, default=6, help="workers side by side (default 6)")
    parser.add_argument(
        "--profile", choices=("otc", "huawei"), default="otc", help="of the sandbox (default otc)"
    )
    parser.add_argument(
        "--without", choices=RULES, default="", metavar="RULE", help=f"one of: {', '.join(RULES)}"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="tell how it goes, and show what the workers log"
    )
    options = parser.parse_args(arguments)
    if options.kills is None:
        options.kills = max(20, options.triggers // 100)
    return options


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _environment(database_url: str, sandbox_url: str, folder: Path) -> Mapping[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        "DATABASE_URL": database_url,
        "SANDBOX_URL": sandbox_url,
        "SPOOL_DIR": str(folder / "spool"),
        # Whatever is configured on this machine, only the sandbox is spoken to.
        "REPLICATION_CLOUDS": "",
        "SECRET_KEY": "",
        "SAFE_MODE_SINCE": "",
        # Nothing that was sent is ever over in a run, so any limit would end it.
        "REGION_LIMIT": "0",
        # Following copies is not what is measured.
        "PROGRESS_INTERVAL_SECONDS": "3600",
        "INVENTORY_INTERVAL_SECONDS": "360000",
        "SETTLE_WINDOW_SECONDS": str(SETTLE_WINDOW),
        "LOG_LEVEL": "CRITICAL",
    }


def _run(options: argparse.Namespace, sandbox_url: str) -> int:
    if options.verbose:
        os.environ["LOG_LEVEL"] = "ERROR"
    import django

    django.setup()
    from django.core.management import call_command

    from .compression import compress
    from .removal import remove
    from .run import Order, run
    from .verdict import most_frequent

    call_command("migrate", verbosity=0)
    # The people of the run wait as long as the workers do, and trust what they trust.
    compress()
    remove(options.without)
    order = Order(
        triggers=options.triggers,
        seed=options.seed,
        kills=options.kills,
        freezes=options.freezes,
        workers=options.workers,
        rule=options.without,
        sandbox_url=sandbox_url,
    )
    outcome = run(order, say=lambda line: print(line, file=sys.stderr) if options.verbose else None)
    print(outcome.line)
    for sentence in most_frequent(outcome.verdict.sentences):
        print(f"  {sentence}", file=sys.stderr)
    return 0 if outcome.verdict.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
