-- Where Redis does not know the sale, or has lost a part of it, nothing is decided: it is restored from the ledger first (rule P2). Included
-- behind sale by every script but those that make, drain or restore one.
if not kept[5] or kept[6] then return {'redis_lost_sale'} end
