#include "apps/roles/file_limit.hpp"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>

namespace market::apps {

void raise_file_limit(http::Limits& limits, bool secure) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  const auto soft = files.rlim_cur;
  files.rlim_cur = files.rlim_max;
  if (files.rlim_cur > soft && ::setrlimit(RLIMIT_NOFILE, &files) != 0) files.rlim_cur = soft;
  const std::uint64_t of_each = secure ? 3 : 1;
  const auto left = files.rlim_cur - std::min<std::uint64_t>(files_reserved, files.rlim_cur / 2);
  const auto fit = std::max<std::uint64_t>(left / of_each, 1);
  limits.connections_max = static_cast<std::size_t>(std::min<std::uint64_t>(fit, limits.connections_max));
}

void warn_of_few_files(const Settings& settings, const http::Limits& limits) {
  const auto wanted = static_cast<std::size_t>(settings.number("http.connections_max"));
  rlimit files{};
  if (limits.connections_max >= wanted || ::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  spdlog::warn(
      "only {} files may be open (RLIMIT_NOFILE): {} connections at once, not http.connections_max={}",
      files.rlim_cur, limits.connections_max, wanted);
}

}  // namespace market::apps
