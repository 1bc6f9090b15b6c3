"""One fault from its begin to its end, and what has to be true after it."""

from __future__ import annotations

import logging
import time

from tests.chaos.conftest import Weather
from tests.chaos.crowd import forgot
from tests.chaos.proxy import Fault
from tests.support import eventually

log = logging.getLogger(__name__)
CHANGES = 15
LASTS = 2.0
STARTS = "glance_operator_feed_starts_total"


def survive(weather: Weather, fault: Fault) -> None:
    """What happened during the fault is done within half a minute of its end, by the same process."""
    tag = fault.name.lower().replace(" ", "-")
    weather.crowd.before(tag)
    weather.crowd.finish(weather.operator)
    starts = weather.operator.metrics()[STARTS]

    weather.proxy.begin(fault)
    began = time.monotonic()
    weather.crowd.during(tag, CHANGES)
    eventually(lambda: time.monotonic() - began > LASTS and (fault.refuse or weather.proxy.hits > 0))
    asked = [one.kind for one in weather.proxy.asked]
    weather.proxy.end()

    seconds = weather.crowd.finish(weather.operator)
    again = weather.operator.metrics()[STARTS] - starts
    log.info("%s: done %.1f s after its end; asked %d times, %d feeds", fault.name, seconds, len(asked), again)
    assert weather.operator.process.alive
    assert asked.count("watch") < 40, "a watch that fails must not be asked for in a hot loop"
    assert again or not fault.ends, "the feed was not ended by this fault"
    eventually(lambda: forgot(weather.crowd, weather.operator, tag))
