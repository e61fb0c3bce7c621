#pragma once
/// What a process that serves says of its limit of open files. One that cannot start says one line alone.

#include "apps/settings/settings.hpp"
#include "http/server/server.hpp"

namespace market::apps {

/// A warning when raise_file_limit() left fewer connections in `limits` than the settings say.
void warn_of_few_files(const Settings& settings, const http::Limits& limits);

}  // namespace market::apps
