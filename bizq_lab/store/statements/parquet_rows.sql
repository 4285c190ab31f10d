-- parquet_rows: how many rows a Parquet file says it has.
-- params:  path
SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata($path);
