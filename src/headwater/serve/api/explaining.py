"""Why a sample is predicted, or scored, as it is: the contribution of each feature."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from headwater.learner.kind import check_can, kind_of
from headwater.serve.endpoint import Request, Response, json_response
from headwater.serve.http.schemas import ExplainRequest, count_cells, decoded, label_key
from headwater.store.service.limits import OverLimit
from headwater.store.service.model import Model

MOST_CELLS = 1000
"""Values of a sample; with more, an explanation would hold the model for too long."""
_request = msgspec.json.Decoder(ExplainRequest)


async def explain(request: Request) -> Response:
    """Say how much each feature moved the prediction or the score of a sample, the largest part first."""
    asked = decoded(_request.decode, await request.body(), "body")
    if count_cells(asked.x) > MOST_CELLS:
        most = f"at most {MOST_CELLS:,} values in a sample to explain"
        raise OverLimit(expected=most, got=f"{count_cells(asked.x):,}", at="x", help="Send fewer columns.")
    model = request.state.model(request.path.get("model", ""))
    return json_response(await request.state.exporters.run(partial(explained, model, asked)))


def explained(model: Model, asked: ExplainRequest) -> dict[str, Any]:
    """Return an explanation by the champion as JSON shows it, and the sequence that it stood at."""
    with model.lock:
        learner, seq = model.champion.learner, model.seq
        how: dict[str, Any] = {}
        acts = "acts" in kind_of(learner).can
        for name, ability in (("target", "acts" if acts else "classes"), ("horizon", "ahead")):
            if (given := getattr(asked, name)) is not None:
                check_can(learner, ability, at=name)
                how["action" if acts else name] = given
        why = learner.explain_one(asked.x, **how)
    if "outputs" in kind_of(learner).can:
        return {"outputs": {label_key(name): _of_output(own) for name, own in why.items()}, "seq": seq}
    if isinstance(why, Mapping):
        return {"contributions": parts_as_json(why), "seq": seq}
    return {**_of_output(why), "seq": seq}


def _of_output(why: Any) -> dict[str, Any]:
    about = {"prediction": why.prediction, "baseline": why.baseline}
    named = {} if why.target is None else {"target": label_key(why.target)}
    return {**about, **named, "contributions": parts_as_json(why.contributions)}


def parts_as_json(parts: Mapping[Any, float]) -> dict[str, float]:
    """Return the contribution of each feature by its name, the largest first."""
    largest = sorted(parts.items(), key=lambda item: -abs(item[1]))
    return {name if isinstance(name, str) else label_key(name): float(f"{part:.6g}") for name, part in largest}


__all__ = ["explain", "explained", "parts_as_json"]
