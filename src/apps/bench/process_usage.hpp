#pragma once
/// What processes have used so far, from /proc.

#include <cstdint>
#include <vector>

namespace market::apps::load {

struct Usage {
  double cpu_seconds = 0;  ///< User and system, all threads.
  std::uint64_t resident_bytes = 0;
};

/// The sum over `pids`. Throws std::runtime_error when one of them does not exist.
Usage usage_of(const std::vector<int>& pids);
/// CPU seconds of this process.
double own_cpu_seconds();

}  // namespace market::apps::load
