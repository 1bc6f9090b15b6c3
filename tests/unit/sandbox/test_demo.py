"""What the demo shows and when it is content; that the samples and the files it makes for them belong together."""

import io
import re
from typing import Any

import pytest
import yaml
from rich.console import Console

from demo.node import SERVICE, NodeScene
from demo.rows import Row, differences, readable
from demo.screen import Lines
from sandbox_kit import samples


def body(name: str, ready: str = "True", reason: str = "Available", **status: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready, "reason": reason, "message": "words"}
    return {"metadata": {"name": name}, "status": {"conditions": [condition], **status}}


def test_a_row_of_an_object_that_nobody_has_looked_at_is_empty() -> None:
    new = {"metadata": {"name": "new"}, "status": {"observedGeneration": -1}}
    assert Row.of(new).cells() == ("new", "", "", "", "", "", "")


def test_a_row_has_what_kubectl_shows() -> None:
    seen = Row.of(body("a", storesReady="2/3", progress="66%", size=16 << 20)).cells()
    assert seen == ("a", "True", "Available", "2/3", "66%", "16 MiB", "words")


def test_what_is_no_image_is_named_with_its_kind() -> None:
    assert Row.of({"kind": "GlanceStore", **body("central")}).name == "GlanceStore/central"


@pytest.mark.parametrize(
    ("size", "text"),
    [(None, ""), (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1 << 40, "1 TiB"), ("16Mi", "16Mi")],
)
def test_sizes(size: object, text: str) -> None:
    assert readable(size) == text


@pytest.mark.parametrize(
    ("ready", "reason", "stores", "wrong"),
    [
        ("False", "Suspended", "0/1", []),
        ("True", "Suspended", "0/1", ["ready is True, not False"]),
        ("False", "Other", "1/1", ["reason is Other, not Suspended", "stores is 1/1, not 0/1"]),
    ],
)
def test_differences(ready: str, reason: str, stores: str, wrong: list[str]) -> None:
    expected = {"a": {"ready": "False", "reason": "Suspended", "stores": "0/1"}}
    rows = [Row.of(body("a", ready, reason, storesReady=stores)), Row.of(body("unexpected"))]
    assert differences(rows, expected) == ({"a": wrong} if wrong else {})


def test_what_is_missing_is_a_difference() -> None:
    assert differences([], {"a": {"ready": "True"}}) == {"a": ["not there"]}


def test_without_a_terminal_each_change_is_one_line() -> None:
    out = io.StringIO()
    with Lines(Console(file=out, soft_wrap=True)) as lines:
        for progress in ("10%", "10%", "20%"):
            lines.show([Row.of(body("a", progress=progress)), Row.of(body("b"))])
    assert [re.findall(r"\b(a|b|10%|20%)(?=\s)", line) for line in out.getvalue().splitlines()] == [
        ["a", "10%"],
        ["b"],
        ["a", "20%"],
    ]


def test_every_file_that_the_samples_fetch_is_made_or_meant_to_be_missing() -> None:
    text = samples.manifests("http://source", "http://glance")
    assert "127.0.0.1" not in text
    wanted = set(re.findall(r"http://source/(\S+)", text))
    assert wanted == {file.name for file in samples.files()} | {"missing.qcow2"}


def test_a_file_has_the_size_that_the_readme_says() -> None:
    for file in samples.files():
        assert len(file.make()) == file.size
    assert len(samples.files()) >= 4


def test_every_image_among_the_samples_has_an_expected_state() -> None:
    documents = [d for d in yaml.safe_load_all(samples.manifests("http://source", "http://glance")) if d]
    assert {d["metadata"]["name"] for d in documents if d["kind"] == "Image"} == set(samples.expected())


def test_the_samples_of_a_node_are_those_that_something_is_expected_of() -> None:
    bodies = [body for path in sorted(SERVICE.glob("*.yaml")) for body in yaml.safe_load_all(path.read_text())]
    ours = [body for body in bodies if body["apiVersion"].startswith("glance-operator.io/")]
    assert {Row.of(body).name for body in ours} == set(samples.expected(NodeScene.expected))


def test_the_samples_of_a_node_fetch_files_that_are_made() -> None:
    text = "".join(path.read_text() for path in SERVICE.glob("*.yaml"))
    assert set(re.findall(rf"{samples.SOURCE}/([^\"\s]+)", text)) <= {file.name for file in samples.files()}
