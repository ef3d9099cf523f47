/** The tables of migration tools, each with what was applied: SQL that PostgreSQL and MariaDB both understand. */
export interface LedgerExample {
  readonly tool: string
  /** Names that need quoting stand in double quotation marks. */
  readonly sql: string
  readonly latest: string
  readonly applied: readonly string[]
  readonly absent: readonly string[]
}

export const LEDGERS: readonly LedgerExample[] = [
  {
    tool: 'Flyway',
    sql: `create table flyway_schema_history (installed_rank int, version varchar(50), script varchar(100), success boolean);
      insert into flyway_schema_history values (1, '1', 'V1__init.sql', true), (2, '2.1', 'V2_1__users.sql', true),
        (3, null, 'R__views.sql', true)`,
    latest: '2.1',
    applied: ['1', '2.1', 'V2_1__users', 'V2_1__users.sql', 'R__views.sql'],
    absent: ['3', 'V3__orders.sql'],
  },
  {
    tool: 'Liquibase',
    sql: `create table databasechangelog (id varchar(255), author varchar(255), filename varchar(255), orderexecuted int, exectype varchar(10));
      insert into databasechangelog values ('init', 'a', 'c.xml', 1, 'EXECUTED'), ('users', 'a', 'c.xml', 2, 'EXECUTED')`,
    latest: 'users',
    applied: ['init', 'users'],
    absent: ['orders'],
  },
  {
    tool: 'golang-migrate',
    sql: `create table schema_migrations (version bigint primary key, dirty boolean);
      insert into schema_migrations values (10, false)`,
    latest: '10',
    applied: ['10', '9', '000010_users.up.sql', '0003_init'],
    absent: ['11', '000011_orders.up.sql', 'orders'],
  },
  {
    tool: 'Rails',
    sql: `create table schema_migrations (version varchar(255) primary key);
      create table ar_internal_metadata ("key" varchar(255) primary key, value varchar(255));
      insert into schema_migrations values ('20240101000000'), ('20240202000000')`,
    latest: '20240202000000',
    applied: ['20240101000000', '20240202000000_create_users.rb'],
    absent: ['20240303000000'],
  },
  {
    tool: 'dbmate',
    sql: `create table schema_migrations (version varchar(128) primary key);
      insert into schema_migrations values ('20240101000000')`,
    latest: '20240101000000',
    applied: ['20240101000000_init.sql'],
    absent: ['20240202000000'],
  },
  {
    tool: 'Django',
    sql: `create table django_migrations (id int, app varchar(255), name varchar(255), applied timestamp);
      insert into django_migrations values (1, 'auth', '0001_initial', current_timestamp), (2, 'shop', '0002_users', current_timestamp)`,
    latest: 'shop.0002_users',
    applied: ['shop.0002_users', '0002_users', 'auth.0001_initial'],
    absent: ['shop.0003_orders', 'shop.0001_initial'],
  },
  {
    tool: 'Alembic',
    sql: `create table alembic_version (version_num varchar(32) primary key); insert into alembic_version values ('ae1027a6acf')`,
    latest: 'ae1027a6acf',
    applied: ['ae1027a6acf', 'ae1027a6acf_add_users.py'],
    absent: ['1975ea83b712'],
  },
  {
    tool: 'Prisma',
    sql: `create table _prisma_migrations (id varchar(36), finished_at timestamp null, migration_name varchar(255), rolled_back_at timestamp null, started_at timestamp null);
      insert into _prisma_migrations values ('a', current_timestamp, '20240101_init', null, '2024-01-01 00:00:00'),
        ('b', null, '20240202_users', current_timestamp, '2024-02-02 00:00:00')`,
    latest: '20240101_init',
    applied: ['20240101_init'],
    absent: ['20240202_users'],
  },
  {
    tool: 'Knex',
    sql: `create table knex_migrations (id int, name varchar(255), batch int);
      insert into knex_migrations values (1, '001_init.js', 1), (2, '002_users.ts', 2)`,
    latest: '002_users.ts',
    applied: ['001_init', '002_users', '002_users.ts'],
    absent: ['003_orders'],
  },
  {
    tool: 'TypeORM',
    sql: `create table migrations (id int, "timestamp" bigint, name varchar(255));
      insert into migrations values (1, 1700000000000, 'Init1700000000000')`,
    latest: 'Init1700000000000',
    applied: ['Init1700000000000', '1700000000000', '1700000000000-Init.ts'],
    absent: ['Users1800000000000'],
  },
  {
    tool: 'Laravel',
    sql: `create table migrations (id int, migration varchar(255), batch int);
      insert into migrations values (1, '2014_10_12_000000_create_users_table', 1)`,
    latest: '2014_10_12_000000_create_users_table',
    applied: ['2014_10_12_000000_create_users_table', '2014_10_12_000000_create_users_table.php'],
    absent: ['2015_10_12_000000_create_orders_table'],
  },
  {
    tool: 'node-pg-migrate',
    sql: `create table pgmigrations (id int, name varchar(255), run_on timestamp);
      insert into pgmigrations values (1, '1700000000000_init', current_timestamp)`,
    latest: '1700000000000_init',
    applied: ['1700000000000_init', '1700000000000_init.js'],
    absent: ['1800000000000_users'],
  },
  {
    tool: 'Sequelize',
    sql: `create table "SequelizeMeta" (name varchar(255) primary key); insert into "SequelizeMeta" values ('1-init.js'), ('2-users.js')`,
    latest: '2-users.js',
    applied: ['1-init.js', '2-users'],
    absent: ['3-orders.js'],
  },
  {
    tool: 'Drizzle',
    sql: `create table __drizzle_migrations (id int, hash varchar(64), created_at bigint);
      insert into __drizzle_migrations values (1, 'aa11', 1700000000000), (2, 'bb22', 1700000000001)`,
    latest: '2',
    applied: ['bb22', '0000_init', '0001_users'],
    absent: ['0002_orders', 'cc33'],
  },
  {
    tool: 'goose',
    sql: `create table goose_db_version (id int, version_id bigint, is_applied boolean, tstamp timestamp);
      insert into goose_db_version values (1, 0, true, current_timestamp), (2, 2, true, current_timestamp)`,
    latest: '2',
    applied: ['2', '00002_users.sql'],
    absent: ['3', '00001_init.sql'],
  },
  {
    tool: 'Kysely',
    sql: `create table kysely_migration (name varchar(255), "timestamp" varchar(255));
      insert into kysely_migration values ('001_init', '2024-01-01T00:00:00Z')`,
    latest: '001_init',
    applied: ['001_init', '001_init.ts'],
    absent: ['002_users'],
  },
  {
    tool: 'Entity Framework',
    sql: `create table "__EFMigrationsHistory" ("MigrationId" varchar(150), "ProductVersion" varchar(32));
      insert into "__EFMigrationsHistory" values ('20240101000000_Init', '8.0.0')`,
    latest: '20240101000000_Init',
    applied: ['20240101000000_Init'],
    absent: ['20240202000000_Users'],
  },
]

/** Migrations that stopped half-way, with what is said of them. */
export const BROKEN: readonly { tool: string; sql: string; says: string; concern: string }[] = [
  {
    tool: 'Flyway',
    sql: `create table flyway_schema_history (installed_rank int, version varchar(50), script varchar(100), success boolean);
      insert into flyway_schema_history values (1, '1', 'V1__init.sql', true), (2, '2', 'V2__users.sql', false)`,
    says: "Flyway's 2 is failed",
    concern: 'migration-failed',
  },
  {
    tool: 'golang-migrate',
    sql: 'create table schema_migrations (version bigint, dirty boolean); insert into schema_migrations values (3, true)',
    says: "golang-migrate's 3 is dirty",
    concern: 'migration-dirty',
  },
  {
    tool: 'Prisma',
    sql: `create table _prisma_migrations (migration_name varchar(255), finished_at timestamp null, rolled_back_at timestamp null, started_at timestamp null);
      insert into _prisma_migrations values ('1_init', current_timestamp, null, current_timestamp), ('2_users', null, null, current_timestamp)`,
    says: "Prisma's 2_users is unfinished",
    concern: 'migration-unfinished',
  },
]
