"""The generated files: up to date, and every field of them described, bounded and mergeable."""

from __future__ import annotations

import importlib.util
import shutil
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from glance_operator.api import KINDS
from glance_operator.api.base import Kind
from glance_operator.api.crd import crd, published, to_yaml
from glance_operator.api.reference import markdown
from glance_operator.api.schema import structural

ROOT = Path(__file__).parents[3]
Body = dict[str, Any]


def tree(node: Body, path: str) -> list[tuple[str, Body]]:
    """Every node with its path; what Kubernetes will judge itself is left out."""
    children = [(f"{path}.{name}", child) for name, child in node.get("properties", {}).items()]
    children += [
        (path + mark, node[key]) for key, mark in (("items", "[]"), ("additionalProperties", ".*")) if key in node
    ]
    return [(path, node), *(below for name, child in children for below in tree(child, name))]


def nodes(kind: Kind, part: str) -> list[tuple[str, Body]]:
    """Every node of a kind's spec or status, as generated."""
    schema = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return tree(schema["properties"][part], part)


EVERY = [pytest.param(kind, part, id=f"{kind.kind} {part}") for kind in KINDS for part in ("spec", "status")]
SPECS = [pytest.param(kind, id=kind.kind) for kind in KINDS]


@pytest.mark.parametrize(("kind", "part"), EVERY)
def test_every_field_has_a_description_worth_reading(kind: Kind, part: str) -> None:
    """Kubectl explain shows nothing else. Words about bounds and defaults, which are added, do not count."""
    model = kind.spec if part == "spec" else kind.status
    poor = [
        f"{path}: {node.get('description', '')!r}"
        for path, node in tree(structural(model), part)
        if not path.endswith(("[]", ".*")) and len(node.get("description", "")) < 15
    ]
    assert poor == []


@pytest.mark.parametrize("kind", SPECS)
def test_everything_a_user_writes_is_bounded(kind: Kind) -> None:
    """Without bounds a rule's cost cannot be told, and an object may grow until etcd refuses it."""
    assert [path for path, node in nodes(kind, "spec") if not bounded(node)] == []


def bounded(node: Body) -> bool:
    """Whether a node has the bounds that its type needs."""
    needed = {
        "string": "enum" in node or "maxLength" in node,
        "integer": {"minimum", "maximum"} <= node.keys(),
        "array": "maxItems" in node,
        "object": "additionalProperties" not in node or "maxProperties" in node,
    }
    return needed.get(node.get("type", ""), True)


@pytest.mark.parametrize(("kind", "part"), EVERY)
def test_every_list_says_how_it_is_merged(kind: Kind, part: str) -> None:
    silent = [p for p, n in nodes(kind, part) if n.get("type") == "array" and "x-kubernetes-list-type" not in n]
    assert silent == []


@pytest.mark.parametrize("kind", SPECS)
def test_no_default_inside_what_one_manager_owns_whole(kind: Kind) -> None:
    """It would make the next manager's apply of the same manifest a conflict."""
    for path, node in nodes(kind, "spec"):
        if "atomic" in (node.get("x-kubernetes-map-type"), node.get("x-kubernetes-list-type")):
            assert [below for below, inner in tree(node, path)[1:] if "default" in inner] == []


@pytest.mark.parametrize("kind", SPECS)
def test_a_status_is_kept_as_it_was_written(kind: Kind) -> None:
    """A default would come in addition: what was read would never equal what was written, and be written again."""
    (root, status), *fields = nodes(kind, "status")
    assert (root, status["default"]) == ("status", {"observedGeneration": -1})
    assert [path for path, node in fields if "default" in node] == []


@pytest.mark.parametrize("kind", SPECS)
def test_every_rule_says_what_is_wrong(kind: Kind) -> None:
    rules = [(path, rule) for path, node in nodes(kind, "spec") for rule in node.get("x-kubernetes-validations", [])]
    assert rules
    assert [path for path, rule in rules if len(rule["message"]) < 15] == []


@pytest.mark.parametrize(
    ("node", "description"),
    [
        ({"type": "integer", "minimum": 0, "maximum": 9}, "What. 0 to 9."),
        ({"type": "integer", "minimum": 1}, "What. At least 1."),
        ({"type": "string", "minLength": 3, "maxLength": 3}, "What. Exactly 3 characters."),
        ({"type": "string", "maxLength": 3}, "What. At most 3 characters."),
        ({"type": "array", "minItems": 1, "maxItems": 8}, "What. 1 to 8 items."),
        ({"type": "object", "maxProperties": 120}, "What. At most 120 entries."),
        ({"type": "string", "enum": ["A", "B"], "default": "A"}, "What. One of: A, B. Default: A."),
        ({"type": "boolean", "default": True}, "What. Default: true."),
        ({"type": "boolean"}, "What."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_explain_is_told_bounds_choices_and_defaults(node: Body, description: str) -> None:
    assert published({**node, "description": "What."})["description"] == description


def test_equal_parts_are_written_out() -> None:
    """A reader of the file follows no anchors."""
    shared = {"required": ["a"]}
    assert yaml.safe_load(to_yaml({"x": shared, "y": shared})) == {"x": shared, "y": shared}
    assert "&id" not in to_yaml({"x": shared, "y": shared})


@pytest.mark.parametrize("kind", SPECS)
def test_the_reference_has_a_row_for_every_field(kind: Kind) -> None:
    page = markdown(kind)
    rows = {
        line.split("`")[1].replace("[]", "").replace(".*", "") for line in page.splitlines() if line.startswith("| `")
    }
    for part in ("spec", "status"):
        paths = {path.replace("[]", "").replace(".*", "") for path, _ in nodes(kind, part)} - {part}
        assert paths <= rows


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """hack/crds, made to look at a copy of the files it writes."""
    loader = SourceFileLoader("hack_crds", str(ROOT / "hack/crds"))
    spec = importlib.util.spec_from_loader("hack_crds", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    shutil.copytree(ROOT / "crds", tmp_path / "crds")
    shutil.copytree(ROOT / "docs/reference", tmp_path / "docs/reference")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return module


def test_the_committed_files_are_fresh(script: ModuleType) -> None:
    assert script.main(["--check"]) == 0


def test_a_stale_file_is_named_and_written_anew(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale, gone = tmp_path / "crds/images.yaml", tmp_path / "docs/reference/image.md"
    stale.write_text(stale.read_text().replace("qcow2", "qcow3"))
    gone.unlink()
    assert script.main(["--check"]) == 1
    said = capsys.readouterr().out
    assert "crds/images.yaml: " in said
    assert "docs/reference/image.md: " in said
    assert "qcow3" in said
    assert script.main([]) == 0
    assert script.main(["--check"]) == 0


def test_wrong_usage(script: ModuleType) -> None:
    assert script.main(["--chekc"]) == 2
