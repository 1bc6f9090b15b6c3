"""Disk images made on the spot, of exactly the size asked for, that Glance's format inspection accepts."""

import random
import struct

QCOW2_MAGIC = b"QFI\xfb"
QCOW2_HEADER = ">4sIQIIQIIQQIIQQQQII"
COPIED = 1 << 63  # the cluster has exactly one reference and may be written in place


def raw(size: int, seed: int = 0) -> bytes:
    """A raw disk of `size` bytes (at least 512) with a master boot record and one partition over the rest."""
    data = bytearray(random.Random(seed).randbytes(size))  # noqa: S311
    sectors = max(size // 512 - 1, 1)
    entry = struct.pack("<B3sB3sII", 0x80, b"\x00\x02\x00", 0x83, b"\xff\xff\xff", 1, sectors)
    data[446:512] = entry + bytes(48) + b"\x55\xaa"
    return bytes(data)


def qcow2(size: int, seed: int = 0) -> bytes:
    """A qcow2 (version 3) file of `size` bytes, a multiple of 4096 and at least 32768, whose disk is all allocated."""
    bits = 16 if size % (1 << 16) == 0 and size >= 1 << 20 else 12
    if size % (1 << bits) or size < 1 << 15:
        raise ValueError(f"{size}: a qcow2 file here is a multiple of 4096 bytes, at least 32768")
    return _Qcow2(size >> bits, bits).render(seed)


class _Qcow2:
    """Order of the clusters: header, refcount table, refcount blocks, L1 table, L2 tables, data."""

    def __init__(self, clusters: int, bits: int) -> None:
        self.bits, self.cluster, self.clusters = bits, 1 << bits, clusters
        self.blocks = -(-clusters // (self.cluster // 2))
        self.entries = self.cluster // 8
        tables_and_data = clusters - 3 - self.blocks
        self.tables = -(-tables_and_data // (self.entries + 1))
        self.data = tables_and_data - self.tables
        self.l1 = 2 + self.blocks

    def render(self, seed: int) -> bytes:
        first_data = self.l1 + 1 + self.tables
        parts = [
            self._header(),
            self._pointers(range(2, 2 + self.blocks), 0),
            self._padded(struct.pack(f">{self.clusters}H", *[1] * self.clusters), self.blocks),
            self._pointers(range(self.l1 + 1, first_data), COPIED),
            self._padded(self._pointers(range(first_data, self.clusters), COPIED), self.tables),
            raw(self.data * self.cluster, seed),
        ]
        return b"".join(parts)

    def _header(self) -> bytes:
        header = struct.pack(
            QCOW2_HEADER,
            *(QCOW2_MAGIC, 3),
            *(0, 0),  # no backing file
            self.bits,
            self.data * self.cluster,  # the size of the disk
            0,  # not encrypted
            *(self.tables, self.l1 * self.cluster),
            *(self.cluster, 1),  # the refcount table takes one cluster: enough for every size made here
            *(0, 0),  # no snapshots
            *(0, 0, 0),  # no incompatible, compatible or autoclear features
            *(4, 104),  # refcounts of 1 << 4 bits; the length of this header
        )
        return self._padded(header)

    def _pointers(self, clusters: range, flags: int) -> bytes:
        return self._padded(struct.pack(f">{len(clusters)}Q", *(n << self.bits | flags for n in clusters)))

    def _padded(self, data: bytes, clusters: int = 0) -> bytes:
        return data.ljust(max(clusters, 1) * self.cluster, b"\0")
