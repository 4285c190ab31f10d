-- recorded_describe: the columns of a Parquet file of recorded outcomes.
DESCRIBE SELECT * FROM read_parquet('__file__');
