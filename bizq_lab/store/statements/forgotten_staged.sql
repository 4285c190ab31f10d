-- forgotten_staged: the staged rows of one kind that are of what was forgotten.
SELECT rowid FROM staged___kind__
WHERE (
__forgotten__
) IS TRUE
ORDER BY ALL;
