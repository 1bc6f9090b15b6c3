"""Where Kubernetes' programs come from, in which order."""

import os
import shutil
from pathlib import Path

import pytest

from sandbox_kit import binaries


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and an empty PATH."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    (tmp_path / "bin").mkdir()
    return tmp_path


def program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_without_go_the_ways_out_are_said(machine: Path) -> None:
    with pytest.raises(binaries.MissingBinaryError, match=r"install Go .* KUBEBUILDER_ASSETS"):
        binaries.ensure()


def test_ready_programs_come_first_and_the_cache_fills_the_gaps(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = machine / "cache" / "glance-operator" / "kube" / f"v{binaries.VERSION}"
    for name in binaries.NAMES:
        program(cached / name)
    etcd = program(machine / "assets" / "etcd")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(etcd.parent))
    found = binaries.ensure()
    assert found["etcd"] == etcd
    assert found["kubectl"] == cached / "kubectl"


def test_what_envtest_lacks_is_built(machine: Path) -> None:
    offered = machine / "offered"
    for name in ("etcd", "kube-apiserver", "kubectl"):
        program(offered / name, "#!/bin/sh\necho offered\n")
    program(machine / "bin" / "setup-envtest", f"#!/bin/sh\nprintf '%s' '{offered}'\n")
    builder = """#!/bin/sh
while [ "$1" != -o ]; do shift; done
for package in $3 $4 $5; do echo "echo built by go" > "$2/${package##*/}"; done
"""
    program(machine / "bin" / "go", builder)
    found = binaries.ensure()
    assert "offered" in found["etcd"].read_text()
    assert "built by go" in found["kube-controller-manager"].read_text()
    assert all(os.access(path, os.X_OK) for path in found.values())
    shutil.rmtree(machine / "bin")
    assert binaries.ensure() == found, "once made, nothing is needed again"


def test_a_failed_build_leaves_nothing_half_made(machine: Path) -> None:
    program(machine / "bin" / "go", "#!/bin/sh\nexit 1\n")
    with pytest.raises(binaries.MissingBinaryError, match=r"building etcd, kube-apiserver, .* failed"):
        binaries.ensure()
    assert not [path for path in (machine / "cache").rglob("*") if path.is_file() and path.suffix != ".lock"]
