-- experiment_plan: what was pre-registered: the first row of each experiment at a task type, the last registered first.
-- grain:   one row per experiment
-- reads:   experiment
-- params:  task_type, experiment (NULL: all)
SELECT
    experiment,
    arg_min(arms, (recorded_at_us, event_id)) AS arms,
    min(recorded_at_us) AS registered_us
FROM experiment
WHERE task_type = $task_type AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
GROUP BY experiment
ORDER BY registered_us DESC, experiment
