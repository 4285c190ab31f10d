-- log_span: from when to when the log holds outcomes.
-- grain:   one row
-- reads:   task_outcome
-- columns: first_us, last_us UTC microseconds; NULL in an empty log
SELECT min(decided_at_us) AS first_us, max(decided_at_us) AS last_us
FROM task_outcome
WHERE status NOT IN ('pending', 'cancelled')
