#include "services/platform/metrics_text.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

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

MetricsText& MetricsText::histogram(const std::vector<double>& ends, const std::vector<std::uint64_t>& counts,
                                    double sum, std::string_view labels) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto end = i < ends.size() ? fmt::format("{}", ends[i]) : std::string("+Inf");
    text_ += fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}\n", name_, labels, labels.empty() ? "" : ",", end,
                         counts[i]);
  }
  text_ += fmt::format("{}_sum{{{}}} {}\n", name_, labels, sum);
  text_ += fmt::format("{}_count{{{}}} {}\n", name_, labels, counts.back());
  return *this;
}

namespace {

/// In seconds of the epoch; 0 when the system does not say.
double process_start_time() {
  std::ifstream stat("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const auto name_end = text.rfind(')');  // The name may have blanks and brackets.
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  for (int i = 3; i < 22; ++i) fields >> field;
  double ticks = 0;
  if (!(fields >> ticks)) return 0;
  timespec boot{}, wall{};
  ::clock_gettime(CLOCK_BOOTTIME, &boot);
  ::clock_gettime(CLOCK_REALTIME, &wall);
  const auto seconds = [](const timespec& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
  };
  return seconds(wall) - seconds(boot) + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

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
  // Told once: the boot time that it is counted from moves with the clock, and it names the process.
  static const double started = process_start_time();
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
  metrics.family("process_start_time_seconds", "gauge", "When the process started, of the epoch.")
      .sample(started);
  rlimit files_max{};
  ::getrlimit(RLIMIT_NOFILE, &files_max);
  metrics.family("process_max_fds", "gauge", "How many files may be open.")
      .sample(static_cast<std::uint64_t>(files_max.rlim_cur));
  metrics.family("market_build_info", "gauge", "Always 1; the labels say what this was built from.")
      .sample(std::uint64_t{1}, label("version", MARKET_VERSION) + ',' + label("compiler", __VERSION__));
  std::error_code ignored;
  const auto files = std::distance(std::filesystem::directory_iterator("/proc/self/fd", ignored), {});
  metrics.family("process_open_fds", "gauge", "Open file descriptors.")
      .sample(static_cast<std::uint64_t>(files));
}

}  // namespace market::platform
