-- recorded_from_json: recorded outcomes about to be written.
CREATE TEMP TABLE recorded AS
SELECT * FROM read_json('__file__', columns = {__columns__}, format = 'newline_delimited', maximum_object_size = 268435456);
