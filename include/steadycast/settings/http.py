"""Settings of how a source is asked over HTTP."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from steadycast.settings.base import Strict


class Timeouts(Strict):
    """Limits of one request and of the whole poll, in seconds."""

    connect_s: PositiveFloat = 5.0
    read_s: PositiveFloat = Field(20.0, description="Longest silence between two pieces of the answer.")
    request_s: PositiveFloat = Field(
        60.0, description="Longest time for one answer, however steadily it drips."
    )
    total_s: PositiveFloat = Field(
        300.0, description="Longest time for the whole poll, pages and retries included."
    )


class Retries(Strict):
    """Retries of one request on 429, 5xx, time-outs and dropped connections."""

    attempts: PositiveInt = 4
    first_wait_s: PositiveFloat = 0.5
    max_wait_s: PositiveFloat = Field(20.0, description="Longest wait, also against a longer Retry-After.")


class Paging(Strict):
    """How the source hands out further pages."""

    style: Literal["page", "offset", "cursor", "next_link"]
    param: str = Field("page", description="Query parameter for the page number, the offset or the cursor.")
    size_param: str | None = None
    size: PositiveInt | None = None
    first_page: int = 1
    next_field: str | None = Field(
        None,
        description="Dotted path of the cursor or link in the answer; left out: the Link header.",
    )
    max_pages: PositiveInt = 1000

    @model_validator(mode="after")
    def _says_where_next_is(self) -> Self:
        # a link may also come in the Link header
        if self.style == "cursor" and self.next_field is None:
            raise ValueError(
                "style cursor needs next_field: where in the answer the next one is, as a dotted path"
            )
        return self
