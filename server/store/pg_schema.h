// The tables of a store in PostgreSQL, and who may write them.
//
// The SQL here and beside it keeps to what other engines of the same protocol understand: no
// advisory locks, no sequences, no LISTEN; PostgreSQL 15 is what it is tested with.
#pragma once

#include <cstdint>
#include <string>

#include "server/store/pg_connection.h"
#include "server/store/pg_store.h"

namespace sx::store {

// Makes the tables in a database (or schema) without them; throws for another version of them.
void prepare_pg_schema(PgConnection& db, const std::string& url);

// One process writes. Its random token and epoch stand in sx_head, and every transaction names
// them, so a process that lost the ownership cannot write even if it never notices. sx_owner is for
// courtesy: it says who owns the store and when that one last gave a sign of life, so that a second
// process refuses to start rather than take the store from under the first.
struct PgOwner {
  std::string token;
  std::uint64_t epoch = 0;
};
// Throws PgError saying who owns the store when that one lives.
PgOwner take_pg_ownership(PgConnection& db, const std::string& url, const PgOptions& options);
// A sign of life; false when somebody else owns the store by now.
bool renew_pg_lease(PgConnection& db, const PgOwner& owner);
void release_pg_ownership(PgConnection& db, const PgOwner& owner);

// 32 random hex digits.
std::string random_token();

// The event in six columns of a row: seq, pos, type, at, data, hash.
Event event_from(const PgResult& result, int row, std::string stream, int first_column = 0);

}  // namespace sx::store
