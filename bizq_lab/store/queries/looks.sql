-- looks: every look that was taken at an experiment, in order.
-- grain:   one row per (look, arm)
-- reads:   experiment_look
-- columns: as in the log
-- params:  experiment
SELECT *
FROM experiment_look
WHERE experiment = $experiment
QUALIFY row_number() OVER (PARTITION BY look, arm ORDER BY recorded_at_us, event_id) = 1
ORDER BY look, arm
