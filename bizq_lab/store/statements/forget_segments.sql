-- forget_segments: drop the offsets of segments that are no more.
-- params:  gone: their names
DELETE FROM collected_segment WHERE segment IN (SELECT unnest($gone));
