-- experiment_plans: every experiment as it was pre-registered: its first row, in the order of registration.
-- grain:   one row per experiment
-- reads:   experiment
-- params:  task_type, experiment (NULL: all), to_us (NULL: no end)
WITH first AS (
    SELECT experiment, task_type, arms, primary_metric, margin, alpha, recorded_at_us AS registered_us
    FROM experiment
    WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
      AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
      AND ($to_us::BIGINT IS NULL OR recorded_at_us < $to_us)
    QUALIFY row_number() OVER (PARTITION BY experiment ORDER BY recorded_at_us, event_id) = 1
)
SELECT * FROM first ORDER BY registered_us, experiment;
