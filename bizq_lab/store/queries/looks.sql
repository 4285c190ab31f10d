-- looks: every look that was taken at an experiment, in order.
-- grain:   one row per (look, arm)
-- reads:   experiment_look
-- columns: as in the log
-- params:  experiment
SELECT l.*
FROM experiment_look AS l
INNER JOIN (
    SELECT arg_min(event_id, (recorded_at_us, event_id)) AS event_id
    FROM experiment_look
    WHERE experiment = $experiment
    GROUP BY look, arm
) AS f ON f.event_id = l.event_id
ORDER BY l.look, l.arm
