"""Ask a server as Triton's and KServe's own clients do; run by the interpreter of their environment. Prints what they got, as JSON.

clients.py PORT NAME, where NAME is triton, triton-binary, triton-grpc, kserve or kserve-grpc.
"""

import asyncio
import json
import sys

import numpy as np

A = np.array([1, 6], np.int64)
C = ["x", "y"]


def asked(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("default")
    return client


def triton(port, binary):
    import tritonclient.http as http

    client = asked(http.InferenceServerClient(f"127.0.0.1:{port}"))
    about = client.get_model_metadata("default")
    inputs = [http.InferInput("a", [2], "INT64"), http.InferInput("c", [2], "BYTES")]
    inputs[0].set_data_from_numpy(A, binary_data=binary)
    inputs[1].set_data_from_numpy(np.array(C, object), binary_data=binary)
    outputs = [http.InferRequestedOutput(name, binary_data=binary) for name in ("y_pred", "proba")]
    answer = client.infer("default", inputs, outputs=outputs, request_id="7")
    said = [one.decode() if isinstance(one, bytes) else one for one in answer.as_numpy("y_pred").tolist()]
    client.close()
    return {"about": about, "id": answer.get_response()["id"], "said": said, "proba": answer.as_numpy("proba").tolist()}


def triton_grpc(port):
    import tritonclient.grpc as grpc

    client = asked(grpc.InferenceServerClient(f"127.0.0.1:{port}"))
    assert client.get_server_metadata().name == "headwater"
    about = client.get_model_metadata("default", as_json=True)
    inputs = [grpc.InferInput("a", [2], "INT64"), grpc.InferInput("c", [2], "BYTES")]
    inputs[0].set_data_from_numpy(A)
    inputs[1].set_data_from_numpy(np.array(C, object))
    outputs = [grpc.InferRequestedOutput(name) for name in ("y_pred", "proba")]
    answer = client.infer("default", inputs, outputs=outputs, request_id="7")
    said = [one.decode() for one in answer.as_numpy("y_pred").tolist()]
    client.close()
    return {"about": about, "id": answer.get_response().id, "said": said, "proba": answer.as_numpy("proba").tolist()}


async def kserve_grpc(port):
    from kserve import InferenceGRPCClient, InferInput, InferRequest

    client = InferenceGRPCClient(f"127.0.0.1:{port}")
    assert await client.is_server_ready()
    assert await client.is_model_ready("default")
    inputs = [InferInput("a", [2], "INT64", A.tolist()), InferInput("c", [2], "BYTES", C)]
    answer = await client.infer(InferRequest("default", inputs, request_id="7"))
    found = {output.name: output.as_numpy() for output in answer.outputs}
    await client.close()
    said = [one.decode() if isinstance(one, bytes) else one for one in found["y_pred"].tolist()]
    return {"about": {"name": answer.model_name}, "id": answer.id, "said": said, "proba": found["proba"].tolist()}


async def kserve(port):
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    base = f"http://127.0.0.1:{port}"
    assert await client.is_server_live(base)
    assert await client.is_server_ready(base)
    assert await client.is_model_ready(base, "default")
    inputs = [InferInput("a", [2], "INT64", A.tolist()), InferInput("c", [2], "BYTES", C)]
    answer = await client.infer(base, InferRequest("default", inputs, request_id="7"), model_name="default")
    found = {output.name: output.data for output in answer.outputs}
    await client.close()
    return {"about": {"name": answer.model_name}, "id": answer.id, "said": found["y_pred"], "proba": found["proba"]}


if __name__ == "__main__":
    port, name = int(sys.argv[1]), sys.argv[2]
    if name.startswith("kserve"):
        print(json.dumps(asyncio.run(kserve_grpc(port) if name == "kserve-grpc" else kserve(port))))
    else:
        print(json.dumps(triton_grpc(port) if name == "triton-grpc" else triton(port, name == "triton-binary")))
