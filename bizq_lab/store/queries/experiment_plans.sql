-- experiment_plans: every experiment as it was pre-registered, in the order of registration.
-- grain:   one row per experiment
-- reads:   experiment
SELECT experiment, task_type, primary_metric, margin, alpha, json_extract_string(arms, '$[0]') AS control
FROM experiment
WHERE recorded_at_us < $to_us
QUALIFY row_number() OVER (PARTITION BY experiment ORDER BY recorded_at_us, event_id) = 1
ORDER BY recorded_at_us, experiment;
