"""kernelRef and ramdiskRef: whose ids are relied on when, and what the image has until then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.core.builders import UID, body_of, glance_image, memory, spec
from tests.unit.core.scenarios.adopting import KERNEL, booting

from glance_operator.core.image import decide, metadata, references
from glance_operator.core.image.others import Referred
from glance_operator.core.image.status import status

OLD = glance_image(properties={"kernel_id": "old"})


@pytest.mark.parametrize(
    ("words", "kernel", "there", "wanted"),
    [
        ("ready", KERNEL, "", {"kernel_id": UID}),
        ("not ready", replace(KERNEL, ready=False), "", {}),
        ("not ready any more", replace(KERNEL, ready=False), UID, {"kernel_id": UID}),
        ("another one since", KERNEL, "old", {"kernel_id": UID}),
        ("another one on its way", replace(KERNEL, ready=False), "old", {}),
        ("ready, but nobody knows as what", replace(KERNEL, image_id=""), "", {}),
        ("on another cloud", replace(KERNEL, near=False), "", {}),
        ("gone", Referred("vmlinuz"), UID, {}),
    ],
)
def test_which_ids_are_relied_on(words: str, kernel: Referred, there: str, wanted: dict[str, str]) -> None:
    one = booting(kernel, image=glance_image(properties={"kernel_id": there} if there else {}))
    assert references.properties(one) == wanted
    assert set(references.awaited(one)) == {"kernel_id"} - set(wanted)


def test_what_is_there_stays_until_the_next_is_ready() -> None:
    ours = memory(applied_properties=frozenset({"kernel_id"}))
    waiting = booting(replace(KERNEL, ready=False), image=OLD, memory=ours)
    assert metadata.operations(waiting, OLD) == ()
    assert metadata.operations(booting(KERNEL, image=OLD, memory=ours), OLD) == (("add", "/kernel_id", UID),)


def test_a_reference_taken_back_takes_its_property_along() -> None:
    one = booting(KERNEL, image=OLD, memory=memory(applied_properties=frozenset({"kernel_id"})), referred={})
    assert metadata.operations(one, OLD) == (("remove", "/kernel_id", None),)


def test_it_stays_ours_to_take_back() -> None:
    one = booting(replace(KERNEL, ready=False), image=OLD, memory=memory(applied_properties=frozenset({"kernel_id"})))
    assert status(*decide(one), body_of(one))["applied"]["properties"] == ["kernel_id"]


def test_nobody_else_sees_the_image_before() -> None:
    public = spec(kernelRef={"name": "vmlinuz"}, visibility="public")
    image = glance_image()
    assert metadata.operations(booting(replace(KERNEL, ready=False), spec=public), image) == ()
    assert metadata.operations(booting(KERNEL, spec=public), image) == (
        ("replace", "/visibility", "public"),
        ("add", "/kernel_id", UID),
    )


def test_what_was_visible_stays_visible() -> None:
    public = spec(kernelRef={"name": "vmlinuz"}, visibility="public")
    image = glance_image(visibility="public")
    one = booting(replace(KERNEL, ready=False), spec=public, image=image)
    assert metadata.operations(one, image) == ()


def test_the_words_name_the_other_image() -> None:
    for kernel, words in ((Referred("vmlinuz"), "does not exist"), (replace(KERNEL, ready=False), "not Ready")):
        message = decide(booting(kernel))[1].state.message
        assert "Image vmlinuz (spec.kernelRef)" in message
        assert words in message


def test_a_circle_is_drawn() -> None:
    message = decide(booting(replace(KERNEL, circle=("vmlinuz", "initrd", "jammy"))))[1].state.message
    assert "jammy → vmlinuz → initrd → jammy" in message
