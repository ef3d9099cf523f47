"""The whole file needs PostgreSQL: one line says so."""

import os

import psycopg
import pytest

pytestmark = pytest.mark.skipif(
    os.environ.get("HOLDFAST_TARGET_POSTGRES") == "skip", reason=os.environ.get("HOLDFAST_TARGET_POSTGRES_REASON", "")
)


def test_a_transfer_moves_money(postgres):
    postgres.execute("INSERT INTO account VALUES ('ada', 100), ('grace', 0)")
    postgres.execute("UPDATE account SET balance = balance + CASE name WHEN 'ada' THEN -30 ELSE 30 END")
    assert postgres.execute("SELECT * FROM account ORDER BY name").fetchall() == [("ada", 70), ("grace", 30)]


def test_nobody_gets_below_zero(postgres):
    postgres.execute("INSERT INTO account VALUES ('ada', 10)")
    with pytest.raises(psycopg.errors.CheckViolation):
        postgres.execute("UPDATE account SET balance = balance - 30")


def test_every_test_begins_with_an_empty_table(postgres):
    assert postgres.execute("SELECT count(*) FROM account").fetchone() == (0,)
