import pytest
from pydantic import ValidationError

from steadycast.settings import Paging


def test_paging_by_cursor_needs_its_place():
    with pytest.raises(ValidationError, match="style cursor needs next_field"):
        Paging(style="cursor")


@pytest.mark.parametrize("style", ["page", "offset", "next_link"])
def test_paging_by_counting_or_by_link_header_needs_no_place(style):
    assert Paging(style=style).next_field is None
