-- recorded_write: sorted, so that the same rows give the same bytes.
COPY (SELECT * FROM recorded ORDER BY task_type, task_key, arm, model, repeat)
TO '__file__' (FORMAT parquet, COMPRESSION zstd);
