-- purge_quarantine: that lines were refused, and why, without the lines and what the reasons quote of them: nobody
-- knows how old what they hold is, or whose.
SELECT * REPLACE (''::BLOB AS line, regexp_extract(reason, '^[^"'']*') AS reason)
FROM earlier.quarantine
