-- purge_feedback: ratings without what people wrote beside old ones.
-- params:  before_us
SELECT * REPLACE (CASE WHEN recorded_at_us < $before_us THEN '' ELSE comment END AS comment)
FROM earlier.feedback
