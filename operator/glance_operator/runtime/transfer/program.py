"""The process around a transfer: its configuration, its progress, its end. The contract is this package's docstring."""

from __future__ import annotations

import json
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from glance_operator.core.transfer.config import TransferConfig
from glance_operator.core.transfer.outcome import Failed, Failure, Outcome, amount
from glance_operator.runtime.transfer.carrying import Progress, transfer

_LOG = Path("/dev/termination-log")  # where Kubernetes looks unless it is told otherwise
_INTERRUPTED = Failed(reason="Interrupted", message="the transfer was asked to end before it was done")

Outcomes = queue.SimpleQueue[Outcome]  # unlike others it may be filled by a signal handler


def main(arguments: Sequence[str]) -> int:
    """Carry one image's bytes. Exit code: 0 if they are staged and proven, else 1."""
    outcomes = Outcomes()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: outcomes.put(_INTERRUPTED))
    try:
        config = _config(arguments)
    except Failure as failure:
        return _end(failure.told(), _LOG if _LOG.exists() else None)
    progress = Progress()
    threading.Thread(target=_work, args=(config, progress, outcomes), name="transfer", daemon=True).start()
    return _end(_outcome(config, progress, outcomes), Path(config.termination_log))


def _config(arguments: Sequence[str]) -> TransferConfig:
    """Raises Failure. Its words quote no value: there are addresses whose query is a credential."""
    if len(arguments) != 1:
        raise Failure("ConfigInvalid", "usage: glance-operator transfer CONFIG (a file with JSON)")
    try:
        return TransferConfig.model_validate_json(Path(arguments[0]).read_bytes())
    except OSError as error:
        raise Failure("ConfigInvalid", f"{arguments[0]} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc'])) or 'the document'}: {one['msg']}" for one in error.errors()]
        raise Failure("ConfigInvalid", f"{arguments[0]}: {'; '.join(wrong)}") from None


def _work(config: TransferConfig, progress: Progress, outcomes: Outcomes) -> None:
    try:
        outcomes.put(transfer(config, progress))
    except Failure as failure:
        outcomes.put(failure.told())
    except Exception as error:  # whoever waits for an outcome is to have one
        place = traceback.extract_tb(error.__traceback__)[-1]
        words = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: report it as a bug"
        outcomes.put(Failed(reason="InternalError", message=words))


def _outcome(config: TransferConfig, progress: Progress, outcomes: Outcomes) -> Outcome:
    """The first there is, with a line about the progress now and then."""
    limit = config.limits.total_seconds
    end = None if limit is None else time.monotonic() + limit
    while True:
        left = config.progress_seconds if end is None else min(config.progress_seconds, end - time.monotonic())
        outcome = _next(outcomes, max(left, 0.0))
        _say(json.dumps({"bytes": progress.bytes, "total": progress.total, "phase": progress.phase}))
        if outcome:
            return outcome
        if end is not None and time.monotonic() >= end:
            words = f"not finished within {limit:g} s, at {amount(progress.bytes, progress.total)}"
            return Failed(reason="DeadlineExceeded", message=words)


def _next(outcomes: Outcomes, timeout: float) -> Outcome | None:
    try:
        return outcomes.get(timeout=timeout)
    except queue.Empty:
        return None


def _end(outcome: Outcome, log: Path | None) -> int:
    text = outcome.model_dump_json(by_alias=True)
    if log:
        try:
            log.write_text(text)
        except OSError as error:
            print(f"{log} cannot be written: {error.strerror}", file=sys.stderr)  # noqa: T201
    _say(text)
    return 0 if outcome.ok else 1


def _say(line: str) -> None:
    """On standard output, which is this program's voice, at once."""
    print(line, flush=True)  # noqa: T201
