-- The items of the stock.
-- returns  {code, then for each {index, name, kind, total, left, most per person, price; of a lot also: step, highest bid allowed, opens, closes,
--           highest bid so far (0: none), "open", "closed", "sold" or "unsold"}}
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include stock
--- include auction
local answer = {'ok'}
each_item(function(index, item)
  local told = {index, item.name, item.kind, item.total, item.total - given(index), item.limit, item.price}
  if item.kind == 'lot' then
    local b = load_bids(index, item)
    for _, value in ipairs({item.step, item.most, item.opens, b.closes, b.bids[#b.bids] or 0, b.over or (b.order and 'closed') or 'open'}) do
      told[#told + 1] = value
    end
  end
  answer[#answer + 1] = told
end)
return answer
