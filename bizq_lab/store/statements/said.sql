-- said: which regular expressions some row of a table matches, in whatever column.
-- params:  patterns
SELECT DISTINCT pattern
FROM __source__ AS one, (SELECT unnest($patterns::VARCHAR[]) AS pattern) AS patterns
WHERE regexp_matches(one::VARCHAR, pattern);
