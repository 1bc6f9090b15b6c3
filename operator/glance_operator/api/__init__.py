"""WHAT: the three kinds as pydantic models, and the generator of their CustomResourceDefinitions."""

from glance_operator.api.base import GROUP, VERSION, Kind
from glance_operator.api.glanceapi import GLANCE_API
from glance_operator.api.glancestore import GLANCE_STORE
from glance_operator.api.image import IMAGE

KINDS: tuple[Kind, ...] = (GLANCE_API, GLANCE_STORE, IMAGE)

__all__ = ["GROUP", "KINDS", "VERSION", "Kind"]
