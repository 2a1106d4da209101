"""MLflow: a run in a tracking server or a database.

Knows MlflowClient; never what is trained. `--log mlflow:URI` is a tracking URI (sqlite:///runs.db, http://host:5000);
without it MLFLOW_TRACKING_URI or MLflow's own default. The experiment is MLFLOW_EXPERIMENT_NAME or "gankit".
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gankit.errors import GankitError, OptionError, reason
from gankit.io.databases.addresses import lasting, masked
from gankit.io.pixels import Pixels
from gankit.tracking.callback import TrainingEnd, TrainingStart
from gankit.tracking.tracker import SAMPLES, Rows, Tracker, hyperparameters, library, markdown, write_wav

EXPERIMENT = "gankit"
"""Where no environment variable names another."""

MOST_METRICS, MOST_PARAMS, MOST_LETTERS = 1000, 100, 500
"""Of one request, as MLflow allows; and letters of a parameter."""

INTERVAL_S = 5.0
"""Seconds that figures are gathered before they are sent: a request takes as long as several steps."""

ENDS = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
"""MLflow's words for the end of a training."""

_QUICK = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""For the first request, which shows whether there is a server at all; later ones are as patient as MLflow is."""


class Mlflow(Tracker):
    """A run of MLflow."""

    name = "mlflow"

    def __init__(self, where: str | None, client: Any, uri: str, id: str | None) -> None:
        super().__init__(where, id)
        self._client, self._uri, self._sent_s = client, uri, time.monotonic()
        self._gathered: list[Any] = []

    def open(self, start: TrainingStart) -> None:
        """See `Tracker`."""
        client, entities = self._client, library("mlflow.entities", self.name)
        if self.id is not None:
            client.update_run(self.id, "RUNNING")
            self.held = int(client.get_run(self.id).data.metrics.get(SAMPLES, -1))
        else:
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
            known = client.get_experiment_by_name(name)
            experiment = client.create_experiment(name) if known is None else known.experiment_id
            tags = {} if start.folder is None else {"gankit.run": str(start.folder)}
            self.id = str(client.create_run(experiment, run_name=start.name, tags=tags).info.run_id)
            stated = [entities.Param(n, str(v)[:MOST_LETTERS]) for n, v in hyperparameters(start).items()]
            for first in range(0, len(stated), MOST_PARAMS):
                client.log_batch(self.id, params=stated[first : first + MOST_PARAMS])
        self.place = f"run {self.id} of {self._uri}"

    def figures(self, values: Mapping[str, float], samples: int, urgent: bool) -> None:
        """See `Tracker`."""
        metric, now_ms = library("mlflow.entities", self.name).Metric, int(1000 * time.time())
        self._gathered += [metric(name, value, now_ms, samples) for name, value in values.items()]
        if urgent or time.monotonic() - self._sent_s > INTERVAL_S:
            self._send()

    def _send(self) -> None:
        for first in range(0, len(self._gathered), MOST_METRICS):
            self._client.log_batch(self.id, metrics=self._gathered[first : first + MOST_METRICS])
        self._gathered, self._sent_s = [], time.monotonic()

    def image(self, pixels: Pixels, samples: int) -> None:
        """See `Tracker`."""
        self._client.log_image(self.id, pixels, key="samples", step=samples, synchronous=True)

    def sound(self, number: int, wave: np.ndarray, rate: int, samples: int) -> None:
        """See `Tracker`."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{samples:012d}-{number}.wav"
            write_wav(file, wave, rate)
            self._client.log_artifact(self.id, str(file), "samples")

    def table(self, columns: Sequence[str], rows: Rows, samples: int) -> None:
        """See `Tracker`."""
        self._client.log_text(self.id, markdown(columns, rows) + "\n", f"samples/{samples:012d}.md")

    def close(self, end: TrainingEnd) -> None:
        """See `Tracker`."""
        if self.id is None:
            return
        self._send()
        if end.model is not None:
            self._client.set_tag(self.id, "gankit.model", str(end.model))
        if end.error is not None:
            self._client.set_tag(self.id, "gankit.error", end.error)
        self._client.set_terminated(self.id, ENDS[end.status])


def opened(where: str | None, run: Path | None, id: str | None) -> Tracker:
    """See `Opener`.

    Raises:
        OptionError: it is no tracking URI, has a password, or nothing answers there.
    """
    mlflow = library("mlflow", Mlflow.name)
    uri = where or mlflow.get_tracking_uri()
    if where is not None and masked(where) != where:
        raise OptionError(
            f"--log mlflow:{masked(where)}: a run folder keeps no password. Leave it out and set "
            "MLFLOW_TRACKING_PASSWORD, or set MLFLOW_TRACKING_URI to the whole address and say --log mlflow."
        )
    if "://" not in uri and not uri.startswith("databricks"):
        raise OptionError(
            f"--log mlflow:{uri}: MLflow no longer keeps runs in folders. Give a tracking URI, such as "
            "mlflow:sqlite:///runs.db or mlflow:http://localhost:5000."
        )
    if masked(uri) == uri:
        where = uri = lasting(uri)
    if uri.startswith("sqlite"):
        library("sqlalchemy", Mlflow.name)
        library("alembic", Mlflow.name)
    try:
        with _quick():
            client = mlflow.MlflowClient(tracking_uri=uri)
            client.get_experiment_by_name(EXPERIMENT)
    except GankitError:
        raise
    except Exception as error:  # of a library with many back ends nearly anything is raised
        raise OptionError(
            f"--log mlflow:{masked(uri)} cannot be used ({reason(error)}). Look whether the server runs; addresses are "
            "such as mlflow:sqlite:///runs.db and mlflow:http://localhost:5000."
        ) from error
    return Mlflow(where, client, masked(uri), id)


@contextmanager
def _quick() -> Iterator[None]:
    """Within it MLflow gives up soon and does not tell of the tables that it makes."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels, before = [logger.level for logger in loggers], {name: os.environ.get(name) for name in _QUICK}
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    os.environ |= {name: value for name, value in _QUICK.items() if before[name] is None}
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        for name in (name for name in _QUICK if before[name] is None):
            os.environ.pop(name, None)
