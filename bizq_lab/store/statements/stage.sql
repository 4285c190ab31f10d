-- stage: the sound lines of one kind, as they are, with the table's own columns and types. rowid is the line's number.
-- In memory, outside of any lock and transaction: a line that DuckDB cannot read must not abort one.
CREATE OR REPLACE TEMP TABLE staged___kind__ AS
SELECT *
FROM read_json(
    '__file__', columns = {__columns__}, format = 'newline_delimited', compression = 'uncompressed',
    maximum_object_size = __longest__
);
