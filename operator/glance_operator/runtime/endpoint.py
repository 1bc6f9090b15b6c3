"""Where an image service is, and who asks: the only module that knows OpenStack's client library.

openstacksdk reads the cloud's settings and keystoneauth holds the token.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openstack.exceptions
from keystoneauth1 import exceptions as ksa
from keystoneauth1.session import Session
from openstack.config import vendors
from openstack.config.loader import OpenStackConfig

from glance_operator import __version__
from glance_operator.core.manifests.transfer import Access
from glance_operator.runtime import answers
from glance_operator.runtime.errors import Unavailable, unavailable

_TIMEOUT = (5.0, 30.0)  # seconds to connect, and between two bytes of an answer; no request of ours carries data


class Endpoint:
    """Where an image service is, and the session that may ask it. The catalog is asked at the first request."""

    def __init__(self, settings: Mapping[str, Any], ca_path: str | None) -> None:
        """``settings``: one entry of a clouds.yaml, as ``credentials.parse`` gives it.

        Raises ValueError if no client can be made of it; its words quote nothing of the settings.
        """
        entry = {k: v for k, v in settings.items() if k != "trusted_headers"}
        _check_profile(entry.get("profile"))
        self.headers = {str(k): str(v) for k, v in (settings.get("trusted_headers") or {}).items()}
        if ca_path:
            entry["cacert"] = ca_path
        try:
            loader = OpenStackConfig(load_yaml_config=False, load_envvars=False, app_name="glance-operator")
            self._region = loader.get_one(**entry)
            self._session: Session = self._region.get_session()
        except Exception as error:
            raise ValueError(_unusable(error)) from None  # the texts of the libraries quote what is in the Secret
        # of the requests to Keystone, which it makes by itself; `requests` is given it as it is
        self._session.timeout = _TIMEOUT
        self._session.additional_headers.update(self.headers)
        self._session.user_agent = f"glance-operator/{__version__}"
        self._base: str | None = None
        self._fixed = False

    def at(self, url: str) -> Endpoint:
        """The same service at this address, whatever the catalog says, with the same session and token."""
        one = copy.copy(self)
        one._base, one._fixed = _versioned(url), True  # noqa: SLF001  (of the same class)
        return one

    def access(self) -> Access:
        """How somebody else may ask the service in our name, as long as the token lasts. Raises Unavailable."""
        with _surprises_translated():
            token = self._session.get_auth_headers() or {}
            verify = self._session.verify
            ca = Path(verify).read_text() if isinstance(verify, str) else ""
            return Access(self._found(), (*self.headers.items(), *token.items()), ca)

    def prepare(self) -> None:
        """Fetch what a request needs, token and address, so that it leaves at once. Raises Unavailable."""
        with _surprises_translated():
            self._session.get_auth_headers()
            self._found()

    def send(self, method: str, path: str, **options: Any) -> Any:
        """A ``requests.Response``, whatever its status. Raises Unavailable if there is none."""
        with _surprises_translated():
            url = self._found() + path
            try:
                return self._session.request(
                    url,
                    method,
                    raise_exc=False,
                    timeout=_TIMEOUT,
                    connect_retries=0,
                    log=False,
                    allow_reauth=False,
                    **options,
                )
            except ksa.ConnectionError:
                self.forget()
                raise

    def forget(self) -> None:
        """The service may have moved: token and address are fetched anew, as the catalog comes with the token."""
        if self._fixed:
            return
        self._base = None
        self._session.invalidate()

    def renew(self) -> bool:
        """Forget the token, which was refused; whether another can be had."""
        with _surprises_translated():
            return bool(self._session.invalidate())

    def _found(self) -> str:
        """URL of the v2 API. A catalog names the service's root or, in older clouds, the versioned address."""
        if (base := self._base) is None:
            url = self._region.get_endpoint("image") or self._session.get_endpoint(
                service_type="image",
                interface=self._region.get_interface("image"),
                region_name=self._region.get_region_name("image"),
            )
            if not url:
                raise ksa.EndpointNotFound
            base = self._base = _versioned(str(url))
        return base


def _versioned(url: str) -> str:
    root = url.rstrip("/")
    return root if root.endswith("/v2") else f"{root}/v2"


def _check_profile(name: object) -> None:
    """Settings of a profile that the library does not bring along would be fetched, once and for all namespaces."""
    if name and (name not in vendors.profiles() or "profile" in (vendors.get_profile(str(name)) or {})):
        raise ValueError("profile is not the name of a vendor whose settings openstacksdk brings along")


def _unusable(error: Exception) -> str:
    """Names of options are not secret, their values may be."""
    if isinstance(error, ksa.MissingRequiredOptions):
        return "under auth is missing: " + ", ".join(option.dest for option in error.options)
    if isinstance(error, ksa.NoMatchingPlugin):
        return "its auth_type is not one that keystoneauth knows (password, v3applicationcredential, ...)"
    return f"no client can be made of it ({type(error).__name__}): something is missing, or no text where one belongs"


@contextmanager
def _surprises_translated() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise _translated(error) from None  # its text may quote the Secret


def _translated(error: Exception) -> Unavailable:
    """Any surprise of a request. The libraries' texts may quote the Secret: of them only the address is told."""
    if isinstance(error, ksa.HttpError):
        return answers.keystone(error)
    if isinstance(error, ksa.CatalogException):
        text = "the service catalog offers no image service: check region_name and interface in the Secret"
        return unavailable("EndpointNotFound", text)
    if isinstance(error, ksa.MissingRequiredOptions | ksa.NoMatchingPlugin):
        return unavailable("CredentialsInvalid", f"the credentials are incomplete: {_unusable(error)}")
    if isinstance(error, ksa.AuthPluginException):
        return unavailable("CredentialsInvalid", f"the credentials are incomplete ({type(error).__name__})")
    if isinstance(error, ksa.ClientException | openstack.exceptions.SDKException):
        return unavailable("GlanceUnavailable", f"the cloud does not answer ({answers.cause(error)})")
    text = f"no request can be sent ({answers.cause(error)}): check the entry in the Secret"
    return unavailable("GlanceUnavailable", text)
