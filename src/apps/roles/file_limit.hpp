#pragma once
/// The limit of open files of a process that serves.

#include "apps/settings/settings.hpp"
#include "http/server/server.hpp"

namespace market::apps {

/// As many open files as this process may have, and no more connections than leave `files_reserved` of them
/// (half of them at most) to what stands behind: databases, pipes, connections to instances. It says nothing,
/// as a process that cannot start says one line alone. `secure`: TLS has a pair of sockets within each
/// connection.
void raise_file_limit(http::Limits& limits, bool secure);
inline constexpr std::uint64_t files_reserved = 512;
/// Once it serves: a warning when raise_file_limit() left fewer connections in `limits` than the settings
/// say.
void warn_of_few_files(const Settings& settings, const http::Limits& limits);

}  // namespace market::apps
