#pragma once
/// The tables, and how they come up to date: numbered steps, never changed once released, each recorded when
/// it is done. MySQL commits a CREATE by itself, so every step can be repeated.

#include <functional>

#include "adapters/mysql/session.hpp"

namespace market::mysql {

/// Brings the database to the newest schema; several instances may do so at once. `operators_sum`: the keyed
/// sum of a webhook of operators, which those get that are older than the sums. Throws std::runtime_error
/// with one line: it cannot be reached, was written by a newer program, or has such webhooks and nobody here
/// has the keys.
void migrate(Server server, const std::function<std::string(long long)>& operators_sum = {});

/// Only looks. Throws std::runtime_error with one line: there is no market, or one of another schema.
void expect_newest_schema(Session& session);

/// The backup whose restore has begun here and not ended; empty: none. Throws Failure, as the next.
std::string unfinished_restore(Session& session);
/// Empty: it has ended.
void note_restore(Session& session, const std::string& backup);

}  // namespace market::mysql
