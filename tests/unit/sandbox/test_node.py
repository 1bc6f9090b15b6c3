"""What of the node's sandbox can be told without one."""

from itertools import combinations
from pathlib import Path

import pytest

from sandbox_kit.node import packages, recipes
from sandbox_kit.node.addresses import SLOTS, Addresses, Seat
from sandbox_kit.node.recipes import Recipe


def test_clusters_side_by_side_share_no_address() -> None:
    networks = [network for slot in SLOTS for network in (Addresses(slot).pods, Addresses(slot).services)]
    assert not any(one.overlaps(other) for one, other in combinations(networks, 2))
    assert len({Addresses(slot).link for slot in SLOTS}) == len(SLOTS)


def test_nodes_of_a_cluster_share_no_address() -> None:
    seats = [Seat(Addresses(3), number) for number in range(2)]
    ends = {end for seat in seats for end in (seat.address, seat.gateway)}
    assert len(ends) == 4
    assert not seats[0].pods.overlaps(seats[1].pods)
    assert all(seat.pods.subnet_of(Addresses(3).pods) for seat in seats)


def test_an_image_is_built_again_when_what_it_is_made_of_has_changed(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "one.py").write_text("1")
    recipe = Recipe("thing:1", inputs=(source,))
    before = recipe.digest()
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "one.pyc").write_text("compiled")
    assert recipe.digest() == before
    (source / "one.py").write_text("2")
    assert recipe.digest() != before
    assert Recipe("thing:2", inputs=(source,)).digest() != recipe.digest()


def test_what_a_recipe_names_is_there() -> None:
    for recipe in (recipes.GLANCE, recipes.MARIADB, recipes.OPERATOR):
        assert recipe.containerfile.exists()
        assert all(path.exists() for path in recipe.inputs)


def test_packages_are_installed_only_where_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "NEEDED", {"no-such-program": "no-such-package", "/no/such/file": "another"})
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name, path=None: name if name == "apt-get" else None)
    for name in ("NODE", "CI"):
        monkeypatch.delenv(name, raising=False)
    why = packages.why_not()
    assert why is not None
    assert why.endswith("apt-get install another no-such-package")
    with pytest.raises(packages.NoNodeError, match="NODE=1"):
        packages.ensure()
    monkeypatch.setenv("NODE", "1")
    assert packages.why_not() is None


@pytest.mark.parametrize(("platform", "user", "word"), [("darwin", 0, "Linux"), ("linux", 1000, "root")])
def test_where_no_node_can_be_one_is_told_why(
    monkeypatch: pytest.MonkeyPatch, platform: str, user: int, word: str
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert word in str(packages.why_not())
