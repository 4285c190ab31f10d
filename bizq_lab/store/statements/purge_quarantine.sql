-- purge_quarantine: that lines were refused, and why, without the lines: nobody knows how old what they hold is.
SELECT * REPLACE (''::BLOB AS line)
FROM earlier.quarantine
