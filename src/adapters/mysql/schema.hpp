#pragma once
/// The tables, and how they come up to date: numbered steps, never changed once released, each recorded when
/// it is done. MySQL commits a CREATE by itself, so every step can be repeated.

#include "adapters/mysql/session.hpp"

namespace market::mysql {

/// Brings the database to the newest schema; several instances may do so at once. Throws std::runtime_error
/// with one line: it cannot be reached, or was written by a newer program.
void migrate(Session& session);

}  // namespace market::mysql
