-- alerts: the last time each alert was raised, so that it is not raised again while it cools down (S28).
-- grain:   one row per (alert_type, task_type, model)
-- reads:   alert
-- params:  since_us
SELECT alert_type, task_type, model, max(recorded_at_us) AS raised_us
FROM alert
WHERE recorded_at_us >= $since_us
GROUP BY ALL
ORDER BY ALL
