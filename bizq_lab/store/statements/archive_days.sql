-- archive_days: the days of one table that have something to archive.
SELECT DISTINCT strftime(make_timestamp(__time__), '%Y-%m-%d') AS day
FROM __source__
WHERE __time__ < __before_us__
__leaving__;
