#include "base/memory.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

namespace market {
namespace {

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

std::unique_ptr<char[]> touched(std::int64_t bytes) {
  auto block = std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(bytes));
  std::fill_n(block.get(), bytes, 'x');
  return block;
}

/// As groups of events: from one thread, freed by another, with rows between them that stay.
TEST(Memory, OfARushReturnsThoughWhatLastsLiesBetween) {
  if (::dlsym(RTLD_DEFAULT, "mi_version") == nullptr)
    GTEST_SKIP() << "only an optimised build has the allocator that this is about";
  constexpr std::int64_t group = 64'000, groups = 1'500, row = 8'000, kept_at_most = 16 << 20;
  std::int64_t kept = 0;
  std::thread([&] {
    const std::int64_t before = resident_bytes();
    std::vector<std::unique_ptr<char[]>> rush, rows;
    for (std::int64_t i = 0; i < groups; ++i) {
      rush.push_back(touched(group));
      rows.push_back(touched(row));
    }
    EXPECT_GT(resident_bytes(), before + groups * (group + row) - kept_at_most);
    std::thread([&] { rush.clear(); }).join();
    return_free_memory();
    kept = resident_bytes() - before - groups * row;
  }).join();
  EXPECT_LT(kept, kept_at_most) << "of " << groups * group;
}

}  // namespace
}  // namespace market
