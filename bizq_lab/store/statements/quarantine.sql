-- quarantine: refused lines, byte for byte.
-- params:  segment, offset, reason, line: lists of one length
INSERT INTO quarantine
SELECT unnest($segment::VARCHAR[]), unnest($offset::BIGINT[]), unnest($reason::VARCHAR[]), unnest($line::BLOB[]);
