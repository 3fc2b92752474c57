-- Reads single fields, all at the same moment; changes nothing. Of somebody ("people") all that says where he is.
-- ARGV     key, field, …
-- returns  {code, number of the last decision, then for each its value, '' for none; of "people" {number in line, deadline inside, record}}
--- include sale
--- include known
--- include read
local answer = {'ok', numbers('seq')}
for i = 1, #ARGV, 2 do
  local name, field = ARGV[i], ARGV[i + 1]
  if name == 'people' then
    answer[#answer + 1] = {read_field('line', field) or '', read_field('active', field) or '', read_field('people', field) or ''}
  else
    answer[#answer + 1] = read_field(name, field) or ''
  end
end
return answer
