"""What arrives is what was sent, whatever the way, and is said with every digest."""

import bz2
import gzip
import lzma
import mmap
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.transfer.lab import Lab, digest

from sandbox_kit import images
from sandbox_kit.source import Fault

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DATA = images.qcow2(3 << 20, seed=5)
SHA256 = {"algorithm": "sha256", "digest": digest("sha256", DATA)}
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
}
LARGE = 512 << 20  # bytes


def test_staged_imported_and_proven(lab: Lab, name: str) -> None:
    image_id = lab.new_image("qcow2")
    url = lab.source.serve(name, DATA)
    run = lab.run(lab.config(image_id, f"{url}?signature=s3cret", disk_format="qcow2", checksum=SHA256))
    assert run.code == 0, run.lines
    (request,) = lab.source.requests_of(name)
    assert request.headers["user-agent"].startswith("glance-operator/")
    said = run.outcome
    assert (said["source"], said["algorithm"], said["digest"]) == (f"{url}?…", "sha256", SHA256["digest"])
    assert (said["bytes"], said["sourceBytes"]) == (len(DATA), len(DATA))
    assert said["lengthKnown"]
    assert said["etag"]
    assert said["lastModified"]

    image = lab.imported(image_id)
    assert (image["size"], image["checksum"], image["os_hash_value"]) == (len(DATA), said["md5"], said["sha512"])
    assert image["os_hash_value"] == digest("sha512", DATA)
    assert (lab.glance.store_directory("central") / image_id).read_bytes() == DATA


@pytest.mark.parametrize("told", ["Auto", "named"])
@pytest.mark.parametrize("kind", PACK)
def test_decompressed_on_the_way(lab: Lab, name: str, kind: str, told: str) -> None:
    packed = PACK[kind](DATA)
    checksum = {"algorithm": "sha512", "digest": digest("sha512", packed).upper()}
    decompress = "Auto" if told == "Auto" else kind
    url = lab.source.serve(name, packed)
    run = lab.carry(url, disk_format="qcow2", decompress=decompress, checksum=checksum)
    assert run.code == 0, run.lines
    said = run.outcome
    assert (said["digest"], said["sha512"]) == (digest("sha512", packed), digest("sha512", DATA))
    assert (said["bytes"], said["sourceBytes"]) == (len(DATA), len(packed))


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256", "sha512"])
def test_every_algorithm_proves(lab: Lab, name: str, kind: str) -> None:
    checksum = {"algorithm": kind, "digest": digest(kind, DATA)}
    run = lab.carry(lab.source.serve(name, DATA), disk_format="qcow2", checksum=checksum)
    assert (run.code, run.outcome.get("digest")) == (0, digest(kind, DATA))


def test_nothing_is_proven_where_nothing_is_expected(lab: Lab, name: str) -> None:
    run = lab.carry(lab.source.serve(name, DATA, Fault(length=False)), disk_format="qcow2", decompress="Auto")
    assert (run.code, run.outcome["algorithm"], run.outcome["digest"]) == (0, None, None)
    assert run.outcome["lengthKnown"] is False
    assert run.lines[-2] == {"bytes": len(DATA), "total": None, "phase": "finishing"}


def test_a_file_on_a_volume(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.qcow2").write_bytes(DATA)
    source = {"file": {"root": str(tmp_path), "path": "images/a.qcow2"}}
    run = lab.carry(disk_format="qcow2", source=source, checksum=SHA256)
    assert (run.code, run.outcome["source"], run.outcome["sha512"]) == (0, "images/a.qcow2", digest("sha512", DATA))


def test_the_progress_is_told(lab: Lab, name: str) -> None:
    url = lab.source.serve(name, DATA, Fault(rate=2 << 20))
    run = lab.carry(url, disk_format="qcow2", progressSeconds=0.2)
    told = [line for line in run.lines[:-1] if line["phase"] == "downloading"]
    assert len(told) >= 3
    assert all(line["total"] == len(DATA) for line in told)
    assert [line["bytes"] for line in told] == sorted(line["bytes"] for line in told)
    assert 0 < told[-1]["bytes"] <= len(DATA)


@pytest.fixture
def zeros() -> Iterator[mmap.mmap]:
    """Half a GiB that takes no room."""
    with tempfile.TemporaryFile() as file:
        file.truncate(LARGE)
        yield mmap.mmap(file.fileno(), LARGE, access=mmap.ACCESS_READ)


@pytest.mark.parametrize("packed", ["as it is", "xz"])
def test_memory_is_bounded_whatever_the_size(lab: Lab, name: str, packed: str, zeros: mmap.mmap) -> None:
    """xz at its highest level, whose dictionary is the largest that is taken."""
    content = zeros if packed == "as it is" else _xz_of_zeros(LARGE)
    checksum = {"algorithm": "sha256", "digest": "0" * 64}
    run = lab.carry(lab.source.serve(name, content), decompress="Auto", checksum=checksum)
    assert run.verdict == (1, "ChecksumMismatch")  # at the very end: everything has passed
    assert 0 < run.peak < 150, f"{run.peak:.0f} MiB"
    print(f"{packed}: {run.peak:.0f} MiB at most")  # noqa: T201


def _xz_of_zeros(size: int) -> bytes:
    compressor = lzma.LZMACompressor(preset=9)
    piece = bytes(1 << 20)
    return b"".join([compressor.compress(piece) for _ in range(size >> 20)] + [compressor.flush()])
