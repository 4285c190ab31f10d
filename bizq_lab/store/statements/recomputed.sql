-- recomputed: remember which decisions were touched, for the questions to come.
CREATE OR REPLACE TEMP TABLE recomputed AS FROM touched;
SELECT count(*) FROM recomputed;
