/// The checker is worth what it finds: each mistake that is made on purpose is found within 1,000 seeds.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "tests/sim/sale.hpp"

namespace market::sim {
namespace {

struct Planted {
  Bug bug;
  const char* name;
};

class PlantedBugs : public testing::TestWithParam<Planted> {};

TEST_P(PlantedBugs, IsFound) {
  spdlog::set_level(spdlog::level::err);
  constexpr std::uint64_t seeds_max = 1'000;
  for (std::uint64_t seed = 1; seed <= seeds_max; ++seed) {
    const SaleResult result = run_sale(seed, GetParam().bug);
    if (result.violation.empty()) continue;
    fmt::print("{}: found at seed {}: {}\n", GetParam().name, seed, result.violation);
    EXPECT_EQ(run_sale(seed).violation, "") << "found, but not because of the planted bug";
    return;
  }
  FAIL() << GetParam().name << " was not found in " << seeds_max << " seeds";
}

INSTANTIATE_TEST_SUITE_P(
    All, PlantedBugs,
    testing::Values(Planted{Bug::acknowledge_before_sync, "acknowledge_before_sync"},
                    Planted{Bug::refuse_before_sync, "refuse_before_sync"},
                    Planted{Bug::decide_on_stale_state, "decide_on_stale_state"},
                    Planted{Bug::dedup_after_effect, "dedup_after_effect"},
                    Planted{Bug::expire_races_confirm, "expire_races_confirm"},
                    Planted{Bug::retry_with_new_key, "retry_with_new_key"},
                    Planted{Bug::recovery_skips_last_record, "recovery_skips_last_record"},
                    Planted{Bug::fifo_broken_by_retry, "fifo_broken_by_retry"},
                    Planted{Bug::compensation_not_idempotent, "compensation_not_idempotent"},
                    Planted{Bug::refund_not_idempotent, "refund_not_idempotent"},
                    Planted{Bug::hold_timer_on_wall_clock, "hold_timer_on_wall_clock"},
                    Planted{Bug::limit_per_instance, "limit_per_instance"},
                    Planted{Bug::forgotten_key_not_looked_up, "forgotten_key_not_looked_up"},
                    Planted{Bug::old_look_up_trusted, "old_look_up_trusted"},
                    Planted{Bug::lost_fold, "lost_fold"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace market::sim
