-- columns: every table and view of the file with its columns, in their order.
-- grain:   one row per (table_name, column_name)
SELECT table_name, column_name, data_type
FROM duckdb_columns()
WHERE NOT internal
ORDER BY table_name, column_index;
