"""The image files made for tests are what they say, of the size asked for, and the same at each run."""

import struct

import pytest

from sandbox_kit import images


@pytest.mark.parametrize("size", [1 << 15, 1 << 16, (1 << 20) - 4096, 1 << 20, 5 << 20, 64 << 20, 68 << 20])
def test_a_qcow2_file_refers_to_every_one_of_its_clusters_once(size: int) -> None:
    data = images.qcow2(size)
    assert len(data) == size
    magic, version, _, _, bits, disk, _, l1_entries, l1, _, _, *_ = struct.unpack_from(images.QCOW2_HEADER, data)
    assert (magic, version) == (b"QFI\xfb", 3)
    cluster = 1 << bits
    tables = pointers(data, l1, l1_entries)
    clusters = [p for table in tables for p in pointers(data, table, cluster // 8) if p]
    assert clusters == list(range(clusters[0], size, cluster))
    assert len(clusters) * cluster == disk
    assert data[clusters[0] + 510 : clusters[0] + 512] == b"\x55\xaa"


def pointers(data: bytes, offset: int, count: int) -> list[int]:
    """The offsets in a table, without their flags."""
    return [value & ~(1 << 63) for value in struct.unpack_from(f">{count}Q", data, offset)]


@pytest.mark.parametrize("size", [0, 1 << 14, (1 << 20) + 1])
def test_a_size_that_qcow2_cannot_have_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="multiple of 4096"):
        images.qcow2(size)


def test_a_seed_tells_images_apart() -> None:
    assert images.raw(65536, seed=1) == images.raw(65536, seed=1)
    assert images.raw(65536, seed=1) != images.raw(65536, seed=2)
    assert images.raw(65536)[510:512] == b"\x55\xaa"
