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
    """Save a learner as an MLflow model without pickling it.

    The folder holds headwater's own file and the metadata that MLflow needs to load it.

    Parameters
    ----------
    model : Classifier or Regressor
        The learner.
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
    model : Classifier or Regressor
        The learner.
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
    """Log the metrics of a record to the current MLflow run, with the row count as the step.

    Pass this function as ``on_record`` to a session.

    Parameters
    ----------
    record : Record
        Metrics of a session at one moment.
    """
    _mlflow().log_metrics(metrics_of(record), step=record.rows)


class Served:
    """Wrap a learner as the model object that MLflow's ``pyfunc`` flavor serves.

    Predicting never changes the learner.

    Parameters
    ----------
    model : Learner
        A learner of any kind. An anomaly model predicts its scores.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> NDArray[Any]:
        """Predict rows given as a data frame, an array or a list of dicts.

        Parameters
        ----------
        model_input
            The rows.
        params : dict, optional
            ``{"proba": True}`` returns probabilities, one column per class in the order of ``model.classes``.

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
    """Load the served model from a file. MLflow calls this function by name."""
    return Served(load(path))


def _parts(model: Any, folder: str) -> dict[str, Any]:
    """Write the learner's file to a folder and return the arguments for saving it.

    The signature leaves the columns open, because new features may appear at any time.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec

    path = Path(folder, FILE)
    model.save(path)
    needs = [f"headwater=={version('headwater')}"]
    asked = ModelSignature(params=ParamSchema([ParamSpec("proba", "boolean", False)]))
    return {"loader_module": MODULE, "data_path": str(path), "pip_requirements": needs, "signature": asked}


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
