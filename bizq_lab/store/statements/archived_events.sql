-- archived_events: the live and the archived rows of one kind of event.
SELECT * FROM __live__ __unless__
UNION ALL BY NAME
SELECT * FROM read_parquet(__files__, hive_partitioning = false, union_by_name = __mixed__)
