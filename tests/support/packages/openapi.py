"""Whether an answer of a server is as its OpenAPI document says."""

from .imports import when_used

jsonschema = when_used("jsonschema")


def problems_of(document, path, answer):
    """Return what of the answer to a GET is not as the document says."""
    schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    schemas = {"components": document["components"], **schema}
    return [error.message for error in jsonschema.Draft202012Validator(schemas).iter_errors(answer)]
