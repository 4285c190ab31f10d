-- archived_outcomes: the live and the archived rows of task_outcome; what has heard news since is computed anew.
-- reads:   task_outcome, recomputed, late_outcome
SELECT * FROM __live__ ANTI JOIN recomputed USING (decision_id)
UNION ALL BY NAME
SELECT * FROM read_parquet(__files__, hive_partitioning = false, union_by_name = __mixed__)
    ANTI JOIN recomputed USING (decision_id)
UNION ALL BY NAME
SELECT * FROM late_outcome
