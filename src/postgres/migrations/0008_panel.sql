-- SPDX-License-Identifier: Apache-2.0
-- What operators search by.
CREATE INDEX accounts_email_prefix ON accounts (lower(email) text_pattern_ops);
CREATE INDEX orders_payment ON orders (payment);
