-- happenings: what people and checks did in a window: config steps, experiments, alerts.
-- grain:   one row per (happened_us, what, subject, detail)
-- reads:   config_version, experiment, alert
-- columns: happened_us UTC microseconds; times counts equal rows
-- params:  from_us, to_us
SELECT happened_us, what, subject, detail, count(*) AS times
FROM (
    SELECT recorded_at_us AS happened_us, 'config ' || action AS what, '' AS subject,
        substr(config_hash, 1, 12) || CASE WHEN override <> '' THEN ', override: ' || override ELSE '' END AS detail
    FROM config_version
    UNION ALL
    SELECT recorded_at_us, 'experiment ' || status, task_type, experiment FROM experiment
    UNION ALL
    SELECT recorded_at_us, 'alert', task_type, message FROM alert
) AS happened
WHERE happened_us >= $from_us AND happened_us < $to_us
GROUP BY happened_us, what, subject, detail
ORDER BY happened_us, what, subject, detail
