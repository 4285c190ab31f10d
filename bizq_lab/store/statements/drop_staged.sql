-- drop_staged: take rows out of a staged table; the others keep their rowid.
-- params:  refused: their numbers
DELETE FROM staged___kind__ WHERE rowid IN (SELECT unnest($refused::BIGINT[]));
