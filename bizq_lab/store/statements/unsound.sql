-- unsound: staged rows of one kind that can enter no table, with the reason.
SELECT rowid, 'event_id or recorded_at_us is missing' AS reason
FROM staged___kind__
WHERE event_id IS NULL OR recorded_at_us IS NULL
UNION ALL
SELECT rowid, 'event_id occurs twice'
FROM staged___kind__
SEMI JOIN (SELECT event_id FROM staged___kind__ GROUP BY event_id HAVING count(*) > 1) USING (event_id)
WHERE rowid NOT IN (SELECT min(rowid) FROM staged___kind__ GROUP BY event_id HAVING count(*) > 1)
ORDER BY ALL;
