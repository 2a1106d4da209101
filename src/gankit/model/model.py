"""The model: a codec and the averaged generator; it samples, decodes, writes and saves.

Knows codecs, generators, schemas; never D, optimisers or the loop.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gankit.arguments import checked, path_of, shown
from gankit.columns.codec import Given
from gankit.errors import OptionError, OutputError
from gankit.io import reading
from gankit.io.archives import largest_size
from gankit.kinds import KINDS, options_for
from gankit.kinds.options import TruncationOptions
from gankit.model import blocks
from gankit.model.blocks import BLOCK_ROWS, FAR, REDRAWN_ROWS, Blocks, Draw, Draws, Kept, Together, block_rows
from gankit.model.files import FORMAT, NetworkPlan, load_discriminator, write_safetensors
from gankit.notebooks import html_table

if TYPE_CHECKING:
    from gankit.columns.conditions import Restriction
    from gankit.columns.schema import Schema
    from gankit.io.records import Origin
    from gankit.kinds.base import Kind
    from gankit.networks.base import Discriminator, Generator


@dataclass(frozen=True, repr=False)
class Model:
    """A trained model.

    Attributes:
        kind: the name of the kind of data, a key of `gankit.kinds.KINDS`.
        schema, origin: the columns, and the form the data came in.
        codec, given: how records are coded; `given` where G takes a condition.
        plan, generator: the averaged G and how it is built.
        card: plain JSON: what the model is and how it came about.
        history: one plain JSON entry an evaluation of the training.
        baseline: of texts, the model of G before the game; in a run folder it has a file of its own.
        run: the run folder that it was loaded from, if it was one; never saved.
    """

    kind: str
    schema: Schema
    origin: Origin
    codec: Any
    given: Given | None
    plan: NetworkPlan
    generator: Generator
    card: dict[str, Any]
    history: tuple[dict[str, Any], ...] = ()
    figure: dict[str, Any] | None = None  # for one number, what the figure of 2014 needs beside samples
    # What follows is never saved, but for the baseline.
    prepared: Any = None  # the data it was trained on, where that is at hand
    perception: Any = None  # of images what they are measured by
    baseline: Model | None = None
    run: Path | None = None
    opponent: Discriminator | None = None  # D of the training, where that is at hand; see `discriminator`
    together: Together | None = None  # makes rows for several who ask at the same time
    kept: Kept | None = None  # remembers them

    @property
    def discriminator(self) -> Discriminator:
        """The D that the averaged G, `generator`, played against: a `torch.nn.Module`, as it is at the end of the run.

        Raises:
            ModelError: the model comes from a file alone, which holds no D, or no checkpoint of the run is left.
        """
        if self.opponent is not None:
            return self.opponent
        return load_discriminator(
            self.run, self.plan, self.codec.spec, None if self.given is None else self.given.codec.spec
        )

    def facts(self) -> dict[str, str]:
        """What the model is, in a few words each, without any of the data: kind, network, training, metric."""
        card, rows, metric = self.card, self.card["rows"], self.card["metric"]
        names = [entry["name"] for entry in card.get("columns", [])]
        shown = ", ".join(names[:6]) + (f", … ({len(names)})" if len(names) > 6 else "")
        value = "" if metric["value"] is None else f"{metric['value']:.4g} ({metric['name']})"
        facts = {
            "data": f"{card['name']} ({self.kind})",
            "columns": shown,
            "conditional on": ", ".join(card["given"]),
            "network": f"{card['network']}, {card['parameters']:,} parameters of G",
            "trained": f"on {rows['train']:,} records, {card['samples']:,} samples shown to D",
            "held-out metric": value,
        }
        return {name: text for name, text in facts.items() if text}

    def __repr__(self) -> str:
        return f"<gankit.Model {'; '.join(f'{name}: {text}' for name, text in self.facts().items())}>"

    def _repr_html_(self) -> str:
        return html_table("gankit.Model", self.facts())

    @property
    def block(self) -> int:
        """Rows of a block, which are drawn together: row i of a seed is row i % n of its block i // n."""
        return block_rows(self.codec.spec, self.plan.block)

    def _group(self, count: int = 1) -> int:
        """Of `count` blocks, those that are made together: of an ensemble more, since each member makes its part."""
        if self.codec.spec.form != "vector":
            return 1
        least, most = (max(1, many * BLOCK_ROWS // self.block) for many in (1, self.plan.members or 1))
        return max(least, min(most, count // 4))  # several groups, which are made side by side

    @property
    def of(self) -> Kind[Any, Any]:
        """The kind of data."""
        return KINDS[self.kind]

    @checked
    def sample(
        self, n: int, seed: int = 0, offset: int = 0, where: Mapping[str, Any] | None = None,
        format: str | None = None, **options: Any,
    ) -> Any:  # fmt: skip
        """`n` synthetic records in the form of the training data: a DataFrame for a DataFrame, an array for an array.

        Args:
            n: how many, >= 0.
            seed: which; row i of a seed never changes.
            offset: the first row's number, >= 0.
            where: what every row satisfies: column -> a value, a text as on the command line ("30..40", ">=3"), a
                (low, high) pair, or a list of levels. Tables: any column; else the given ones.
            format: another form of the same records: "pandas", "polars", "arrow" or "numpy".
            options: those of the kind of data. Images and audio clips: `truncation`, how much of the latent spread is
                kept, in (0, 1]; less is better to look at and less varied. Texts: `prefix`, what every one begins with,
                and `temperature`, above 0; below 1 they are more usual and less varied.

        Returns:
            The records. Rows that came from a file come as a DataFrame (an Arrow table where pandas is not installed),
            images as uint8 [n, H, W, C].

        Raises:
            OptionError: an unknown column or value, a condition this model cannot satisfy, an option of another kind,
                or more records than the memory holds.
        """
        return self._joined(n, self.sample_batches(n, seed, offset, where, **options), format)

    def _joined(self, n: int, batches: Iterator[Any], format: str | None) -> Any:
        """The `n` records of batches in one piece, where they fit in memory; see `sample`."""
        _check_room(n, 1)
        made = list[Any]()
        for batch in batches:
            if not made and n:
                _check_room(n, _num_bytes(batch) / max(len(batch), 1))
            made.append(batch)
        whole = self.of.join(made, self.origin)
        return whole if format is None else reading.in_form(whole, format)

    def balanced(
        self, n: int | Mapping[Any, int], by: str, seed: int = 0, where: Mapping[str, Any] | None = None,
        format: str | None = None, **options: Any,
    ) -> Any:  # fmt: skip
        """`n` synthetic records of which each class has as many as any other, or one more; those of a class together.

        Row i is row i of `sample` with the same seed and the condition that it is of its class.

        Args:
            n: how many, >= 0; or how many of each class, as in {"cat": 100, "dog": 50}, each class what `where` takes.
            by: the column of the classes.
            seed, where, format, options: as for `sample`.

        Raises:
            OptionError: as for `sample`, and where `by` has no classes.
        """
        total = sum(count for _, count in self._classes(n, by, where))
        return self._joined(total, self.balanced_batches(n, by, seed, where, **options), format)

    def balanced_batches(
        self, n: int | Mapping[Any, int], by: str, seed: int = 0, where: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Iterator[Any]:  # fmt: skip
        """The same rows as `balanced`, a block at a time; at least one batch, perhaps empty.

        Raises:
            OptionError: as for `balanced`.
        """
        begin, empty = 0, True
        for condition, count in self._classes(n, by, where):
            if count:
                yield from self.sample_batches(count, seed, begin, {**(where or {}), by: condition}, **options)
                begin, empty = begin + count, False
        if empty:
            yield from self.sample_batches(0, seed, 0, where, **options)

    @checked
    def _classes(
        self, total: int | Mapping[Any, int], by: str, where: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, int]]:
        """Conditions on the column `by`, and how many records are to satisfy each."""
        if by in (where or {}):
            raise OptionError(f"{by!r} is balanced, and no further condition on it can hold. Leave it out of where.")
        counts = list(total.values()) if isinstance(total, Mapping) else [total]
        if not all(isinstance(count, int | np.integer) and count >= 0 for count in counts):
            raise OptionError(f"n must be a whole number, 0 or more, or a dict of them. Got {shown(total)} instead.")
        if isinstance(total, Mapping):
            for level in total:
                self._check({**(where or {}), by: level})
            return [(level, int(count)) for level, count in total.items()]
        every = self.of.conditions(self)
        found = next((one for one in every if one.name == by), None)
        if found is None or found.type != "levels":
            have = ", ".join(one.name for one in every if one.type == "levels")
            which = f"Those of classes are: {have}." if have else "This model has conditions on none."
            how = " Of a range say how many of each, as in {'18..39': 50, '>=40': 50}." if found is not None else ""
            raise OptionError(f"{by!r} is no column of classes that this model can make as many of. {which}{how}")
        classes = [[level] for level in found.levels if self._allows({**(where or {}), by: [level]})]
        each, more = divmod(int(total), max(len(classes), 1))
        return [(one, each + (k < more)) for k, one in enumerate(classes)]

    def _allows(self, where: Mapping[str, Any]) -> bool:
        """Whether training showed records that satisfy the conditions."""
        with suppress(OptionError):
            self._check(where)
            return True
        return False

    def _check(self, where: Mapping[str, Any]) -> None:
        """Refuses conditions that no record of training satisfies.

        Raises:
            OptionError: there was none.
        """
        if self.generator.by_column is not None:
            self.codec.restrictions(self.schema, where)
        else:
            self.conditions(where)

    @checked
    def complete(self, source: Any, seed: int = 0) -> Any:
        """The records with their missing cells filled, drawn from the model's distribution given the known cells.

        Known cells stay as they are. A missing cell is drawn given the known cells of its row and those that were
        filled before it: the conditional distribution that the network learned. Where rules make known columns from
        missing ones it is approximated by choosing among candidates; no filled row breaks a rule unless its known cells
        do. Free text, and gaps of identifiers, stay. What a row is filled with depends on the seed, its place and its
        own cells alone.

        Args:
            source: what `train` takes as rows of a table; a column that is not there is filled whole.
            seed: which of the possible ones.

        Returns:
            The same form, columns and order; those that were not there come last. Rows of a file come as a DataFrame.

        Raises:
            OptionError: another network than the sequential one, a strange column, or known cells that no row which
                keeps the rules can have. DataError: they cannot be read, or hold a category that training did not.

        Example:
            >>> import gankit
            >>> rows = [{"size": "SML"[i % 3], "price": 10 + i % 3} for i in range(300)]
            >>> model = gankit.train(rows, samples="20k", verbose=False)
            >>> model.complete([{"size": None, "price": 11}])
            [{'size': 'M', 'price': 11}]
        """
        from gankit.model.completing import completed

        found = completed(self, source, seed)
        made = self.of.join([found.table], found.origin)
        if found.origin.format == "pandas":
            made.index = source.index
        return made

    @checked
    def log_likelihood(self, source: Any) -> np.ndarray:
        """How likely records are under the model, [n] float64: the natural logarithm of their density.

        It is the product of the probability of each cell given those before it, with numbers as a histogram of the
        codec's cells: a density where they are continuous, a probability where they are not. A number beyond the range
        of training counts as its end; columns that rules make from others add nothing; missing cells count as such
        where training had some, and are left out where it had none.

        Raises:
            OptionError: another network than the sequential one, or a strange column. DataError: as for `complete`.
        """
        from gankit.model.completing import log_likelihood

        return log_likelihood(self, source)

    @checked
    def part(self, n: int, index: int, count: int, offset: int = 0) -> tuple[int, int]:
        """(first row, rows) of the part `index` of `count` of `n` rows from `offset` on, in order.

        Parts are cut where blocks are that are computed together, where they are large enough, so that no row is
        computed twice.

        Raises:
            OptionError: there is no such part.
        """
        if not 0 <= index < count:
            raise OptionError(f"{count} parts are numbered 0 to {count - 1}, and there is no part {index}.")
        rows = self.block

        def cut(k: int) -> int:
            at = offset + n * k // count
            if 0 < k < count and n // count >= rows:
                at = (at + rows // 2) // rows * rows
            return at

        return cut(index), cut(index + 1) - cut(index)

    @checked
    def sample_batches(
        self, n: int, seed: int = 0, offset: int = 0, where: Mapping[str, Any] | None = None, **options: Any
    ) -> Iterator[Any]:
        """The same rows as `sample`, a block at a time: Arrow tables, or `Images`; at least one batch, perhaps empty.

        Raises:
            OptionError: as for `sample`.
        """
        block, rows = self._blocks(seed, where, options, offset + n), self.block
        first = offset // rows
        last = max(first, (offset + n - 1) // rows) if n else first

        group = self._group(last + 1 - first)

        def batch(index: int) -> Any:
            begin = max(offset - index * rows, 0)
            end = min(offset + n - index * rows, group * rows)
            known, made = (part[begin:end] for part in block(range(index, min(index + group, last + 1))))
            given = self._beside(known)
            return self.of.records(self.schema, self.codec, given, made, index * rows + begin, seed, self.origin)

        every = range(first, last + 1, group)
        alone = not self.of.side_by_side or len(every) == 1
        yield from map(batch, every) if alone else blocks.side_by_side(batch, every)

    @checked
    def made(self, n: int, seed: int = 0) -> np.ndarray:
        """What G made of the first `n` rows of a seed, n >= 1, as the codec decodes it."""
        block, rows = self._blocks(seed, None, {}, n), self.block
        last = -(-n // rows)
        group = self._group(last)
        parts = [block(range(i, min(i + group, last)))[1] for i in range(0, last, group)]
        return np.concatenate(parts)[:n]

    @checked
    def first(self, n: int, seed: int = 0) -> np.ndarray:
        """As `made` without a condition, but only `n` rows of one block are computed; their last bits may differ."""
        return self.made(n, seed) if n > self.block else self._few(n, seed)[1]

    @checked
    def few(self, n: int, seed: int = 0) -> Any:
        """`n` records in the user's own form of which no more are computed than are shown: other rows than those of
        `sample`, and those that break rules of the data are among them. The same for the same `n` and seed.
        """
        known, made = self._few(n, seed)
        return self.of.records(self.schema, self.codec, self._beside(known), made, 0, seed, self.origin)

    def _few(self, n: int, seed: int) -> blocks.Block:
        """The first `n` rows of a block."""
        if (chain := self.generator.by_column) is not None:
            self.generator.eval()
            return blocks.column_blocks(chain, self.codec, {}, seed, n)([0])
        draw, generator = self._draws(seed, None, max(n, self.block)), self.generator.eval()

        def few(index: int) -> Draws:
            whole = draw(index)
            c = None if whole.c is None else whole.c[:n]
            return Draws(whole.z[:n], whole.u[:n], c, whole.known[:n], whole.places[:n])

        if (writer := generator.by_symbol) is not None:
            return blocks.symbol_blocks(writer, few, [], self.codec.never, 1.0)([0])
        return blocks.one_shot_blocks(generator, self.codec.spec, few, 1.0)([0])

    @checked
    def write(
        self, path: str | Path | IO[bytes], n: int, seed: int = 0, offset: int = 0,
        where: Mapping[str, Any] | None = None, format: str | None = None, **options: Any,
    ) -> None:  # fmt: skip
        """Writes the same rows as `sample` to a file, a folder or a stream, in constant memory.

        path: its suffix tells the format; "-" is standard output; a binary stream stays open. format: where no suffix
            tells, a key of the kind's `formats`.

        Raises:
            OptionError: as for `sample`. OutputError: another suffix, or the file cannot be written.
        """
        batches = self.sample_batches(n, seed, offset, where, **options)
        self.of.write(batches, path, self.origin, offset, format)

    def save(self, path: str | Path) -> None:
        """Writes the model to one file, whole or not at all.

        path: ends in .safetensors, or has no suffix.

        Raises:
            OutputError: it ends otherwise, or cannot be written.
        """
        file = path_of(path)
        if file.suffix.lower() not in ("", ".safetensors"):
            better = file.with_suffix(".safetensors").name
            raise OutputError(f"{path}: a model is a safetensors file (nothing is pickled). Save it as {better!r}.")
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
        write_safetensors(file, self.generator.state_dict(), {"gankit": json.dumps(header)})

    def check(self) -> None:
        """Makes records of every cell that networks can choose, so that what does not go together is found at once.

        Raises:
            Exception: of any sort: a file was changed by somebody.
        """
        made, given = blocks.every_cell(self.codec.spec), {}
        if self.given is not None:
            codes = self.given.codes[np.arange(max(len(made), len(self.given.codes))) % len(self.given.codes)]
            made, given = made[np.arange(len(codes)) % len(made)], self.given.codec.decode(codes + 0.5)
        records = self.of.records(self.schema, self.codec, given, made, 0, 0, self.origin)
        if self.origin.format not in ("pandas", "polars") or self.origin.format in sys.modules:  # takes long to import
            self.of.join([records], self.origin)
        self.codec.acceptance(self.schema, {})

    @checked
    def draws(self, seed: int = 0, where: Mapping[str, Any] | None = None) -> Draw:
        """What the rows of `sample` are made from, for generators that make a record at once.

        Row i is row i % n of block i // n, with n = `block`.

        Raises:
            OptionError: a condition this model cannot satisfy.
        """
        return self._draws(seed, where, self.block)

    def _draws(self, seed: int, where: Mapping[str, Any] | None, rows: int) -> Draw:
        limits, spec = self._limits(where), self.codec.spec
        return blocks.one_shot_draws(self.generator.eval(), spec, self.given, limits, seed, rows)

    @checked
    def conditions(self, where: Mapping[str, Any] | None = None) -> np.ndarray:
        """The combinations of given cells that training showed and `where` allows, the most frequent first: [M, given
        columns] int64; [1, 0] for a model without a condition.

        Raises:
            OptionError: a condition this model cannot satisfy.
        """
        limits = self._limits(where)
        if self.given is None:
            return np.zeros((1, 0), dtype=np.int64)
        share = blocks.shares(self.given, limits)
        order = np.argsort(-share, kind="stable")
        return np.asarray(self.given.codes[order[share[order] > 0]])

    def _limits(self, where: Mapping[str, Any] | None) -> dict[int, Restriction]:
        """Conditions on the given columns, by their position in the codec of these."""
        conditions = dict(where or {})
        allowed = [c.name for c in self.of.conditions(self) if c.type in ("levels", "range")]
        for name in conditions:
            if name not in allowed:
                some = f"It takes conditions on {', '.join(allowed)}." if allowed else "It was trained without --given."
                how = self.of.conditioned.format(name=name)
                raise OptionError(f"this {self.plan.name} model cannot satisfy a condition on {name!r}. {some} {how}")
        return self.given.codec.restrictions(self.schema, conditions) if self.given else {}

    def _blocks(self, seed: int, where: Mapping[str, Any] | None, options: Mapping[str, Any], end: int) -> Blocks:
        """The function from a block's number to the block. end: rows from there on are not needed."""
        if self.kept is not None and self._group() > 1:  # whole blocks, so that they serve whatever is asked for next
            which = json.dumps([seed, where, options], sort_keys=True, default=str)
            plain = replace(self, kept=None)
            return blocks.remembering(lambda: plain._blocks(seed, where, options, FAR), self.kept, which, self.block)
        own: Any = options_for(self.of, "sample", options, f"this model is of kind {self.kind}")
        generator = self.generator.eval()
        if (writer := generator.by_symbol) is not None:
            begin, never = self.codec.beginning(own.prefix), self.codec.never
            made, remade = (
                blocks.symbol_blocks(writer, self._draws(seed, where, rows), begin, never, own.temperature)
                for rows in (self.block, max(self.block // 8, 1))
            )
            return self._accepted(made, remade, {}, end)
        if (chain := generator.by_column) is not None:
            limits = self.codec.restrictions(self.schema, where or {})
            made = blocks.column_blocks(chain, self.codec, limits, seed, self.block, self.together)
            again = REDRAWN_ROWS if self.block == BLOCK_ROWS else max(self.block // 8, 1)
            remade = blocks.column_blocks(chain, self.codec, limits, seed, again, self.together)
            return self._accepted(made, remade, where or {}, end)
        truncation = own.truncation if isinstance(own, TruncationOptions) else 1.0
        made = blocks.one_shot_blocks(generator, self.codec.spec, self.draws(seed, where), truncation)
        return self._accepted(made, made, {}, end)

    def _accepted(self, made: Blocks, remade: Blocks, conditions: Mapping[str, Any], end: int) -> Blocks:
        """Blocks with records in place of those that break rules of the data, or conditions that no cell keeps."""
        accept = self.codec.acceptance(self.schema, conditions)
        if accept is None:
            return made
        return blocks.obeying(made, remade, lambda known, rows: accept(rows, self._beside(known)), end, self.block)

    def _beside(self, known: np.ndarray) -> dict[str, Any]:
        """The given columns, of compact rows."""
        return {} if self.given is None else self.given.codec.decode(known)


def _num_bytes(batch: Any) -> int:
    """The bytes of the arrays and tables that a batch of records is, or is made of."""
    parts = [batch] if isinstance(batch, np.ndarray | pa.Table) else getattr(batch, "__dict__", {}).values()
    return sum(part.nbytes for part in parts if isinstance(part, np.ndarray | pa.Table))


def _check_room(n: int, size: float) -> None:
    """Refuses `n` records of `size` bytes where these and what they are joined to would not fit in memory.

    Raises:
        OptionError: they would not.
    """
    if n * size > largest_size():
        raise OptionError(
            f"n={n:,}: so many records do not fit in memory. Write them to a file, model.write(path, n), or take them "
            "in blocks, model.sample_batches(n)."
        )
