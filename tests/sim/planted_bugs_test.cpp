/// The checker is worth what it finds: each mistake that is made on purpose is found within 1,000 seeds.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/sim/sale.hpp"

namespace market::sim {
namespace {

struct Planted {
  Bug bug;
  const char* name;
};

class PlantedBugs : public testing::TestWithParam<Planted> {};

TEST_P(PlantedBugs, IsFound) {
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

INSTANTIATE_TEST_SUITE_P(All, PlantedBugs,
                         testing::Values(Planted{Bug::acknowledge_before_sync, "acknowledge_before_sync"},
                                         Planted{Bug::check_then_decrement, "check_then_decrement"},
                                         Planted{Bug::old_term_counted, "old_term_counted"},
                                         Planted{Bug::group_counted_twice, "group_counted_twice"},
                                         Planted{Bug::group_behind_hole, "group_behind_hole"},
                                         Planted{Bug::other_bytes, "other_bytes"},
                                         Planted{Bug::answered_before_read_back, "answered_before_read_back"},
                                         Planted{Bug::deposed_refusal, "deposed_refusal"},
                                         Planted{Bug::row_before_overlay, "row_before_overlay"},
                                         Planted{Bug::copy_not_settled, "copy_not_settled"},
                                         Planted{Bug::snapshot_without_head, "snapshot_without_head"},
                                         Planted{Bug::event_applied_again, "event_applied_again"},
                                         Planted{Bug::stale_board, "stale_board"},
                                         Planted{Bug::board_decides, "board_decides"},
                                         Planted{Bug::ahead_is_behind, "ahead_is_behind"},
                                         Planted{Bug::ahead_is_kept, "ahead_is_kept"},
                                         Planted{Bug::fold_won_twice, "fold_won_twice"},
                                         Planted{Bug::rolled_back_in_part, "rolled_back_in_part"},
                                         Planted{Bug::commit_taken_for_done, "commit_taken_for_done"},
                                         Planted{Bug::expire_races_confirm, "expire_races_confirm"},
                                         Planted{Bug::place_before_effect, "place_before_effect"},
                                         Planted{Bug::timer_on_wall_clock, "timer_on_wall_clock"},
                                         Planted{Bug::recovery_skips_last, "recovery_skips_last"},
                                         Planted{Bug::limit_per_instance, "limit_per_instance"},
                                         Planted{Bug::late_group_overtakes, "late_group_overtakes"},
                                         Planted{Bug::refund_twice, "refund_twice"},
                                         Planted{Bug::undo_forgets_entry, "undo_forgets_entry"},
                                         Planted{Bug::forgotten_key_trusted, "forgotten_key_trusted"},
                                         Planted{Bug::old_look_up_trusted, "old_look_up_trusted"},
                                         Planted{Bug::snapshot_without_notes, "snapshot_without_notes"}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace market::sim
