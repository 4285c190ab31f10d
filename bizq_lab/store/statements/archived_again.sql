WHERE recorded_at_us >= __before_us__
   OR event_id NOT IN (SELECT event_id FROM read_parquet(__files__, hive_partitioning = false))
