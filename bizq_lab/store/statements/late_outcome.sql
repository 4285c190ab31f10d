-- late_outcome: where archived decisions that have heard news get their rows.
CREATE OR REPLACE TEMP TABLE late_outcome AS FROM __live__ LIMIT 0;
