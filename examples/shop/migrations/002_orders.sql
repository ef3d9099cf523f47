CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users (id),
  item text NOT NULL,
  cents bigint NOT NULL CHECK (cents > 0),
  state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'paid')),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX orders_user ON orders (user_id);
CREATE INDEX orders_new ON orders (id) WHERE state = 'new';
