"""Names, durations and quantities: the small words that cross the border between YAML and Python."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glance_operator.api.base import api_name, bytes_of, quantity_of, seconds


@pytest.mark.parametrize(
    ("python", "yaml"),
    [
        ("name", "name"),
        ("glance_api_ref", "glanceAPIRef"),
        ("cloud_credentials_ref", "cloudCredentialsRef"),
        ("min_disk_gb", "minDiskGB"),
        ("min_ram_mb", "minRAMMB"),
        ("image_id", "imageID"),
        ("auth_url", "authURL"),
        ("certificate_uuid", "certificateUUID"),
        ("chunk_size_mib", "chunkSizeMiB"),
        ("ca_bundle_ref", "caBundleRef"),
        ("except_", "except"),
        ("sha256", "sha256"),
    ],
)
def test_api_name(python: str, yaml: str) -> None:
    assert api_name(python) == yaml


@pytest.mark.parametrize(
    ("duration", "value"), [("90s", 90), ("10m", 600), ("1h", 3600), ("1h30m5s", 5405), ("0s", 0), ("1m1m", 120)]
)
def test_seconds(duration: str, value: float) -> None:
    assert seconds(duration) == value


@pytest.mark.parametrize("word", ["", "1", "h", "1d", "1.5h", "-1h", "1h ", "1h\n", "100000h", "PT1H", "1h 30m"])
def test_what_is_no_duration(word: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as"):
        seconds(word)


@given(st.integers(0, 99999), st.integers(0, 99999), st.integers(0, 99999))
def test_the_parts_of_a_duration_add_up(hours: int, minutes: int, rest: int) -> None:
    assert seconds(f"{hours}h{minutes}m{rest}s") == seconds(f"{hours}h") + seconds(f"{minutes}m") + seconds(f"{rest}s")


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ("0", 0),
        ("1", 1),
        ("1Ki", 1024),
        ("20Gi", 20 * 1024**3),
        ("1.5Gi", 3 * 512 * 1024**2),
        (".5k", 500),
        ("1E", 10**18),
        ("1Ei", 1024**6),
        ("12e6", 12 * 10**6),
        ("12E6", 12 * 10**6),
        ("2e-1", 1),
        ("1500m", 2),
        ("1u", 1),
        ("+5M", 5 * 10**6),
        ("5.", 5),
    ],
)
def test_bytes_of(quantity: str, value: int) -> None:
    """Fractions of a byte are rounded up, as Kubernetes does."""
    assert bytes_of(quantity) == value


@pytest.mark.parametrize("word", ["", "Gi", "1GB", "1 Gi", "-1Gi", "1K", "0x10", "1Gi\n", "1e", "1.2.3", "1KiB"])
def test_what_is_no_quantity(word: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity such as"):
        bytes_of(word)


@given(st.integers(0, 10**6), st.integers(0, 999), st.sampled_from(["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]))
def test_bytes_of_is_exact(whole: int, thousandths: int, unit: str) -> None:
    """Never a float on the way: the result is the exact product, rounded up."""
    power = 1 + ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].index(unit)
    exact = Fraction(whole * 1000 + thousandths, 1000) * 1024**power
    assert bytes_of(f"{whole}.{thousandths:03}{unit}") == -(-exact.numerator // exact.denominator)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (9999, "9999"), (10240, "10Ki"), (42029113344, "39Gi"), (10 * 2**40 - 1, "10239Gi")]
)
def test_quantity_of(count: int, text: str) -> None:
    assert quantity_of(count) == text
