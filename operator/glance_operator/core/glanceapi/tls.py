"""The certificate that a GlanceAPI serves: whether it will do, and what is said when its end is near."""

from __future__ import annotations

from datetime import datetime, timedelta

from glance_operator.core import certificates, inputs
from glance_operator.core.certificates import Certificate
from glance_operator.core.conditions import FALSE, TRUE, Condition
from glance_operator.core.glanceapi.drawing import Drawing
from glance_operator.core.glanceapi.observed import View
from glance_operator.core.plan import Plan, waiting
from glance_operator.core.workload import AWAIT

SOON = timedelta(days=14)  # cert-manager and its like have renewed long before


def await_certificate(view: View) -> Plan | None:
    """One that clients would not accept reaches no pod."""
    if view.spec.tls is None:
        return None
    try:
        found = certificates.read(inputs.values(inputs.of_api(view.spec), view.found)["tls.crt"])
    except ValueError as error:
        return waiting("InputInvalid", f"{_secret(view)}: tls.crt {error}", AWAIT)
    if lacking := _lacking(view, found):
        words = f"the certificate is not valid for {' and '.join(lacking)}: issue it for these DNS names, too"
        return waiting("InputInvalid", f"{_secret(view)}: {words}", AWAIT)
    return None


def await_renewal(drawn: Drawing) -> Plan | None:
    """Nothing is rolled out with an expired certificate; what has been is kept as it is."""
    workload = drawn.view.workload
    return None if workload and workload.config == drawn.of.config else _expired(drawn, "InputInvalid")


def tell_expiry(drawn: Drawing) -> Plan | None:
    """A service that no client accepts does not count as ready."""
    return _expired(drawn, "CertificateExpired")


def expiry(view: View, drawn: Drawing | None) -> str:
    """Of the certificate that the pods serve, RFC 3339; empty where there is none."""
    if view.spec.tls is None:
        return ""
    if drawn and drawn.running and drawn.certificate:
        return _written(drawn.certificate.not_after)
    return view.memory.not_after


def endpoint(view: View, drawn: Drawing | None) -> Condition:
    """EndpointReady. Its words do not change from day to day."""
    if not (view.workload and view.workload.ready):
        return Condition("EndpointReady", FALSE, "NoPodServes", "No pod answers requests: see WorkloadReady")
    until = expiry(view, drawn)
    left = datetime.fromisoformat(until) - view.now if until else SOON
    if left <= timedelta():
        return Condition("EndpointReady", FALSE, "CertificateExpired", _words(view, f"expired at {until}"))
    if left < SOON:
        return Condition("EndpointReady", TRUE, "CertificateExpiresSoon", _words(view, f"expires at {until}"))
    return Condition("EndpointReady", TRUE, "Serving")


def _expired(drawn: Drawing, reason: str) -> Plan | None:
    if drawn.certificate is None or drawn.certificate.not_after > drawn.view.now:
        return None
    end = _written(drawn.certificate.not_after)
    return waiting(reason, _words(drawn.view, f"expired at {end}"), AWAIT)


def _words(view: View, what: str) -> str:
    return f"The certificate {what}: renew it in {_secret(view)}"


def _secret(view: View) -> str:
    return f"Secret {view.spec.tls.secret_name if view.spec.tls else ''} (spec.tls.secretName)"


def _lacking(view: View, found: Certificate) -> list[str]:
    """Names by which clients call the Service, and the operator and other pods each pod."""
    domain = f"{view.namespace}.svc.cluster.local"
    pods = [f"{view.name}-{number}.{view.name}-pods.{domain}" for number in range(view.spec.replicas)]
    every = [f"*.{view.name}-pods.{domain}"] if found.without(pods) else []
    return [*found.without([f"{view.name}.{domain}"]), *every]


def _written(when: datetime) -> str:
    return when.strftime("%FT%TZ")
