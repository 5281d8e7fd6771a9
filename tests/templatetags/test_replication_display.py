"""How statuses, times, sizes and ids look."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.template import Context, Template, TemplateSyntaxError  # noqa: TID251  # tags are used in templates
from django.test import RequestFactory
from django.utils import timezone

from replication.lifecycle import RecordStatus, ReplicationStatus
from replication.models import Replication, ReplicationRecord, Vault
from replication.services.preflight import Size
from replication.templatetags import replication_display as display

NOON = datetime(2026, 11, 24, 12, 0, 7, tzinfo=UTC)
NBSP = "\N{NO-BREAK SPACE}"


def replication(status, *, changed_at=NOON, **fields):
    one = Replication(status=status, changed_at=changed_at)
    for name, value in fields.items():
        setattr(one, name, value)
    return one


def record(status, **fields):
    return ReplicationRecord(status=status, backup_id="b-1", **fields)


@pytest.fixture(autouse=True)
def _in_berlin():
    with timezone.override("Europe/Berlin"):
        yield


def looks(html):
    """Return tone, icon and word of each badge."""
    return re.findall(r'<span class="status status-(\S+)">.*?#icon-([a-z-]+)"></use></svg>(.*?)</span>', html)


def test_every_status_of_a_replication_has_its_own_tone_or_icon_and_its_word():
    badges = [looks(display.replication_badge(replication(status), NOON))[0] for status in ReplicationStatus]

    assert [word for _tone, _icon, word in badges] == [str(status.label) for status in ReplicationStatus]
    assert len({(tone, icon) for tone, icon, _word in badges}) == len(badges)


def test_every_status_of_a_record_has_its_own_tone_or_icon_and_its_word():
    badges = [looks(display.record_badge(record(status)))[0] for status in RecordStatus]

    assert [word for _tone, _icon, word in badges] == [str(status.label) for status in RecordStatus]
    assert len({(tone, icon) for tone, icon, _word in badges}) == len(badges)


def test_every_tone_is_one_that_the_stylesheet_or_the_neutral_badge_knows(settings):
    styles = (settings.BASE_DIR / "static" / "dashboard.css").read_text()
    used = {look.tone for look in [*display.REPLICATION_LOOKS.values(), *display.RECORD_LOOKS.values()]}
    neutral = {"waiting"}

    assert {
        tone
        for tone in used - neutral
        if f".status-{tone} " not in styles and f".status-{tone}," not in styles
    } == set()


def test_success_without_records_is_nothing_to_replicate():
    one = replication("succeeded", record_count=0)
    counted = replication("succeeded", record_count=3)

    assert looks(display.replication_badge(one, NOON)) == [
        ("nothing", "minus-circle", "Nothing to replicate")
    ]
    assert looks(display.replication_badge(counted, NOON)) == [("done", "check-circle", "Succeeded")]


def test_long_silence_stands_beside_the_status():
    silent = replication("running", changed_at=NOON - timedelta(minutes=31))

    assert looks(display.replication_badge(silent, NOON)) == [
        ("running", "arrow-path", "Running"),
        ("stalled", "signal-slash", "No news since 12:29"),
    ]


def test_replica_that_was_seen_has_arrived_whatever_else_is_known():
    assert looks(display.record_badge(record("succeeded", arrived_at=NOON))) == [
        ("done", "check-badge", "Arrived")
    ]


def test_icon_that_is_not_drawn_is_a_mistake_in_the_template():
    with pytest.raises(TemplateSyntaxError, match="dragon is not among the icons"):
        display.icon("dragon")


def test_sheet_draws_every_icon_once():
    assert sorted(re.findall(r'<symbol [^>]*id="icon-([a-z0-9-]+)"', display.icon_sheet())) == sorted(
        display.ICONS
    )


def test_moment_is_shown_to_the_minute_with_its_zone_and_to_the_second_on_hover():
    assert display.when(NOON) == (
        '<time datetime="2026-11-24T12:00:07+00:00" title="2026-11-24 13:00:07 CET">2026-11-24 13:00 CET</time>'
    )
    assert display.ago(NOON, NOON + timedelta(minutes=5)) == (
        '<time datetime="2026-11-24T12:00:07+00:00" title="2026-11-24 13:00:07 CET" data-ago>5 minutes ago</time>'
    )


@pytest.mark.parametrize("tag", [display.when, display.ago])
def test_no_moment_is_a_dash(tag):
    assert tag(None) == '<span class="none">—</span>'


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(0), "now"),
        (timedelta(seconds=-59), "now"),
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=-1), "1 minute ago"),
        (timedelta(minutes=-59, seconds=-59), "59 minutes ago"),
        (timedelta(hours=-1), "1 hour ago"),
        (timedelta(hours=-23), "23 hours ago"),
        (timedelta(days=-1), "1 day ago"),
        (timedelta(days=-400), "400 days ago"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(hours=5), "in 5 hours"),
        (timedelta(days=3), "in 3 days"),
    ],
)
def test_distance_from_now_is_told_in_one_unit(distance, words):
    assert display.in_words(distance) == words


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (None, "—"),
        (timedelta(seconds=9), "9 s"),
        (timedelta(minutes=38, seconds=12), "38 min 12 s"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(days=3, hours=1, minutes=9), "3 d 1 h"),
    ],
)
def test_length_of_time_is_told_in_its_two_largest_units(length, words):
    assert display.duration(length) == words


@pytest.mark.parametrize(
    ("size", "words"), [(None, "unknown"), (0, "0 GB"), (1400, "1,400 GB"), (10**9, "1,000,000,000 GB")]
)
def test_gigabytes_are_whole_and_grouped(size, words):
    assert display.gigabytes(size) == words.replace(" ", NBSP)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (None, "unknown"),
        (0, "0 MB"),
        (1, "1 MB"),
        (1023, "1,023 MB"),
        (1024, "1 GB"),
        (1536, "1.5 GB"),
        (1024 * 1024 + 512, "1,024 GB"),
    ],
)
def test_something_is_never_shown_as_nothing(size, words):
    assert (
        display.megabytes(size) == words.replace(" ", NBSP)
        if size is not None
        else display.megabytes(size) == words
    )


@pytest.mark.parametrize(
    ("used_mb", "tone", "width"),
    [
        (0, "plain", 0),
        (1, "plain", 1),
        (790 * 1024, "plain", 79),
        (800 * 1024, "partial", 80),
        (2000 * 1024, "failed", 100),
    ],
)
def test_capacity_is_a_bar_whose_tone_warns(used_mb, tone, width):
    html = display.capacity(Vault(size_gb=1000, used_mb=used_mb))

    assert re.findall(r'width="(\d+)" height="8" class="bar-(\S+)"', html) == [(str(width), tone)]
    assert f"of 1,000{NBSP}GB" in html


@pytest.mark.parametrize(("size", "used"), [(None, 1), (0, 1), (10, None)])
def test_unknown_capacity_is_called_unknown(size, used):
    assert display.capacity(Vault(size_gb=size, used_mb=used)) == '<span class="none">unknown</span>'


def test_progress_is_a_named_bar_with_its_number():
    html = display.progress(record("running", progress_percent=142, backup_name='"><b>'))

    assert html == (
        '<span class="progress-line"><progress max="100" value="100" '
        'aria-label="Progress of &quot;&gt;&lt;b&gt;"></progress> 100 %</span>'
    )


@pytest.mark.parametrize("one", [record("running"), record("succeeded", progress_percent=100)])
def test_progress_that_is_not_told_or_over_is_a_dash(one):
    assert display.progress(one) == display.NONE


def test_roll_up_counts_by_look_and_says_the_same_in_words():
    records = [record("waiting"), record("running"), record("running"), record("succeeded"), record("failed")]
    records += [
        record("succeeded", arrived_at=NOON),
        record("skipped"),
        record("timed_out"),
        record("unknown"),
    ]

    html = display.roll_up(records)

    legend = re.findall(r'status-(\S+)">.*?</svg>(.*?)</span> (\d+)</li>', html)
    assert legend == [
        ("failed", "Failed", "1"),
        ("refused", "Timed out", "1"),
        ("running", "Being copied", "2"),
        ("waiting", "Waiting", "1"),
        ("waiting", "Not yet known", "1"),
        ("copied", "Copied", "1"),
        ("done", "Arrived", "1"),
        ("over", "Skipped", "1"),
    ]
    assert sum(int(width) for width in re.findall(r'width="(\d+)" height="8"', html)) == len(records)
    assert 'viewBox="0 0 9 8"' in html


def test_roll_up_of_nothing_is_an_empty_bar():
    assert 'viewBox="0 0 1 8"' in display.roll_up([])


@pytest.mark.parametrize(
    ("name", "words"),
    [("operation_log", "operation log"), ("replica", "destination vault"), ("something", "source region")],
)
def test_place_that_a_look_has_read_has_a_name(name, words):
    assert display.evidence_source(name) == words


def test_id_is_shortened_with_its_full_value_on_hover_and_on_the_button():
    html = display.copyable("4529284b-bb84-58fb-a815-f39d9531bd04", "Copy vault ID")

    assert '<code title="4529284b-bb84-58fb-a815-f39d9531bd04">4529284b…</code>' in html
    assert 'data-copy="4529284b-bb84-58fb-a815-f39d9531bd04" aria-label="Copy vault ID 4529284b…"' in html


def test_id_is_shown_whole_when_it_is_short_or_asked_for():
    assert ">req-7</code>" in display.copyable("req-7", "Copy")
    assert ">4529284b-bb84-58fb<" in display.copyable("4529284b-bb84-58fb", "Copy", full=True)
    assert display.copyable("", "Copy") == display.NONE


def test_hostile_id_stays_text():
    assert '"><script>' not in display.copyable('"><script>', "Copy")


@pytest.mark.parametrize(
    ("cookie", "theme"),
    [("dark", "dark"), ("light", "light"), ("auto", "auto"), ("", "auto"), ('"><script>', "auto")],
)
def test_theme_is_the_one_that_the_reader_has_chosen(cookie, theme):
    request = RequestFactory().get("/")
    request.COOKIES["theme"] = cookie
    template = Template("{% load replication_display %}{% theme %}")

    assert (template.render(Context({"request": request})), template.render(Context())) == (theme, "auto")


@pytest.mark.parametrize(
    ("mb", "words"),
    [
        (None, "unknown"),
        (0, "0 GiB"),
        (5, "5 MiB"),
        (1024, "1 GiB"),
        (1536, "1.5 GiB"),
        (812 * 1024, "812 GiB"),
        (2000 * 1024, "2,000 GiB"),
    ],
)
def test_mib_are_shown_as_gib_and_never_as_nothing(mb, words):
    assert display.gibibytes(mb).replace(NBSP, " ") == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (Size(count=14, known_gb=812, unknown=0), "812 GB"),
        (Size(count=3, known_gb=0, unknown=3), "size unknown"),
        (Size(count=3, known_gb=80, unknown=1), "80 GB and 1 of unknown size"),
        (Size(count=0, known_gb=0, unknown=0), "0 GB"),
    ],
)
def test_amount_says_of_how_many_nobody_knows_the_size(size, words):
    assert display.amount(size).replace(NBSP, " ") == words


@pytest.mark.parametrize(
    ("sum_", "words"),
    [("0", "0.00 EUR"), ("0.004", "less than 0.01 EUR"), ("24.36", "24.36 EUR"), ("1234.5", "1,234.50 EUR")],
)
def test_money_is_never_rounded_to_nothing(sum_, words):
    assert display.money(Decimal(sum_), "EUR").replace(NBSP, " ") == words
