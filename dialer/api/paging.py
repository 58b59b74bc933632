"""Pages: every list is read in pages, the next one by the cursor that this one gave."""

from typing import Annotated

from pydantic import Field

from dialer.api.routing import MAX_ID, Input

MAX_PAGE = 500

Limit = Annotated[int, Field(ge=1, le=MAX_PAGE, description="Items per page.")]


class PageQuery(Input):
    """`cursor` is the `next` of the page before; it is an id, but count on nothing but its being given back."""

    cursor: Annotated[int | None, Field(ge=0, le=MAX_ID, description="The `next` of the page before.")] = None
    limit: Limit = 100


def next_cursor(ids: list[int], limit: int) -> int | None:
    """The cursor after a page with these ids; None: it was the last page."""
    return ids[-1] if len(ids) == limit else None
