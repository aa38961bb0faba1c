"""MLflow: learners as models of its ``pyfunc`` flavor, kept in headwater's own file, and metrics streamed while learning.

with mlflow.start_run():
    Session(model, every=1000, on_record=hw.mlflow.log_record).run(stream)
    hw.mlflow.log_model(model)
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from headwater.errors import MissingExtra
from headwater.interop.loggers import metrics_of
from headwater.learner.kind import kind_of
from headwater.store.learner_file import load
from headwater.types import Record

__all__ = ["Served", "load_model", "log_model", "log_record", "save_model"]

FILE = "model.hw"
MODULE = "headwater.interop.mlflow"


def save_model(model: Any, path: str | Path, **options: Any) -> None:
    """Save a learner as an MLflow model: its own file, and what MLflow needs to load it. Nothing is pickled.

    Parameters
    ----------
    model : Classifier or Regressor
        The learner.
    path : str or Path
        The folder to make.
    **options
        As ``mlflow.pyfunc.save_model`` takes them: signature, input_example, metadata.

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
    model : Classifier or Regressor
        The learner.
    name : str
        Of the model in the run.
    **options
        As ``mlflow.pyfunc.log_model`` takes them: signature, input_example, registered_model_name, metadata.

    Returns
    -------
    mlflow.models.model.ModelInfo
        Where it is: ``info.model_uri``.

    Raises
    ------
    MissingExtra
        When MLflow is not installed.
    """
    pyfunc = _pyfunc()
    with tempfile.TemporaryDirectory() as folder, _no_example_needed():
        return pyfunc.log_model(name=name, **(_parts(model, folder) | options))


def load_model(uri: str) -> Any:
    """Load the learner itself, which goes on learning where it stopped, from an MLflow model.

    Parameters
    ----------
    uri : str
        Such as ``info.model_uri``, or a folder.

    Returns
    -------
    Classifier or Regressor

    Raises
    ------
    MissingExtra
        When MLflow is not installed.
    """
    mlflow = _mlflow()
    folder = mlflow.artifacts.download_artifacts(uri)
    flavor = mlflow.models.Model.load(folder).flavors["python_function"]
    return load(Path(folder, flavor["data"]))


def log_record(record: Record) -> None:
    """Log the numbers of a record as metrics of the current run, over the rows: what a session's ``on_record`` takes.

    Parameters
    ----------
    record : Record
        How learning stands.
    """
    _mlflow().log_metrics(metrics_of(record), step=record.rows)


class Served:
    """A learner as MLflow serves it: rows in, predictions out, nothing learned.

    Parameters
    ----------
    model : Learner
        A learner of any kind; of a detector the scores are what is predicted.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> NDArray[Any]:
        """Predict rows: a data frame, an array or a list of dicts.

        Parameters
        ----------
        model_input
            The rows.
        params : dict, optional
            ``{"proba": True}`` for probabilities, one column a class in the order of ``model.classes``.

        Returns
        -------
        ndarray (n,), or (n, k) with proba
        """
        rows = model_input
        frame = nw.from_native(rows, pass_through=True, eager_only=True)
        if not isinstance(frame, nw.DataFrame) and not isinstance(rows, list):
            rows = np.asarray(rows)
        can = kind_of(self.model).can
        if "scores" in can:
            return np.asarray(self.model.score_many(rows))
        wanted = self.model.predict_proba_many if (params or {}).get("proba") else self.model.predict_many
        return np.asarray(wanted(rows))


def _load_pyfunc(path: str) -> Served:
    """Return what serves the file: MLflow calls this by name."""
    return Served(load(path))


def _parts(model: Any, folder: str) -> dict[str, Any]:
    """Write the learner's file into a folder, and say how it is to be loaded; any columns may come in, for names appear."""
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec

    path = Path(folder, FILE)
    model.save(path)
    needs = [f"headwater=={version('headwater')}"]
    asked = ModelSignature(params=ParamSchema([ParamSpec("proba", "boolean", False)]))
    return {"loader_module": MODULE, "data_path": str(path), "pip_requirements": needs, "signature": asked}


@contextmanager
def _no_example_needed() -> Iterator[None]:
    """Keep MLflow from asking for an example of the rows beside a signature that says nothing of rows."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"(?s).*An input example was not provided")
        yield


def _mlflow() -> Any:
    """Return MLflow."""
    try:
        import mlflow
    except ImportError as error:
        raise MissingExtra(package="mlflow-skinny", extra="mlflow", at=MODULE) from error
    return mlflow


def _pyfunc() -> Any:
    """Return its flavor for models of any making."""
    _mlflow()
    from mlflow import pyfunc

    return pyfunc
