-- forgotten_left: how many rows of what was forgotten a table still has.
SELECT count(*) FROM __source__
WHERE (
__forgotten__
) IS TRUE
