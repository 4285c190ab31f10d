-- purge_evaluation: verdicts without old explanations, which quote what they judge.
-- params:  before_us
SELECT * REPLACE (CASE WHEN recorded_at_us < $before_us THEN '' ELSE explanation END AS explanation)
FROM earlier.evaluation
