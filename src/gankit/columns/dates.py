"""Dates and times as people write them: how texts are read as times, and how times are written in that way again.

Knows texts and seconds; never tables, files or kinds of column. A format is a strftime text with these directives:
%Y %y %m %d %H %I %M %S %p, %b %B (months by name, short and long), %a %A (days of the week), %G %V %u (ISO year, week
and day), %q (quarter), %j (day of the year), %o (`3rd`), `%-m %-d %-H %-I %-V` (no leading zero), `%_d %_H %_I` (a
blank for it), `%-p` (`a.m.`), `%1f` … `%9f` (that many digits of a second) and %z (`Z`, `UTC`, `+02`, `+0200`,
`+02:00`). What stands between `%(` and `%)` is there where it is not 0. Names are read in several languages. Alone
stand %s, %3s, %6s, %9s (seconds, milli-, micro-, nanoseconds since 1970) and %x (days of a spreadsheet, 1 being
1900-01-01), whole numbers or, with `.0`, `.%f` or `.%3f` behind, numbers that always have a point, that have one as
needed, and that have so many digits.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.columns.numbers import PLAIN, Layout, NumberStyle, coarser, format_numbers, parse_numbers
from gankit.stored import Stored

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


_MONTHS = (  # in English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Danish, Norwegian, Turkish
    "January February March April May June July August September October November December",
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "januari februari mars april maj juni juli augusti september oktober november december",
    "januar februar marts april maj juni juli august september oktober november december",
    "januar februar mars april mai juni juli august september oktober november desember",
    "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
    # in Polish, Czech and Russian, alone and beside days
    "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień",
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "leden únor březen duben květen červen červenec srpen září říjen listopad prosinec",
    "ledna února března dubna května června července srpna září října listopadu prosince",
    "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
)
_DAYS = (  # in English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Polish, Russian
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "lunes martes miércoles jueves viernes sábado domingo",
    "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    "segunda terça quarta quinta sexta sábado domingo",
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    "måndag tisdag onsdag torsdag fredag lördag söndag",
    "poniedziałek wtorek środa czwartek piątek sobota niedziela",
    "понедельник вторник среда четверг пятница суббота воскресенье",
)
_NAMES = {"b": _MONTHS, "B": _MONTHS, "a": _DAYS, "A": _DAYS}
_OTHER_NAMES = {"mrz": 2, "maerz": 2, "mrt": 2, "mo": 0, "di": 1, "mi": 2, "do": 3, "fr": 4, "sa": 5, "so": 6}
_LETTER = "[A-Za-zÀ-žЀ-ӿ]"
_NATURAL_STEPS = (86400.0, 3600.0, 60.0, 1.0, 1e-3, 1e-6)
_FEWEST_FOR_STEP = 10
_DIRECTIVE = re.compile(r"%([-_]?[A-Za-z]|[1-9]f)")
_REGEX = dict.fromkeys("ymdHIMS", "[0-9]{2}") | dict.fromkeys(("-m", "-d", "-H", "-I"), "[0-9]{1,2}")
_REGEX |= {"Y": "[0-9]{4}", "b": _LETTER + "{3}", "B": _LETTER + r"{3,12}\.?", "a": _LETTER + r"{2,4}\.?"}
_REGEX |= {"G": "[0-9]{4}", "V": "[0-9]{2}", "-V": "[0-9]{1,2}", "u": "[1-7]", "q": "[1-4]", "A": _LETTER + r"{4,12}"}
_REGEX |= {"p": "[AaPp][Mm]", "-p": r"[AaPp]\.[Mm]\.", "z": "Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?"}
_REGEX |= {"j": "[0-9]{3}", "o": "[0-9]{1,2}(?:st|nd|rd|th)"} | dict.fromkeys(("_d", "_H", "_I"), "[ 0-9][0-9]")
_ORDINALS = tuple(
    f"{n}{'th' if n in (11, 12, 13) else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}" for n in range(1, 32)
)
_DATES = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%m.%d.%Y"]
_DATES += ["%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y", "%y-%m-%d", "%y/%m/%d", "%Y-%d-%m", "%Y/%d/%m"]
_DATES += [f"%d{by}%m{by}%Y" for by in "_ "] + [f"%m{by}%d{by}%Y" for by in "_ "]
_DATES += ["%Y_%m_%d", "%Y %m %d", "%Y. %m. %d.", "%Y.%m.%d.", "%d.%m.%Y.", "%Y年%m月%d日", "%Y년 %m월 %d일"]
_DATES += ["%b %d, %Y", "%b %d %Y", "%B %d, %Y", "%d. %b %Y", "%d. %B %Y", "%d de %B de %Y", "%b-%d-%Y", "%d %B, %Y"]
_DATES += ["%b %_d %Y", "%o %B %Y", "%o %b %Y", "%o of %B %Y", "%B %o, %Y", "%B %o %Y", "%b %o, %Y", "%b %o %Y"]
_DATES += [by.join(date.split()) for by in ("-", " ", "/", ".", "") for date in ("%d %b %Y", "%d %b %y", "%d %B %Y")]
_DATES += [by.join(date.split()) for by in "- /" for date in ("%Y %b %d", "%Y %B %d")]
_PERIODS = [f"{name}{by}{year}" for year in ("%Y", "%y") for name in ("%b", "%B") for by in "- /"]
_PERIODS += [f"{name}{by}%y" for name in ("%b", "%B") for by in (" '", "'")]
_PERIODS += ["%Y-%b", "%Y %b", "%Y %B", "%B de %Y", "%B, %Y", "%b%Y", "%m/%Y", "%-m/%Y", "%Y-%m", "%Y/%m", "%YM%m"]
_PERIODS += [f"%G{by}W{week}" for by in ("-", "", " ", ":") for week in ("%V", "%-V", "%V-%u")]
_PERIODS += [f"{w}{week}{by}%G" for w in ("W", "KW", "KW ") for week in ("%V", "%-V") for by in " -/"]
_PERIODS += ["%Y-Q%q", "%YQ%q", "%Y Q%q", "%Y/Q%q", "%Y:Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y", "%qQ%Y", "%qQ %Y", "%YK%q"]
_HALF_OF = {"q": 45 * 86400, "m": 15 * 86400, "b": 15 * 86400, "B": 15 * 86400, "V": 7 * 43200}  # seconds
_SENSIBLE = 1800, 2200  # the years of periods: other numbers are codes
_WEEKDAY = re.compile(f"^({_LETTER}{{2,12}}\\.?)(,? )(.*)$")
_DIGITS = [f"%Y%m{rest}{end}" for rest in ("%d", "%d%H", "%d%H%M", "%d%H%M%S", "") for end in ("", ".0")]
_NAMES_WEEK = "week|woche|semaine|semana|settimana|(^|[^a-z])(kw|wk|yw)|yyyyww"
_NAMES_DAY = "date|datum|fecha|(^|[^a-z])(data|dia|day|tag|jour|giorno|dt|dob)([^a-z]|$)|yymmdd|julian|doy"
_CENTURIES = "(?:19|20|21)[0-9]{2}"
_AS_DIGITS = (  # what a column of whole numbers must look like, and its name where their look says too little
    ("%Y%m%d", f"{_CENTURIES}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])|99991231", ""),
    ("%Y%m%d%H", f"{_CENTURIES}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{{2}}", ""),
    ("%Y%m%d%H%M", f"{_CENTURIES}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{{4}}", ""),
    ("%Y%m%d%H%M%S", f"{_CENTURIES}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{{6}}", ""),
    ("%Y%m", f"{_CENTURIES}(0[1-9]|1[0-2])", ""),
    ("%d%m%Y", f"[0-3][0-9][01][0-9]{_CENTURIES}", ""),
    ("%m%d%Y", f"[01][0-9][0-3][0-9]{_CENTURIES}", ""),
    ("%-d%m%Y", f"[0-9]{{1,2}}[01][0-9]{_CENTURIES}", ""),
    ("%-m%d%Y", f"[0-9]{{1,2}}[0-3][0-9]{_CENTURIES}", ""),
    ("%G%V", f"{_CENTURIES}[0-5][0-9]", _NAMES_WEEK),
    ("%Y%j", f"{_CENTURIES}[0-3][0-9]{{2}}", _NAMES_DAY),
    ("%y%m%d", "[0-9]{2}[01][0-9][0-3][0-9]", _NAMES_DAY),
)
_COUNTED = {"%s": (1.0, 0.0), "%3s": (1e-3, 0.0), "%6s": (1e-6, 0.0), "%9s": (1e-9, 0.0), "%x": (86400.0, 25569.0)}
"""Times as numbers: the seconds that one is, and the number that 1970 begins at."""
_LAYOUTS: dict[str, Layout] = {"": "integer", ".0": "point", ".%f": "shortest"}  # else fixed, `.%3f`
_COUNT = re.compile("^(%[369]?s|%x)(|[.]0|[.]%[1-9]?f)$")
_NAMES_DATE = re.compile("(^|_)(date|datum|fecha|data|datetime|birthday|dob)(_|$)")
_NAMES_INSTANT = re.compile(
    "(^|_)(ts|time|timestamp|epoch|unix|utc|datetime|date|when|created|updated|modified|seen|at)(_?(s|ms|us|ns|utc))?(_|$)"
)
_NAMES_SPAN = re.compile("(^|_)(cpu|elapsed|response|total|wait|run|exec|duration|travel|mean|avg|max|min|sum)(_|$)")
_LOOKED_AT = 50
_LONGEST = 100  # signs of a time and what stands around it
_BY_CHANCE = 1e-3  # random digits may be dates no likelier than that
_NAMES_TIME = re.compile("date|datum|fecha|day|time|month|monat|mois|period|(^|[^a-z])dt|dt$", re.IGNORECASE)
_BETWEEN = r"[T _:-]|, ?| - | at | um | à "
"""What stands between a day and a time."""
_CLOCK = re.compile(
    r"^(?P<hour>[ 0-9]?[0-9])"
    r"((?P<by>[:.h]?)(?P<minute>[0-9]{2})((?P=by)(?P<second>[0-9]{2})(?P<fraction>[.,][0-9]{1,9})?)?)?"
    r"(?P<half> ?([AaPp][Mm]|[AaPp]\.[Mm]\.))?(?P<zone> ?(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?))?"
    r"(?P<unit> ?(Uhr|hrs?|h))?$"
)
_SURE_CLOCK = re.compile("^[0-9]{1,2}(:[0-9]{2}|[.]?[0-9]{2}[.]?[0-9]{2})")
"""A time behind a day and a sign; `20201231-07`, `2020-12-31-7` and `2020-12-31-0015` are numbers of orders."""
_OPTIONAL = re.compile(rf"(?:(?:{_BETWEEN})%-?H:%M(?::%S(?:[.,]%[1-9]f)?)?|:%S(?:[.,]%[1-9]f)?|[.,]%[1-9]f)")
"""What may be absent from some times of a column."""
_CLOCK_FIRST = re.compile("^([0-9]{1,2}:[0-9:.]+(?: ?[AaPp][Mm])?)( |, | - )([^:]+)$")
_AROUND = re.compile(r"^([\s'\"(\[]*)(.*?)((?: [A-Z]{3,4}| ?(?:UTC|GMT)[+-][0-9:]+)?[\s'\")\]]*)$")
"""What may stand around a time where it is the same in all cells: blanks, quotes, brackets, a time zone."""
_YEAR_LAST = re.compile(rf"^(?P<day>{_LETTER}{{3}} [ 0-9]?[0-9]) (?P<clock>[0-9].*) (?P<year>[0-9]{{4}})$")
"""Times as C's `ctime` writes them: `Jan  3 05:17:13 2022`."""


@dataclass(frozen=True)
class DateStyle(Stored):
    """How the times of a text column are written.

    format: the directives (see the module). zone: "" for local times, else how the offset is written ("Z", "+02:00",
        …), the most frequent one where several occur. lower: whether am and pm are written small.
    offsets: how offsets are written, most frequent first, where several occur; () else and in models of before.
    months, days: how months and days of the week are written; () in English, `Jan` or `January`.
    """

    LATER = ("months", "days")

    format: str
    zone: str = ""
    lower: bool = False
    offsets: tuple[str, ...] = ()
    months: tuple[str, ...] = ()
    days: tuple[str, ...] = ()

    def names(self, directive: str) -> tuple[str, ...]:
        """The names that one of %b, %B, %a and %A stands for."""
        own = self.months if directive in "bB" else self.days
        return own or tuple(name if directive in "BA" else name[:3] for name in _NAMES[directive][0].split())


@functools.cache
def _regex(format: str) -> str:
    pieces = _DIRECTIVE.split(format)  # texts, and at the odd places the directives between them
    pieces[::2] = [re.escape(text).replace(r"%\(", "(?:").replace(r"%\)", ")?") for text in pieces[::2]]
    pieces[1::2] = [f"(?P<{name[-1]}>{_REGEX.get(name, f'[0-9]{{{name[0]}}}')})" for name in pieces[1::2]]
    return f"^{''.join(pieces)}$"


def parse_dates(texts: pa.Array, format: str, *, local: bool = False) -> Floats:
    """Seconds since 1970 (UTC where the format has an offset, else local), float64 [K], that texts [K] mean; NaN where
    a text does not fit, as 31 February does not. local: leave offsets aside.
    """
    if len(texts) == 0:
        return np.zeros(0)
    if count := _COUNT.match(format):
        size, zero = _COUNTED[count[1]]
        since = (parse_numbers(texts, PLAIN) - zero) * size
        return np.rint(since * 1e3) / 1e3 if zero else since  # days have digits for that
    fields = pc.extract_regex(texts, _regex(format))
    names = {field.name for field in fields.type}
    good = np.asarray(pc.is_valid(fields))

    def part(name: str) -> pa.Array:
        found = pc.struct_field(fields, name)
        return pc.if_else(pc.and_(pa.array(good), pc.not_equal(found, "")), found, None)

    def number(name: str, default: int) -> Ints:
        if name not in names:
            return np.full(len(texts), default, dtype=np.int64)
        digits = pc.replace_substring_regex(part(name), r"^[0 ]*([0-9]+)[a-z]*$", r"\1")
        return np.asarray(digits.cast(pa.int64()).fill_null(default), dtype=np.int64)

    year = number("Y", 1970)
    if "y" in names:
        short = number("y", 70)
        year = np.where(short < 69, 2000 + short, 1900 + short)
    month = 3 * number("q", 1) - 2 if "q" in names else number("m", 1)
    for name in names & _NAMES.keys():
        coded = part(name).dictionary_encode()
        places = np.array([*(_place(text, _NAMES[name]) for text in coded.dictionary.to_pylist()), -1])
        place = places[np.asarray(coded.indices.fill_null(-1), dtype=np.int64)]
        good &= place >= 0
        month = place + 1 if name in "bB" else month
    day, hour, minute, second = number("o" if "o" in names else "d", 1), number("H", 0), number("M", 0), number("S", 0)
    if "I" in names:
        half = number("I", 12)
        good &= (half >= 1) & (half <= 12)
        late = np.asarray(pc.match_substring(part("p"), "p", ignore_case=True).fill_null(False)) if "p" in names else 0
        hour = half % 12 + 12 * np.asarray(late, dtype=np.int64)
    good &= (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    month = np.where(good, month, 1)
    months = ((year - 1970) * 12 + (month - 1)).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + day - 1
    good &= days.astype("datetime64[D]").astype("datetime64[M]") == months  # 31 February is in March
    if "V" in names:
        first, following = _first_mondays(number("G", 1970)), _first_mondays(number("G", 1970) + 1)
        days = first + number("V", 1) * 7 - 7
        good &= (days >= first) & (days < following)
        days += number("u", 1) - 1
    if "j" in names:
        days += number("j", 1) - 1
        good &= (number("j", 0) > 0) & (days < _first_days(year + 1))
    seconds = days * 86400 + hour * 3600 + minute * 60 + second
    if "z" in names and not local:
        seconds = seconds - offsets_of(part("z"))
    times = seconds.astype(np.float64)
    if "f" in names:
        times += np.asarray(pc.binary_join_element_wise("0.", part("f"), "").cast(pa.float64()).fill_null(0.0))
    return np.where(good, times, np.nan)


def _first_days(years: Ints) -> Ints:
    """The days since 1970 on which years [K] begin."""
    return (years - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)


def _first_mondays(years: Ints) -> Ints:
    """The days since 1970 on which the first ISO week of years [K] begins: that of 4 January."""
    days = _first_days(years) + 3
    return np.asarray(days - (days + 3) % 7)


def _plain(name: str) -> str:
    """The name in small letters, without accents and without a dot at its end."""
    signs = unicodedata.normalize("NFKD", name.casefold())
    return "".join(sign for sign in signs if not unicodedata.combining(sign)).rstrip(".")


@functools.cache
def _place(name: str, languages: tuple[str, ...]) -> int:
    """Which month (or day of the week) a name or the beginning of one means, from 0; -1: none, or several."""
    plain = _plain(name)
    if plain in _OTHER_NAMES and (len(plain) == 2) == (languages is _DAYS):
        return _OTHER_NAMES[plain]
    every = [(_plain(full), at) for names in languages for at, full in enumerate(names.split())]
    found = {at for full, at in every if full == plain} or {at for full, at in every if full.startswith(plain)}
    return found.pop() if len(found) == 1 and len(plain) > 2 else -1


def _spelling(names: list[str], languages: tuple[str, ...], usual: tuple[str, ...]) -> tuple[str, ...]:
    """How all months (or days of the week) are written where some are written as these names, most frequent last."""
    seen = {at: name for name in names if (at := _place(name, languages)) >= 0}
    if all(usual[at] == name for at, name in seen.items()):
        return ()

    def kept(language: str) -> int:
        full = language.split()
        return sum(_plain(full[at]).startswith(_plain(name)) for at, name in seen.items())

    full = max(languages, key=kept).split()
    whole = all(_plain(full[at]) == _plain(name) for at, name in seen.items())
    size = Counter(len(name.rstrip(".")) for name in seen.values()).most_common(1)[0][0]
    dot = "." * any(name.endswith(".") for name in names)
    every = [name if whole or len(name) <= size else name[:size] + dot for name in full]
    shown = "".join(seen.values())
    if shown.isupper() or shown.islower():
        every = [name.upper() if shown.isupper() else name.lower() for name in every]
    elif all(name[0].isupper() for name in seen.values()):
        every = [name.capitalize() for name in every]
    return tuple(seen.get(at, name) for at, name in enumerate(every))


def zones_of(texts: pa.Array, format: str) -> pa.DictionaryArray:
    """How the offsets of texts [K] in a format with `%z` are written; null where a text does not fit."""
    return pc.struct_field(pc.extract_regex(texts, _regex(format)), "z").dictionary_encode()


def offsets_of(zones: pa.Array) -> Ints:
    """The seconds by which offsets [K] as they are written are before UTC; 0 for null."""
    coded = zones.dictionary_encode()
    digits = pc.replace_substring_regex(coded.dictionary, "[^0-9]", "")
    digits = pc.replace_substring_regex(digits, "^([0-9]{2})$", r"\100")
    number = np.asarray(pc.replace_substring_regex(digits, "^$", "0").cast(pa.int64()).fill_null(0), dtype=np.int64)
    sign = np.where(np.asarray(pc.starts_with(coded.dictionary, "-").fill_null(False)), -1, 1)
    seconds = np.asarray(sign * (number // 100 * 3600 + number % 100 * 60), dtype=np.int64)
    return np.append(seconds, 0)[np.asarray(coded.indices.fill_null(-1), dtype=np.int64)]


def find_dates(texts: pa.Array, counts: Ints) -> tuple[DateStyle, list[str]] | None:
    """The style in which every one of these texts is a time, and the formats that fit as well but mean other times.

    texts: different strings [K], K >= 1, in the order of the rows. counts: how often each occurs.
    """
    fits: list[tuple[float, DateStyle, Floats]] = []
    for format in _formats(texts[0].as_py()) or _formats_within(texts[0].as_py()):
        if (optional := _with_optional(format, texts)) is not None:
            format = optional
        if np.isnan(parse_dates(texts[:_LOOKED_AT], format)).any():
            continue
        times = parse_dates(texts, format)
        if not np.isnan(times).any() and not (format in _PERIODS and _are_codes(times, format)):
            style = style_of(texts, counts, format)
            same = np.asarray(pc.equal(format_dates(times, style), texts).fill_null(False))
            fits.append((float(counts[same].sum() / counts.sum()), style, times))
    if not fits:
        return None
    # Behind a year the month comes first, unless some day says otherwise.
    fits = [fit for fit in fits if not re.match("%Y.%-?d", fit[1].format)] or fits
    best = max(share for share, _, _ in fits)
    top = [(style, times) for share, style, times in fits if share == best]
    # Two readings that fit equally (day first, month first): rows in order of time decide, else the first in the list.
    chosen, read = next((pair for pair in top if len(texts) > 2 and bool((np.diff(pair[1]) > 0).all())), top[0])
    return chosen, [style.format for style, times in top if not np.array_equal(times, read)]


def _with_optional(format: str, texts: pa.Array) -> str | None:
    """A format of the first text in which the time of the day, its seconds or their fraction is optional, as the first
    text that is not in it shows; None where that shows nothing of the kind.
    """
    odd = np.isnan(parse_dates(texts[:_LOOKED_AT], format))
    if not odd.any() or "%d" not in format.replace("%-d", "%d"):
        return None
    for other in _formats(texts[int(odd.argmax())].as_py()):
        short, long = sorted((format, other), key=len)
        end = next(end for end in (" %z", "%z", "") if short.endswith(end))
        begin = short.removesuffix(end)
        part = long.removeprefix(begin).removesuffix(end)
        if _OPTIONAL.fullmatch(part) and long == begin + part + end:
            return f"{begin}%({part}%){end}"
    return None


def format_of_most(texts: pa.Array) -> str | None:
    """The format that most of these different texts are in; None where fewer than half are in one."""
    head = [text for text in texts[:_LOOKED_AT].to_pylist() if re.search("[0-9]", text)]
    best, most = None, len(texts) / 2
    for format in dict.fromkeys(format for text in head[:10] for format in _formats(text)) if len(head) > 1 else ():
        if np.isnan(parse_dates(pa.array(head), format)).mean() <= 0.5:
            good = ~np.isnan(parse_dates(texts, format))
            if good.sum() > most:
                best, most = format, good.sum()
    return best


def _are_codes(times: Floats, format: str) -> bool:
    """Whether what could be months, quarters or weeks is something else: codes (4711-01), or seasons (2005-06)."""
    year, month = np.divmod(times.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) + 1970 * 12, 12)
    if year.min() < _SENSIBLE[0] or year.max() >= _SENSIBLE[1]:
        return True
    return format in ("%Y-%m", "%Y/%m") and len(times) > 1 and bool(((year + 1) % 100 == month + 1).all())


def format_of_digits(texts: pa.Array, name: str) -> str | None:
    """The format in which whole numbers are days, times, weeks or months written as digits (20190727, 202201030015,
    27072019, 201907), and not by chance; None where there is none.

    texts: different strings [K], K >= 1. name: of their column; one that speaks of time makes up for few values.
    """
    end = ".0" if texts[0].as_py().endswith(".0") else ""
    for format, look, named in _AS_DIGITS:
        alike = re.compile(f"^(?:{look}){re.escape(end)}$").match
        if all(map(alike, texts[:_LOOKED_AT].to_pylist())) and not (
            named and not re.search(named, name, re.IGNORECASE)
        ):
            times = parse_dates(texts, format + end)
            if not np.isnan(times).any():
                chance = _chance_of_digits(texts, format) ** len(texts)
                known = chance <= _BY_CHANCE and (format != "%Y%m" or np.ptp(times) > 366 * 86400)
                return format + end if known or named or _NAMES_TIME.search(name) else None
    return None


def _chance_of_digits(texts: pa.Array, format: str) -> float:
    """How likely random digits behind those that all texts share fit the format: of 2022dddd 3.65%, of 202209dd 30%."""
    if not format.startswith("%Y%m"):
        return 0.04 if format == "%y%m%d" else 0.54 if format == "%G%V" else 0.37 if format == "%Y%j" else 0.001
    days, step = _days_as_digits() if "%d" in format else _months_as_digits(), 1
    first, last = (int(end.as_py()[: 8 if "%d" in format else 6]) for end in pc.min_max(texts).values())
    while first // step != last // step:
        step *= 10
    begin, end = np.searchsorted(days, [first // step * step, (first // step + 1) * step])
    return float((end - begin) / step * np.prod([0.24, 0.6, 0.6][: max(len(format) - 6, 0) // 2]))


@functools.cache
def _days_as_digits() -> Ints:
    """The days of 1900 to 2199 as whole numbers, ascending."""
    days = np.arange("1900-01-01", "2200-01-01", dtype="datetime64[D]")
    return np.char.replace(days.astype(str), "-", "").astype(np.int64)


@functools.cache
def _months_as_digits() -> Ints:
    """The months of 1900 to 2199 as whole numbers, ascending."""
    return np.unique(_days_as_digits() // 100)


def names_times(name: str) -> bool:
    """Whether a column's name says that it holds days or times."""
    return bool(_NAMES_TIME.search(name))


def is_digits(format: str) -> bool:
    """Whether times are written as numbers."""
    digits = [known for known, _, _ in _AS_DIGITS]
    return format.removesuffix(".0") in digits or bool(_COUNT.match(format))


def count_of(values: Floats, layout: str, decimals: int | None, name: str | None) -> tuple[str | None, str | None]:
    """The format in which numbers are times since 1970 or days of a spreadsheet, None where they are just numbers; and
    one that these may be in.

    values: [K]. layout, decimals: how they are written, see `NumberStyle`. name: of their column, which must speak of
        such times, unless all are midnights, and they be of 1970 (seconds: 2001) to 2050; None: the user said that they
        are times.
    """
    if len(values) == 0:
        return None, None
    low, high = float(values.min()), float(values.max())
    end = next((end for end, known in _LAYOUTS.items() if known == layout), f".%{decimals}f")
    end = ".0" if end == ".%1f" else end if len(end) < 5 else ".%f"
    words = "_" if name is None else re.sub("[^a-z0-9]+", "_", re.sub("([a-z0-9])([A-Z])", r"\1_\2", name).lower())
    instant = bool(_NAMES_INSTANT.search(words)) and not _NAMES_SPAN.search(words)
    for unit, (size, _) in _COUNTED.items():
        least, most = (25569.0, 54789.0) if unit == "%x" else (1e9 / size, 2.525e9 / size)
        if name is None:
            least, most = (2200.0, 110000.0) if unit == "%x" else (1e8 / size, 1e11 / size)
        if least <= low <= high < most:
            midnights = unit != "%x" and len(set(values.tolist())) > 2 and not np.any(values % (86400 / size))
            sure = name is None or midnights or (bool(_NAMES_DATE.search(words)) if unit == "%x" else instant)
            return (unit + end, None) if sure else (None, unit + end if name and _NAMES_TIME.search(name) else None)
    return None, None


def _formats(text: str) -> list[str]:
    """The formats that one text may be in, those with leading zeros first."""
    found = _clocks(text) + [format for format in (*_DIGITS, *_PERIODS) if re.match(_regex(format), text)]
    if (day := _WEEKDAY.match(text)) and _place(day[1], _DAYS) >= 0:
        kinds = [kind for kind in ("%a", "%A") if re.match(_regex(kind), day[1])]
        found += [kind + day[2] + format for kind in kinds for format in _formats(day[3])]
    if last := _YEAR_LAST.match(text):
        days = [f"%b {day}" for day in ("%d", "%-d", "%_d") if re.match(_regex(f"%b {day}"), last["day"])]
        found += [f"{day} {clock} %Y" for day in days for clock in _clocks(last["clock"])]
    if first := _CLOCK_FIRST.match(text):
        dates = [format for format in _formats(first[3]) if not is_digits(format)]
        found += [clock + first[2] + date for date in dates for clock in _clocks(first[1])]
    bare = [(date, re.sub("%([md])", r"%-\1", date)) for date in _DATES]
    # Of digits without a sign between only those with all zeros can be divided, and they alone are numbers.
    for format in (*itertools.chain(*bare), "%Y%m%d"):
        split = re.match(_regex(format)[:-1] + rf"(?:(?P<by>{_BETWEEN})(?P<clock>.+))?$", text)
        if split and split["by"] is None:
            found.append(format)
        elif split:
            clock = split["clock"]
            alone = format != "%Y%m%d" and len(clock) == 2
            sure = alone or split["by"] not in ("-", "_", ":") or _SURE_CLOCK.match(clock)
            found += [format + split["by"] + clock for clock in (_clocks(clock, hours=True) if sure else ())]
    return list(dict.fromkeys(found))


def _formats_within(text: str) -> list[str]:
    """The formats of a text in which something stands around a time."""
    found = _AROUND.match(text) if len(text) <= _LONGEST else None
    before, within, after = found.groups() if found else ("", text, "")
    return [before + format + after for format in _formats(within)] if within != text and "%" not in text else []


def _clocks(text: str, hours: bool = False) -> list[str]:
    """The formats of a time of day; none where it is something else. hours: a day stands before it, so that it may be
    an hour alone, or written with a point or nothing between.
    """
    found = _CLOCK.match(text)
    if found is None:
        return []
    by, minutes, seconds, fraction, half, zone, unit = found.group(
        "by", "minute", "second", "fraction", "half", "zone", "unit"
    )
    if not (hours or half or (minutes and by == ":")) or (minutes and not by and len(found["hour"]) < 2):
        return []
    tail = (f"{by}%M" if minutes else "") + (f"{by}%S" if seconds else "")
    tail += f"{fraction[0]}%{len(fraction) - 1}f" if fraction else ""
    for part, directive in ((half, "%-p" if half and "." in half else "%p"), (zone, "%z")):
        tail += (" " if part[0] == " " else "") + directive if part else ""
    tail += unit or ""
    padded, short, blank = ("%I", "%-I", "%_I") if half else ("%H", "%-H", "%_H")
    if found["hour"][0] == " ":
        return [blank + tail]
    return [f"{hour}{tail}" for hour in ((padded, short, blank) if by or not minutes else (padded,))]


def style_of(texts: pa.Array, counts: Ints, format: str) -> DateStyle:
    """The style of texts in a format: the offsets they have, and how am and pm are spelt."""
    if _COUNT.match(format):
        return DateStyle(format)
    fields = pc.extract_regex(texts, _regex(format))
    names = {field.name for field in fields.type}
    zones, lower = [""], False
    if "z" in names:
        coded = pc.struct_field(fields, "z").fill_null("").dictionary_encode()
        total = np.bincount(np.asarray(coded.indices), counts)
        zones = coded.dictionary.take(pa.array(np.argsort(-total, kind="stable"))).to_pylist()
    if "p" in names:
        lower = bool(pc.any(pc.match_substring_regex(pc.struct_field(fields, "p"), "[ap][.]?m")).as_py())
    style = DateStyle(format, zones[0], lower, tuple(zones) if len(zones) > 1 else ())
    for name in names & _NAMES.keys():
        coded = pc.struct_field(fields.drop_null(), name).dictionary_encode()
        total = np.bincount(np.asarray(coded.indices), counts[np.asarray(fields.is_valid())])
        order = pa.array(np.argsort(total[: len(coded.dictionary)], kind="stable"))
        spelt = _spelling(coded.dictionary.take(order).to_pylist(), _NAMES[name], style.names(name))
        style = replace(style, months=spelt) if name in "bB" else replace(style, days=spelt)
    return style


def grain_of_times(times: Floats, counts: Ints | None = None) -> float:
    """The largest step that times [K], seconds, are multiples of: 86400 for days, 3600, … 1e-6; 0 if finer.

    counts: how often each occurs; a few odd ones need be no multiples.
    """
    if len(times) == 0:
        return 0.0
    for scale in (1.0, 1e3, 1e6):
        whole = np.unique(np.abs(np.rint(times * scale)))
        if np.allclose(np.rint(times * scale) / scale, times, rtol=0, atol=2e-7):
            day = int(86400 * scale)
            step = int(np.gcd.reduce(np.append(whole.astype(np.int64), day)))
            if counts is not None:
                step = coarser(np.rint(times * scale).astype(np.int64), counts, step, day)
            if len(whole) >= _FEWEST_FOR_STEP:
                return step / scale
            # A few times share divisors by chance: only a natural step is believed.
            return next(natural for natural in _NATURAL_STEPS if step % max(round(natural * scale), 1) == 0)
    return 0.0


def format_dates(times: Floats, style: DateStyle, grain: float = 0.0) -> pa.Array:
    """The texts [N] of times [N], seconds, moved to the nearest multiple of the grain; NaN gives null."""
    times = np.asarray(times, dtype=np.float64)
    present = ~np.isnan(times)
    if not present.all():
        full = format_dates(np.where(present, times, 0.0), style, grain)
        return pc.if_else(pa.array(present), full, None)
    if grain > 0:
        times = np.rint(times / grain) * grain
    if len(times) > 1000:
        different, rows = np.unique(times, return_inverse=True)
        return _write(different, style).take(pa.array(rows.reshape(-1)))
    return _write(times, style)


def format_local(local: Floats, offsets: Sequence[str], which: Ints, style: DateStyle) -> pa.Array:
    """The texts [N] of local times [N], seconds, each with the offset `offsets[which]`."""
    order = np.argsort(which, kind="stable")
    begins = np.searchsorted(which[order], np.arange(len(offsets) + 1))
    parts = [pa.array([], pa.string())]
    for zone, begin, end in zip(offsets, begins[:-1], begins[1:], strict=True):
        times = local[order[begin:end]] - offsets_of(pa.array([zone]))
        parts.append(format_dates(times, replace(style, zone=zone)))
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return pa.concat_arrays(parts).take(pa.array(back))


def spelt(offset: int, style: DateStyle) -> str:
    """An offset in seconds as the style has it.

    >>> spelt(-16200, DateStyle("%Y-%m-%d %H:%M%z", "+02:00"))
    '-04:30'
    """
    known = style.offsets or (style.zone,)
    same = offsets_of(pa.array(known)) == offset
    if same.any():
        return known[int(same.argmax())]
    hours, minutes = divmod(abs(offset) // 60, 60)
    short = all(len(text) <= 3 for text in known)  # `+02` or, where this has no minutes, `Z`
    if short and "Z" not in known and not minutes:
        return f"{'-' if offset < 0 else '+'}{hours:02}"
    mark = ":" if short or any(":" in text for text in known) else ""
    return f"{'-' if offset < 0 else '+'}{hours:02}{mark}{minutes:02}"


def _write(times: Floats, style: DateStyle) -> pa.Array:
    if "%(" in style.format:
        short = replace(style, format=re.sub(r"%\(.*%\)", "", style.format))
        long = replace(style, format=style.format.replace("%(", "").replace("%)", ""))
        texts, others = _write(times, short), _write(times, long)
        return pc.if_else(pa.array(parse_dates(texts, short.format) == parse_dates(others, long.format)), texts, others)
    if count := _COUNT.match(style.format):
        return _write_counted(times, count[1], count[2])
    parts: list[Any] = _DIRECTIVE.split(style.format)  # texts, and at the odd places the directives between them
    places = next((int(name[0]) for name in parts[1::2] if name[-1] == "f"), 0)
    local = times + offsets_of(pa.array([style.zone], pa.string()))
    if not (names := {name[-1] for name in parts[1::2]}) & {"d", "u", "o"}:
        local += max((half for name, half in _HALF_OF.items() if name in names), default=0)  # the nearest period
    ticks = np.rint(local * 10.0 ** min(places, 6)).astype(np.int64)
    seconds, fraction = np.divmod(ticks, 10 ** min(places, 6))
    days, clock = np.divmod(seconds, 86400)
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    year, month = np.divmod(months.astype(np.int64), 12)
    hour = clock // 3600
    numbers = {"Y": year + 1970, "y": (year + 1970) % 100, "m": month + 1, "f": fraction * 10 ** max(places - 6, 0)}
    numbers |= {"H": hour, "I": (hour + 11) % 12 + 1, "M": clock // 60 % 60, "S": clock % 60}
    numbers["j"] = days - _first_days(year + 1970) + 1
    numbers["d"] = days - months.astype("datetime64[D]").astype(np.int64) + 1
    numbers |= {"q": month // 3 + 1, "u": (days + 3) % 7 + 1}
    thursday = days - (days + 3) % 7 + 3  # the year of a week is that of its Thursday
    numbers["G"] = thursday.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    numbers["V"] = (thursday - _first_mondays(numbers["G"])) // 7 + 1
    halves = ("a.m.", "p.m.") if "-p" in parts[1::2] else ("am", "pm")
    halves = halves if style.lower else (halves[0].upper(), halves[1].upper())
    spellings: dict[str, tuple[tuple[str, ...], Ints]] = {"p": (halves, hour // 12)}
    spellings["o"] = _ORDINALS, numbers["d"] - 1
    for name in names & _NAMES.keys():
        spellings[name] = style.names(name), month if name in "bB" else (days + 3) % 7
    for at in range(1, len(parts), 2):
        directive, letter = parts[at], parts[at][-1]
        if letter == "z":
            parts[at] = style.zone
        elif letter in spellings:
            spelt, index = spellings[letter]
            parts[at] = pa.array(spelt).take(pa.array(index))
        else:
            digits = pa.array(numbers[letter]).cast(pa.string())
            width = {"Y": 4, "G": 4, "f": places, "u": 1, "q": 1, "j": 3}.get(letter, 2)
            fill = " " if directive[0] == "_" else "0"
            parts[at] = digits if directive[0] == "-" else pc.utf8_lpad(digits, width, fill)
    return pc.binary_join_element_wise(*parts, "")


def _write_counted(times: Floats, unit: str, end: str) -> pa.Array:
    (size, zero), layout = _COUNTED[unit], _LAYOUTS.get(end, "fixed")
    if layout == "integer" and not zero:  # a double does not hold nanoseconds
        parts = min(round(1 / size), 10**6)
        return pa.array(np.rint(times * parts).astype(np.int64) * (round(1 / size) // parts)).cast(pa.string())
    most = 10 if zero else max(6 + round(np.log10(size)), 1)
    decimals = 0 if layout == "integer" else int(end[2]) if layout == "fixed" else most
    return format_numbers(times / size + zero, NumberStyle(layout, decimals), 10.0**-decimals)


def check_format(format: str) -> str | None:
    """What is wrong with a format that a user wrote, or None."""
    if _COUNT.match(format):
        return None
    names = [found[1] for found in _DIRECTIVE.finditer(format)]
    if "%(" in format or "%)" in format:
        return "directive %( is not known"
    if unknown := [name for name in names if name not in _REGEX and name[-1] != "f"]:
        return f"directive %{unknown[0]} is not known"
    bare = [name.lstrip("-_") for name in names]
    if len(bare) != len(set(bare)) or not bare:
        return "each directive may stand once, and there must be one"
    return None
