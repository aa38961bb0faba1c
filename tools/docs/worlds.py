"""Small worlds that the gallery's pages have learned, one for each kind of learner: all numbers are drawn from seeds."""

from __future__ import annotations

import json
import math
import random
import urllib.request
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import headwater as hw

Row = dict[str, Any]
ACTIONS = ("sports", "science", "travel")


class Server:
    """What is asked of a served model, by its name."""

    def __init__(self, address: str) -> None:
        self.address = address

    def post(self, path: str, body: Any) -> Any:
        """Send JSON and return the answer's."""
        asked = urllib.request.Request(
            f"{self.address}{path}", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=600) as answer:
            return json.load(answer)

    def make(self, name: str, task: str, **settings: Any) -> None:
        """Make a model."""
        self.post("/models", {"name": name, "task": task, **settings})

    def teach(self, name: str, pairs: Iterator[tuple[Row, Any]], n: int) -> None:
        """Teach a model rows with what was right of each, in blocks."""
        rows = list(islice(pairs, n))
        for i in range(0, n, 100):
            block = rows[i : i + 100]
            labels = {} if block[0][1] is None else {"labels": [y for _, y in block]}
            self.post(f"/models/{name}/teach", {"rows": [x for x, _ in block], **labels})


def rides(draw: random.Random) -> Iterator[tuple[Row, float]]:
    """Bicycles lent in an hour."""
    for i in range(10**9):
        hour, warm = i % 24, 12 + 9 * math.sin(i / 300) + draw.gauss(0, 2)
        rain, day = draw.random() < 0.2, ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[i // 24 % 7]
        busy = 40 + 90 * math.exp(-((hour - 8) ** 2) / 4) + 120 * math.exp(-((hour - 18) ** 2) / 9)
        share = (0.6 if rain else 1.0) * (0.7 if day in ("Sat", "Sun") else 1.0)
        x = {"hour": hour, "temperature": round(warm, 1), "weather": "rain" if rain else "dry", "day": day}
        yield x, round(max(0.0, busy * share * (0.6 + warm / 40) + draw.gauss(0, 8)))


def parcels(draw: random.Random) -> Iterator[tuple[Row, Row]]:
    """Whether a parcel comes late, by how many minutes, and how it comes."""
    while True:
        x = {"distance": round(draw.uniform(1, 40), 1), "hour": draw.randint(7, 20), "carrier": draw.choice("ABC")}
        minutes = 2 * x["distance"] - 30 + 25 * (x["hour"] > 16) + 15 * (x["carrier"] == "B") + draw.gauss(0, 9)
        van = "van" if x["distance"] > 12 else draw.choice(("bicycle", "bicycle", "van"))
        yield x, {"late": minutes > 15, "minutes": round(minutes, 1), "vehicle": van}


def power(draw: random.Random) -> Iterator[tuple[Row, float]]:
    """Power that a town uses in an hour."""
    for i in range(10**9):
        daily = 12 * math.sin((i % 24 - 7) / 24 * 2 * math.pi) + 5 * math.sin((i % 24 - 3) / 12 * 2 * math.pi)
        yield {}, round(80 + daily - 9 * (i // 24 % 7 > 4) + draw.gauss(0, 1.5), 1)


def pump(draw: random.Random) -> Iterator[tuple[Row, None]]:
    """Read a pump's sensors; three times something is wrong with it."""
    faults = {1_062: ("flow", 0.2), 1_273: ("heat", 1.5), 1_431: ("pressure", 2.5)}
    for i in range(10**9):
        flow = 30 + 6 * math.sin(i / 40) + draw.gauss(0, 0.8)
        x = {"flow": flow, "pressure": 0.2 * flow + draw.gauss(0, 0.15), "heat": 41 + draw.gauss(0, 1)}
        name, factor = faults.get(i, ("flow", 1.0))
        x[name] *= factor
        yield {name: round(value, 2) for name, value in x.items()} | {"valve": draw.choice(("open", "half"))}, None


def headlines(server: Server, n: int) -> None:
    """Choose a headline for each reader, and learn whether it was read."""
    server.make("headlines", "decide", seed=1)
    draw, likes = random.Random(5), {"morning": "science", "noon": "travel", "evening": "sports"}
    for _ in range(n):
        x = {"time": draw.choice([*likes]), "device": draw.choice(("phone", "desk")), "visits": draw.randint(0, 30)}
        told = server.post("/models/headlines/act", {"x": x, "actions": ACTIONS})
        read = draw.random() < (0.6 if likes[x["time"]] == told["action"] else 0.15)
        server.post("/models/headlines/reward", {"id": told["id"], "reward": float(read)})


def walk(path: Path) -> None:
    """Find the way to the last of eight rooms, where a reward lies; each step costs a little."""
    draw, room, steps = random.Random(3), 0, 0
    with hw.open(path, hw.Agent(actions=("left", "right"), seed=1, explore=600)) as agent:
        for _ in range(4_000):
            x = {"room": f"r{room}", "doors left": 7 - room}
            action = agent.act(x)
            room = min(max(room + (1 if (action == "right") != (draw.random() < 0.1) else -1), 0), 7)
            steps += 1
            done, cut, after = room == 7, steps == 60 and room != 7, {"room": f"r{room}", "doors left": 7 - room}
            agent.learn(x, action, 1.0 if done else -0.02, after, done, cut)
            if done or cut:
                room = steps = 0


def shops(path: Path) -> None:
    """Learn a small model a shop, of what the next customer pays; two of them are harder than the others."""
    draw = random.Random(4)
    with hw.open(path, hw.Fleet(lambda: hw.Regressor(hidden=(8,), seed=1), key="shop")) as fleet:
        for i in range(1_600):
            shop = ("Oslo", "Lima", "Kyoto", "Accra", "Porto", "Turin", "Quito", "Minsk")[i % 8]
            items, hard = draw.randint(1, 9), shop in ("Quito", "Turin")
            x = {"shop": shop, "items": items, "hour": draw.randint(8, 20), "member": draw.choice(("yes", "no"))}
            fleet.learn_one(x, round(4.5 * items + 3 * (x["member"] == "no") + draw.gauss(0, 14 if hard else 2), 2))


def prompts(path: Path) -> None:
    """Choose a language model for each prompt, and learn how good its answer was; the large one is needed for sums and code."""
    draw, hard = random.Random(6), {"chat": 0.05, "letter": 0.1, "code": 0.5, "sums": 0.7}
    with hw.open(path, hw.Router({"small": 0.25, "medium": 0.9, "large": 3.0}, budget=0.0006, seed=1)) as router:
        for _ in range(1_500):
            task, tokens = draw.choice([*hard]), draw.randint(150, 900)
            choice = router.choose({"task": task}, tokens=tokens)
            wrong = hard[task] * {"small": 1.0, "medium": 0.6, "large": 0.15}[choice.model]
            quality = float(draw.random() > wrong)
            router.reward(choice.id, quality=quality, cost=choice.cost * draw.uniform(0.8, 1.2))


def _taught(
    name: str, task: str, world: Callable[[random.Random], Iterator[tuple[Row, Any]]], n: int
) -> Callable[[Server], None]:
    def teach(server: Server) -> None:
        server.make(name, task, seed=1)
        server.teach(name, world(random.Random(1)), n)

    return teach


WORLDS: dict[str, Callable[[Server], None]] = {
    "regressor": _taught("bicycles", "regress", rides, 2_400),
    "outputs": _taught("parcels", "multioutput", parcels, 1_500),
    "forecaster": _taught("power", "forecast", power, 1_200),
    "detector": _taught("pump", "anomaly", pump, 1_500),
    "bandit": lambda server: headlines(server, 1_500),
}
"""By the name of a picture: what makes a model and teaches it."""
STORED: dict[str, Callable[[Path], None]] = {"agent": walk, "fleet": shops, "router": prompts}
"""The same of what is learned before it is served, into a store."""
