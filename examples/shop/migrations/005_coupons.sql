CREATE TABLE coupons (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL UNIQUE,
  total integer NOT NULL CHECK (total > 0),
  remaining integer NOT NULL CHECK (remaining BETWEEN 0 AND total),
  created_at timestamptz NOT NULL DEFAULT now()
);
-- One claim a user, however often it is asked for.
CREATE TABLE claims (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  coupon_id bigint NOT NULL REFERENCES coupons (id),
  user_id bigint NOT NULL REFERENCES users (id),
  claimed_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (coupon_id, user_id)
);
CREATE INDEX claims_user ON claims (user_id);
