-- origins: who made the decisions of this log.
-- grain:   one row per origin
-- reads:   decision
SELECT DISTINCT origin FROM decision ORDER BY origin;
