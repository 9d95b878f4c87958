BEGIN TRANSACTION;
CREATE TABLE nasboard_schema (
	version INTEGER NOT NULL
);
INSERT INTO "nasboard_schema" VALUES(2);
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
INSERT INTO "rankings" VALUES(4,2,2,1,2.2,X'9155523F0C2FA93EDBCDA6BF67C5673F358BE43EC47509BF28C4143F3CA9BA3E8998963EC3D5E83C62F50B3F41883CBFDED126BE58D8F6BEFC4D193FA6B3223DE4BC95BE272B48BFB4AE83BEC866053C');
INSERT INTO "rankings" VALUES(5,3,3,0,3.30000000000000026645e+00,X'117DD3BE00411CC0D05CE63F0774923FD29DA6BE3018463FD8FA8F3E');
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
INSERT INTO "runs" VALUES(2,'9c280da1178ab8c072040f50b506927d77dfa5cb3bd5fba5a5c0e72f64907075','{"benchmark":"planted","budget_s":100.5,"dataset":"dots","method":"walk","panel":null,"params":{"deep":{"none":null},"names":["a","b"],"rate":0.1,"width":3},"rank_all":false,"rank_every":1,"seed":1,"space":"cells","table_digest":"abababababababababababababababababababababababababababababababab"}','walk','simulated','failed',NULL,'Traceback: it broke',2,1,2.2,6.66666666666666629659e-01,2,'{}');
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
INSERT INTO "steps" VALUES(2,2,2.2,6.66666666666666629659e-01,1,1,NULL);
INSERT INTO "steps" VALUES(3,1,1.1,3.33333333333333314829e-01,NULL,0,'{"eigenvalue":0.2616121342493164,"\u00e4 \u0000 ''quoted''":-0.0}');
INSERT INTO "steps" VALUES(3,2,2.2,6.66666666666666629659e-01,1,1,NULL);
INSERT INTO "steps" VALUES(3,3,3.30000000000000026645e+00,1.0,1,0,'{"eigenvalue":0.6574330148755926,"\u00e4 \u0000 ''quoted''":-0.0}');
CREATE TABLE visits (
	run INTEGER NOT NULL, 
	first INTEGER NOT NULL, 
	n INTEGER NOT NULL, 
	archs BLOB NOT NULL, 
	epochs BLOB NOT NULL, 
	val_accuracy BLOB NOT NULL, 
	cost_s BLOB NOT NULL, 
	PRIMARY KEY (run, first), 
	FOREIGN KEY(run) REFERENCES runs (no)
);
INSERT INTO "visits" VALUES(1,0,6,X'020101000000000000020102010102020101010200020200010201000202020000020001',X'010000000100000003000000030000000300000001000000',X'C85E016007D1BF3FDD432055C175E53FDCD150C7C6B5E43FCC3B081E3CB1E33F46E6F04C2C8ED83FDEBFAECF24E9EF3F',X'D67A06FF194BF13F41589FF12823E93F6B9A112CC303E83F07174EA3F43AE93FC07493157D4ADF3FE9D13C6CA417CE3F');
INSERT INTO "visits" VALUES(2,0,2,X'010102020000020200000201',X'0100000009000000',X'8E7210935130DA3F3F9A54804596E13F',X'4DC6D765DB53C03F19E60EB9FA4FEB3F');
INSERT INTO "visits" VALUES(3,0,3,X'020000000102010001010202020002000100',X'010000000300000001000000',X'E84CA1803D35C33F8AF26F0E39B0DB3F02B8152BE26AE53F',X'A47251ECA6BAE03F473B1A213F76E73F298FA8B83714F13F');
CREATE INDEX steps_logged ON steps (run) WHERE logs IS NOT NULL;
CREATE INDEX steps_changed ON steps (run, step, cost_s, spec) WHERE changed = 1;
COMMIT;
