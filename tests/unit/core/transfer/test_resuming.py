"""When a download that was cut goes on, and when that would mix two files."""

from __future__ import annotations

import pytest
from requests.structures import CaseInsensitiveDict

from glance_operator.core.transfer.resuming import Offer, Patience

DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
OFFER = Offer(1000, '"abc"', DATE)


def test_what_the_server_said_is_remembered() -> None:
    headers = CaseInsensitiveDict({"content-length": "1000", "etag": '"abc"', "last-modified": DATE})
    assert Offer.of(headers) == OFFER
    assert Offer.of({}) == Offer()
    assert Offer.of({"Content-Length": "many"}).total is None
    assert Offer.of({"Transfer-Encoding": "chunked", "Content-Length": "5"}) == Offer(framed=True)


def test_a_cut_is_told_from_the_end_by_a_length_or_by_chunks() -> None:
    assert OFFER.ends_visibly
    assert Offer(framed=True).ends_visibly
    assert not Offer(etag='"abc"').ends_visibly


def test_the_rest_is_asked_for_under_a_condition() -> None:
    assert OFFER.request(400) == {"Range": "bytes=400-", "If-Range": '"abc"'}
    assert Offer(1000, None, DATE).request(400) == {"Range": "bytes=400-", "If-Range": DATE}
    assert Offer(1000, 'W/"abc"', DATE).request(400) == {"Range": "bytes=400-", "If-Range": DATE}
    assert Offer(1000, 'W/"abc"').request(400) == {"Range": "bytes=400-"}
    assert Offer(1000).request(400) == {}


PART = {"Content-Range": "bytes 400-999/1000", "ETag": '"abc"', "Last-Modified": DATE}


def test_the_rest_of_the_same_file_is_taken() -> None:
    assert OFFER.continued_by(206, PART, 400)
    assert OFFER.continued_by(206, {"Content-Range": "bytes 400-999/*"}, 400)
    assert Offer(None, '"abc"').continued_by(206, {**PART, "Content-Range": "bytes 400-2999/3000"}, 400)


@pytest.mark.parametrize(
    ("status", "changes"),
    [
        (200, {}),
        (416, {}),
        (206, {"Content-Range": "bytes 0-999/1000"}),
        (206, {"Content-Range": "bytes 401-999/1000"}),
        (206, {"Content-Range": "bytes 400-999/1001"}),
        (206, {"Content-Range": "bytes 400-998/1000"}),
        (206, {"Content-Range": ""}),
        (206, {"ETag": '"other"'}),
        (206, {"Last-Modified": "Fri, 02 Jan 2026 00:00:00 GMT"}),
    ],
)
def test_anything_else_is_not(status: int, changes: dict[str, str]) -> None:
    assert not OFFER.continued_by(status, {**PART, **changes}, 400)


def test_five_cuts_are_forgiven_with_growing_pauses() -> None:
    patience = Patience()
    assert [patience.pause(1000) for _ in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, None, None]


def test_who_brings_much_is_forgiven_anew() -> None:
    patience = Patience()
    assert [patience.pause(n * (64 << 20)) for n in range(1, 20)] == [0.5] * 19
