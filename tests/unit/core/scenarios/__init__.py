"""What can be the matter with an Image, in words, and what is to be done about it: one row, one scenario."""

from tests.unit.core.scenarios.adopting import ADOPTED_AT_ITS_END, ADOPTION, DEACTIVATED, REFERENCES
from tests.unit.core.scenarios.arriving import ARRIVALS
from tests.unit.core.scenarios.caching import CACHES, CACHES_AT_ITS_END
from tests.unit.core.scenarios.ending import DELETED
from tests.unit.core.scenarios.leaving import LEAVING_STORES
from tests.unit.core.scenarios.making import CONTENT, IDENTITY, LIMITS
from tests.unit.core.scenarios.pods import PODS
from tests.unit.core.scenarios.proving import PROVING
from tests.unit.core.scenarios.rolling import ROLLOUTS
from tests.unit.core.scenarios.row import BOTH, EITHER, MIRROR, MISSING, NO_COPY, Row, served
from tests.unit.core.scenarios.serving import METADATA, STORES
from tests.unit.core.scenarios.transferring import TRANSFERS, TRANSFERS_AT_ITS_END

ALIVE = [
    *(*LIMITS, *IDENTITY, *CONTENT, *METADATA, *STORES, *PODS, *CACHES, *ARRIVALS),
    *(*PROVING, *LEAVING_STORES, *ROLLOUTS, *ADOPTION, *DEACTIVATED, *REFERENCES, *TRANSFERS),
]
ENDING = [*DELETED, *CACHES_AT_ITS_END, *ADOPTED_AT_ITS_END, *TRANSFERS_AT_ITS_END]

__all__ = ["ALIVE", "BOTH", "EITHER", "ENDING", "MIRROR", "MISSING", "NO_COPY", "Row", "served"]
