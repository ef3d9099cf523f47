-- One payment an order, however often the worker sees it.
CREATE TABLE payments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id bigint NOT NULL UNIQUE REFERENCES orders (id),
  cents bigint NOT NULL,
  paid_at timestamptz NOT NULL DEFAULT now()
);
