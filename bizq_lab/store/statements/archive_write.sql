-- archive_write: whole days of one table, live and archived rows as one, into one folder a day.
COPY (
    SELECT *, strftime(make_timestamp(__time__), '%Y-%m-%d') AS day
    FROM __source__
    WHERE __time__ < __before_us__ AND day IN __days__
    __leaving__
    ORDER BY __time__, __id__
) TO '__folder__' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (day), FILENAME_PATTERN '__batch__-{i}');
