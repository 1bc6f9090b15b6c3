"""The way of the bytes: from one address after the other, through every check, until one has brought them all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain

from glance_operator.core.image.retries import shown
from glance_operator.core.transfer import formats
from glance_operator.core.transfer.config import Compression, TransferConfig
from glance_operator.core.transfer.manifest import Expected
from glance_operator.core.transfer.outcome import Failure, Success, amount, together
from glance_operator.core.transfer.unpacking import Unpacker
from glance_operator.runtime.transfer import secrets
from glance_operator.runtime.transfer.hashing import Hashing
from glance_operator.runtime.transfer.origins import Origin, VolumeContent, WebFile
from glance_operator.runtime.transfer.proofs import Manifest, Proof
from glance_operator.runtime.transfer.stage import Stage
from glance_operator.runtime.transfer.steady import Steady
from glance_operator.runtime.transfer.web import Unreached, Web, same_origin

_CONNECT = 15.0  # seconds
_GLANCES = ("md5", "sha512")  # what Glance will compute of the same bytes


@dataclass
class Progress:
    """How far it is: written by the one thread, read by the other."""

    phase: str = "preparing"
    bytes: int = 0
    total: int | None = None

    def begin(self, total: int | None) -> None:
        self.phase, self.bytes, self.total = "downloading", 0, total


def transfer(config: TransferConfig, progress: Progress) -> Success:
    """All of it. Raises Failure."""
    return _Transfer(config, progress).run()


class _Transfer:
    """What is the same for every address."""

    def __init__(self, config: TransferConfig, progress: Progress) -> None:
        self._config, self._progress = config, progress
        self._authorization = secrets.authorization(config.source.auth)
        try:
            self._web = Web(config.source.ca_file, _CONNECT, config.limits.stall_seconds)
        except Unreached as error:
            raise Failure("ConfigInvalid", f"source {error}") from None
        self._stage, self._manifest = Stage(config.glance), self._published()

    def run(self) -> Success:
        proof, failures = self._proof(), list[tuple[str, Failure]]()
        for url in self._config.source.order or ("",):
            try:
                with closing(self._opened(url)) as origin, Carriage(self._config, origin, proof, self._progress) as one:
                    return one.carry(self._stage, self._manifest)
            except Failure as failure:
                if not failure.elsewhere:
                    raise
                failures.append((shown(url), failure))
        raise together(failures)

    def _opened(self, url: str) -> Origin:
        if file := self._config.source.file:
            return VolumeContent(file)
        return WebFile(self._web, url, self._credentials(url))

    def _credentials(self, url: str) -> str:
        """For the server that they were given for, and no other."""
        own = self._config.source.addresses
        return self._authorization if own and same_origin(own[0], url) else ""

    def _published(self) -> Manifest | None:
        wanted = self._config.manifest
        if not wanted:
            return None
        name = wanted.name or self._config.source.base_name
        return Manifest(wanted, name, self._web, self._credentials(wanted.url))

    def _proof(self) -> Proof:
        if self._manifest:
            return Proof(self._manifest.read(), self._manifest.read)
        given = self._config.checksum
        return Proof(Expected(given.algorithm, given.digest) if given else None)


class Carriage(ExitStack):
    """The bytes of one source, once."""

    def __init__(self, config: TransferConfig, origin: Origin, proof: Proof, progress: Progress) -> None:
        super().__init__()
        self._config, self._origin, self._proof, self._progress = config, origin, proof, progress
        self._staged = 0  # bytes
        self._head = self._tail = b""  # of what is staged
        self._digests: dict[str, str] = {}
        self._digest: str | None = None  # of the source

    def carry(self, stage: Stage, manifest: Manifest | None) -> Success:
        """Raises Failure; then nothing is staged."""
        self._progress.begin(self._origin.offer.total)
        content = self.enter_context(Steady(self._checked()))
        self.callback(self._origin.interrupt)  # before the thread that reads it is waited for
        stage.put(iter(content))
        return Success(
            source=self._origin.shown,
            algorithm=self._proof.algorithm,
            digest=self._digest,
            **self._digests,
            bytes=self._staged,
            source_bytes=self._origin.received,
            length_known=self._origin.offer.ends_visibly,
            etag=self._origin.offer.etag,
            last_modified=self._origin.offer.modified,
            signed_by=manifest.signed_by if manifest else None,
        )

    def _checked(self) -> Iterator[bytes]:
        """What can be staged, after every check that the first bytes allow."""
        first, raw = _peeked(self._received())
        if not first:
            raise Failure("SourceEmpty", "source is empty: check the address")
        formats.refuse_page(first, self._origin.content_type)
        kind = self._compression(first)
        if not kind:
            self._refuse_size(self._origin.offer.total or 0)
        self._head, content = _peeked(self._unpacked(raw, kind))
        if not self._head:
            raise Failure("SourceEmpty", "source is empty once it is decompressed: check the address")
        if self._config.container_format == "bare":
            formats.refuse_other(
                self._head, self._config.disk_format, compressed_allowed=self._config.compressed_allowed
            )
        return self._judged(content, self.enter_context(Hashing(_GLANCES)))

    def _received(self) -> Iterator[bytes]:
        for piece in self._origin.chunks():
            self._progress.bytes = self._origin.received
            yield piece

    def _compression(self, first: bytes) -> Compression | None:
        """What is to be undone. Raises Failure if that cannot be."""
        wanted, found = self._config.decompress, formats.compression(first)
        if wanted == "None":
            return None
        if wanted not in {"Auto", found}:
            words = f"the source is {found or 'not compressed'}, not {wanted}: correct spec.source.decompress"
            raise Failure("DecompressionFailed", words, terminal=True)
        return found

    def _unpacked(self, raw: Iterator[bytes], kind: Compression | None) -> Iterator[bytes]:
        algorithm = self._proof.algorithm
        own = [algorithm] if algorithm and (kind or algorithm not in _GLANCES) else []
        hashing = self.enter_context(Hashing(own)) if own else None
        unpacker = Unpacker(kind, self._config.limits.ratio) if kind else None
        for piece in raw:
            if hashing:
                hashing.update(piece)
            yield from unpacker.feed(piece) if unpacker else (piece,)
        if unpacker:
            unpacker.end()
        self._digest = hashing.digests()[algorithm] if hashing and algorithm else None

    def _judged(self, content: Iterator[bytes], hashing: Hashing) -> Iterator[bytes]:
        """The same; what is wrong with the whole is raised before its end is seen."""
        for piece in content:
            self._staged += len(piece)
            self._refuse_size(self._staged)
            self._tail = ((b"" if len(piece) >= formats.TAIL else self._tail) + piece[-formats.TAIL :])[-formats.TAIL :]
            hashing.update(piece)
            yield piece
        self._progress.phase = "finishing"
        self._digests = hashing.digests()
        self._judge()

    def _judge(self) -> None:
        """Where nothing was decompressed, the source's digest is one of those of what is staged."""
        if self._proof.algorithm:
            self._digest = self._digest or self._digests[self._proof.algorithm]
            self._proof.judge(self._digest)
        if self._config.container_format == "bare":
            formats.refuse_other_end(
                self._head,
                self._tail,
                self._config.disk_format,
                compressed_allowed=self._config.compressed_allowed,
            )

    def _refuse_size(self, size: int) -> None:
        most = self._config.limits.max_bytes
        if most is not None and size > most:
            words = f"the content has more than the {amount(most, None)} that are allowed for this image"
            raise Failure("TooLarge", words, terminal=True)


def _peeked(stream: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and all of them once more."""
    held: list[bytes] = []
    size = 0
    for piece in stream:
        held.append(piece)
        size += len(piece)
        if size >= formats.HEAD:
            break
    return b"".join(held)[: formats.HEAD], chain(held, stream)
