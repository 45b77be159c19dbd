import datetime as dt
from itertools import pairwise

import pytest

from sandbox.distort import Context, chance, distort
from sandbox.faults import read_fault
from sandbox.tables import SHAPES, make_table

DAYS = [f"2016-05-{day:02}" for day in range(1, 32)]
UNTIL = "2016-05-31"
"""As of 31 May: the newest visible day is the 30th."""


def rides(days=DAYS):
    """Austin counts the days from 1.0 on, Kedzie from 101.0 on."""
    rows = [
        {"station": station, "date": day, "entries": first + i}
        for station, first in (("Austin", 1.0), ("Kedzie", 101.0))
        for i, day in enumerate(days)
    ]
    return make_table("ridership", SHAPES["ridership"], rows, ("station", "date", "entries"))


def weather(*rows):
    filled = [
        {"date": day, **dict.fromkeys(SHAPES["weather_b"].columns, "0"), "events": "Rain", **values}
        for day, values in rows
    ]
    return make_table("weather_b", SHAPES["weather_b"], filled, tuple(filled[0]))


def sent(kind, table=None, start="2016-05-01", end=UNTIL, until=UNTIL, **options):
    table = table if table is not None else rides()
    return distort(Context(table, read_fault({"kind": kind, **options}), start, end, until))


def of(rows, station="Austin"):
    return {row["date"]: row["entries"] for row in rows if row["station"] == station}


TRUE = of(rides().rows)


def changed(rows, station="Austin"):
    true = of(rides().rows, station)
    return [day for day, value in of(rows, station).items() if value != true[day]]


def test_rewritten_spares_the_newest_days_and_changes_all_before_with_an_own_past():
    found = changed(sent("rewritten", days=10))
    # the newest ten are the 21st to the 30th; the first week has no weekday before it to take a value from
    assert set(found) <= set(DAYS[7:20])
    assert set(DAYS[28 - 7 : 20]) <= set(found) | set(DAYS[21:])
    assert all((TRUE[day] - of(sent("rewritten", days=10))[day]) % 7 == 0 for day in found)


def test_rewritten_tells_the_same_in_every_window_and_every_week():
    whole = of(sent("rewritten", days=5))
    part = of(sent("rewritten", days=5, start="2016-05-10", end="2016-05-15"))
    later = of(sent("rewritten", days=5, until="2016-06-01", end="2016-06-01"))
    assert part == {day: whole[day] for day in DAYS[9:14]}
    assert {day: later[day] for day in DAYS[:25]} == {day: whole[day] for day in DAYS[:25]}


def test_another_seed_rewrites_otherwise():
    assert of(sent("rewritten", days=2, seed=1)) != of(sent("rewritten", days=2, seed=2))


def test_rewritten_takes_a_share_and_a_strength():
    full, half = sent("rewritten", days=2), sent("rewritten", days=2, factor=0.5)
    day = changed(full)[-1]
    assert TRUE[day] - of(half)[day] == (TRUE[day] - of(full)[day]) / 2
    assert 0 < len(changed(sent("rewritten", days=2, share=0.3))) < len(changed(full))


def test_a_unit_change_converts_temperatures_wind_and_rain():
    table = weather((DAYS[0], {"high_temp": "86", "avg_wind": "10", "precip": "0.5"}))
    (row,) = sent("unit_change", table)
    assert (row["high_temp"], row["avg_wind"], row["precip"], row["events"]) == (
        "30.000",
        "16.093",
        "12.700",
        "Rain",
    )
    assert row["avg_humidity"] == "0"


def test_a_trace_of_rain_stays_a_trace():
    (row,) = sent("unit_change", weather((DAYS[0], {"precip": "T"})))
    assert row["precip"] == "T"


def test_a_unit_change_can_be_one_column_or_an_own_factor_or_new():
    table = weather((DAYS[0], {"high_temp": "86", "low_temp": "50"}), (DAYS[29], {"high_temp": "86"}))
    assert sent("unit_change", table, column="low_temp")[0]["high_temp"] == "86"
    assert sent("unit_change", table, column="low_temp", factor=2)[0]["low_temp"] == "100.000"
    assert [row["high_temp"] for row in sent("unit_change", table, days=1)] == ["86", "30.000"]


def test_entries_in_units_instead_of_thousands():
    assert of(sent("unit_change", entity="Austin"))[DAYS[1]] == 2000.0
    assert changed(sent("unit_change", entity="Austin"), "Kedzie") == []


def test_a_shift_moves_dates_and_shows_no_day_that_is_not_over():
    found = of(sent("shifted"))
    assert found[DAYS[1]] == TRUE[DAYS[0]]
    assert max(found) == DAYS[29]
    assert DAYS[0] not in found


def test_a_shift_back_leaves_the_newest_day_out():
    found = of(sent("shifted", days=-2))
    assert found[DAYS[0]] == TRUE[DAYS[2]]
    assert max(found) == DAYS[27]


def test_a_shift_knows_what_lies_outside_of_the_window():
    assert of(sent("shifted", start=DAYS[10], end=DAYS[11])) == {DAYS[10]: TRUE[DAYS[9]]}


def test_stuck_repeats_the_day_before_the_newest_days():
    found = of(sent("stuck", days=3))
    assert [found[day] for day in DAYS[25:30]] == [26.0, 27.0, 27.0, 27.0, 27.0]


def test_stuck_covers_a_week_by_default_and_one_entity_if_told():
    found = sent("stuck", entity="Kedzie")
    assert changed(found, "Kedzie") == DAYS[23:30]
    assert changed(found, "Austin") == []


def test_swapped_entities_exchange_their_values():
    found = sent("swapped", entity="Austin", entity_b="Kedzie", days=2)
    assert of(found, "Austin")[DAYS[29]] == 130.0
    assert of(found, "Kedzie")[DAYS[29]] == 30.0
    assert changed(found) == DAYS[28:30]


def test_a_day_that_only_one_of_the_two_has_is_left():
    rows = [row for row in rides().rows if (row["station"], row["date"]) != ("Kedzie", DAYS[0])]
    table = make_table("ridership", SHAPES["ridership"], rows, ("station", "date", "entries"))
    assert of(sent("swapped", table, entity="Austin", entity_b="Kedzie"))[DAYS[0]] == 1.0


def test_swapped_columns_exchange_their_values():
    (row,) = sent("swapped", weather((DAYS[0], {"high_temp": "80", "low_temp": "60"})))
    assert (row["high_temp"], row["low_temp"]) == ("60", "80")


def test_a_renamed_column_keeps_its_place_and_values():
    (row, *_) = sent("renamed", new_name="rides")
    assert list(row.items()) == [("station", "Austin"), ("date", DAYS[0]), ("rides", 1.0)]
    assert "entries_new" in sent("renamed")[0]


def test_duplicates_come_beside_their_row_some_with_another_value():
    rows = sent("duplicates", share=0.5)
    twice = [(a, b) for a, b in pairwise(rows) if (a["station"], a["date"]) == (b["station"], b["date"])]
    same = [a["entries"] == b["entries"] for a, b in twice]
    assert 15 <= len(twice) <= 45
    assert 5 <= sum(same) <= len(same) - 5
    assert all(
        b["entries"] == pytest.approx(1.1 * a["entries"]) for a, b in twice if a["entries"] != b["entries"]
    )


def test_all_rows_twice_with_share_one():
    assert len(sent("duplicates", share=1)) == 120


def test_typing_errors_come_as_texts_in_the_share_asked_for():
    rows = sent("typing_error", share=0.3)
    wrong = [row for row in rows if isinstance(row["entries"], str)]
    assert 8 <= len(wrong) <= 28
    assert sent("typing_error", share=0.3) == rows
    assert len(changed(sent("typing_error", share=1, days=2, entity="Austin"))) == 2


@pytest.mark.parametrize(
    "kind",
    ["rewritten", "unit_change", "shifted", "stuck", "swapped", "renamed", "duplicates", "typing_error"],
)
def test_no_fault_changes_the_sandbox_own_data_or_shows_the_future(kind):
    table = rides()
    before = [dict(row) for row in table.rows]
    rows = sent(kind, table, until="2016-05-11", end="2016-05-11")
    assert max(row["date"] for row in rows) <= "2016-05-10"
    assert [dict(row) for row in table.rows] == before
    planted = make_table(
        "ridership",
        table.shape,
        [row if row["date"] < "2016-05-11" else {**row, "entries": -999.0} for row in before],
        table.fields,
    )
    assert sent(kind, planted, until="2016-05-11", end="2016-05-11") == rows


@pytest.mark.parametrize("kind", ["stuck", "rewritten", "shifted"])
def test_before_the_first_day_there_is_nothing_to_break(kind):
    assert sent(kind, until="2016-05-01", end="2016-05-01") == []


def test_chance_is_even_and_its_own_for_each_purpose():
    drawn = [chance(0, "Austin", str(dt.date(2016, 1, 1) + dt.timedelta(days=i)), "row") for i in range(1000)]
    assert 0 <= min(drawn) < 0.01
    assert 0.99 < max(drawn) < 1
    assert 0.47 < sum(drawn) / 1000 < 0.53
    assert chance(0, "ab", "c") != chance(0, "a", "bc")
