#include "apps/bench/process_usage.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace market::apps::load {

Usage usage_of(const std::vector<int>& pids) {
  Usage sum;
  for (const int pid : pids) {
    std::ifstream stat(fmt::format("/proc/{}/stat", pid));
    std::string line;
    if (!std::getline(stat, line)) throw std::runtime_error(fmt::format("there is no process {}", pid));
    // The name may hold spaces and brackets: fields count from the last bracket on (proc(5), field 3
    // follows).
    std::istringstream fields(line.substr(line.rfind(')') + 1));
    std::string skipped;
    for (int field = 3; field < 14; ++field) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    sum.cpu_seconds += (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    std::ifstream statm(fmt::format("/proc/{}/statm", pid));
    std::uint64_t total = 0, resident = 0;
    statm >> total >> resident;
    sum.resident_bytes += resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  return sum;
}

double own_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace market::apps::load
