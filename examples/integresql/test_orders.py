import psycopg
import pytest


@pytest.mark.parametrize("customer", ["ada", "grace"])
def test_the_first_order_is_number_one(postgres, customer):
    number = postgres.execute("INSERT INTO purchase (customer, cents) VALUES (%s, 999) RETURNING id", [customer])
    assert number.fetchone() == (1,)
    postgres.commit()


def test_a_stranger_orders_nothing(postgres):
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        postgres.execute("INSERT INTO purchase (customer, cents) VALUES ('eve', 1)")


def test_what_a_test_drops_is_there_in_the_next_one(postgres):
    postgres.execute("DROP TABLE purchase, customer")
    postgres.commit()


def test_every_database_is_migrated(postgres):
    assert postgres.execute("SELECT count(*) FROM customer").fetchone() == (2,)
