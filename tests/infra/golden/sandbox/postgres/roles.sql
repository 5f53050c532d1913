-- Rendered by slipway. Makes roles, database and privileges what they must be; safe to run at every start.
-- Passwords are read from files here, so that they are in no argument list, environment or log.
\set owner_password `cat /run/slipway/postgres/postgresOwnerPassword`
\set service_password `cat /run/slipway/postgres/postgresServicePassword`
\set monitor_password `cat /run/slipway/postgres/monitorPassword`
SET password_encryption = 'scram-sha-256';

SELECT 'CREATE ROLE slipway_owner' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'slipway_owner') \gexec
SELECT 'CREATE ROLE slipway_service' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'slipway_service') \gexec
-- CREATEDB: a restore makes a new database beside the live one and renames both.
ALTER ROLE slipway_owner WITH LOGIN NOSUPERUSER CREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'owner_password';
ALTER ROLE slipway_service WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'service_password';
-- The owner sees and ends the service's connections when a restored database takes the live one's place.
GRANT slipway_service TO slipway_owner;
ALTER ROLE slipway_service SET statement_timeout = '60s';
ALTER ROLE slipway_service SET idle_in_transaction_session_timeout = '60s';
-- Whoever reads figures reads no row. Two connections: what a migration has left before the service needs all others.
SELECT 'CREATE ROLE monitor' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitor') \gexec
ALTER ROLE monitor WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    CONNECTION LIMIT 2 PASSWORD :'monitor_password';
ALTER ROLE monitor SET statement_timeout = '5s';
GRANT pg_monitor TO monitor;
SELECT 'CREATE DATABASE slipway OWNER slipway_owner'
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'slipway') \gexec
ALTER DATABASE slipway OWNER TO slipway_owner;
REVOKE ALL ON DATABASE slipway FROM PUBLIC;
GRANT CONNECT ON DATABASE slipway TO slipway_service;

\connect slipway
ALTER SCHEMA public OWNER TO slipway_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO slipway_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO slipway_service;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO slipway_service;
ALTER DEFAULT PRIVILEGES FOR ROLE slipway_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO slipway_service;
ALTER DEFAULT PRIVILEGES FOR ROLE slipway_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO slipway_service;
