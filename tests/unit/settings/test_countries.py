from holidays.registry import COUNTRIES as KNOWN_TO_THE_PACKAGE

from steadycast.settings.countries import COUNTRIES


def test_the_list_is_what_the_holidays_package_has():
    codes = {code for _, *names in KNOWN_TO_THE_PACKAGE.values() for code in names if len(code) == 2}
    assert codes == COUNTRIES
