#pragma once
/// One whole simulated sale: buyers, seller, payment provider and resolver around the instances, and the
/// nemesis that breaks things. A calm phase at the end, in which everything must converge.

#include "tests/sim/instance.hpp"

namespace market::sim {

struct SaleResult {
  std::string violation;  ///< Empty: all invariants held.
  std::uint64_t trace = 0;
  std::uint64_t steps = 0;   ///< Of the scheduler.
  std::uint64_t events = 0;  ///< That count in the log.
  std::uint64_t orders = 0, refusals = 0, replays = 0, refused_copies = 0;
  std::uint64_t crashes = 0, opens = 0, ghosts = 0, undone = 0, torn = 0;
  std::uint64_t snapshots = 0, starts_from_snapshot = 0, look_ups = 0, shown_ahead = 0, redis_losses = 0;
};

/// `steps`: the length of the faulty phase.
SaleResult run_sale(std::uint64_t seed, Bug bug = Bug::none, std::uint64_t steps = 2'000);

class WholeSale {
 public:
  WholeSale(std::uint64_t seed, Bug bug);
  SaleResult run(std::uint64_t steps);

 private:
  // Asking.
  AskPtr ask(Command command, UserId user, bool keyed, std::function<void(const Answer&)> finally);
  void send(const AskPtr& ask);
  void deliver(const AskPtr& ask, RequestPtr request);
  void hear(const AskPtr& ask, std::uint32_t copy, const Answer& answer);
  void end(const AskPtr& ask, const Answer& answer);
  Instance& some_instance();
  Instance& likely_writer();

  // sale_people.cpp
  void list_products();
  void list_again();
  void seller_acts();
  void buyer_acts(UserId user);
  void place_order(UserId user);
  void ordered(UserId user, const Answer& answer);
  void pay(UserId user, OrderId order);
  void charge(UserId user, OrderId order, AttemptId attempt, std::int64_t amount);
  void settle(UserId user, OrderId order, AttemptId attempt, PaymentOutcome outcome,
              std::optional<PaymentState> back_to = std::nullopt);
  void cancel(UserId user, OrderId order);
  void read(UserId user, OrderId order, Place at_least);
  void resolve_payments();

  void nemesis_acts();
  void raw_producer_acts();
  void calm_down();
  void check_end();

  World world_;
  SimLog log_{world_};
  Checker checker_{world_};
  SimRecords records_{world_, checker_};
  SimRedis redis_{world_, checker_};
  Provider provider_;
  std::vector<std::unique_ptr<Instance>> instances_;
  Shared shared_{world_, log_, records_, redis_, checker_, instances_, {}};
  std::vector<ProductId> products_;
  std::vector<AskPtr> asks_;
  std::vector<std::pair<UserId, OrderId>> bought_;
  std::vector<AskPtr> keyed_;
  std::int64_t expect_ = 0;  ///< What the next ask is about already.
  std::map<std::pair<AttemptId, bool>, Instant> resolving_;
  std::uint64_t keys_ = 0, requests_ = 0;
  SaleResult result_;
};

}  // namespace market::sim
