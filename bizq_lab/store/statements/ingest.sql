-- ingest: the sound lines of one kind, as they are, with the table's own columns and types. rowid is the line's number.
CREATE TEMP TABLE staged AS
SELECT *
FROM read_json(
    '__file__', columns = {__columns__}, format = 'newline_delimited', compression = 'uncompressed',
    maximum_object_size = __longest__
);
