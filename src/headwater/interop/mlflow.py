"""MLflow integration with a ``pyfunc`` flavor for learners and metric logging during a session.

The model artifact is headwater's own file, never a pickle. Usage::

    with mlflow.start_run():
        Session(model, every=1000, on_record=hw.mlflow.log_record).run(stream)
        hw.mlflow.log_model(model)
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np

from headwater.errors import ConfigError, MissingExtra
from headwater.errors._version import own_version
from headwater.interop.loggers import metrics_of
from headwater.learner.kind import HasKind, kind_of
from headwater.learner.schema import Response, Wide
from headwater.store.learner_file import load
from headwater.types import Metrics

__all__ = ["Served", "load_model", "log_model", "log_record", "save_model"]

FILE = "model.hw"
MODULE = "headwater.interop.mlflow"


def save_model(model: Any, path: str | Path, **options: Any) -> None:
    """Save a learner as an MLflow model without pickling it.

    The folder holds headwater's own file and the metadata that MLflow needs to load it.

    Parameters
    ----------
    model : Learner or Fleet
        A learner of any kind.
    path : str or Path
        The folder to create.
    **options
        Passed on to ``mlflow.pyfunc.save_model``, such as signature, input_example, metadata.

    Raises
    ------
    MissingExtra
        When MLflow is not installed.
    """
    pyfunc = _pyfunc()
    with tempfile.TemporaryDirectory() as folder, _no_example_needed():
        pyfunc.save_model(path, **(_parts(model, folder) | options))


def log_model(model: Any, name: str = "model", **options: Any) -> Any:
    """Log a learner as a model of the current run.

    Parameters
    ----------
    model : Learner or Fleet
        A learner of any kind.
    name : str
        Name of the model in the run.
    **options
        Passed on to ``mlflow.pyfunc.log_model``, such as signature, input_example, registered_model_name, metadata.

    Returns
    -------
    mlflow.models.model.ModelInfo
        Holds the model's address in ``info.model_uri``.

    Raises
    ------
    MissingExtra
        When MLflow is not installed.
    """
    pyfunc = _pyfunc()
    with tempfile.TemporaryDirectory() as folder, _no_example_needed():
        return pyfunc.log_model(name=name, **(_parts(model, folder) | options))


def load_model(uri: str) -> Any:
    """Load a learner from an MLflow model, ready to continue learning.

    Parameters
    ----------
    uri : str
        Address of the model, such as ``info.model_uri``, or a folder.

    Returns
    -------
    Learner or Fleet

    Raises
    ------
    MissingExtra
        When MLflow is not installed.
    """
    mlflow = _mlflow()
    folder = mlflow.artifacts.download_artifacts(uri)
    flavor = mlflow.models.Model.load(folder).flavors["python_function"]
    return load(Path(folder, flavor["data"]))


def log_record(record: Metrics) -> None:
    """Log the metrics of a record to the current MLflow run, with the row count as the step.

    Pass this function as ``on_record`` to a session.

    Parameters
    ----------
    record : Metrics
        Metrics of a session at one moment.
    """
    _mlflow().log_metrics(metrics_of(record), step=record.rows)


class Served:
    """Wrap a learner as the model object that MLflow's ``pyfunc`` flavor serves.

    Predicting never changes the learner.

    Parameters
    ----------
    model : Learner
        A learner of any kind, or a fleet.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Ask the learner about rows given as a data frame, an array or a list of dicts.

        Parameters
        ----------
        model_input
            The rows. A forecaster takes the times that come next, or no rows at all.
        params : dict, optional
            Fields of the kind's question, and ``{"proba": True}`` for probabilities, one column per class in the order of
            ``model.classes``.

        Returns
        -------
        ndarray (n,), (n, k) with proba, or data frame
            An array where there is one value a row, else named columns.
        """
        rows = model_input
        frame = nw.from_native(rows, pass_through=True, eager_only=True)
        if not isinstance(frame, nw.DataFrame) and not isinstance(rows, list):
            rows = np.asarray(rows)
        kind = kind_of(self.model)
        asked = {name: value for name, value in (params or {}).items() if value not in (None, [], "")}
        texts = {field.name: field for field in kind.question.fields if field.type == "map"}
        asked |= {name: texts[name].parse(value) for name, value in asked.items() if name in texts}
        proba = asked.pop("proba", False)
        nothing = not kind.question.needs_rows and not len(rows)
        said = kind.ask(self.model, None if nothing else rows, **asked)
        if proba:
            return np.asarray(said["proba"].values) if "proba" in said.columns else np.zeros((0, 0))
        plain = [column for column in said.columns.values() if not isinstance(column, Wide)]
        return np.asarray(plain[0]) if len(plain) == 1 else _frame(said)


def _frame(said: Response) -> Any:
    """Return named columns as a data frame of pandas, or as a dict of lists where pandas is not installed."""
    columns = said.flat()
    return nw.from_dict(columns, backend="pandas").to_native() if find_spec("pandas") else columns


def _load_pyfunc(path: str) -> Served:
    """Load the served model from a file. MLflow calls this function by name."""
    return Served(load(path))


def _parts(model: Any, folder: str) -> dict[str, Any]:
    """Write the learner's file to a folder and return the arguments for saving it.

    The signature leaves the columns open, because new features may appear at any time. Its parameters are the question's fields.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec

    own = isinstance(model, HasKind)
    if not own:
        raise ConfigError(
            expected="a learner of headwater",
            got=f"a {type(model).__name__}",
            at="model",
            help="Save others in the flavor of their library, or as mlflow.pyfunc.",
        )
    path = Path(folder, FILE)
    model.save(path)
    needs = [f"headwater=={own_version()}"]
    kind = kind_of(model)
    asked = [ParamSpec(field.name, *_PARAMS[field.type]) for field in kind.question.fields]
    asked += [ParamSpec("proba", "boolean", False)] if any(field.name == "proba" for field in kind.response) else []
    signature = ModelSignature(params=ParamSchema(asked)) if asked else None
    return {"loader_module": MODULE, "data_path": str(path), "pip_requirements": needs, "signature": signature}


_PARAMS: dict[str, tuple[Any, ...]] = {
    "number": ("double", None),
    "whole": ("long", None),
    "boolean": ("boolean", None),
    "text": ("string", None),
    "label": ("string", None),
    "map": ("string", None),
    "list": ("string", [], (-1,)),
    "offer": ("string", [], (-1,)),
}
"""Type, default and shape of a question's field in MLflow's words; left out, a field has the default of its kind."""


@contextmanager
def _no_example_needed() -> Iterator[None]:
    """Silence MLflow's warning about a missing input example."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"(?s).*An input example was not provided")
        yield


def _mlflow() -> Any:
    """Import MLflow, or raise MissingExtra."""
    try:
        import mlflow
    except ImportError as error:
        raise MissingExtra(package="mlflow-skinny", extra="mlflow", at=MODULE) from error
    return mlflow


def _pyfunc() -> Any:
    """Import MLflow's ``pyfunc`` flavor, or raise MissingExtra."""
    _mlflow()
    from mlflow import pyfunc

    return pyfunc
