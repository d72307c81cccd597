"""Recurrences on the wall clock, against an oracle that knows nothing of cron: once per local day."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissemination.errors import SettingsError, WrongUseError
from dissemination.ports import Recurrences
from dissemination.scheduling import ALIASES, WallClockRecurrences, place

SUBJECT: Recurrences = WallClockRecurrences()
DAILY = ["00:00", "00:30", "01:30", "02:30", "03:00"]
ZONES = ["Europe/Bucharest", "Europe/Paris", "America/New_York"]
# With a change at midnight, by half an hour, in the south, on a line of its own, and without any.
FAR_ZONES = ["Africa/Cairo", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu", "America/St_Johns"]


def instant(*parts):
    return datetime(*parts, tzinfo=UTC)


def wall(*parts):
    return datetime(*parts)  # noqa: DTZ001 - a wall time carries no zone


def cron(hhmm, rest="* * *"):
    hour, minute = hhmm.split(":")
    return f"{int(minute)} {int(hour)} {rest}"


def changes(zone, first=2026, last=2029):
    """The instants (to the hour) at which the clocks change."""
    place_in, found = ZoneInfo(zone), []
    moment = instant(first, 1, 1)
    while moment.year <= last:
        after = moment + timedelta(hours=1)
        if moment.astimezone(place_in).utcoffset() != after.astimezone(place_in).utcoffset():
            found.append(after)
        moment = after
    return found


def days(first, last):
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def instants_of(shown, zone, near):
    """Every instant within three hours of `near` at which the clock shows `shown`."""
    place_in = ZoneInfo(zone)
    quarters = (near + timedelta(minutes=15 * n) for n in range(-12, 13))
    return [moment for moment in quarters if moment.astimezone(place_in).replace(tzinfo=None) == shown]


def assert_once_per_day(found, zone, hhmm, first, last):
    """No day missing, none double, each at the time that was asked for unless the clocks jump over it."""
    assert Counter(moment.local.date() for moment in found) == Counter(days(first, last))
    for moment in found:
        asked = datetime.combine(moment.local.date(), datetime.strptime(hhmm, "%H:%M").time())  # noqa: DTZ007 - wall
        there = instants_of(asked, zone, moment.utc)
        assert moment.local == moment.utc.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        if there:
            assert moment.utc == there[0]
            assert moment.note.startswith("fold") == (len(there) == 2)
        else:
            assert moment.note.startswith("gap")
            assert timedelta(0) < moment.local - asked <= timedelta(hours=1)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("hhmm", DAILY)
def test_daily_times_come_once_per_local_day_through_four_years(hhmm, zone):
    start = place(wall(2025, 12, 31, 23, 59), zone)[0]
    end = place(wall(2029, 12, 31, 23, 59), zone)[0]

    found = SUBJECT.between(cron(hhmm), zone, start, end)

    assert_once_per_day(found, zone, hhmm, date(2026, 1, 1), date(2029, 12, 31))
    hits = sum(1 for moment in found if moment.note)
    hours = {"Europe/Bucharest": ["03:00"], "Europe/Paris": ["02:30"], "America/New_York": ["01:30", "02:30"]}
    assert bool(hits) == (hhmm in hours[zone])


@pytest.mark.parametrize("zone", ZONES + FAR_ZONES)
def test_every_half_hour_of_the_day_is_right_around_every_change(zone):
    around = changes(zone)
    for change in around:
        day = change.astimezone(ZoneInfo(zone)).date()
        first, last = day - timedelta(days=1), day + timedelta(days=2)
        start = place(datetime.combine(first, datetime.min.time()), zone)[0] - timedelta(seconds=1)
        end = place(datetime.combine(last, datetime.max.time()), zone)[0]
        for half_hour in range(48):
            hhmm = f"{half_hour // 2:02}:{half_hour % 2 * 30:02}"
            assert_once_per_day(SUBJECT.between(cron(hhmm), zone, start, end), zone, hhmm, first, last)
    assert len(around) == (0 if zone == "Asia/Kathmandu" else 8)


@pytest.mark.parametrize("zone", [*ZONES, "Australia/Lord_Howe"])
@pytest.mark.parametrize(
    ("expression", "step"),
    [
        ("*/30 * * * *", timedelta(minutes=30)),
        ("@hourly", timedelta(hours=1)),
        ("0,30 0-23 * * *", timedelta(minutes=30)),
        ("*/5 */1 * * *", timedelta(minutes=5)),
    ],
)
def test_a_series_is_never_silent_and_never_double(expression, step, zone):
    for change in changes(zone, 2026, 2027):
        found = SUBJECT.between(expression, zone, change - timedelta(hours=6), change + timedelta(hours=6))
        gaps = {later.utc - earlier.utc for earlier, later in pairwise(found)}
        if zone == "Australia/Lord_Howe" and step == timedelta(hours=1):
            # A clock that jumps by half an hour shows its full hours half an hour apart, or one and a half.
            assert gaps <= {step / 2, step, step * 3 / 2}
        else:
            assert gaps == {step}


def test_half_hours_through_the_repeated_hour_say_which_pass_they_are():
    found = SUBJECT.between("*/30 * * * *", "Europe/Paris", instant(2026, 10, 24, 23, 30), instant(2026, 10, 25, 2))

    assert [(f"{moment.local:%H:%M}", moment.note[-11:]) for moment in found] == [
        ("02:00", " first pass"),
        ("02:30", " first pass"),
        ("02:00", "second pass"),
        ("02:30", "second pass"),
        ("03:00", ""),
    ]


def test_half_hours_over_the_jump_collapse_onto_those_that_stand_on_the_clock():
    found = SUBJECT.between("*/30 * * * *", "Europe/Paris", instant(2026, 3, 29, 0, 30), instant(2026, 3, 29, 2))

    assert [(f"{moment.local:%H:%M}", moment.note) for moment in found] == [
        ("03:00", ""),
        ("03:30", ""),
        ("04:00", ""),
    ]


def test_two_fixed_times_that_meet_on_one_instant_are_one():
    found = SUBJECT.between("0 2,3 * * *", "Europe/Paris", instant(2026, 3, 28, 12), instant(2026, 3, 29, 12))

    assert [moment.utc for moment in found] == [instant(2026, 3, 29, 1)]


def test_fixed_times_in_a_list_run_in_the_first_pass_only():
    found = SUBJECT.between("0,30 2 * * *", "Europe/Paris", instant(2026, 10, 24, 12), instant(2026, 10, 25, 12))

    assert [moment.utc for moment in found] == [instant(2026, 10, 25, 0), instant(2026, 10, 25, 0, 30)]


def test_lord_howe_moves_by_half_an_hour():
    autumn = SUBJECT.between("45 1 * * *", "Australia/Lord_Howe", instant(2026, 4, 4), instant(2026, 4, 5))
    spring = SUBJECT.between("15 2 * * *", "Australia/Lord_Howe", instant(2026, 10, 3), instant(2026, 10, 4))

    assert [(moment.utc, moment.note[:4]) for moment in autumn] == [(instant(2026, 4, 4, 14, 45), "fold")]
    assert [(moment.local, moment.note[:3]) for moment in spring] == [(wall(2026, 10, 4, 2, 45), "gap")]


def test_a_day_that_a_zone_left_out_melts_into_the_next():
    # Samoa went over the date line: 30 December 2011 did not take place.
    found = SUBJECT.between("0 12 * * *", "Pacific/Apia", instant(2011, 12, 28), instant(2012, 1, 1))

    assert [moment.local.day for moment in found] == [28, 29, 31, 1]


def test_the_bounds_are_open_below_and_closed_above():
    nine = instant(2026, 1, 5, 8)

    def between(after, until):
        return [moment.utc for moment in SUBJECT.between("0 9 * * *", "Europe/Paris", after, until)]

    assert between(nine, nine + timedelta(hours=1)) == []
    assert between(nine - timedelta(microseconds=1), nine) == [nine]
    assert between(nine - timedelta(hours=1), nine - timedelta(microseconds=1)) == []
    assert between(nine, nine - timedelta(days=9)) == []


PATTERNS = st.sampled_from(
    [
        "*/30 * * * *",
        "30 2 * * *",
        "0 2,3 * * *",
        "15 */2 * * *",
        "0 0 * * mon-fri",
        "45 1 * * 0",
        "30 23 last * *",
    ],
)
MOMENTS = st.datetimes(wall(2026, 1, 1), wall(2027, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


@settings(max_examples=60, deadline=None)
@given(
    PATTERNS,
    st.sampled_from([*ZONES, *FAR_ZONES, "America/Nuuk"]),
    MOMENTS,
    st.integers(0, 7 * 24 * 60),
    st.integers(0, 7 * 24 * 60),
)
def test_windows_can_be_put_together(expression, zone, start, first, second):
    middle = start + timedelta(minutes=first)
    end = middle + timedelta(minutes=second)

    left = SUBJECT.between(expression, zone, start, middle)
    right = SUBJECT.between(expression, zone, middle, end)

    assert [*left, *right] == list(SUBJECT.between(expression, zone, start, end))


@settings(max_examples=40, deadline=None)
@given(
    PATTERNS,
    st.sampled_from(["Europe/Paris", "Australia/Lord_Howe", "Africa/Cairo"]),
    st.sampled_from([0, 1]),
    st.integers(-90, 90),
)
def test_windows_can_be_put_together_right_at_a_change_of_clocks(expression, zone, which, minutes):
    middle = changes(zone, 2026, 2026)[which] + timedelta(minutes=minutes)
    start, end = middle - timedelta(hours=5), middle + timedelta(hours=5)

    parts = [*SUBJECT.between(expression, zone, start, middle), *SUBJECT.between(expression, zone, middle, end)]

    assert parts == list(SUBJECT.between(expression, zone, start, end))
    assert len({moment.utc for moment in parts}) == len(parts)


@settings(max_examples=30, deadline=None)
@given(PATTERNS, st.sampled_from(ZONES), MOMENTS, st.integers(1, 12))
def test_next_is_the_beginning_of_between(expression, zone, after, count):
    found = list(SUBJECT.next(expression, zone, after, count))

    assert len(found) == count
    assert found == list(SUBJECT.between(expression, zone, after, found[-1].utc))


@pytest.mark.parametrize(
    ("weekday", "names"),
    [
        ("0", {"Sun"}),
        ("7", {"Sun"}),
        ("1", {"Mon"}),
        ("6", {"Sat"}),
        ("SUN", {"Sun"}),
        ("1-5", {"Mon", "Tue", "Wed", "Thu", "Fri"}),
        ("mon-wed", {"Mon", "Tue", "Wed"}),
        ("sat-sun", {"Sat", "Sun"}),
        ("fri-mon", {"Fri", "Sat", "Sun", "Mon"}),
        ("5-7", {"Fri", "Sat", "Sun"}),
        ("*/2", {"Sun", "Tue", "Thu", "Sat"}),
        ("1-5/2", {"Mon", "Wed", "Fri"}),
        ("1,thu", {"Mon", "Thu"}),
        ("0-7", {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}),
        ("*", {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}),
    ],
)
def test_weekdays_are_those_of_cron(weekday, names):
    found = SUBJECT.next(f"0 9 * * {weekday}", "Europe/Paris", instant(2026, 1, 1), 14)

    assert {f"{moment.local:%a}" for moment in found} == names


def test_day_and_weekday_must_both_hold():
    found = SUBJECT.next("0 9 1-7 * mon", "Europe/Bucharest", instant(2026, 1, 1), 3)

    assert [moment.local.date() for moment in found] == [date(2026, 1, 5), date(2026, 2, 2), date(2026, 3, 2)]


def test_the_last_day_of_a_month():
    found = SUBJECT.next("0 9 last jan-apr *", "Europe/Paris", instant(2028, 1, 1), 5)

    assert [(moment.local.month, moment.local.day) for moment in found] == [
        (1, 31),
        (2, 29),
        (3, 31),
        (4, 30),
        (1, 31),
    ]


@pytest.mark.parametrize(
    ("alias", "first"),
    [
        ("@hourly", wall(2026, 1, 1, 1)),
        ("@daily", wall(2026, 1, 2)),
        ("@midnight", wall(2026, 1, 2)),
        ("@Weekly", wall(2026, 1, 4)),
        ("@monthly", wall(2026, 2, 1)),
        ("@yearly", wall(2027, 1, 1)),
        ("@annually", wall(2027, 1, 1)),
    ],
)
def test_aliases(alias, first):
    assert SUBJECT.next(alias, "UTC", instant(2026, 1, 1), 1)[0].local == first


def test_every_alias_is_tried_above():
    assert len(ALIASES) == 7


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "0 of 5 fields"),
        ("@fortnightly", "1 of 5 fields"),
        ("0 9 * *", "4 of 5 fields"),
        ("0 0 9 * * 1", "6 of 5 fields"),
        ("61 * * * *", "61"),
        ("* 24 * * *", "24"),
        ("0 9 0 * *", "0"),
        ("0 9 32 * *", "32"),
        ("0 9 * 13 *", "13"),
        ("*/0 * * * *", "higher than 0"),
        ("30-10 * * * *", "minimum"),
        ("0 9 * janx *", 'month "janx"'),
        ("0 9 * jan/2 *", 'month "jan/2"'),
        ("0 9 * * 8", 'weekday "8"'),
        ("0 9 * * mon-xyz", 'weekday "mon-xyz"'),
        ("0 9 * * ,", 'weekday ","'),
        ("nine o'clock on every monday", "minute"),
        ("0 ٩ * * *", "hour"),  # a digit nine that is not ASCII
        ("1," * 5000 + "1 * * * *", "fields"),
    ],
)
def test_a_bad_expression_is_named_with_an_example(expression, why):
    with pytest.raises(SettingsError) as caught:
        SUBJECT.next(expression, "Europe/Paris", instant(2026, 1, 1), 1)

    assert why in str(caught.value)
    assert '"0 9 * * mon"' in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("expression", ["0 0 31 2 *", "0 0 30 feb mon", "0 0 31 4,6,9,11 *"])
def test_a_day_that_never_comes_ends_the_search_with_a_clear_word(expression):
    with pytest.raises(SettingsError, match="never comes"):
        SUBJECT.next(expression, "Europe/Paris", instant(2026, 1, 1), 1)
    assert SUBJECT.between(expression, "Europe/Paris", instant(2026, 1, 1), instant(2126, 1, 1)) == []


def test_a_rare_day_is_found():
    found = SUBJECT.next("0 0 29 2 mon", "Europe/Paris", instant(2073, 1, 1), 1)

    assert found[0].local == wall(2112, 2, 29)


@pytest.mark.parametrize("count", [0, -1, 10_001])
def test_next_is_bounded(count):
    with pytest.raises(WrongUseError, match="ask for 1 to 10,000"):
        SUBJECT.next("@daily", "Europe/Paris", instant(2026, 1, 1), count)


def test_the_ends_of_the_calendar_do_no_harm():
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

    found = SUBJECT.between("0 0 1 1 *", "America/New_York", first, last)

    assert (found[0].local.year, found[-1].local.year) == (1971, 2899)


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Bukarest", 'did you mean "Europe/Bucharest"'),
        ("../../etc/passwd", "IANA"),
        ("", "IANA"),
        ("Europe", "time zone"),
        ("Mars/" + "x" * 5000, "IANA"),
    ],
)
def test_a_bad_zone_is_named(zone, hint):
    with pytest.raises(SettingsError, match="is no time zone") as caught:
        SUBJECT.between("@daily", zone, instant(2026, 1, 1), instant(2026, 1, 2))
    assert hint in str(caught.value)


def test_instants_without_a_zone_are_a_mistake_of_the_program():
    naive = wall(2026, 1, 1)
    with pytest.raises(ValueError, match="carries its zone"):
        SUBJECT.between("@daily", "Europe/Paris", naive, instant(2026, 1, 2))


@pytest.mark.parametrize(
    ("local", "utc", "note"),
    [
        (wall(2026, 6, 1, 9), instant(2026, 6, 1, 6), ""),
        (
            wall(2026, 3, 29, 3, 30),
            instant(2026, 3, 29, 1, 30),
            "gap: the clocks jump over 03:30, shifted forward to 04:30",
        ),
        (
            wall(2026, 10, 25, 3, 30),
            instant(2026, 10, 25, 0, 30),
            "fold: 03:30 comes twice, this is the first pass",
        ),
    ],
)
def test_place(local, utc, note):
    assert place(local, "Europe/Bucharest") == (utc, note)


def test_place_takes_wall_times_only():
    with pytest.raises(ValueError, match="carries no zone"):
        place(instant(2026, 1, 1), "Europe/Bucharest")
