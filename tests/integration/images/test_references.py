"""A disk and the kernel and ramdisk that it boots from: three Images, applied in any order."""

import pytest
from tests.integration.images.lab import Lab, Object, condition
from tests.support import eventually

from sandbox_kit import images

pytestmark = pytest.mark.usefixtures("operator")
DATA = images.raw(1 << 16)


def of(lab: Lab, name: str, **spec: object) -> Object:
    return lab.image(name, lab.source.serve(name, DATA), **spec)


def in_glance(lab: Lab, name: str) -> Object:
    image = lab.in_glance(lab.get(name)["status"]["id"])
    assert image
    return image


def test_they_are_awaited_followed_and_wake_the_disk(lab: Lab, name: str) -> None:
    kernel, ramdisk = f"{name}-k", f"{name}-r"
    refs = {"kernelRef": {"name": kernel}, "ramdiskRef": {"name": ramdisk}}
    lab.apply(of(lab, name, visibility="community", **refs))
    waiting = lab.until(name, "Reconciling", "True", "KernelNotReady")
    assert f"Image {kernel} (spec.kernelRef) does not exist" in condition(waiting, "Ready")["message"]
    assert condition(waiting, "Imported")["status"] == "True"
    assert in_glance(lab, name)["visibility"] == "private"

    lab.apply(of(lab, kernel))
    lab.until(name, "Reconciling", "True", "RamdiskNotReady")
    assert in_glance(lab, name)["kernel_id"] == lab.get(kernel)["status"]["id"]
    lab.apply(of(lab, ramdisk))
    lab.ready(name)
    image = in_glance(lab, name)
    assert image["ramdisk_id"] == lab.get(ramdisk)["status"]["id"]
    assert image["visibility"] == "community"
    assert lab.get(name)["status"]["applied"]["properties"] == ["kernel_id", "ramdisk_id"]

    lab.ask("DELETE", f"/images/{image['kernel_id']}")
    lab.retry(kernel, "gone")
    again = eventually(lambda: (b := lab.ready(kernel))["status"]["incarnation"] == 2 and b)

    def followed() -> bool:
        return bool(in_glance(lab, name)["kernel_id"] == again["status"]["id"])

    eventually(followed, 20)
    lab.ready(name)

    lab.patch(name, kernelRef=None)
    lab.ready(name)
    assert "kernel_id" not in in_glance(lab, name)


def test_a_circle_is_told_until_it_is_opened(lab: Lab, name: str) -> None:
    other = f"{name}-o"
    lab.apply(of(lab, name, kernelRef={"name": other}), of(lab, other, ramdiskRef={"name": name}))
    message = condition(lab.until(name, "Stalled", "True", "ReferenceCircle"), "Stalled")["message"]
    assert f"{name} → {other} → {name}" in message
    lab.until(other, "Stalled", "True", "ReferenceCircle")
    lab.patch(other, ramdiskRef=None)
    lab.ready(other)
    lab.ready(name)


def test_an_image_does_not_wait_for_itself(lab: Lab, name: str) -> None:
    with pytest.raises(AssertionError, match="kernelRef must name another Image"):
        lab.apply(of(lab, name, kernelRef={"name": name}))


def test_a_kernel_on_another_cloud_is_worth_nothing(lab: Lab, name: str) -> None:
    kernel = f"{name}-k"
    lab.apply(lab.credentials(kernel), lab.image(kernel, lab.source.serve(kernel, DATA), kernel))
    lab.ready(kernel)
    lab.apply(of(lab, name, kernelRef={"name": kernel}))
    lab.until(name, "Stalled", "True", "OtherCloud")
    lab.patch(name, kernelRef=None, properties={"kernel_id": lab.get(kernel)["status"]["id"]})
    lab.ready(name)
