#include "services/order/refusal_counts.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace market::order {
namespace {

TEST(RefusalCounts, SumWhatAllThreadsCounted) {
  RefusalCounts refusals;
  std::vector<std::thread> threads;
  for (int i = 0; i < 40; ++i)  // More threads than parts.
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n) refusals.add(Code::sold_out);
      refusals.add(Code::internal);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(refusals.count(Code::sold_out), 4'000u);
  EXPECT_EQ(refusals.count(Code::internal), 40u);
  EXPECT_EQ(refusals.count(Code::sale_closed), 0u);
}

}  // namespace
}  // namespace market::order
