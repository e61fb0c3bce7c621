#pragma once
/// The tables, and how they come up to date: numbered steps, never changed once released, each recorded when
/// it is done. MySQL commits a CREATE by itself, so every step can be repeated.

#include <functional>
#include <optional>
#include <string>

#include "adapters/mysql/session.hpp"

namespace market::mysql {

/// Brings the database to the newest schema; several instances may do so at once. `operators_sum`: the keyed
/// sum of a webhook of operators, which those get that are older than the sums. Throws std::runtime_error
/// with one line: it cannot be reached, was written by a newer program, or has such webhooks and nobody here
/// has the keys.
void migrate(Server server, const std::function<std::string(long long)>& operators_sum = {});

/// Only looks. Throws std::runtime_error with one line: there is no market, or one of another schema.
void expect_newest_schema(Session& session);

/// A restore that has begun here and not ended.
struct UnfinishedRestore {
  std::string backup;          ///< Which one is restored.
  std::string topic, records;  ///< Where to; empty in a note of an earlier version.
};
/// None: there is none. Throws Failure, as the next two.
std::optional<UnfinishedRestore> unfinished_restore(Session& session);
void note_restore(Session& session, const UnfinishedRestore& restore);
/// It has ended.
void forget_restore(Session& session);
/// Throws std::runtime_error with one line when there is one, or when the database cannot be reached.
void expect_no_restore(const Server& server);

}  // namespace market::mysql
