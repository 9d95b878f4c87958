BEGIN TRANSACTION;
CREATE TABLE nasboard_schema (
	version INTEGER NOT NULL
);
INSERT INTO "nasboard_schema" VALUES(1);
CREATE TABLE owners (
	owner TEXT NOT NULL, 
	beat_s DOUBLE NOT NULL, 
	PRIMARY KEY (owner)
);
CREATE TABLE panels (
	identity TEXT NOT NULL, 
	name TEXT NOT NULL, 
	space TEXT NOT NULL, 
	slots INTEGER NOT NULL, 
	archs BLOB NOT NULL, 
	PRIMARY KEY (identity)
);
INSERT INTO "panels" VALUES('some:cabdf6453299','some','cells',3,X'000102040302');
CREATE TABLE rankings (
	no INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	whole BOOLEAN NOT NULL, 
	cost_s DOUBLE NOT NULL, 
	scores BLOB NOT NULL, 
	PRIMARY KEY (no), 
	UNIQUE (run, whole, step), 
	FOREIGN KEY(run) REFERENCES runs (no)
);
INSERT INTO "rankings" VALUES(1,1,3,0,3.30000000000000026645e+00,X'BDF2233FDFD5D63DA12109BFFD22B93E79E9A63FE673723FFE2734BF');
INSERT INTO "rankings" VALUES(2,1,6,0,6.6000000000000005329e+00,X'4ECD14C0EC0A60BE037A9FBFE0753BBF8F540BBF18F2A1BE3DC1D23E');
INSERT INTO "rankings" VALUES(3,1,6,1,6.6000000000000005329e+00,X'1471853F979E03BE46E8AE3F334A2ABF21F9B33ED249673F8589C03DF8553EBF32F66BBF0A5BEABED57A613E2B3B81BF1F3256BEE20B23BEDB740A3F9ACF5B3E69F3B53E506127BF70B904BE9EB2483F');
INSERT INTO "rankings" VALUES(4,3,3,0,3.30000000000000026645e+00,X'117DD3BE00411CC0D05CE63F0774923FD29DA6BE3018463FD8FA8F3E');
CREATE TABLE runs (
	no INTEGER NOT NULL, 
	run_id TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	label TEXT NOT NULL, 
	cost_kind TEXT NOT NULL, 
	status TEXT NOT NULL, 
	owner TEXT, 
	error TEXT, 
	last_step INTEGER NOT NULL, 
	last_spec INTEGER, 
	cost_s DOUBLE NOT NULL, 
	wall_s DOUBLE NOT NULL, 
	queries INTEGER NOT NULL, 
	provenance TEXT NOT NULL, 
	PRIMARY KEY (no), 
	UNIQUE (run_id)
);
INSERT INTO "runs" VALUES(1,'b6fe38dd829f0e66db081586cdeee16aec3e5a75907dff04e2ef800ae5c55871','{"benchmark":"planted","budget_s":100.5,"dataset":"dots","method":"walk","panel":null,"params":{"deep":{"none":null},"names":["a","b"],"rate":0.1,"width":3},"rank_all":false,"rank_every":1,"seed":0,"space":"cells","table_digest":"abababababababababababababababababababababababababababababababab"}','walk','simulated','done',NULL,NULL,6,2,6.6000000000000005329e+00,2.0,6,'{"git":"0000000","dirty":false,"versions":{"numpy":"2"}}');
INSERT INTO "runs" VALUES(2,'9c280da1178ab8c072040f50b506927d77dfa5cb3bd5fba5a5c0e72f64907075','{"benchmark":"planted","budget_s":100.5,"dataset":"dots","method":"walk","panel":null,"params":{"deep":{"none":null},"names":["a","b"],"rate":0.1,"width":3},"rank_all":false,"rank_every":1,"seed":1,"space":"cells","table_digest":"abababababababababababababababababababababababababababababababab"}','walk','simulated','failed',NULL,'Traceback: it broke',2,3,2.2,6.66666666666666629659e-01,2,'{}');
INSERT INTO "runs" VALUES(3,'5b5f5cf1d294e9e52c3edc01f5bdd6662ac43a81ea5bc95ef742e659a5cdc662','{"benchmark":"planted","budget_s":100.5,"dataset":"dots","method":"walk","panel":null,"params":{"deep":{"none":null},"names":["a","b"],"rate":0.1,"width":3},"rank_all":false,"rank_every":1,"seed":2,"space":"cells","table_digest":"abababababababababababababababababababababababababababababababab"}','walk','simulated','pending',NULL,NULL,3,1,3.30000000000000026645e+00,1.0,3,'{}');
INSERT INTO "runs" VALUES(4,'6c507f0173a3565217940a22087d6d3ef0ee9b3acbc1f6331d8b824931c0086d','{"benchmark":"planted","budget_s":100.5,"dataset":"dots","method":"walk","panel":null,"params":{"deep":{"none":null},"names":["a","b"],"rate":0.1,"width":3},"rank_all":false,"rank_every":1,"seed":3,"space":"cells","table_digest":"abababababababababababababababababababababababababababababababab"}','walk','simulated','pending',NULL,NULL,0,NULL,0.0,0.0,0,'{}');
CREATE TABLE specs (
	no INTEGER NOT NULL, 
	spec TEXT NOT NULL, 
	PRIMARY KEY (no), 
	UNIQUE (spec)
);
INSERT INTO "specs" VALUES(1,'|cell 0|');
INSERT INTO "specs" VALUES(2,'|cell 1|');
INSERT INTO "specs" VALUES(3,'|cell 2|');
CREATE TABLE states (
	run INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	queries INTEGER NOT NULL, 
	state BLOB NOT NULL, 
	PRIMARY KEY (run), 
	FOREIGN KEY(run) REFERENCES runs (no)
);
INSERT INTO "states" VALUES(3,3,3,X'61667465722033');
CREATE TABLE steps (
	run INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	cost_s DOUBLE NOT NULL, 
	wall_s DOUBLE NOT NULL, 
	spec INTEGER, 
	changed BOOLEAN NOT NULL, 
	logs TEXT, 
	PRIMARY KEY (run, step), 
	FOREIGN KEY(run) REFERENCES runs (no)
)
 WITHOUT ROWID

;
INSERT INTO "steps" VALUES(1,1,1.1,3.33333333333333314829e-01,NULL,0,'{"eigenvalue":0.6369616873214543,"\u00e4 \u0000 ''quoted''":-0.0}');
INSERT INTO "steps" VALUES(1,2,2.2,6.66666666666666629659e-01,2,1,NULL);
INSERT INTO "steps" VALUES(1,3,3.30000000000000026645e+00,1.0,1,1,'{"eigenvalue":0.9350724237877682,"\u00e4 \u0000 ''quoted''":-0.0}');
INSERT INTO "steps" VALUES(1,4,4.4,1.33333333333333325931e+00,1,0,NULL);
INSERT INTO "steps" VALUES(1,5,5.5,1.66666666666666674068e+00,3,1,'{"eigenvalue":0.002738500170148095,"\u00e4 \u0000 ''quoted''":-0.0}');
INSERT INTO "steps" VALUES(1,6,6.6000000000000005329e+00,2.0,2,1,NULL);
INSERT INTO "steps" VALUES(2,1,1.1,3.33333333333333314829e-01,NULL,0,'{"eigenvalue":0.5118216247002567,"\u00e4 \u0000 ''quoted''":-0.0}');
INSERT INTO "steps" VALUES(2,2,2.2,6.66666666666666629659e-01,3,1,NULL);
INSERT INTO "steps" VALUES(3,1,1.1,3.33333333333333314829e-01,NULL,0,'{"eigenvalue":0.2616121342493164,"\u00e4 \u0000 ''quoted''":-0.0}');
INSERT INTO "steps" VALUES(3,2,2.2,6.66666666666666629659e-01,1,1,NULL);
INSERT INTO "steps" VALUES(3,3,3.30000000000000026645e+00,1.0,1,0,'{"eigenvalue":0.6574330148755926,"\u00e4 \u0000 ''quoted''":-0.0}');
CREATE INDEX steps_changed ON steps (run, step, cost_s, spec) WHERE changed = 1;
CREATE INDEX steps_logged ON steps (run) WHERE logs IS NOT NULL;
COMMIT;
