CREATE TABLE customer (name text PRIMARY KEY);
CREATE TABLE purchase (id serial PRIMARY KEY, customer text NOT NULL REFERENCES customer, cents int NOT NULL);
INSERT INTO customer VALUES ('ada'), ('grace');
