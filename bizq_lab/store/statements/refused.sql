-- refused: staged rows that must not enter the table, with the reason. An event written twice has one id and one time,
-- so that only the table's rows of the batch's own time span need looking at.
-- params:  first_us, last_us: the batch's time span
SELECT rowid, 'event_id or recorded_at_us is missing' AS reason
FROM staged___kind__
WHERE event_id IS NULL OR recorded_at_us IS NULL
UNION ALL
SELECT s.rowid, 'event_id was collected before'
FROM staged___kind__ AS s
SEMI JOIN (SELECT event_id FROM __kind__ WHERE recorded_at_us BETWEEN $first_us AND $last_us) AS t USING (event_id)
UNION ALL
SELECT rowid, 'event_id occurs twice'
FROM staged___kind__
SEMI JOIN (SELECT event_id FROM staged___kind__ GROUP BY event_id HAVING count(*) > 1) USING (event_id)
WHERE rowid NOT IN (SELECT min(rowid) FROM staged___kind__ GROUP BY event_id HAVING count(*) > 1)
ORDER BY ALL;
