"""Records under a model's likelihood: how likely they are, and their missing cells drawn given the known ones.

Knows tables, codecs, rules and generators that go column by column; never files, discriminators or the loop.

Known cells become known blocks of the generator, which draws the others one after the other, each given all that are
known by then: trained under random orders, it has a conditional for every such set. Where a known column is made from
others by a rule (a difference, a sum), the blocks behind it are known only once the missing ones are: several
candidates are drawn and one is taken with probability proportional to how likely the known cells are beside it
(sampling importance resampling, Rubin 1988). What breaks a rule is never taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.columns.codec import Field, TableCodec
from gankit.columns.relations.rules import Difference, Equation, Item, Lookup, OneHot, Sign, days_of, known
from gankit.columns.rows import records_like
from gankit.columns.schema import Column, Schema, Values
from gankit.errors import DataError, OptionError
from gankit.io import words
from gankit.io.reading import without_forms
from gankit.io.records import Records, as_texts, is_text, joined
from gankit.model.blocks import FAR, NEW_ROWS

if TYPE_CHECKING:
    from gankit.model.model import Model
    from gankit.networks.base import ColumnGenerator

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

NUM_CANDIDATES = 32
"""Candidates among which one is chosen by weight where known columns are made from missing ones."""

MOST_TRIES = 512
"""Times that a row is drawn before it is given up."""

OUTSIDE = -50.0
"""Log-weight of a number outside the range of training, which the codec knows no more of."""

MOST_PASSES = 4
"""Passes over the equations, each of which may tell a cell that another one needs."""

SCORED_ROWS = 4096
"""Records that are scored at a time."""


def log_likelihood(model: Model, source: Any) -> Floats:
    """See `Model.log_likelihood`."""
    import torch

    generator, codec = _by_column(model, "scores records")
    _, values = _read(model.schema, source)
    unknown = {name: _lost(cells) & (cells.missing == 0) for name, cells in values.items()}
    reduced, found = codec.rules.reduce(values), []
    makers, num_rows = _makers(model), len(next(iter(unknown.values())))
    for begin in range(0, num_rows, SCORED_ROWS):
        rows = np.arange(begin, min(begin + SCORED_ROWS, num_rows))
        coded = [field.encode(reduced[field.name].take(rows)) for field in codec.fields]
        code = np.stack(coded, axis=1).astype(np.int64)
        beside = np.zeros(code.shape, dtype=bool)
        for t, field in enumerate(codec.fields):
            item = makers.get(field.name)
            for name in (field.name,) if item is None else (*item.targets, *item.sources):
                beside[:, t] |= unknown[name][rows]
        rank = torch.arange(len(codec.fields)).double().repeat(len(rows), 1)
        rank[torch.from_numpy(beside)] = float("inf")
        logs = generator.log_probabilities(torch.from_numpy(code), rank, range(len(codec.fields))).numpy()
        logs -= np.stack([np.log(_widths(f))[code[:, t]] for t, f in enumerate(codec.fields)], axis=1)
        found.append(np.where(beside, 0.0, logs).sum(1))
    return np.concatenate(found)


def completed(model: Model, source: Any, seed: int) -> Records:
    """The records with their missing cells filled, in the form that came; see `Model.complete`."""
    generator, codec = _by_column(model, "fills missing cells")
    records, values = _read(model.schema, source)
    lost = {name: _lost(cells) for name, cells in values.items()}
    filling = _Filling(model, generator, codec, seed)
    filled = {name: Values(cells.data.copy(), np.zeros_like(cells.missing)) for name, cells in values.items()}
    some = np.any(list(lost.values()), axis=0)
    for index in range(-(-len(some) // NEW_ROWS)):
        rows = np.arange(index * NEW_ROWS, min((index + 1) * NEW_ROWS, len(some)))
        if some[rows].any():
            for name, cells in filling.block(index, rows, values, lost).items():
                filled[name].data[rows] = cells.data[: len(rows)]
    return _merged(model.schema, records, filled, lost, seed)


def _by_column(model: Model, does: str) -> tuple[ColumnGenerator, TableCodec]:
    """The generator, as one that goes column by column, and its codec.

    Raises:
        OptionError: it does not.
    """
    if (generator := model.generator.eval().by_column) is None:
        raise OptionError(
            f"only a model of tables by the sequential network {does}, since it knows how likely each cell is given "
            f"others; this is a {model.plan.name} model of {model.of.noun.many}. Train one with --kind table and "
            "--network sequential."
        )
    return generator, model.codec


def _read(schema: Schema, source: Any) -> tuple[Records, dict[str, Values]]:
    """Records, and their modelled columns; all cells of a column that is not there are missing.

    Raises:
        DataError: they cannot be read, or a cell is one that training did not show. OptionError: a strange column.
    """
    records = records_like(source, schema)
    columns = {name: records.table.column(name) for name in records.table.column_names}
    empty = {c.source: pa.nulls(len(records), c.arrow_type) for c in schema.modelled if c.source not in columns}
    columns |= empty
    return records, {c.name: c.parse(columns[c.source], strict=True) for c in schema.modelled}


def _lost(cells: Values) -> Bools:
    """[N]: where there is no value."""
    return np.asarray(cells.data < 0 if cells.data.dtype.kind == "i" else np.isnan(cells.data))


def _either(mask: Bools, first: Values, second: Values) -> Values:
    data = np.where(mask, first.data, second.data).astype(second.data.dtype)
    return Values(data, np.where(mask, first.missing, second.missing))


def _makers(model: Model) -> dict[str, Item]:
    """The item that adds each coded column which is none of the table's."""
    columns = {column.name: column for column in model.schema.modelled}
    return {added.name: item for item in model.codec.rules.items for added in item.added(columns)}


def _widths(field: Field) -> Floats:
    """What a density inside each cell of a field is divided by, [K]; see `Cells.widths`."""
    inside = np.ones(field.num_present) if field.cells is None else field.cells.widths
    return np.concatenate([inside, np.ones(field.size - len(inside))])


@dataclass(frozen=True)
class _Begun:
    """Rows of which some cells are known.

    values: the columns of the table. lost: where they are to be drawn; those that follow from others are not.
    reduced: the coded columns. known: [B, F], which of them follow from known cells.
    allowed: block -> [K] or [B, K], the cells that may be drawn.
    solved: the items and the columns of which the rows [B] follow from known ones, once the others are drawn.
    told: [B, F], blocks that are told by known cells once the others are drawn.
    """

    values: dict[str, Values]
    lost: dict[str, Bools]
    reduced: Mapping[str, Values]
    known: Bools
    allowed: dict[int, npt.NDArray[np.float32]]
    solved: list[tuple[Equation | Difference, str, Bools]]
    told: Bools


class _Filling:
    """Draws missing cells, a block of rows at a time, each block of the same size whatever is missing in it: so no row
    depends on the others.
    """

    def __init__(self, model: Model, generator: ColumnGenerator, codec: TableCodec, seed: int) -> None:
        self.generator, self.fields, self.rules, self.seed = generator, codec.fields, codec.rules, seed
        self.names = [column.name for column in model.schema.modelled]
        self.places = {field.name: t for t, field in enumerate(self.fields)}
        self.makers = _makers(model)
        self.equations = [item for item in self.rules.items if isinstance(item, Equation)]
        self.differences = [i for i in self.rules.items if isinstance(i, Difference) and len(i.refs) == 1]
        self.widths = [np.log(_widths(field)) for field in self.fields]
        # What other columns narrow is drawn first: what is drawn before it would not know of that.
        telling = [i for i in self.rules.items if isinstance(i, Lookup | OneHot | Sign)]
        narrowed = {i.name if isinstance(i, OneHot) else i.by for i in telling}
        self.order = sorted(range(len(self.fields)), key=lambda t: self.fields[t].name not in narrowed)

    def block(
        self, index: int, rows: npt.NDArray[np.int64], values: Mapping[str, Values], lost: Mapping[str, Bools]
    ) -> dict[str, Values]:
        """The columns of the rows of a block, [NEW_ROWS] each of which those behind `rows` mean nothing.

        Raises:
            OptionError: nothing that keeps the rules was found for a row.
        """
        import torch

        from gankit.randomness import torch_generator

        whole = np.concatenate([rows, np.full(NEW_ROWS - len(rows), rows[-1])])
        ours = np.arange(NEW_ROWS) < len(rows)
        missing = {name: gaps[whole] & ours for name, gaps in lost.items()}
        begun = self._begun({name: cells.take(whole) for name, cells in values.items()}, missing)
        coded = [field.encode(begun.reduced[field.name]) for field in self.fields]
        code = torch.from_numpy(np.stack(coded, axis=1).astype(np.int64))
        drawn_from = {t: torch.from_numpy(weight) for t, weight in begun.allowed.items()}
        weighed, best, made = begun.told.any(1), np.full(NEW_ROWS, -np.inf), dict(begun.values)
        for attempt in range(MOST_TRIES):
            draws = torch_generator(self.seed, "complete", index + attempt * FAR)
            uniforms = torch.rand(self.generator.num_latents + 1, NEW_ROWS, generator=draws, dtype=torch.float64).T
            known = torch.from_numpy(begun.known)
            compact = self.generator.fill(code, known, uniforms[:, :-1], drawn_from, self.order).numpy()
            candidate = self._candidate(begun, compact)
            broken = self._broken(candidate, missing)
            weight = -np.log(-np.log(np.clip(uniforms[:, -1].numpy(), 1e-300, 1 - 1e-16)))  # Gumbel: the largest wins
            weight = np.where(weighed, weight + self._weight(begun, candidate), np.where(np.isinf(best), 0.0, -np.inf))
            weight = np.where(broken >= 0, -np.inf, weight)
            better = weight > best
            best = np.maximum(best, weight)
            made = {name: _either(better, candidate[name], made[name]) for name in self.names}
            if not np.isinf(best).any() and (attempt + 1 >= NUM_CANDIDATES or not weighed.any()):
                return made
        row = int(np.isinf(best).argmax())
        gaps = ", ".join(repr(name) for name in self.names if missing[name][row])
        raise OptionError(
            f"row {rows[row] + 1}: of {MOST_TRIES} draws of {gaps} none keeps the rule "
            f"{self.rules.rules[broken[row]].text!r} beside the known cells. Correct these, or empty more of them."
        )

    def _begun(self, values: dict[str, Values], missing: Mapping[str, Bools]) -> _Begun:
        lost = {name: gaps.copy() for name, gaps in missing.items()}
        for _ in range(MOST_PASSES if any(gaps.any() for gaps in lost.values()) else 0):
            for item in self.equations:
                self._put(values, lost, item.target, item.grid.snap(item.value(values)))
                for name in item.columns:
                    self._put(values, lost, name, self._solution(item, name, values))
        told = {name: ~gaps for name, gaps in lost.items()}
        solved: list[tuple[Equation | Difference, str, Bools]] = []
        for item in self.equations:
            left = told[item.target].copy()
            for name in sorted(item.columns, key=self._atoms):
                rows = left & lost[name]
                if rows.any():
                    solved.append((item, name, rows))
                    told[name], left = told[name] | rows, left & ~rows
        drawn: dict[str, Bools] = {}
        for apart in reversed(self.differences):  # the distance is drawn, and tells where it begins
            (name,) = apart.refs
            drawn[apart.name] = told[apart.target] & ~told[name]
            if drawn[apart.name].any():
                solved.append((apart, name, drawn[apart.name]))
                told[name] = told[name] | drawn[apart.name]
        reduced = dict(self.rules.reduce(values))
        known_fields, told_fields = [], []
        for field in self.fields:
            maker = self.makers.get(field.name)
            if maker is None:
                known_fields.append(~lost[field.name])
                told_fields.append(told[field.name])
            elif isinstance(maker, Equation):  # whether the target is missing, and what is filled is not
                reduced[field.name] = Values(np.zeros_like(reduced[field.name].data), reduced[field.name].missing)
                known_fields.append(np.ones(NEW_ROWS, dtype=bool))
                told_fields.append(known_fields[-1])
            else:
                names = maker.targets if isinstance(maker, Sign | OneHot) else (*maker.targets, *maker.sources)
                known_fields.append(~np.any([lost[name] for name in names], axis=0))
                told_fields.append(np.all([told[name] for name in maker.targets], axis=0))
                if field.name in drawn:
                    told_fields[-1] &= ~drawn[field.name]
                if isinstance(maker, OneHot):
                    on = [(values[n].data == on) & ~lost[n] for n, on in zip(maker.columns, maker.on, strict=True)]
                    known_fields[-1] |= np.any(on, axis=0)
        known_ = np.stack(known_fields, axis=1)
        allowed = self._allowed(values, lost, known_)
        return _Begun(values, lost, reduced, known_, allowed, solved, np.stack(told_fields, axis=1) & ~known_)

    def _atoms(self, name: str) -> float:
        """The share of a column that single values hold; these are drawn, for what is worked out hardly hits one."""
        if (t := self.places.get(name)) is None:
            return 1.0
        counts = self.fields[t].counts
        return float(counts[_widths(self.fields[t]) == 1].sum() / max(counts.sum(), 1))

    def _put(self, values: dict[str, Values], lost: dict[str, Bools], name: str, told: Floats) -> None:
        """Puts numbers that were worked out where there was none."""
        rows = lost[name] & ~np.isnan(told)
        if rows.any():
            values[name] = _either(rows, Values(told, np.zeros(len(told), np.int8)), values[name])
            lost[name] &= ~rows

    def _solution(self, item: Equation, name: str, values: Mapping[str, Values]) -> Floats:
        numbers = {column: known(values, column) for column in item.columns}
        found = item.tree.solve(name, known(values, item.target), numbers)
        grid = (self.rules.grids or {}).get(name)
        return found if grid is None else grid.snap(found)

    def _begin(self, item: Difference, made: Mapping[str, Values], coded: Mapping[str, Values]) -> Floats:
        """Where the distance of a column begins that is known."""
        (name,) = item.refs
        distance = item.steps.snap(coded[item.name].data) * (1.0 if item.above else -1.0)
        begin = known(made, item.target) - distance - item.offset
        if item.by_day:
            begin = days_of(begin) + made[name].data - days_of(made[name].data)
        grid = (self.rules.grids or {}).get(name)
        return begin if grid is None else grid.snap(begin)

    def _allowed(
        self, values: Mapping[str, Values], lost: Mapping[str, Bools], known_: Bools
    ) -> dict[int, npt.NDArray[np.float32]]:
        """Present cells that training showed, and of those that tell known columns the ones that tell these."""
        allowed: dict[int, Any] = {}
        for t, field in enumerate(self.fields):
            shown = (field.counts > 0) & (np.arange(field.size) < field.num_present)
            if not shown.any() and not known_[:, t].all():
                raise OptionError(f"column {field.name!r} had no value in training, so that none can be filled in.")
            allowed[t] = shown
        for item in self.rules.items:
            if isinstance(item, Lookup | Sign) and (t := self.places.get(item.by, -1)) >= 0:
                field, cells = self.fields[t], values[item.target]
                if not field.category or field.cells is not None:
                    continue
                if isinstance(item, Sign):
                    fits = cells.data[:, None] * np.asarray(item.signs)[: field.num_present] >= 0
                else:
                    fits = cells.data[:, None] == item.table.data[: field.num_present]
                fits = fits | lost[item.target][:, None]
            elif isinstance(item, OneHot):
                t = self.places[item.name]
                fits = np.ones((NEW_ROWS, self.fields[t].num_present), dtype=bool)
                for k, (name, on) in enumerate(zip(item.columns, item.on, strict=True)):
                    fits[:, k] = lost[name] | (values[name].data == on)
            else:
                continue
            fits = np.pad(fits, ((0, 0), (0, self.fields[t].size - fits.shape[1])))
            allowed[t] = allowed[t] & np.where(known_[:, [t]], True, fits)
        for t, shown in allowed.items():  # rows that can keep no rule are refused later
            allowed[t] = np.where(shown.any(-1, keepdims=True), shown, True).astype(np.float32)
        return allowed

    def _candidate(self, begun: _Begun, compact: np.ndarray) -> dict[str, Values]:
        """The columns of the table, of compact rows: what is known as it is, and the equations solved."""
        decoded = {field.name: field.decode(compact[:, t]) for t, field in enumerate(self.fields)}
        merged = {n: _either(begun.known[:, self.places[n]], begun.reduced[n], cells) for n, cells in decoded.items()}
        lost = dict(begun.lost)
        made = self._restored(merged, begun.values, lost)
        for item, name, rows in begun.solved:
            told = self._solution(item, name, made) if isinstance(item, Equation) else self._begin(item, made, merged)
            made[name] = _either(rows, Values(told, np.zeros(len(told), np.int8)), made[name])
            lost[name] = lost[name] & ~rows
        return self._restored(self.rules.reduce(made), made, lost) if begun.solved else made

    def _restored(
        self, coded: Mapping[str, Values], values: Mapping[str, Values], lost: Mapping[str, Bools]
    ) -> dict[str, Values]:
        made = self.rules.restore(coded)
        return {name: _either(lost[name], made[name], values[name]) for name in self.names}

    def _broken(self, made: Mapping[str, Values], missing: Mapping[str, Bools]) -> npt.NDArray[np.int64]:
        """[B]: the first rule that a filled cell breaks, or -1."""
        broken = np.full(NEW_ROWS, -1)
        for number, rule in enumerate(self.rules.rules):
            touched = np.any([missing[name] for name in rule.names], axis=0)
            if touched.any():
                broken = np.where(touched & (broken < 0) & ~rule.holds(made), number, broken)
        return broken

    def _weight(self, begun: _Begun, made: Mapping[str, Values]) -> Floats:
        """[B]: the log-density of the blocks that known cells tell, given all others."""
        import torch

        weight, blocks = np.zeros(NEW_ROWS), np.flatnonzero(begun.told.any(0)).tolist()
        if not blocks:
            return weight
        reduced = self.rules.reduce(made)
        code = np.stack([f.encode(reduced[f.name]) for f in self.fields], axis=1).astype(np.int64)
        rank = np.where(begun.told, 1.0 + np.arange(len(self.fields)), 0.0)
        logs = self.generator.log_probabilities(torch.from_numpy(code), torch.from_numpy(rank), blocks).numpy()
        for log, t in zip(logs.T, blocks, strict=True):
            cells, data = self.fields[t].cells, reduced[self.fields[t].name].data
            log = log - self.widths[t][code[:, t]]
            if cells is not None:
                log = np.where((data < cells.lowers[0]) | (data > cells.uppers[-1]), log + OUTSIDE, log)
            weight += np.where(begun.told[:, t], log, 0.0)
        return weight


def _merged(
    schema: Schema, records: Records, filled: Mapping[str, Values], lost: Mapping[str, Bools], seed: int
) -> Records:
    """The records with filled cells; columns that were not there come last, identifiers of these are new ones."""
    table, own = records.table, {column.source: column for column in schema if not column.offset_of}
    absent = [column.name for column in schema.written if column.name not in table.column_names]
    gaps = {name: lost.get(name, _empty(own[name], table.column(name))) for name in table.column_names if name in own}
    some = np.arange(len(records)) if absent else np.flatnonzero(np.any([*gaps.values()], axis=0))
    values = {name: cells.take(some) for name, cells in filled.items()}
    texts, typed = (schema.format(values, len(some), 0, seed, typed=typed) for typed in (False, True))
    as_text = all(is_text(field.type) for field in table.schema)

    def parts() -> Iterator[tuple[pa.Field, pa.Array]]:
        for field, column in zip(table.schema, table.columns, strict=True):
            cells = joined(column)
            if field.name in own and gaps[field.name].any():
                new = (texts if is_text(field.type) else typed).column(field.name)
                cells = _replaced(
                    field.name, cells, gaps[field.name], joined(new).filter(pa.array(gaps[field.name][some]))
                )
            meaning = own[field.name].meaning if field.name in texts.column_names and is_text(cells.type) else None
            yield pa.field(field.name, cells.type, metadata=meaning), cells
        for name in absent:
            cells = joined((texts if as_text else typed).column(name))
            cells = as_texts(cells) if as_text and not is_text(cells.type) else cells
            yield pa.field(name, cells.type, metadata=own[name].meaning if as_text else None), cells

    fields, arrays = zip(*parts(), strict=True)
    made = pa.Table.from_arrays(list(arrays), schema=pa.schema(fields))
    retyped = [f.name for f in table.schema if made.schema.field(f.name).type != f.type]
    return Records(made, without_forms(records.origin, retyped))


def _empty(column: Column, cells: pa.ChunkedArray) -> Bools:
    """Where a column that is always the same has no value; nowhere where it is made of others or is not written."""
    if column.type != "constant" or not column.levels:
        return np.zeros(len(cells), dtype=bool)
    plain = joined(cells)
    null = np.asarray(plain.is_null(nan_is_null=True), dtype=bool)
    return null | np.asarray(words.is_missing(plain.cast(pa.string()))) if is_text(plain.type) else null


def _replaced(name: str, cells: pa.Array, gaps: Bools, new: pa.Array) -> pa.Array:
    """The cells [N] with `new` [M] in the gaps [N], M of them; `new` in its own type where all cells are gaps.

    Raises:
        DataError: the type of the cells has no such values.
    """
    target = cells.type
    plain = target.value_type if pa.types.is_dictionary(target) else target
    new = new.dictionary_decode() if pa.types.is_dictionary(new.type) else new
    old = cells.dictionary_decode() if pa.types.is_dictionary(cells.type) else cells
    try:
        if getattr(plain, "tz", None) and pa.types.is_temporal(new.type) and not getattr(new.type, "tz", None):
            local = new.cast(pa.timestamp(plain.unit))  # the model's times are local ones
            new = pc.assume_timezone(local, plain.tz, ambiguous="earliest", nonexistent="latest")
        new = as_texts(new).cast(plain) if is_text(plain) and not is_text(new.type) else new.cast(plain)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        if gaps.all():
            return new
        raise DataError(
            f"column {name!r} is of type {target}, which cannot hold {new[0].as_py()!r}. Give it as {new.type}."
        ) from error
    whole = pc.replace_with_mask(old, pa.array(gaps), new)
    return whole.dictionary_encode().cast(target) if pa.types.is_dictionary(target) else whole
