"""The rival: FastAPI + River's logistic regression, as durable as headwater: SQLite in WAL mode, synced, group commit.

Run by an interpreter of an environment of its own: ENV/bin/python benchmarks/serve/fastapi_river.py FILE
"""

import asyncio
import json
import signal
import socket
import sqlite3
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel
from river import compose, linear_model, optim, preprocessing

numbers = compose.SelectType(float, int) | preprocessing.StandardScaler()
model = (numbers + (compose.SelectType(str) | preprocessing.OneHotEncoder())) | linear_model.LogisticRegression(
    optimizer=optim.SGD(0.1)
)
base = sqlite3.connect(sys.argv[1], isolation_level=None, check_same_thread=False)
base.execute("PRAGMA journal_mode=WAL")
base.execute("PRAGMA synchronous=FULL")
base.execute("CREATE TABLE journal (seq INTEGER PRIMARY KEY, body TEXT)")
app = FastAPI()
waiting: list[tuple[list[dict[str, Any]], asyncio.Future]] = []
state = {"seq": 0, "busy": False}


class Example(BaseModel):
    x: dict[str, Any]
    y: bool


def write(group):
    base.execute("BEGIN IMMEDIATE")
    out = []
    for rows, _ in group:
        first = state["seq"] + 1
        for row in rows:
            state["seq"] += 1
            base.execute("INSERT INTO journal VALUES (?, ?)", (state["seq"], json.dumps(row)))
        out.append(first)
    base.execute("COMMIT")
    said = []
    for rows, _ in group:
        said.append([])
        for row in rows:
            said[-1].append(model.predict_one(row["x"]))
            model.learn_one(row["x"], row["y"])
    return out, said


async def commit():
    while waiting:
        group, waiting[:] = waiting[:], []
        for (_, future), *answer in zip(group, *await asyncio.to_thread(write, group), strict=True):
            future.set_result(answer)
    state["busy"] = False


async def durable(rows):
    future = asyncio.get_running_loop().create_future()
    waiting.append((rows, future))
    if not state["busy"]:
        state["busy"] = True
        asyncio.get_running_loop().create_task(commit())
    return await future


@app.post("/learn")
async def learn(request: Request):
    body = await request.body()
    if request.headers.get("content-type") == "application/x-ndjson":
        first, said = await durable([Example.model_validate_json(line).model_dump() for line in body.splitlines()])
        return PlainTextResponse("\n".join(json.dumps({"seq": first + i, "y_pred": y}) for i, y in enumerate(said)))
    first, said = await durable([Example.model_validate_json(body).model_dump()])
    return {"seq": first, "y_pred": said[0]}


with socket.socket() as sock:
    sock.bind(("127.0.0.1", 0))
    sock.listen(1024)
    print(f"http://127.0.0.1:{sock.getsockname()[1]}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[sock])
