/// Whole sales under faults, each from one seed. SIM_SEEDS=10000 runs ten times as many in each part;
/// SIM_SEED=17 only that one.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "tests/sim/sale.hpp"

namespace market::sim {
namespace {

constexpr std::uint64_t steps_default = 2'000, parts = 10;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string replay_command(std::uint64_t seed, Bug bug, std::uint64_t steps) {
  std::string command = fmt::format("SIM_SEED={} ", seed);
  if (bug != Bug::none) command += fmt::format("SIM_BUG={} ", static_cast<int>(bug));
  if (steps != steps_default) command += fmt::format("SIM_STEPS={} ", steps);
  return command + std::filesystem::canonical("/proc/self/exe").string() +
         " --gtest_filter=Simulation.OneSeed";
}

/// Seeds first … first + count - 1; the first violation fails with the command that replays it.
SaleResult run_seeds(std::uint64_t first, std::uint64_t count) {
  const std::uint64_t steps = number_from("SIM_STEPS", steps_default);
  const auto bug = static_cast<Bug>(number_from("SIM_BUG", 0));
  const auto began = std::chrono::steady_clock::now();
  SaleResult sum;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const SaleResult one = run_sale(seed, bug, steps);
    if (!one.violation.empty()) {
      ADD_FAILURE() << one.violation << "\nseed " << seed << ", replay it with\n  "
                    << replay_command(seed, bug, steps);
      break;
    }
    sum.steps += one.steps, sum.events += one.events, sum.orders += one.orders;
    sum.refusals += one.refusals, sum.replays += one.replays, sum.refused_copies += one.refused_copies;
    sum.crashes += one.crashes, sum.opens += one.opens, sum.ghosts += one.ghosts, sum.undone += one.undone;
    sum.torn += one.torn, sum.snapshots += one.snapshots, sum.look_ups += one.look_ups;
    sum.starts_from_snapshot += one.starts_from_snapshot;
    sum.shown_ahead += one.shown_ahead, sum.redis_losses += one.redis_losses;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print(
      "{} sales: {} steps ({:.0f}/s), {} events, {} orders, {} refusals ({} of copies), {} replays, {} "
      "crashes "
      "({} torn), {} terms, {} records that do not count, {} groups undone, {} snapshots ({} starts), {} "
      "look-ups, {} times shown ahead of the log, Redis lost something {} times\n",
      count, sum.steps, static_cast<double>(sum.steps) / took.count(), sum.events, sum.orders, sum.refusals,
      sum.refused_copies, sum.replays, sum.crashes, sum.torn, sum.opens, sum.ghosts, sum.undone,
      sum.snapshots, sum.starts_from_snapshot, sum.look_ups, sum.shown_ahead, sum.redis_losses);
  return sum;
}

class Seeds : public testing::TestWithParam<std::uint64_t> {};

/// A tenth of the seeds each, so that ctest can spread them.
TEST_P(Seeds, WholeSales) {
  const std::uint64_t seeds = number_from("SIM_SEEDS", 1'000) / parts;
  const SaleResult sum = run_seeds(1 + GetParam() * seeds, seeds);
  if (HasFailure()) return;
  // Nothing of this is worth anything if it does not happen.
  EXPECT_GT(sum.orders, 10 * seeds);
  EXPECT_GT(sum.crashes, seeds / 2);
  EXPECT_GT(sum.opens, seeds);
  EXPECT_GT(sum.ghosts, seeds);
  EXPECT_GT(sum.undone, 0);
  EXPECT_GT(sum.replays, seeds);
  EXPECT_GT(sum.refused_copies, 0);
  EXPECT_GT(sum.snapshots, seeds);
  EXPECT_GT(sum.look_ups, seeds);
  EXPECT_GT(sum.shown_ahead, seeds / 10);
  EXPECT_GT(sum.redis_losses, seeds / 4);
}
INSTANTIATE_TEST_SUITE_P(Part, Seeds, testing::Range<std::uint64_t>(0, parts));

/// Too rare to be in each part of them.
TEST(Simulation, SomeStartFromTheirSnapshots) {
  int starts = 0;
  for (std::uint64_t seed = 1; starts < 5 && seed <= 300; ++seed)
    starts += static_cast<int>(run_sale(seed).starts_from_snapshot);
  EXPECT_GE(starts, 5);
}

TEST(Simulation, OneSeed) {
  if (std::getenv("SIM_SEED") == nullptr) return;
  const std::uint64_t seed = number_from("SIM_SEED", 1);
  run_seeds(seed, 1);
}

TEST(Simulation, TheSameSeedIsTheSameSale) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const SaleResult once = run_sale(seed), again = run_sale(seed);
    EXPECT_EQ(once.trace, again.trace) << "seed " << seed;
    EXPECT_EQ(once.events, again.events);
    EXPECT_NE(once.trace, run_sale(seed + 1'000).trace);
  }
}

TEST(Simulation, AFailingSeedPrintsTheCommandThatReplaysIt) {
  const Bug bug = Bug::check_then_decrement;
  std::uint64_t seed = 0;
  SaleResult found;
  do found = run_sale(++seed, bug);
  while (found.violation.empty() && seed < 1'000);
  ASSERT_NE(found.violation, "");
  const std::string command = replay_command(seed, bug, steps_default);
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
