//! Everything that needs a database or the router, in one binary. See `support` for what a test is given.

#[macro_use]
mod support;

mod api_recorded;
mod api_tokens;
mod api_v2;
mod audit_chain;
mod broken;
mod cli;
mod db_components;
mod db_incidents;
mod db_maintenances;
mod db_managers;
mod db_page;
mod db_sessions;
mod db_tx;
mod edge;
mod effects;
mod embed;
mod feeds;
mod forgotten;
mod import;
mod live;
mod login_lock;
mod maintenance_steps;
mod sample;
mod web_escaping;
mod web_factors;
mod web_history;
mod web_import;
mod web_incidents;
mod web_links;
mod web_login;
mod web_maintenances;
mod web_maintenances_public;
mod web_outage;
mod web_passkeys;
mod web_prepared;
mod web_proof;
mod web_public;
mod web_routes;
mod web_sessions;
mod web_told;
mod web_visibility;
mod web_weight;
mod web_worker;
