-- purge_decision: decisions without the inputs of old tasks.
-- params:  before_us
SELECT * REPLACE (CASE WHEN recorded_at_us < $before_us THEN NULL ELSE task_input END AS task_input)
FROM earlier.decision
