"""Which model should answer: a proxy with OpenAI's addresses in front of two models, within a budget.

Both models are stubs: the small one can chat, the large one can also add, at twelve times the price. Clients say later how good an
answer was. ``python 30_router.py router.db`` keeps the router, and ``headwater serve --store router.db`` shows its page.
"""

import json
import random
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

import headwater as hw

BUDGET, rng = 0.0003, random.Random(1)
router = hw.Router({"small": 0.25, "large": 3.0}, budget=BUDGET, seed=1)
if len(sys.argv) > 1:  # a store, which has the same methods
    router = hw.open(sys.argv[1], router)  # type: ignore[assignment]


def answer(model, prompt):  # stands for a model
    total = sum(map(int, prompt[4:].split("+"))) if prompt.startswith("add") else "Hello!"
    return str(total) if model == "large" or total == "Hello!" else "I don't know"


class Proxy(BaseHTTPRequestHandler):
    def do_POST(self):
        body, reply = json.loads(self.rfile.read(int(self.headers["content-length"]))), {}
        if self.path == "/v1/feedback":
            router.reward(body["id"], quality=body["quality"], cost=body.get("cost"))
        else:
            prompt = body["messages"][-1]["content"]
            choice = router.choose(prompt, tokens=200 + len(prompt) // 4)
            message = {"role": "assistant", "content": answer(choice.model, prompt)}
            reply = {"id": choice.id, "model": choice.model, "choices": [{"index": 0, "message": message}]}
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(reply).encode())

    def log_message(self, *words): ...


def post(path, body):
    with urlopen(Request(f"http://127.0.0.1:{server.server_port}{path}", json.dumps(body).encode())) as reply:
        return json.load(reply)


server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
threading.Thread(target=server.serve_forever, daemon=True).start()
took: dict[str, list[tuple[bool, float]]] = {"add": [], "hello": []}
for _ in range(800):
    prompt = "hello" if rng.random() > 1 / 3 else f"add {rng.randint(1, 99)}+{rng.randint(1, 99)}"
    said = post("/v1/chat/completions", {"messages": [{"role": "user", "content": prompt}]})
    good = float("I don't know" not in str(said["choices"]))
    post("/v1/feedback", {"id": said["id"], "quality": good})
    took[prompt.split()[0]].append((said["model"] == "large", good))
for task, rows in took.items():
    large, good = map(sum, zip(*rows[-100:], strict=True))
    print(f"{task}: {large}% to the large model, {good:.0f}% good")
print(f"mean cost / budget: {router.spent / router.decisions / BUDGET:.2f}")
