"""Settings: what is given is understood, what cannot be used is named."""

import dataclasses

import pytest

from glance_operator.core.manifests.transfer_pod import TransferPod
from glance_operator.settings import PREFIX, Settings, SettingsError


def read(**given: str) -> Settings:
    return Settings.from_environment({PREFIX + name.upper(): text for name, text in given.items()})


def test_defaults() -> None:
    settings = read()
    assert (settings.workers, settings.leader_elect, settings.imports_per_cloud) == (8, True, 4)
    assert (settings.lease_duration, settings.renew_deadline) == (15, 10)
    assert settings.watch_namespaces == ()
    assert settings.identity != read().identity


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("workers", "16", 16),
        ("workers", " 16 ", 16),
        ("workers", "", 8),
        ("leader_elect", "false", False),
        ("leader_elect", "No", False),
        ("leader_elect", "1", True),
        ("watch_namespaces", "b, a,,b", ("a", "b")),
        ("source_networks", "10.0.0.0/8,fd00::/8", ("10.0.0.0/8", "fd00::/8")),
        ("resync", "90", 90.0),
        ("resync", "90s", 90.0),
        ("resync", "10m", 600.0),
        ("resync", "1.5h", 5400.0),
        ("standby_interval", "500ms", 0.5),
        ("health_port", "0", 0),
        ("log_format", "json", "json"),
        ("lease_namespace", "operators", "operators"),
        ("transfer_pod", '{"env": {"NO_PROXY": ".svc"}}', TransferPod(env={"NO_PROXY": ".svc"})),
    ],
)
def test_what_is_given(name: str, text: str, value: object) -> None:
    assert getattr(read(**{name: text}), name) == value


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("workers", "many", "GLANCE_OPERATOR_WORKERS='many' is not a whole number"),
        ("workers", "2.5", "is not a whole number"),
        ("workers", "0", "GLANCE_OPERATOR_WORKERS='0' is not within 1 and 256"),
        ("health_port", "70000", "is not within 0 and 65535"),
        ("leader_elect", "maybe", "is not true or false"),
        ("log_format", "xml", "GLANCE_OPERATOR_LOG_FORMAT='xml' is none of text, json"),
        ("resync", "1 day", "is not a duration such as 90s, 10m or 1h"),
        ("resync", "-5", "is not a duration"),
        ("resync", "nan", "is not a duration"),
        ("watch_namespaces", "Default", "'Default' is not the name of a namespace"),
        ("source_networks", "10.0.0.1/8", "'10.0.0.1/8' is not a network such as 10.20.0.0/16"),
        ("lease_namespace", "a/b", "'a/b' is not the name of a namespace"),
        ("renew_deadline", "15", "RENEW_DEADLINE (15) < GLANCE_OPERATOR_LEASE_DURATION (15) must hold"),
        ("renew_interval", "12", "GLANCE_OPERATOR_RENEW_INTERVAL (12) < GLANCE_OPERATOR_RENEW_DEADLINE (10)"),
    ],
)
def test_what_cannot_be_used(name: str, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as error:
        read(**{name: text})
    assert words in str(error.value)


def test_they_never_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        read().workers = 3  # type: ignore[misc]


def test_every_setting_is_documented() -> None:
    words = set((Settings.__doc__ or "").replace(",", " ").replace(":", " ").split())
    assert {field.name for field in dataclasses.fields(Settings)} <= words


def test_what_may_hold_a_password_is_not_quoted() -> None:
    with pytest.raises(SettingsError, match="GLANCE_OPERATOR_TRANSFER_POD is not JSON about a pod") as told:
        read(transfer_pod='{"env": {"HTTPS_PROXY": "http://me:pa55@proxy"}, "enviroment": {}}')
    assert "pa55" not in str(told.value)
