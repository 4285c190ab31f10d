-- move: staged rows into their table.
INSERT INTO __kind__ BY NAME SELECT * FROM staged___kind__;
