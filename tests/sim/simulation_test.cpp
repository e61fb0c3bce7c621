/// Whole sales under faults, each from one seed. SIM_SEEDS=100000 runs more of them, SIM_SEED=17 only that
/// one.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "tests/sim/sale.hpp"

namespace market::sim {
namespace {

constexpr std::uint64_t events_default = 2'000;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string replay_command(std::uint64_t seed, Bug bug, std::uint64_t steps) {
  std::string command = fmt::format("SIM_SEED={} ", seed);
  if (bug != Bug::none) command += fmt::format("SIM_BUG={} ", static_cast<int>(bug));
  if (steps != events_default) command += fmt::format("SIM_EVENTS={} ", steps);
  return command + std::filesystem::canonical("/proc/self/exe").string() +
         " --gtest_filter=Simulation.WholeSales";
}

class Simulation : public testing::Test {
 protected:
  void SetUp() override { spdlog::set_level(spdlog::level::err); }
};

TEST_F(Simulation, WholeSales) {
  const bool one = std::getenv("SIM_SEED") != nullptr;
  const std::uint64_t first = number_from("SIM_SEED", 1);
  const std::uint64_t count = one ? 1 : number_from("SIM_SEEDS", 1'000);
  const std::uint64_t steps = number_from("SIM_EVENTS", events_default);
  const auto bug = static_cast<Bug>(number_from("SIM_BUG", 0));
  const auto began = std::chrono::steady_clock::now();
  SaleResult sum;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const SaleResult result = run_sale(seed, bug, steps);
    ASSERT_EQ(result.violation, "") << "seed " << seed << ", replay it with\n  "
                                    << replay_command(seed, bug, steps);
    if (one) std::printf("seed %llu: trace %016llx\n", 0ull + seed, 0ull + result.trace);
    sum.events += result.events;
    sum.orders += result.orders;
    sum.crashes += result.crashes;
    sum.replays += result.replays;
    sum.torn_groups += result.torn_groups;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print(
      "{} sales, {} events, {} orders, {} crashes, {} torn groups, {} replayed answers, {:.0f} events/s\n",
      count, sum.events, sum.orders, sum.crashes, sum.torn_groups, sum.replays,
      static_cast<double>(sum.events) / took.count());
  if (one) return;
  EXPECT_GT(sum.orders, 10 * count);
  EXPECT_GT(sum.crashes, count / 2);
  EXPECT_GT(sum.torn_groups, 0);
  EXPECT_GT(sum.replays, count);
}

TEST_F(Simulation, TheSameSeedIsTheSameSale) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const SaleResult once = run_sale(seed), again = run_sale(seed);
    EXPECT_EQ(once.trace, again.trace) << "seed " << seed;
    EXPECT_EQ(once.events, again.events);
    EXPECT_NE(once.trace, run_sale(seed + 1'000).trace);
  }
}

TEST_F(Simulation, AFailingSeedPrintsTheCommandThatReplaysIt) {
  const std::uint64_t seed = 1;
  const Bug bug = Bug::limit_per_instance;
  const SaleResult found = run_sale(seed, bug);
  ASSERT_NE(found.violation, "");
  const std::string command = replay_command(seed, bug, events_default);
  FILE* replay = ::popen((command + " 2>&1").c_str(), "r");
  ASSERT_NE(replay, nullptr);
  std::string output;
  for (int c = std::fgetc(replay); c != EOF; c = std::fgetc(replay)) output.push_back(static_cast<char>(c));
  EXPECT_NE(::pclose(replay), 0);
  EXPECT_NE(output.find(found.violation), std::string::npos) << output;
  EXPECT_NE(output.find(command), std::string::npos) << output;
}

}  // namespace
}  // namespace market::sim
