-- experiments: each experiment as it was pre-registered, and what has become of it.
-- grain:   one row per experiment
-- reads:   experiment
-- columns: plan is the whole pre-registered plan, status the latest; started_us is NULL until it ran
-- params:  experiment (NULL: all)
SELECT
    experiment,
    arg_min(task_type, (recorded_at_us, event_id)) AS task_type,
    arg_min(plan, (recorded_at_us, event_id)) AS plan,
    arg_max(status, (recorded_at_us, event_id)) AS status,
    min(recorded_at_us) AS registered_us,
    min(recorded_at_us) FILTER (status = 'running') AS started_us,
    max(recorded_at_us) AS changed_us
FROM experiment
WHERE $experiment::VARCHAR IS NULL OR experiment = $experiment
GROUP BY experiment
ORDER BY registered_us, experiment
