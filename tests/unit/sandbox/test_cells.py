import pytest

from sandbox.cells import decimals_of, mistype, read_number, write_number


@pytest.mark.parametrize(
    ("cell", "number"), [(2.5, 2.5), ("2.5", 2.5), ("T", None), ("", None), (None, None), (".", None)]
)
def test_the_number_of_a_cell(cell, number):
    assert read_number(cell) == number


@pytest.mark.parametrize(("cell", "decimals"), [("31", 0), ("30.10", 2), (2.5, 1), (1 / 3, 6)])
def test_the_decimals_of_a_cell(cell, decimals):
    assert decimals_of(cell) == decimals


def test_a_text_stays_a_text_and_a_number_a_number():
    assert write_number("31", 33.333, 2) == "33.33"
    assert write_number(31.0, 33.333, 2) == 33.33


@pytest.mark.parametrize(
    ("text", "pick", "typed"),
    [
        pytest.param("12.508", 0.0, "21.508", id="digits_transposed"),
        pytest.param("12.508", 0.5, "125.08", id="point_slipped"),
        pytest.param("12.5", 0.5, "125", id="point_lost"),
        pytest.param("12.508", 0.9, "12.5O8", id="letter_for_zero"),
        pytest.param("3", 0.0, "3O", id="nothing_else_possible"),
    ],
)
def test_a_hasty_hand_mistypes(text, pick, typed):
    assert mistype(text, pick) == typed


@pytest.mark.parametrize("pick", [0.0, 0.4, 0.999])
@pytest.mark.parametrize("text", ["0", "0.0", "7", "11.1", "12.508", "-3.25", "143888"])
def test_a_mistyped_number_is_never_the_number(text, pick):
    typed = mistype(text, pick)
    assert typed != text
    assert "O" in typed or float(typed) != float(text)
