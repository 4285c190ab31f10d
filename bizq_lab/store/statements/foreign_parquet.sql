-- foreign_parquet: the rows of a Parquet file of another program, each value as JSON text, NULL where there is none.
-- params:  path: the file, its wildcards escaped
SELECT to_json(COLUMNS(*))::VARCHAR FROM read_parquet($path, hive_partitioning = false);
