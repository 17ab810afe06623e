"""What a schema can't say of a request that is meant to be right."""

import uuid

import schemathesis

# A cursor is opaque: the schema calls it text, and only the service knows which texts are one.
CURSORS = {"id": "aWQ6MA", "-id": "LWlkOjk5OTk"}


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.query and "after" in case.query:
        case.query["after"] = CURSORS[case.query.get("sort", "id")]
    # A key stands for one request: each gets a fresh one.
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
