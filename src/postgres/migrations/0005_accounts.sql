-- SPDX-License-Identifier: Apache-2.0
-- Built-in accounts (rule U1). Of sessions and reset links only the SHA-256 is kept, of passwords what argon2id makes of them.
CREATE TABLE accounts (
    id text PRIMARY KEY, -- the person, "a:…"
    email text NOT NULL,
    password text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX accounts_email ON accounts (lower(email));
CREATE TABLE account_sessions (
    token text PRIMARY KEY,
    account text NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    agent text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '30 days'
);
CREATE INDEX account_sessions_account ON account_sessions (account);
CREATE TABLE password_resets (
    token text PRIMARY KEY,
    account text NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL DEFAULT now() + interval '1 hour'
);
CREATE INDEX orders_person_only ON orders (person);
CREATE INDEX tickets_person_only ON tickets (person);
