"""The table of networks: what each pair makes, how a pair that is put into it is used, and how others are refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gankit
from gankit.errors import DependencyError, ModelError, OptionError
from gankit.networks import NETWORKS, build, pair_for
from gankit.networks.base import Pair, Task
from gankit.spec import Block, Spec

SPECS = {
    "vector": Spec("vector", (3,), (Block("continuous", 3),)),
    "choices": Spec("vector", (5,), (Block("categorical", 3), Block("categorical", 2))),
    "image": Spec("image", (1, 8, 8)),
    "sequence": Spec("sequence", (9, 3), (Block("continuous", 1), Block("categorical", 2))),
    "symbols": Spec("sequence", (9, 4), (Block("categorical", 4),)),
    "signal": Spec("sequence", (64, 1), (Block("continuous", 1),)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_pair_says_what_it_makes_and_makes_it_alone(name: str) -> None:
    pair = NETWORKS[name]
    assert pair.name == name and pair.makes
    for made in pair.makes:
        spec = SPECS[made]
        generator, discriminator = pair.build(spec, width=8, num_latents=4)
        assert generator.spec == discriminator.spec == spec
        assert spec.form in pair.bfloat16 or pair.name in ("dense2014", "residual")
    forms = {SPECS[made].form for made in pair.makes}
    for made, spec in SPECS.items():
        if spec.form not in forms:
            assert f"makes {pair.noun}, and these records are" in str(pair.refusal(spec)), made


def test_a_network_is_one_line_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pair of networks that are there already, under another name and with a recipe of its own."""
    known = NETWORKS["residual"]
    toy = Pair("toy", ("vector",), known.builder, latents=3, recipe=lambda task: {"batch": min(32, task.rows)})
    x = np.random.default_rng(0).normal(3, 2, 200)
    with monkeypatch.context() as changed:
        changed.setitem(NETWORKS.own, "toy", toy)
        model = gankit.train(x, network="toy", samples="2k", width=8, out=tmp_path / "run")
        assert (model.plan.name, model.plan.num_latents) == ("toy", 3)
        assert np.array_equal(gankit.load(tmp_path / "run").sample(50, seed=1), model.sample(50, seed=1))
        with pytest.raises(OptionError, match="--network toy makes vectors, and these are series"):
            pair_for("toy", ("sequence",), "these are series")
        with pytest.raises(OptionError, match="toy makes vectors, and these records are images of 8 x 4 pixels"):
            toy.build(Spec("image", (1, 4, 8)))
        assert toy.recipe(Task(SPECS["vector"], 10)) == {"batch": 10}
    with pytest.raises(DependencyError, match="there is no network toy here"):
        build("toy", SPECS["vector"])
    with pytest.raises((DependencyError, ModelError), match="toy"):
        gankit.load(tmp_path / "run")


def test_names_are_listed_without_torch() -> None:
    code = "import sys\nfrom gankit.networks import NETWORKS\nlist(NETWORKS)\nprint('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout == "False\n"
