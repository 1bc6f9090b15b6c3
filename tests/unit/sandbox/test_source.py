"""Every fault of the source, as a client sees it."""

from collections.abc import Iterator

import pytest
import requests
from tests.support import eventually

from sandbox_kit.source import Fault, Source

DATA = bytes(range(256)) * 1024
URL = "f.raw"


@pytest.fixture
def source() -> Iterator[Source]:
    with Source() as running:
        yield running


def get(url: str, **options: object) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.request("GET", url, timeout=10, **options)  # type: ignore[arg-type]


def test_a_good_file_has_length_etag_and_date_and_can_be_had_in_parts(source: Source) -> None:
    url = source.serve(URL, DATA)
    whole = get(url)
    assert whole.content == DATA
    assert whole.headers["Content-Length"] == str(len(DATA))
    assert whole.headers["ETag"]
    assert whole.headers["Last-Modified"]
    part = get(url, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, DATA[5:10])
    assert get(url, headers={"Range": "bytes=262140-"}).content == DATA[-4:]
    assert [request.method for request in source.requests_of(URL)] == ["GET"] * 3


def test_head_has_the_headers_only(source: Source) -> None:
    answer = requests.head(source.serve(URL, DATA), timeout=10)
    assert (answer.headers["Content-Length"], answer.content) == (str(len(DATA)), b"")


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        (Fault(status=500, times=2), [500, 500, 200]),
        (Fault(status=404), [404, 404, 404]),
        (Fault(status=503, retry_after=7, times=1), [503, 200, 200]),
        (Fault(credentials=("me", "secret")), [401, 401, 401]),
        (Fault(redirect="/elsewhere"), [302, 302, 302]),
        (Fault(body=b""), [200, 200, 200]),
    ],
    ids=str,
)
def test_statuses(source: Source, fault: Fault, statuses: list[int]) -> None:
    url = source.serve(URL, DATA, fault)
    assert [get(url, allow_redirects=False).status_code for _ in statuses] == statuses


def test_what_goes_with_a_status(source: Source) -> None:
    assert get(source.serve("busy", DATA, Fault(status=503, retry_after=7))).headers["Retry-After"] == "7"
    moved = source.serve("moved", DATA, Fault(redirect=source.serve(URL, DATA)))
    assert get(moved).content == DATA
    guarded = source.serve("guarded", DATA, Fault(credentials=("me", "secret")))
    assert get(guarded, auth=("me", "secret")).content == DATA


def test_a_cut_is_seen_only_with_a_length(source: Source) -> None:
    cut = source.serve("cut", DATA, Fault(cut_after=1000))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(cut)
    unseen = source.serve("unseen", DATA, Fault(cut_after=1000, length=False))
    assert get(unseen).content == DATA[:1000]


def test_empty_and_wrong_bytes(source: Source) -> None:
    assert get(source.serve("empty", DATA, Fault(body=b""))).content == b""
    assert get(source.serve("wrong", DATA, Fault(body=b"wrong"))).content == b"wrong"


def test_a_stall_ends_by_release(source: Source) -> None:
    url = source.serve(URL, DATA, Fault(stall_after=100))
    with requests.get(url, stream=True, timeout=10) as answer:
        assert answer.raw.read(100) == DATA[:100]
        eventually(lambda: source.stalled(URL) == 1)
        source.release(URL)
        assert answer.raw.read() == DATA[100:]
    eventually(lambda: source.stalled(URL) == 0)


def test_a_rate_is_kept(source: Source) -> None:
    assert get(source.serve(URL, DATA, Fault(rate=1 << 20))).elapsed.total_seconds() < 1
    assert eventually(lambda: source.requests_of(URL))
    url = source.serve(URL, DATA, Fault(rate=1 << 20))
    first = source.requests_of(URL)[0].at
    get(url)
    get(url)
    last = source.requests_of(URL)[-1].at
    assert last - first >= 0.25, "256 KiB at 1 MiB/s"


def test_refused_and_unknown(source: Source) -> None:
    with pytest.raises(requests.ConnectionError):
        get(source.refusing_url(URL))
    assert get(source.url_of("unknown")).status_code == 404
    url = source.serve(URL, DATA)
    source.withdraw(URL)
    assert get(url).status_code == 404


def test_a_new_content_has_a_new_etag(source: Source) -> None:
    before = get(source.serve(URL, DATA)).headers["ETag"]
    assert get(source.serve(URL, DATA)).headers["ETag"] == before
    assert get(source.serve(URL, DATA[1:])).headers["ETag"] != before


def test_a_part_is_had_under_a_condition_or_never(source: Source) -> None:
    url = source.serve(URL, DATA)
    tag = get(url).headers["ETag"]
    assert get(url, headers={"Range": "bytes=5-9", "If-Range": tag}).status_code == 206
    assert get(url, headers={"Range": "bytes=5-9", "If-Range": '"another"'}).content == DATA
    source.serve(URL, DATA, Fault(ranges=False))
    assert get(url, headers={"Range": "bytes=5-9"}).content == DATA


def test_headers_are_added_replaced_and_left_out(source: Source) -> None:
    url = source.serve(URL, DATA, Fault(headers={"Content-Type": "text/html", "ETag": 'W/"1"', "Last-Modified": ""}))
    headers = get(url).headers
    assert (headers["Content-Type"], headers["ETag"]) == ("text/html", 'W/"1"')
    assert "Last-Modified" not in headers
