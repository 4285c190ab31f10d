-- cost_change: what was booked in a window, for accounting: every decision counts, cancelled and pending ones too.
-- grain:   one row per (task_type, model)
-- reads:   task_outcome
-- columns: n decisions, priced those whose cost is known, cost billionths of a dollar over them
-- params:  from_us, to_us (NULL: open)
SELECT
    task_type, model,
    count(*) AS n,
    count(cost_nano_usd) AS priced,
    coalesce(sum(cost_nano_usd), 0)::HUGEINT AS cost
FROM task_outcome
WHERE ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
  AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
GROUP BY task_type, model
ORDER BY task_type, model
