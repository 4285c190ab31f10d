-- same_rows: whether two files hold the same rows, by their number and the sum of their hashes.
SELECT
    (SELECT (count(*), sum(hash(one)::HUGEINT)) FROM __one__ AS one)
    IS NOT DISTINCT FROM (SELECT (count(*), sum(hash(other)::HUGEINT)) FROM __other__ AS other);
