"""A migrated database of its own for every test, by IntegreSQL's API, which `holdfast test` serves."""

import hashlib
import json
import os
import pathlib
import urllib.error
import urllib.request

import psycopg
import pytest

MIGRATIONS = sorted(pathlib.Path(__file__).parent.glob("migrations/*.sql"))
LOCKED = 423


def call(method, path, body=None):
    base = f"{os.environ['INTEGRESQL_CLIENT_BASE_URL']}/{os.environ['INTEGRESQL_CLIENT_API_VERSION']}"
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(base + path, data, headers, method=method)) as answer:
        return json.loads(answer.read() or "null")


def connect(database):
    config = database["config"]
    names = {"username": "user", "database": "dbname"}
    keys = ["host", "port", "username", "password", "database"]
    return psycopg.connect(**{names.get(key, key): config[key] for key in keys})


@pytest.fixture(scope="session")
def template():
    """The hash of the migrations; the first run that asks for it migrates, whatever runs beside it."""
    if os.environ.get("HOLDFAST_TARGET_POSTGRES") == "skip":
        pytest.skip(os.environ["HOLDFAST_TARGET_POSTGRES_REASON"])
    key = hashlib.sha256(b"".join(file.read_bytes() for file in MIGRATIONS)).hexdigest()
    try:
        made = call("POST", "/templates", {"hash": key})
    except urllib.error.HTTPError as error:
        if error.code != LOCKED:
            raise
        return key
    with connect(made["database"]) as connection:
        for file in MIGRATIONS:
            connection.execute(file.read_text())
    call("PUT", f"/templates/{key}")
    return key


@pytest.fixture
def postgres(template):
    """A connection to a copy of the template that no other test sees."""
    made = call("GET", f"/templates/{template}/tests")
    with connect(made["database"]) as connection:
        yield connection
    call("POST", f"/templates/{template}/tests/{made['id']}/recreate")
