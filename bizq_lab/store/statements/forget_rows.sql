-- forget_rows: the rows of one table that stay.
SELECT * FROM earlier.__table__
WHERE (
__forgotten__
) IS NOT TRUE
