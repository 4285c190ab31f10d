-- recomputed_outcomes: the live rows of task_outcome, and the archived ones all computed anew.
-- reads:   task_outcome, recomputed, late_outcome
SELECT * FROM __live__ ANTI JOIN recomputed USING (decision_id)
UNION ALL BY NAME
SELECT * FROM late_outcome
