-- recorded_from_parquet: recorded outcomes as a user has them, cast to the documented types.
CREATE TEMP TABLE recorded AS SELECT __columns__ FROM read_parquet('__file__');
