-- clear: one table of a new log, before the earlier one's rows enter it.
DELETE FROM __table__;
