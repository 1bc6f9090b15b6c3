"""The condition tells the real cause: what is injected here, drawn at random, is read back from it.

The operator may look at this machine. Glance says only that it failed, or nothing at all.
"""

import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.integration.images.conftest import new_namespace
from tests.integration.images.lab import ForkedOperator, Lab, Object, Operator, condition
from tests.support import eventually

from sandbox_kit import images
from sandbox_kit.control_plane import ControlPlane
from sandbox_kit.glance import Glance
from sandbox_kit.source import Fault, Source

MIB = 1 << 20
DATA, DISK = images.raw(MIB), images.qcow2(MIB)
PAGE = b"<!DOCTYPE html>\n<html><body>Please sign in</body></html>\n"
WAYS: dict[str, dict[str, object]] = {"all": {"all": {}}, "strict": {"all": {}, "allowFailure": False}}
CODES = (400, 402, 404, 405, 410, 451, 500, 502, 504)


@pytest.fixture(scope="module")
def asking(crds_installed: ControlPlane, glance: Glance, source: Source) -> Lab:
    lab = Lab(crds_installed, glance, source, new_namespace(crds_installed))
    lab.apply(lab.credentials())
    return lab


@pytest.fixture(scope="module")
def curious(asking: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator that may ask loopback."""
    settings = {"watch_namespaces": asking.namespace, "retry_base": "500ms", "source_networks": "127.0.0.0/8"}
    directory: Path = tmp_path_factory.mktemp("operator")
    with ForkedOperator(directory, asking.kube.kubeconfig, **settings) as running:
        yield running


def declared(lab: Lab, name: str, url: str, **spec: object) -> Object:
    return lab.image(name, url, **{"visibility": "public", "retryLimit": 0, **spec})


def message(lab: Lab, name: str, reason: str = "RetryLimitExceeded") -> str:
    body = lab.until(name, "Stalled", "True", reason, timeout=60)
    return str(condition(body, "Ready")["message"])


def nobody_sees(lab: Lab, name: str) -> bool:
    """No image made for the object was shown to others."""
    return all(image["visibility"] == "private" for image in lab.owned(name))


@pytest.mark.usefixtures("curious")
class TestCauses:
    def test_the_source_s_own_answer(self, asking: Lab, name: str) -> None:
        """In both ways of filling several stores: what Glance leaves behind differs, the cause does not."""
        wanted: dict[str, str] = {}
        for way, stores in WAYS.items():
            code, refused, page = secrets.choice(CODES), f"{name}-{way}-refused", f"{name}-{way}-page"
            answers = asking.source.serve(f"{name}-{way}", DATA, Fault(status=code))
            html = asking.source.serve(
                page, DATA, Fault(body=PAGE, headers={"Content-Type": "text/html; charset=utf-8"})
            )
            asking.apply(
                declared(asking, f"{name}-{way}", answers, stores=stores),
                declared(asking, refused, asking.source.refusing_url(refused), stores=stores),
                declared(asking, page, html, stores=stores, diskFormat="qcow2"),
                declared(asking, f"{page}-raw", html, stores=stores),
            )
            wanted |= {
                f"{name}-{way}": f"source answered {code}",
                refused: f"source refuses connections at 127.0.0.1:{asking.source.refusing_port}",
                **dict.fromkeys((page, f"{page}-raw"), "source answered with an HTML page (text/html), not an image"),
            }
        for case, words in wanted.items():
            assert words in message(asking, case)
            assert nobody_sees(asking, case)

    def test_each_failed_attempt_is_asked_about_once(self, asking: Lab, name: str) -> None:
        first, second = secrets.choice(CODES), 403
        asking.apply(declared(asking, name, asking.source.serve(name, DATA, Fault(status=first))))
        assert f"source answered {first}" in message(asking, name)
        asking.source.serve(name, DATA, Fault(status=second))
        asking.retry(name, "once-more")
        eventually(lambda: f"source answered {second}" in message(asking, name), 40)
        ranges = ["range" in one.headers for one in asking.source.requests_of(name)]
        assert ranges == [False, True] * 2  # Glance takes it whole, the operator asks for its beginning

    def test_a_host_that_does_not_exist(self, asking: Lab, name: str) -> None:
        host = f"host-{secrets.token_hex(4)}.invalid"
        asking.apply(declared(asking, name, f"http://{host}/image"))
        eventually(lambda: f"source host {host} does not resolve" in message(asking, name, "SourceRefused"), 90)

    def test_where_a_source_leads(self, asking: Lab, name: str) -> None:
        """Glance follows redirects as far as its filter lets it, and says of neither end where it was."""
        code, port = secrets.choice(CODES), 1 + secrets.randbelow(79)
        there = asking.source.serve(f"{name}-there", DATA, Fault(status=code))
        moved = asking.source.serve(f"{name}-moved", DATA, Fault(redirect=there))
        astray = asking.source.serve(f"{name}-astray", DATA, Fault(redirect=f"http://127.0.0.1:{port}/x"))
        asking.apply(declared(asking, f"{name}-moved", moved), declared(asking, f"{name}-astray", astray))
        said = message(asking, f"{name}-moved")
        assert f"source (redirected to 127.0.0.1:{asking.source.port}) answered {code}" in said
        assert f"source redirects to 127.0.0.1:{port}, which the import filter refuses" in message(
            asking, f"{name}-astray"
        )

    def test_the_pause_that_a_source_asks_for(self, asking: Lab, name: str) -> None:
        pause = 100 + secrets.randbelow(800)
        before = datetime.now(UTC)
        asking.apply(
            declared(asking, name, asking.source.serve(name, DATA, Fault(status=503, retry_after=pause)), retryLimit=5)
        )
        body = asking.until(name, "Ready", "False", "ImportFailed")
        assert (
            f"source answered 503: the trouble is the server's own, see to it; it asks for a pause of {pause} s"
            in (condition(body, "Ready")["message"])
        )
        due = datetime.fromisoformat(body["status"]["attempt"]["nextAttemptTime"])
        assert timedelta(seconds=pause - 1) <= due - before <= timedelta(seconds=pause + 60)
        asking.source.serve(name, DATA)
        asking.retry(name, "now")  # whoever mends it need not wait
        asking.ready(name)

    def test_another_format_than_declared(self, asking: Lab, name: str) -> None:
        for way, stores in WAYS.items():
            disk = declared(asking, f"{name}-{way}-disk", asking.source.serve(f"{name}-disk", DISK), stores=stores)
            raw = asking.source.serve(f"{name}-raw", DATA)
            asking.apply(disk, declared(asking, f"{name}-{way}-raw", raw, diskFormat="qcow2", stores=stores))
        for way in WAYS:
            assert "declared raw, but the first bytes are of qcow2" in message(asking, f"{name}-{way}-disk")
            assert "declared qcow2, but the first bytes are of raw" in message(asking, f"{name}-{way}-raw")
            assert nobody_sees(asking, f"{name}-{way}-disk")
            asking.patch(f"{name}-{way}-disk", diskFormat="qcow2")
        for way in WAYS:
            assert len(asking.owned(f"{name}-{way}-disk")) <= 1
            asking.ready(f"{name}-{way}-disk")

    @pytest.mark.parametrize("way", WAYS)
    def test_less_than_the_source_has_is_never_shown(self, asking: Lab, name: str, way: str) -> None:
        """Glance makes it active: without a length, an end is an end."""
        got = 4096 * (1 + secrets.randbelow(200))
        cut = asking.source.serve(name, DATA, Fault(length=False, cut_after=got))
        empty = asking.source.serve(f"{name}-empty", DATA, Fault(body=b""))
        cases = {name: (cut, "SourceTruncated"), f"{name}-empty": (empty, "SourceEmpty")}
        asking.apply(*(declared(asking, case, u, stores=WAYS[way], retryLimit=9) for case, (u, _) in cases.items()))
        for case, (_, reason) in cases.items():
            body = asking.until(case, "Ready", "False", reason)
            words = f"source says 1 MiB, Glance got {got / 1024:g} KiB" if case == name else "source has 0 bytes"
            assert words in condition(body, "Ready")["message"]
        for case in cases:
            eventually(lambda file=case: downloads(asking, file) >= 2, 30)  # type: ignore[misc]
            assert nobody_sees(asking, case)
            asking.source.serve(case, DATA)
        for case in cases:
            status = asking.ready(case, timeout=60)["status"]
            assert status["sizeBytes"] == len(DATA)
            assert [image["id"] for image in asking.owned(case)] == [status["id"]]

    def test_a_store_that_fails_is_named(self, asking: Lab, name: str) -> None:
        """Its directory is a file for a while: Glance fails to write there, whoever asks."""
        store = secrets.choice(("dcn0", "dcn1"))
        place = asking.glance.store_directory(store)
        aside = place.with_name(f"{store}-aside")
        shutil.move(place, aside)
        place.write_text("")
        try:
            url = asking.source.serve(name, DATA)
            asking.apply(*(declared(asking, f"{name}-{way}", url, stores=s) for way, s in WAYS.items()))
            body = asking.until(f"{name}-all", "StoresReady", "False", "PartialFailure")
            assert f"missing in {store}" in condition(body, "StoresReady")["message"]
            strict = f"{name}-strict"
            said = eventually(lambda: failing(asking, strict), 60)
            assert store in said
            assert "check that the store is reachable, writable and has room" in said
        finally:
            place.unlink()
            shutil.move(aside, place)
        asking.retry(f"{name}-all", "mended")
        asking.retry(strict, "mended")
        for way in WAYS:
            asking.until(f"{name}-{way}", "StoresReady", "True")


def downloads(lab: Lab, file: str) -> int:
    """How often Glance has asked for it: the operator asks for a range."""
    return sum("range" not in request.headers for request in lab.source.requests_of(file))


def failing(lab: Lab, name: str) -> str:
    """What Ready says once a demanded store was tried in vain."""
    ready = condition(lab.get(name), "Ready")
    return str(ready["message"]) if ready.get("reason") in ("StoreImportFailed", "RetryLimitExceeded") else ""


def test_another_operator_says_the_same(asking: Lab, curious: Operator, name: str) -> None:
    code = secrets.choice(CODES)
    asking.apply(declared(asking, name, asking.source.serve(name, DATA, Fault(status=code))))
    words = message(asking, name)
    assert f"source answered {code}" in words
    before = asking.get(name)
    asked = len(asking.source.requests_of(name))
    curious.restart()
    asking.kubectl("label", "gimg", name, "touched=yes")
    other = f"{name}-other"
    asking.apply(declared(asking, other, asking.source.serve(other, DATA)))
    asking.ready(other)
    assert asking.get(name)["status"] == before["status"]
    assert len(asking.source.requests_of(name)) == asked


def test_without_leave_the_operator_looks_at_nothing(lab: Lab, operator: Operator, name: str) -> None:
    lab.apply(declared(lab, name, lab.source.serve(name, DATA, Fault(status=404))))
    said = message(lab, name)
    assert "the operator may not look at 127.0.0.1" in said
    assert "GLANCE_OPERATOR_SOURCE_NETWORKS" in said
    assert len(lab.source.requests_of(name)) == 1
