"""The model: a codec and the averaged generator in one file that cannot run code; it samples, decodes, saves, loads.

Knows codecs, generators, schemas and model files; never D, optimisers or the loop.

A model file is a safetensors file: the generator's tensors, and in the header's metadata one JSON text under the key
"gankit" that holds everything else. `inspect` reads the header alone and imports no torch.
"""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gankit.errors import ModelError, OptionError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from torch import Tensor

    from gankit.codecs import Restriction, TableCodec, VectorCodec
    from gankit.data import Origin, Schema
    from gankit.networks import Discriminator, Generator
    from gankit.spec import Spec

FORMAT = 1
"""Version of the model file's layout; files of a larger one are refused."""

BLOCK_ROWS = 8192
"""Rows that are generated together. Row i of seed s comes from block i // BLOCK_ROWS, always computed whole, so that
it is the same however it is asked for."""

MODEL_NAME = "model.safetensors"


@dataclass(frozen=True)
class NetworkPlan:
    """How to build the generator again: a name of NETWORKS, its sizes (None = the family's default), and the type that
    its inner layers multiply in ("float32" or "bfloat16").
    """

    name: str
    width: int | None
    depth: int | None
    num_latents: int
    precision: str = "float32"

    def build(self, spec: Spec, condition: Spec | None, seed: int = 0) -> tuple[Generator, Discriminator]:
        """A fresh pair on the CPU."""
        import torch

        from gankit.networks import build
        from gankit.networks.sequential import SequentialGenerator

        sizes = {"width": self.width, "depth": self.depth, "num_latents": self.num_latents}
        generator, discriminator = build(self.name, spec, condition, seed=seed, **sizes)  # type: ignore[arg-type]  # int | None each
        if isinstance(generator, SequentialGenerator):
            generator.multiply_in = torch.bfloat16 if self.precision == "bfloat16" else torch.float32
        return generator, discriminator


@dataclass(frozen=True)
class Given:
    """The given columns of a conditional generator that takes a condition c.

    codec: of the given columns.
    codes: [M, columns] int64, the combinations of cells that training showed; counts: [M] how often.
    """

    codec: TableCodec
    codes: np.ndarray
    counts: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"codec": self.codec.to_json(), "codes": self.codes.tolist(), "counts": self.counts.tolist()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Given:
        """What `to_json` wrote."""
        import numpy as np

        from gankit.codecs import TableCodec

        codec = TableCodec.from_json(value["codec"])
        codes = np.asarray(value["codes"], dtype=np.int64).reshape(-1, len(codec.fields))
        return cls(codec, codes, np.asarray(value["counts"], dtype=np.float64))


@dataclass(frozen=True)
class Model:
    """A trained model.

    Attributes:
        kind: "number", "vector" or "table".
        schema, origin: the columns, and the form the data came in.
        codec, given: how records are coded; `given` where G takes a condition.
        plan, generator: the averaged G and how it is built.
        card: plain JSON: what the model is and how it came about.
        history: one plain JSON entry an evaluation of the training.
        figure: for one number, what the figure of 2014 needs beside samples; else None.
        prepared: the data it was trained on, where it is at hand; never saved.
    """

    kind: str
    schema: Schema
    origin: Origin
    codec: TableCodec | VectorCodec
    given: Given | None
    plan: NetworkPlan
    generator: Generator
    card: dict[str, Any]
    history: tuple[dict[str, Any], ...] = ()
    figure: dict[str, Any] | None = None
    prepared: Any = None

    def sample(self, n: int, seed: int = 0, offset: int = 0, where: Mapping[str, Any] | None = None) -> Any:
        """`n` fakes in the form the training data came in: a DataFrame for a DataFrame, an array for an array.

        Args:
            n: how many, >= 0.
            seed: which; row i of a seed is the same however it is asked for.
            offset: the first row's number, >= 0.
            where: what every row obeys: column -> a value, a text as on the command line ("30..40", ">=3"), a
                (low, high) pair, or a list of levels. Tables: any column; else the given ones.

        Returns:
            The records. Data that came from a file comes as an Arrow table.

        Raises:
            OptionError: an unknown column or value, or a condition this model cannot obey.
        """
        import pyarrow as pa

        from gankit.data import to_object

        batches = list(self.sample_batches(n, seed, offset, where))
        return to_object(pa.concat_tables(batches), self.origin)

    def sample_batches(
        self, n: int, seed: int = 0, offset: int = 0, where: Mapping[str, Any] | None = None
    ) -> Iterator[pa.Table]:
        """The same rows as `sample`, as Arrow tables of at most `BLOCK_ROWS` rows; at least one, perhaps empty."""
        if n < 0 or offset < 0:
            raise OptionError(f"the number of rows and the offset must be 0 or more. Got {n} and {offset} instead.")
        block = self._blocks(seed, where)
        first = offset // BLOCK_ROWS
        last = max(first, (offset + n - 1) // BLOCK_ROWS) if n else first
        for index in range(first, last + 1):
            begin = max(offset - index * BLOCK_ROWS, 0)
            end = min(offset + n - index * BLOCK_ROWS, BLOCK_ROWS)
            compact = block(index)[begin:end]
            row = index * BLOCK_ROWS + begin
            yield self.schema.format(self._decode(compact), max(end - begin, 0), first_row=row, seed=seed)

    def save(self, path: str | Path) -> None:
        """Writes the model to one file, whole or not at all."""
        from gankit.checkpoint import write_safetensors

        header = {
            "format": FORMAT,
            "kind": self.kind,
            "schema": self.schema.to_json(),
            "origin": self.origin.to_json(),
            "codec": self.codec.to_json(),
            "given": None if self.given is None else self.given.to_json(),
            "plan": vars(self.plan),
            "card": self.card,
            "history": list(self.history),
            "figure": self.figure,
        }
        write_safetensors(Path(path), self.generator.state_dict(), {"gankit": json.dumps(header)})

    # --- one block of rows ----------------------------------------------------------------------------------------

    def _blocks(self, seed: int, where: Mapping[str, Any] | None) -> Callable[[int], np.ndarray]:
        """The function from a block's number to its compact rows [BLOCK_ROWS, C]."""
        from gankit.networks.sequential import SequentialGenerator
        from gankit.restriction import restrictions

        generator = self.generator.eval()
        conditions = dict(where or {})
        if isinstance(generator, SequentialGenerator):
            return _sequential_blocks(generator, self.codec, restrictions(self.schema, self.codec, conditions), seed)
        allowed = [f.name for f in self.given.codec.fields] if self.given else []
        for name in conditions:
            if name not in allowed:
                some = (
                    f"It can obey conditions on {', '.join(allowed)}." if allowed else "It was trained without --given."
                )
                raise OptionError(
                    f"this {self.plan.name} model cannot obey a condition on {name!r}. {some} Train it anew with "
                    f"--given {name}, or as a table with --network sequential."
                )
        limits = restrictions(self.schema, self.given.codec, conditions) if self.given else {}
        return self._conditional_blocks(limits, seed)

    def _conditional_blocks(self, limits: Mapping[int, Restriction], seed: int) -> Callable[[int], np.ndarray]:
        """One-shot generators: c drawn from the combinations seen in training, those that obey."""
        import numpy as np
        import torch

        from gankit.networks.compact import collapse, expand
        from gankit.randomness import torch_generator

        generator, given = self.generator, self.given
        weight = np.ones(0)
        if given is not None:
            weight = given.counts.copy()
            for i, limit in limits.items():
                weight *= limit.weight[given.codes[:, i]]
            if not weight.sum() > 0:
                raise OptionError("training showed no record with this combination of conditions. Ask for fewer.")
            weight = weight / weight.sum()

        def block(index: int) -> np.ndarray:
            draws = torch_generator(seed, "sample", index)
            z = torch.randn(BLOCK_ROWS, generator.num_latents, generator=draws)
            u = torch.rand(BLOCK_ROWS, generator.num_uniforms, generator=draws)
            places = torch.rand(BLOCK_ROWS, len(self.codec.spec.blocks), generator=draws, dtype=torch.float64)
            c: Tensor | None = None
            known = np.zeros((BLOCK_ROWS, 0))
            if given is not None:
                pick = torch.rand(BLOCK_ROWS, generator=draws, dtype=torch.float64).numpy()
                inside = torch.rand(BLOCK_ROWS, len(given.codec.fields), generator=draws, dtype=torch.float64).numpy()
                codes = given.codes[np.minimum(np.searchsorted(weight.cumsum(), pick, side="right"), len(weight) - 1)]
                known = codes + inside * (1 - 1e-9)
                for i, limit in limits.items():
                    known[:, i] = limit.place(known[:, i])
                c = expand(given.codec.spec, torch.from_numpy(codes.astype(np.float32)))
            with torch.no_grad():
                x = generator(z, u, c)
            return np.concatenate([known, collapse(self.codec.spec, x, places).numpy()], axis=1)

        return block

    def _decode(self, compact: np.ndarray) -> dict[str, Any]:
        if self.given is None:
            return self.codec.decode(compact)
        num_given = len(self.given.codec.fields)
        return {**self.given.codec.decode(compact[:, :num_given]), **self.codec.decode(compact[:, num_given:])}


def _sequential_blocks(
    generator: Any, codec: TableCodec | VectorCodec, limits: Mapping[int, Restriction], seed: int
) -> Callable[[int], np.ndarray]:
    """Sequential generators: any block restricted, exactly; cells that training never showed are never made."""
    import numpy as np
    import torch

    from gankit.codecs import TableCodec
    from gankit.networks.sequential import NUM_CANDIDATES
    from gankit.randomness import torch_generator

    assert isinstance(codec, TableCodec)
    allowed = {i: torch.from_numpy(limit.weight.astype(np.float32)) for i, limit in limits.items()}
    seen = {i: torch.from_numpy((f.counts > 0).astype(np.float32)) for i, f in enumerate(codec.fields)}
    masks = {i: mask for i, mask in seen.items() if i not in allowed and not bool(mask.all())}

    def block(index: int) -> np.ndarray:
        draws = torch_generator(seed, "sample", index)
        z = torch.randn(generator.num_latents, BLOCK_ROWS, generator=draws).T
        uniforms = None
        if generator.needs_candidates(allowed):
            size = (BLOCK_ROWS, NUM_CANDIDATES * len(allowed) + 1)
            uniforms = torch.rand(size, generator=torch_generator(seed, "candidates", index), dtype=torch.float64)
        compact: np.ndarray = generator.generate(z, allowed, uniforms, masks).numpy()
        for i, limit in limits.items():
            compact[:, i] = limit.place(compact[:, i])
        return compact

    return block


def load(path: str | Path) -> Model:
    """The model in a model file, or in a run folder (its best one).

    Raises:
        ModelError: no model there, damaged, or from a newer version.
    """
    from gankit.checkpoint import read_safetensors
    from gankit.codecs import CODECS
    from gankit.data import Origin, Schema

    file = _model_file(path)
    header = _read_header(file)
    try:
        plan = NetworkPlan(**header["plan"])
        codec = CODECS[header["kind"]].from_json(header["codec"])
        given = None if header["given"] is None else Given.from_json(header["given"])
        generator, _ = plan.build(codec.spec, None if given is None else given.codec.spec)
        generator.load_state_dict(read_safetensors(file)[0])
        schema, origin = Schema.from_json(header["schema"]), Origin.from_json(header["origin"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{file} is damaged: {str(error).splitlines()[0]}. Take another copy of it, or train anew."
        ) from error
    return Model(
        header["kind"],
        schema,
        origin,
        codec,
        given,
        plan,
        generator.eval(),
        header["card"],
        tuple(header["history"]),
        header["figure"],
    )


def inspect(path: str | Path) -> dict[str, Any]:
    """What a model file or a run folder holds: kind, columns, networks, training, scores. Imports no torch.

    Raises:
        ModelError: no model there, damaged, or from a newer version.
    """
    file = _model_file(path)
    return {"file": str(file), "bytes": file.stat().st_size, **_read_header(file)["card"]}


def parse_where(texts: Sequence[str]) -> dict[str, str]:
    """Conditions as they are typed, 'COL=VALUE', 'COL>=VALUE', to column -> text.

    >>> parse_where(["income=>50K", "age=30..40", "hours>=20"])
    {'income': '>50K', 'age': '30..40', 'hours': '>=20'}
    """
    conditions: dict[str, str] = {}
    for text in texts:
        match = re.match(r"(?s)(.+?)(>=|<=|=|>|<)(.*)$", text)
        if not match:
            raise OptionError(
                f"--where {text!r}: expected COL=VALUE, COL=LOW..HIGH or COL>=VALUE, as in --where age=30..40."
            )
        name, operator, value = match.groups()
        if name in conditions:
            raise OptionError(f"--where names {name!r} twice. Put both into one, as in --where {name}=30..40.")
        conditions[name] = value if operator == "=" else operator + value
    return conditions


def _model_file(path: str | Path) -> Path:
    file = Path(path)
    if file.is_dir():
        file = file / MODEL_NAME
        if not file.exists():
            raise ModelError(
                f"{path} holds no {MODEL_NAME} yet. If it is a run that was stopped, go on with it: "
                f"gankit train -o {path} --resume"
            )
    if not file.exists():
        raise ModelError(f"there is no model at {path}. Name a model file or the folder of a run.")
    return file


def _read_header(file: Path) -> dict[str, Any]:
    """The JSON in a model file's header; checks that the file is whole."""
    damaged = f"{file} is not a gankit model, or damaged: "
    try:
        with open(file, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            start = stream.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
            if length + 8 > size:
                raise ModelError(damaged + "its header is cut off. Take another copy of it, or train anew.")
            entries = json.loads(stream.read(length))
        metadata = entries.pop("__metadata__")
        header: dict[str, Any] = json.loads(metadata["gankit"])
        ends = [entry["data_offsets"][1] for entry in entries.values()]
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise ModelError(damaged + "its header cannot be read. Take another copy of it, or train anew.") from error
    if header.get("format", 0) > FORMAT:
        raise ModelError(
            f"{file} was written by a newer gankit ({header.get('card', {}).get('version', 'unknown')}). "
            "Update gankit to use it."
        )
    if length + 8 + max(ends, default=0) != size:
        raise ModelError(damaged + "it is cut off or has been added to. Take another copy of it, or train anew.")
    return header
