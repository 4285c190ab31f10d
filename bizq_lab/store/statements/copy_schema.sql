-- copy_schema: the tables and views of another file, without rows.
COPY FROM DATABASE earlier TO "__database__" (SCHEMA);
