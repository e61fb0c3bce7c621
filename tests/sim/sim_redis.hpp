#pragma once
/// The live stock in Redis (ports/shared_stock.hpp), in virtual time: slow, away, with answers that are lost,
/// emptied, and failed over to a replica that is behind. By the rule that tests/contract finds in the script.

#include <map>
#include <optional>

#include "ports/shared_stock.hpp"
#include "tests/sim/world.hpp"

namespace market::sim {

class Checker;

class SimRedis final : public SharedStock {
 public:
  SimRedis(World& world, Checker& checker) : world_(world), checker_(checker) {}

  Task<Written> write(LogId log, Place end, std::vector<StockLine> lines) override;
  Task<std::vector<StockLine>> moved_since(LogId log, Place after) override;

  /// As the client knows it; none: away.
  std::optional<std::uint64_t> connection() const;
  void go_away(Instant until);
  void flush();
  void fail_over();

  using Lines = std::map<ProductId, StockLine>;
  const Lines& lines() const { return lines_; }
  std::uint64_t losses() const { return losses_; }

 private:
  bool away() const { return world_.now() < away_until_; }
  Millis delay();
  Written carry_out(const std::vector<StockLine>& lines);

  World& world_;
  Checker& checker_;
  Lines lines_, replica_;
  bool known_ = false;
  Instant away_until_{};
  std::uint64_t connections_ = 1, losses_ = 0;
};

}  // namespace market::sim
