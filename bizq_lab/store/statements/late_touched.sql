-- late_touched: the archived decisions that have heard news.
CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT decision_id FROM __live__;
