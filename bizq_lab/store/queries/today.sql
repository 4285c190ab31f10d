-- today: what each task type did on each of the last days, in counts that a dashboard can show at once.
-- grain:   one row per (task_type, day)
-- reads:   task_outcome
-- columns: day number since the epoch, UTC; decisions, n (ended), success counts; cost_nano_usd of all decisions whose cost is known
-- params:  from_us, to_us
SELECT
    task_type,
    CAST(decided_at_us // 86400000000 AS BIGINT) AS day,
    count(*) AS decisions,
    count(*) FILTER (status <> 'pending') AS n,
    count(*) FILTER (succeeded) AS success,
    CAST(coalesce(sum(cost_nano_usd), 0) AS HUGEINT) AS cost_nano_usd
FROM task_outcome
WHERE status <> 'cancelled' AND decided_at_us >= $from_us AND decided_at_us < $to_us
GROUP BY ALL
ORDER BY ALL
