"""Texts: read, their unit found, their labels understood, split, and coded.

Knows data, codecs and Spec; never networks, losses or the loop.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from gankit.columns.codec import TableCodec
from gankit.columns.column import Values
from gankit.columns.schema import Schema
from gankit.columns.splitting import split, understand_labels
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.kinds.base import Dataset, Kind, Prepared
from gankit.kinds.texts.files import read_texts
from gankit.kinds.texts.options import TextOptions
from gankit.kinds.texts.records import TEXT, TextCodec, Texts, alphabet, called, cut, fits, text_hash, unit_of
from gankit.networks import pair_for

MAX_STEPS = 256  # texts of more symbols are left out: time and memory grow with the longest text
MOST_RARE = 0.1  # an alphabet whose symbols without a code of their own are more than this share of all is refused
SHOWN = 3  # texts that are shown of those that are left out


def prepare_texts(
    kind: Kind[Dataset, TextCodec], texts: Texts, config: TrainConfig, notes: list[str]
) -> Prepared[Dataset, TextCodec]:
    """Texts that were read: their unit found, their labels understood, split, and coded. See `Kind.prepare`.

    Raises:
        DataError: there are too few texts, or they do not fit their unit. OptionError: an option does not fit them.
    """
    auto = config.network == "auto"
    network = "symbols" if auto else pair_for(config.network, ("symbols",), "these are texts").name
    unit = _unit(texts, config)
    texts = _of_the_alphabet(texts, unit, config.own(TextOptions).strict, notes)
    texts = _short_enough(texts, unit, notes)
    if len(texts) < 2 and config.heldout is None:
        raise DataError(
            "training needs at least 2 texts (one to learn from, one held out), and some thousands to learn well. "
            f"Got {len(texts)}."
        )
    config, schema = understand_labels(texts.labels, config, notes, "texts", by_name=texts.origin.format == "textfiles")
    values = _values(texts, schema)
    whole = Dataset(values)
    if config.heldout is None:
        train_rows, heldout_rows = split(schema, values, config, config.seed)
        heldout = whole.take(heldout_rows)
    else:
        train_rows, heldout = np.arange(len(texts)), Dataset(_heldout(config, schema, notes))
    train = whole.take(train_rows)
    schema = schema.restricted(values, train_rows)
    without = config.own(TextOptions).no_rule
    codec = TextCodec.fit((), train.values, unit).balanced(train.values, heldout.values, without)
    _check_alphabet(codec, train.values[TEXT].data.tolist(), notes)
    given = [c for c in schema.modelled if c.name in config.given]
    what = {"smiles": "symbols of SMILES"}.get(unit, f"{called(unit)}s")
    size = f"{len(texts):,} of {codec.shortest} to {codec.num_steps} {what}, {len(codec.symbols):,} different ones"
    notes.append(f"kind: text ({size}). Override with --kind, --unit.")
    notes += [f"rule: {text}" for text in codec.kept]
    if codec.kept:
        notes.append("Every sample keeps these rules. --no-rule RULE (or all) drops them")
    return Prepared(
        kind, texts.origin, schema, network, train, heldout, codec,
        TableCodec.fit(given, train.values) if given else None, text_hash(texts), tuple(c.name for c in given),
    )  # fmt: skip


def _values(texts: Texts, schema: Schema) -> dict[str, Values]:
    """The labels, parsed, and the texts as the column `TEXT`."""
    column = np.empty(len(texts), dtype=object)
    column[:] = texts.texts
    labels = {} if texts.labels is None else schema.parse(texts.labels)
    return {TEXT: Values(column, np.zeros(len(texts), dtype=np.int8)), **labels}


def _unit(texts: Texts, config: TrainConfig) -> str:
    own = config.own(TextOptions)
    if own.alphabet is None:
        return unit_of(texts.texts) if own.unit == "auto" else own.unit
    if own.unit != "auto":
        raise OptionError("--unit and --alphabet both say what texts are made of. Give one of them.")
    unit = alphabet(own.alphabet)
    if " " not in unit:
        raise OptionError(f"--alphabet {own.alphabet!r}: an alphabet has two symbols at least. Name more.")
    return unit


def _of_the_alphabet(texts: Texts, unit: str, strict: bool, notes: list[str]) -> Texts:
    """The texts without those that have other symbols than a fixed alphabet; refused where that would be most."""
    others = [text for text in texts.texts if not fits(text, unit)]
    if not (left := len(others)):
        return texts
    shown = ", ".join(repr(text[:40]) for text in others[:SHOWN])
    of = unit if " " not in unit else f"the alphabet {unit[:40]}"
    found = f"{left:,} of {len(texts):,} texts are not made of {of} alone ({shown}{', …' if left > SHOWN else ''})"
    if strict or 2 * left > len(texts):
        raise DataError(f"{found}. Take them as --unit character" + (", or leave off --strict." if strict else "."))
    notes.append(f"{found}; they are left out (--strict refuses them)")
    return texts.take(np.flatnonzero([fits(text, unit) for text in texts.texts]))


def _short_enough(texts: Texts, unit: str, notes: list[str]) -> Texts:
    """The texts without those that are too long; refused where that would be most of them."""
    lengths = np.array([len(cut(text, unit)) for text in texts.texts])
    kept = np.flatnonzero(lengths <= MAX_STEPS)
    if len(kept) == len(texts):
        return texts
    left, what = len(texts) - len(kept), called(unit)
    shorter = "Cut them up, or take them as --unit word." if what == "character" else "Cut them up."
    if 2 * left > len(texts):
        raise DataError(
            f"{left:,} of {len(texts):,} texts have more than {MAX_STEPS} {what}s (the longest has {lengths.max():,}), "
            f"and this kind is for short ones. {shorter}"
        )
    notes.append(f"{left:,} of {len(texts):,} texts have more than {MAX_STEPS} {what}s and are left out. {shorter}")
    return texts.take(kept)


def _check_alphabet(codec: TextCodec, texts: list[str], notes: list[str]) -> None:
    """Says how many symbols have no code of their own; refuses texts that are full of them."""
    counts = Counter(symbol for text in texts for symbol in cut(text, codec.unit))
    if len(counts) == len(codec.symbols):
        return
    share = (counts.total() - sum(counts[symbol] for symbol in codec.symbols)) / counts.total()
    what = called(codec.unit)
    found = f"there are {len(counts):,} different {what}s, and the {len(codec.symbols):,} most frequent ones"
    if share > MOST_RARE:
        fewer = "a part of the texts with fewer signs" if what == "character" else "them as --unit character"
        raise DataError(f"{found} are only {100 * (1 - share):.0f}% of the texts. Take {fewer}.")
    notes.append(
        f"{found} are learned, {100 * (1 - share):.1f}% of the texts; the others are never written. "
        "Override with --unit."
    )


def _heldout(config: TrainConfig, schema: Schema, notes: list[str]) -> dict[str, Values]:
    """The texts of --heldout, and those of their labels that are given."""
    return values_like(read_texts(config.heldout, config, notes), schema, f"--heldout {config.heldout}")


def values_like(found: Texts, schema: Schema, what: str) -> dict[str, Values]:
    """Texts and those of their labels that are given.

    Raises:
        DataError: they lack a label; `what`: how it calls them.
    """
    named = [] if found.labels is None else found.labels.column_names
    if lost := [column.name for column in schema.modelled if column.name not in named]:
        raise DataError(
            f"{what}: its texts have no label {lost[0]!r}, and those that train have. Give "
            "labelled ones, or train without labels by --given none."
        )
    return _values(found, schema)
