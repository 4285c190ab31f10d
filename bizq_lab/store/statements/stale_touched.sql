-- stale_touched: the archived decisions whose outcomes an older release wrote, with other columns.
INSERT INTO touched
SELECT decision_id FROM read_parquet(__files__, hive_partitioning = false, union_by_name = true)
    ANTI JOIN (FROM touched) AS known USING (decision_id);
