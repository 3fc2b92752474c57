-- What the tick publishes once a second, for a gateway that has just begun (lib/view.lua).
-- returns  {code, waiting, {number, …}, {first, last, count, …}, number handed out last}
--- include sale
--- include known
--- include line
--- include view
return {'ok', view()}
