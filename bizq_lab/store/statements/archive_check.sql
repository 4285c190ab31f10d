-- archive_check: rows and the sum of their hashes, day by day: equal for equal rows, in whatever order.
SELECT day, count(*) AS row_count, sum(hash(r)::HUGEINT) AS hashes
FROM (
    SELECT strftime(make_timestamp(__time__), '%Y-%m-%d') AS day, s AS r
    FROM (SELECT * FROM __source__ WHERE __time__ < __before_us__ __leaving__) AS s
)
WHERE day IN __days__
GROUP BY ALL
ORDER BY ALL;
