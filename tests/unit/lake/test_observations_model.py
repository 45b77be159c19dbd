"""Any sequence of polls and decisions, in any order, against a plain dictionary."""

from __future__ import annotations

import datetime as dt
import itertools
import tempfile
from dataclasses import dataclass, field

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steadycast.lake import open_lake
from steadycast.schema import OBSERVATION_DTYPES

MOMENTS = 5
KEYS = [("a", 1, "t"), ("a", 1, "u"), ("b", 1, "t"), ("b", 40, "t")]

cells = st.dictionaries(st.sampled_from(KEYS), st.sampled_from([0.0, 1.0, float("nan")]), max_size=len(KEYS))
polls = st.tuples(
    st.integers(0, MOMENTS - 1), cells, st.sampled_from(["accepted", "accepted", "rejected", "pending"])
)
decisions = st.tuples(st.integers(0, 20), st.sampled_from(["accepted", "rejected"]))
steps = st.builds(
    lambda first, then, last: [*first, *then, *last],
    st.lists(polls, min_size=2, max_size=6),
    st.lists(decisions, max_size=3),
    st.lists(polls, max_size=2),
)


@dataclass
class Model:
    """The careful clerk: keeps every poll whole, and folds the accepted ones when asked."""

    said: dict[tuple[int, int], dict] = field(default_factory=dict)
    counts: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)
    verdicts: dict[tuple[int, int], str] = field(default_factory=dict)

    def append(self, moment, poll):
        poll = {cell: value for cell, value in poll.items() if value == value}
        attempts = sorted(place for place in self.said if place[0] == moment)
        for place in reversed(attempts):
            if self.verdicts[place] != "rejected" or self.said[place] == poll:
                return place, self.counts[place]
        place = (moment, len(attempts) + 1)
        before = self.state([p for p in self.accepted() if p < place])
        new = sum(cell not in before for cell in poll)
        unchanged = sum(before.get(cell) == value for cell, value in poll.items())
        self.said[place] = poll
        self.verdicts[place] = "pending"
        self.counts[place] = (new, len(poll) - new - unchanged, unchanged)
        return place, self.counts[place]

    def accepted(self):
        return sorted(place for place, verdict in self.verdicts.items() if verdict == "accepted")

    def versions(self, places):
        found = {}
        for place in sorted(places):
            for cell, value in self.said[place].items():
                history = found.setdefault(cell, [])
                if not history or history[-1][0] != value:
                    history.append((value, place[0]))
        return found

    def state(self, places):
        return {cell: history[-1][0] for cell, history in self.versions(places).items()}


def moment(number):
    return dt.datetime(2016, 6, 6, tzinfo=dt.UTC) + dt.timedelta(weeks=number)


def table(poll):
    rows = [(e, pd.Timestamp(2016, 1, 1) + pd.Timedelta(days=d), v, x) for (e, d, v), x in poll.items()]
    return pd.DataFrame(rows, columns=["entity", "date", "variable", "value"]).astype(OBSERVATION_DTYPES)


def rows(frame):
    days = (frame["date"] - pd.Timestamp(2016, 1, 1)).dt.days
    numbers = (frame["retrieved_at"] - moment(0)).dt.days // 7
    return list(zip(frame["entity"], frame["variable"], days, frame["value"], numbers, strict=True))


def expected(versions, newest_only):
    return [
        (entity, variable, day, value, number)
        for (entity, day, variable), history in sorted(
            versions.items(), key=lambda item: (item[0][0], item[0][2], item[0][1])
        )
        for value, number in (history[-1:] if newest_only else history)
    ]


def play(observations, steps):
    """Do the steps to the lake and to the model; both models' places and the lake's names."""
    model, names = Model(), {}
    for step in steps:
        if len(step) == 3:
            number, poll, verdict = step
            appended = observations.append(table(poll), moment(number))
            place, counts = model.append(number, poll)
            assert (appended.new, appended.changed, appended.unchanged) == counts
            assert names.setdefault(place, appended.segment) == appended.segment
        elif names:
            place, verdict = sorted(names)[step[0] % len(names)], step[1]
        else:
            continue
        if verdict == "accepted":
            observations.accept(names[place], by="test")
        elif verdict == "rejected":
            observations.reject(names[place], by="test", why=["why not"])
        if verdict != "pending":
            model.verdicts[place] = verdict
    return model, names


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps, data=st.data())
def test_every_read_gives_what_a_dictionary_of_whole_polls_gives(steps, data):
    with tempfile.TemporaryDirectory() as folder:
        observations = open_lake(folder).observations("weather")
        model, names = play(observations, steps)
        accepted = model.accepted()
        assert observations.segments() == [names[place] for place in accepted]
        assert observations.segments(accepted=False) == [names[place] for place in sorted(names)]
        assert rows(observations.versions()) == expected(model.versions(accepted), newest_only=False)
        for number in range(MOMENTS):
            known = [place for place in accepted if place[0] <= number]
            wanted = expected(model.versions(known), newest_only=True)
            assert rows(observations.read(as_of=moment(number))) == wanted

        kept = data.draw(st.sets(st.sampled_from(sorted(names)))) if names else set()
        given_names = [names[place] for place in kept]
        assert rows(observations.read(segments=given_names)) == expected(model.versions(kept), True)
        assert rows(observations.versions(segments=given_names)) == expected(model.versions(kept), False)
        some = [row for row in expected(model.versions(kept), True) if 2 <= row[2] < 40]
        window = dt.date(2016, 1, 3), dt.date(2016, 2, 10)
        assert rows(observations.read(given_names, start=window[0], end=window[1])) == some


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(said=st.lists(cells, min_size=2, max_size=4), data=st.data())
def test_the_order_in_which_polls_arrive_makes_no_difference(said, data):
    order = data.draw(st.permutations(range(len(said))))
    reads = []
    for arrival in (range(len(said)), order):
        with tempfile.TemporaryDirectory() as folder:
            observations = open_lake(folder).observations("weather")
            for number in arrival:
                segment = observations.append(table(said[number]), moment(number)).segment
                observations.accept(segment, by="test")
            reads.append(
                [rows(observations.versions())]
                + [rows(observations.read(as_of=moment(number))) for number in range(len(said))]
            )
    assert reads[0] == reads[1]


def test_no_way_of_deciding_on_three_polls_silences_one_of_them(tmp_path):
    lake = open_lake(str(tmp_path))
    at_first = itertools.product(["accepted", "pending"], repeat=3)
    later = itertools.product([0, 1, 2], ["accepted", "rejected"])
    values = [(0.0, 1.0, 0.0), (0.0, 1.0, 1.0)]
    for verdicts, decision, said in itertools.product(at_first, later, values):
        steps = [
            (number, {("a", 1, "t"): value}, verdict)
            for number, (value, verdict) in enumerate(zip(said, verdicts, strict=True))
        ]
        observations = lake.observations("_".join(map(str, (*verdicts, *decision, *said))))
        model, _ = play(observations, [*steps, decision])
        wanted = expected(model.versions(model.accepted()), newest_only=False)
        assert rows(observations.versions()) == wanted
