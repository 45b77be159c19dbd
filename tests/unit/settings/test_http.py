import pytest
from pydantic import ValidationError

from steadycast.settings import Paging


@pytest.mark.parametrize("style", ["cursor", "next_link"])
def test_paging_by_what_the_answer_says_needs_its_place(style):
    with pytest.raises(ValidationError, match=f"style {style} needs next_field"):
        Paging(style=style)


@pytest.mark.parametrize("style", ["page", "offset"])
def test_paging_by_counting_needs_no_place(style):
    assert Paging(style=style).next_field is None
