"""What a schema can't say of a request that is meant to be right."""

import base64
import unicodedata
import uuid
from collections import Counter
from pathlib import Path

import schemathesis

# A cursor is opaque: the schema calls it text, and only the service knows which texts are one.
CURSORS = {
    "id": "id:0",
    "-id": "-id:9999",
    "price": "price:42:1000",
    "-price": "-price:42:1000",
    "name": "name:42:Laptop",
}
COMMON_PASSWORDS = frozenset((Path(__file__).parents[2] / "data/common-passwords.txt").read_text().splitlines())
IDS = ("id", "user_id", "userId", "product_id", "order_id", "payment_id")


def likely(number):
    """Of the ids that a generator thinks of hardly one is there: the large ones become small."""
    number = int(number)
    return number if number < 100_000 else 1 + number % 10


def choosable(password):
    """Of the passwords that are long enough some are everybody's; and it is their normal form that counts."""
    normal = unicodedata.normalize("NFKC", password)
    usual = normal.lower() in COMMON_PASSWORDS or not 8 <= len(normal) <= 128
    return "tiga ekor kucing" if usual else password


def settle(body):
    """Turns the ids of a body into likely ones, and keeps the sums that have limits of their own."""
    for name in ("password", "new_password"):
        if name in body:
            body[name] = choosable(body[name])
    # Whoever has an account keeps an address to log in with.
    if body.get("email", "") is None:
        del body["email"]
    for name in IDS:
        if body.get(name):
            body[name] = likely(body[name])
    # An order has 50 lines at most, and equal ids are one line.
    if body.get("menu_ids"):
        body["menu_ids"] = [likely(number) % 50 + 1 for number in body["menu_ids"]]
    lines = body.get("items") or []
    for line in lines:
        line["product_id"] = likely(line["product_id"])
    # Equal products are one line, whose quantities are added up.
    times = Counter(line["product_id"] for line in lines)
    for line in lines:
        if times[line["product_id"]] > 1:
            line["quantity"] = 1


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    # Here and not before the call: an id that is changed then passes for that of what an earlier call made.
    text = str((path_parameters or {}).get("id", ""))
    if text.isascii() and text.isdigit() and int(text) < 2**63:
        path_parameters["id"] = likely(text)
    return path_parameters


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # To JSON 1.0 is an integer; in a query it is written 1.
    for name, value in (case.query or {}).items():
        if isinstance(value, float):
            case.query[name] = int(value)
    if case.query and "after" in case.query:
        cursor = CURSORS[case.query.get("sort", "id")]
        case.query["after"] = base64.urlsafe_b64encode(cursor.encode()).decode().rstrip("=")
    # A key stands for one request: each gets a fresh one.
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    if isinstance(case.body, dict):
        settle(case.body)
