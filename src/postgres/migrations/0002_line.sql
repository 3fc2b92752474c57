-- SPDX-License-Identifier: Apache-2.0
-- draining: nobody new; through: everyone straight in; away: nobody let in, the line is sent away with its places kept.
ALTER TABLE sales DROP CONSTRAINT sales_status_check;
ALTER TABLE sales ADD CONSTRAINT sales_status_check CHECK (status IN ('draft', 'open', 'paused', 'draining', 'through', 'away', 'closed'));
