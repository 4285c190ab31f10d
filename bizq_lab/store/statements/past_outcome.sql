-- past_outcome: what became of each decision, as far as it was known before an instant.
-- grain:   one row per decision_id
-- reads:   task_outcome of the file and its archive, retold
CREATE OR REPLACE TEMP VIEW task_outcome AS
SELECT *
FROM __source__
WHERE decided_at_us < __before_us__
  AND coalesce(finished_at_us, 0) < __before_us__
  AND coalesce(feedback_at_us, 0) < __before_us__
UNION ALL BY NAME
FROM retold;
