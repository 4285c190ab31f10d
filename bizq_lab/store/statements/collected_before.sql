-- collected_before: staged rows of one kind whose event the table has. An event written twice has one id and one time,
-- so that only the table's rows of the batch's own time span need looking at.
-- params:  first_us, last_us: the batch's time span
SELECT s.rowid
FROM staged___kind__ AS s
SEMI JOIN (SELECT event_id FROM __kind__ WHERE recorded_at_us BETWEEN $first_us AND $last_us) AS t USING (event_id)
ORDER BY ALL;
