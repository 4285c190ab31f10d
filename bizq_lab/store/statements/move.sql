-- move: staged rows into their table.
-- params:  refused: the numbers of the rows that must not enter it
INSERT INTO __kind__ BY NAME
SELECT * FROM staged___kind__ WHERE rowid NOT IN (SELECT unnest($refused::BIGINT[]));
