import datetime as dt

import pytest
from pydantic import TypeAdapter, ValidationError

from steadycast.settings.base import Monday, Template, Timezone


@pytest.mark.parametrize("days", range(1, 7))
def test_every_other_day_of_the_week_names_both_mondays_around_it(days):
    day = dt.date(2016, 6, 6) + dt.timedelta(days=days)
    with pytest.raises(ValidationError, match="write 2016-06-06 or 2016-06-13"):
        TypeAdapter(Monday).validate_python(day)


def test_a_monday_is_accepted():
    assert TypeAdapter(Monday).validate_python("2016-06-06") == dt.date(2016, 6, 6)


@pytest.mark.parametrize("name", ["UTC", "America/Chicago", "Europe/Berlin"])
def test_iana_names_are_timezones(name):
    assert TypeAdapter(Timezone).validate_python(name) == name


@pytest.mark.parametrize("text", ["/a/{as_of}/{start}-{end}.csv", "plain", "${HOME}/{as_of}", "{{literal}}"])
def test_known_placeholders_are_accepted(text):
    assert TypeAdapter(Template).validate_python(text) == text


@pytest.mark.parametrize("text", ["{today}", "{}", "{as_of.year}", "{0}"])
def test_any_other_placeholder_is_refused(text):
    with pytest.raises(ValidationError, match="is no placeholder"):
        TypeAdapter(Template).validate_python(text)
