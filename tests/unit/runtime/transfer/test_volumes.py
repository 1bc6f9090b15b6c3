"""A file on a volume that others write to: read as it is, and never a way to where our Secrets are."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from glance_operator.core.transfer.config import VolumeFile
from glance_operator.core.transfer.outcome import Failure
from glance_operator.runtime.transfer.origins import VolumeContent

DATA = bytes(range(256)) * 8192


def opened(root: Path, path: str) -> VolumeContent:
    return VolumeContent(VolumeFile(root=str(root), path=path))


def test_a_file_comes_whole_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f.raw").write_bytes(DATA)
    with closing(opened(tmp_path, "d/f.raw")) as file:
        assert (file.shown, file.offer.total) == ("d/f.raw", len(DATA))
        assert b"".join(file.chunks()) == DATA
        assert file.received == len(DATA)


def link_to_file(root: Path) -> None:
    (root / "f").symlink_to("/etc/passwd")


def link_to_directory(root: Path) -> None:
    (root / "d").symlink_to("/etc")


TRAPS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "nothing": (lambda root: None, "f", "does not exist"),
    "a link": (link_to_file, "f", "symbolic link"),
    "behind a link": (link_to_directory, "d/passwd", "symbolic link"),
    "a directory": (lambda root: (root / "f").mkdir(), "f", "not a plain file"),
    "a pipe": (lambda root: os.mkfifo(root / "f"), "f", "not a plain file"),
    "upwards": (lambda root: None, "../f", "not a path within it"),
    "absolute": (lambda root: None, "/etc/passwd", "not a path within it"),
}


@pytest.mark.parametrize(("make", "path", "words"), TRAPS.values(), ids=TRAPS.keys())
def test_traps_are_refused(make: Callable[[Path], object], path: str, words: str, tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(Failure, match=words) as caught:
        opened(tmp_path, path)
    assert caught.value.reason == "SourceUnreachable"


def test_a_file_that_is_still_being_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(DATA)
    with closing(opened(tmp_path, "f")) as file:
        pieces = file.chunks()
        next(pieces)
        with (tmp_path / "f").open("ab") as more:
            more.write(b"more")
        with pytest.raises(Failure, match="changed while it was read") as caught:
            list(pieces)
    assert caught.value.reason == "SourceTruncated"
