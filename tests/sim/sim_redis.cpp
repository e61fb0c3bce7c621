#include "tests/sim/sim_redis.hpp"

#include <algorithm>

#include "tests/sim/checker.hpp"

namespace market::sim {

std::optional<std::uint64_t> SimRedis::connection() const {
  return away() ? std::nullopt : std::optional(connections_);
}

void SimRedis::go_away(Instant until) {
  away_until_ = until;
  ++connections_;
}

void SimRedis::flush() {
  lines_.clear();
  known_ = false;
  ++losses_;
  checker_.board_lost();
}

void SimRedis::fail_over() {
  lines_ = replica_;
  ++connections_;
  ++losses_;
  checker_.board_lost();
}

Millis SimRedis::delay() {
  return world_.millis(0, world_.strikes(world_.faults.redis_slow) ? 600 : 2);
}

Task<SharedStock::Written> SimRedis::write(LogId, Place, std::vector<StockLine> lines) {
  if (away()) co_return fail(Code::unavailable, "Redis is away");
  co_await time_passes(world_, delay());
  if (away()) co_return fail(Code::unavailable, "Redis is away");
  const Written written = carry_out(lines);
  if (world_.strikes(world_.faults.redis_answer_lost))
    co_return fail(Code::unavailable, "the answer was lost");
  co_await time_passes(world_, delay());
  co_return written;
}

SharedStock::Written SimRedis::carry_out(const std::vector<StockLine>& lines) {
  Written written;
  written.was_empty = !std::exchange(known_, true);
  for (const StockLine& line : lines) {
    const auto there = lines_.find(line.product);
    const bool newer = there != lines_.end() && there->second.place > line.place;
    if (newer) ++written.newer;
    if (newer && world_.bug != Bug::stale_board) continue;
    lines_[line.product] = line;
    checker_.board_shows(line);
  }
  if (world_.random.chance(0.5)) replica_ = lines_;
  return written;
}

Task<std::vector<StockLine>> SimRedis::moved_since(LogId, Place after) {
  if (away()) co_return fail(Code::unavailable, "Redis is away");
  co_await time_passes(world_, delay());
  if (away()) co_return fail(Code::unavailable, "Redis is away");
  std::vector<StockLine> moved;
  for (const auto& [product, line] : lines_)
    if (line.place > after) moved.push_back(line);
  std::sort(moved.begin(), moved.end(),
            [](const StockLine& a, const StockLine& b) { return a.place < b.place; });
  co_await time_passes(world_, delay());
  co_return moved;
}

}  // namespace market::sim
