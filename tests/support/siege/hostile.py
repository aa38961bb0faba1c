"""Requests that no one should send, as the bytes that a socket writes."""

SURROGATE = b'{"inputs":[{"name":"a","shape":[1],"datatype":"BYTES","data":["\\ud800"]}]}'


def keys(n):
    return b",".join(b'"k%d":1' % i for i in range(n))


def hostile(rng):
    """Return the bytes of a request that no one should send."""
    kind = rng.choices(list(KINDS), KINDS.values())[0]
    path, body, head = kind(rng)
    method = rng.choice([b"POST"] * 8 + [b"PUT", b"HEAD", b"PURGE"])
    said = b"transfer-encoding" in head or b"content-length:" in head.replace(b"inference-header-content-length:", b"")
    length = b"" if said else b"content-length: %d\r\n" % len(body)
    whole = b"%s %s HTTP/1.1\r\nhost: localhost\r\n%s%s\r\n%s" % (method, path, head, length, body)
    return whole[: rng.randrange(1, len(whole))] if kind is cut and rng.random() < 0.3 else whole


def paths(rng, *words):
    return rng.choice([word.encode() for word in words])


def noise(rng):
    at = paths(rng, "/learn", "/predict", "/label", "/invocations", "/v2/models/default/infer", "/models")
    return at, rng.randbytes(rng.randrange(2000)), b""


def deep(rng):
    return paths(rng, "/learn", "/predict"), rng.choice([b"[", b'{"x":']) * rng.randrange(1, 20_000), b""


def wide(rng):
    """One row with far more names than a row may have."""
    body = b'{"x":{%s},"y":"a"}' % keys(rng.choice([10_500, 30_000, 100_000]))
    return paths(rng, "/learn", "/models/default/learn"), body, b""


def shapes(rng):
    """Tensors that say they are huge."""
    shape = rng.choice([b"[100000,10000]", b"[99999,1]", b"[1000000000]", b"[1,999999999999]"])
    data = rng.choice([b'"data":[]', b'"parameters":{"binary_data_size":4}'])
    body = b'{"inputs":[{"name":"a","datatype":"BYTES","shape":%s,%s}]}' % (shape, data)
    return b"/v2/models/default/infer", body + b"\0\0\0\0", b"inference-header-content-length: %d\r\n" % len(body)


def surrogates(rng):
    return paths(rng, "/v2/models/default/infer", "/v2/models/default/learn"), SURROGATE, b""


def many(rng):
    """Rows without end, of nothing."""
    return paths(rng, "/learn", "/predict"), b"[" + b'{"x":{}},' * rng.randrange(110_000, 130_000) + b"7]", b""


def heads(rng):
    return b"/models", b"", rng.choice([b"x: %s\r\n" % (b"y" * 60_000), b"x: y\r\n" * 500])


def names(rng):
    at = rng.choice([b"/page/" + b"a" * 300, b"/models/" + b"%f0%28", b"/nowhere/" + b"b" * 2000, b"/models/none/onnx"])
    return at, b"", b""


def chunks(rng):
    body = rng.choice([b"5;" + b"e" * 70_000, b"zz\r\n", b"ffffffffffffffffff\r\n", b"0\r\n" + b"x: y\r\n" * 9000])
    return b"/predict", body, b"transfer-encoding: chunked\r\n"


def zeroes(rng):
    """Tensors of no rows and of columns without end."""
    shape = rng.choice([b"[0,1000000000]", b"[0,1000000]", b"[0,4611686018427387904]"])
    return (
        b"/v2/models/default/infer",
        b'{"inputs":[{"name":"a","datatype":"BYTES","shape":%s,"data":[]}]}' % shape,
        b"",
    )


def cut(rng):
    """A head that ends in its middle, or a body shorter or longer than was said."""
    head = rng.choice(
        [b"content-length: 50\r\n", b"content-length: 3\r\n", b"content-length: 5\r\ncontent-length: 9\r\n"]
    )
    return paths(rng, "/predict", "/learn"), b'{"x":{"a":1}}', head


def pipelined(rng):
    """More requests behind the first than the server takes ahead."""
    one = b'POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 26\r\n\r\n{"x":{"a":1},"keep":false}'
    return b"/predict", b"{}" + one * rng.choice([3, 15, 40]), b"content-length: 2\r\n"


def mistakes(rng):
    """What was once a 500, or led to another host."""
    digits = b"inference-header-content-length: %s\r\n" % (b"9" * 5000)
    return rng.choice(
        [
            (b"/v2/models/default/infer", b"{}", digits),
            (b"/explain", b'{"x":{}}', b""),
            (b"/predict?" + b"&".join([b"a=1"] * 200), b'{"x":{}}', b""),
            (b"/models/", b"", b""),
            (b"/predict", b"{}", b"content-length: -5\r\n"),
            (b"/predict", b"{}", b"content-length: 99999999999999999999\r\n"),
            (b"/predict", b"{}", b"expect: 100-continue\r\ncontent-length: 2\r\n"),
            (b"/predict", b"", b"upgrade: websocket\r\nconnection: upgrade\r\n"),
            (b"\x00\xff", b"", b"\xff: \x00\r\n"),
        ]
    )


def models(rng):
    """Models far too large."""
    return b"/models", b'{"name":"big","hidden":[4096,4096,4096,4096,4096,4096,4096,4096],"optimizer":"adam"}', b""


KINDS = {
    noise: 30,
    deep: 10,
    shapes: 10,
    surrogates: 10,
    heads: 10,
    names: 10,
    chunks: 10,
    zeroes: 10,
    mistakes: 10,
    models: 5,
    cut: 10,
    pipelined: 5,
    wide: 1,
    many: 1,
}
"""Each kind, and how often it comes."""
