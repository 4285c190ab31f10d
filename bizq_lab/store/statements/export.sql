-- export: one table, oldest rows first, as one Parquet file.
COPY (SELECT * FROM __table__ ORDER BY __time__, __id__) TO __file__ (FORMAT parquet, COMPRESSION zstd);
