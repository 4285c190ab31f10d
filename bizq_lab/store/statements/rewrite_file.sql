-- rewrite_file: the new rows of one archived file.
COPY (
__rows__
) TO __file__ (FORMAT parquet, COMPRESSION zstd);
