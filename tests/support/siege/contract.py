"""Requests that schemathesis makes of the server's own OpenAPI document, sent over HTTP to the models that it has."""

import http.client
import json
import random
import warnings
from urllib.parse import urlencode

from support.siege.loads import PATIENCE_S, answered

NAMES = ("default", "regress", "forecast", "anomaly", "decide", "control", "multioutput", "fleet")
LEFT_OUT = ("/logout",)


def contract(attack):
    """Try every operation in turns with generated requests, until so many were sent."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, seed, settings

    warnings.simplefilter("ignore")
    document = json.loads(plain(attack.port, "GET", "/openapi.json")[1])
    described = schemathesis.openapi.from_dict(document)
    operations = [one.ok() for one in described.get_all_operations()]
    operations = [one for one in operations if one.path not in LEFT_OUT]
    each = max(1, -(-attack.requests // len(operations)))
    rng = random.Random(attack.seed)
    for number, operation in enumerate(operations):

        @seed(1000 * attack.seed + number)
        @settings(
            max_examples=each,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def tried(case):
            send(attack, rng, case)

        tried()


def send(attack, rng, case):
    """Send one generated request, to a model that there is more often than not."""
    if "model" in case.path_parameters and rng.random() < 0.8:
        case.path_parameters["model"] = rng.choice(NAMES)
    words = case.as_transport_kwargs(base_url="http://localhost")
    path = words["url"].partition("localhost")[2] or "/"
    if words.get("params"):
        path += "?" + urlencode(words["params"], doseq=True)
    body = words.get("data")
    if body is None and words.get("json") is not None:
        body = json.dumps(words["json"])
    headers = {k: v for k, v in (words.get("headers") or {}).items() if k.lower() not in ("host", "user-agent")}
    status, text = plain(attack.port, words["method"], path, body, headers)
    attack.count(answered(status, text), f"{words['method']} {path} {body!r:.300}")


def plain(port, method, path, body=None, headers=None):
    """Send one request as it is; return its status, 0 where the server closed without one, and what was answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body, {k: v.encode("latin-1", "replace") for k, v in (headers or {}).items()})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, ValueError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
