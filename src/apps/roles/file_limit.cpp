#include "apps/roles/file_limit.hpp"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

namespace market::apps {

void warn_of_few_files(const Settings& settings, const http::Limits& limits) {
  const auto wanted = static_cast<std::size_t>(settings.number("http.connections_max"));
  rlimit files{};
  if (limits.connections_max >= wanted || ::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  spdlog::warn(
      "only {} files may be open (RLIMIT_NOFILE): {} connections at once, not http.connections_max={}",
      files.rlim_cur, limits.connections_max, wanted);
}

}  // namespace market::apps
