"""Bodies that schemathesis does not know how to write."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(ctx, value):
    """Lines as they were made, whatever is in them."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
