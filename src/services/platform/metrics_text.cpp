#include "services/platform/metrics_text.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace market::platform {

MetricsText& MetricsText::family(std::string_view name, std::string_view kind, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, kind);
  return *this;
}

MetricsText& MetricsText::sample(double value, std::string_view labels) {
  text_ += labels.empty() ? fmt::format("{} {}\n", name_, value)
                          : fmt::format("{}{{{}}} {}\n", name_, labels, value);
  return *this;
}

MetricsText& MetricsText::sample(std::uint64_t value, std::string_view labels) {
  text_ += labels.empty() ? fmt::format("{} {}\n", name_, value)
                          : fmt::format("{}{{{}}} {}\n", name_, labels, value);
  return *this;
}

std::string label(std::string_view name, std::string_view value) {
  std::string text = fmt::format("{}=\"", name);
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n')
      text += "\\n";
    else
      text += c;
  }
  return text + '"';
}

void add_process_metrics(MetricsText& metrics) {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total_pages = 0, resident_pages = 0;
  statm >> total_pages >> resident_pages;
  metrics.family("process_resident_memory_bytes", "gauge", "Resident memory.")
      .sample(resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  metrics.family("process_cpu_seconds_total", "counter", "User and system CPU time.")
      .sample(seconds(usage.ru_utime) + seconds(usage.ru_stime));
  std::error_code ignored;
  const auto files = std::distance(std::filesystem::directory_iterator("/proc/self/fd", ignored), {});
  metrics.family("process_open_fds", "gauge", "Open file descriptors.")
      .sample(static_cast<std::uint64_t>(files));
}

}  // namespace market::platform
