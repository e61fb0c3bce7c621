#pragma once
/// One whole simulated sale: buyers, seller, payment provider and resolver around the gate, and the nemesis
/// that breaks things. A calm phase at the end, in which everything must converge.

#include "tests/sim/gate.hpp"

namespace market::sim {

struct SaleResult {
  std::string violation;  ///< Empty: all invariants held.
  std::uint64_t trace = 0;
  std::uint64_t events = 0;  ///< Steps of the scheduler.
  std::uint64_t orders = 0, crashes = 0, refusals = 0, replays = 0;
  int torn_groups = 0;
};

SaleResult run_sale(std::uint64_t seed, Bug bug = Bug::none, std::uint64_t events = 2'000);

class Sale {
 public:
  Sale(std::uint64_t seed, Bug bug) : world_(seed, bug) {}
  SaleResult run(std::uint64_t events);

 private:
  using Answer = Result<Submitted>;
  using Then = std::function<void(const Answer&)>;
  struct Charge {
    std::int64_t amount = 0;
    bool captured = false, refunded = false;
    Instant known_at;  ///< Before that, nobody can learn what became of it.
  };

  void open_shop();
  ProductTerms draw_terms(std::int64_t product);
  void send(const Request& what, Then then);
  void send_until_answered(Command command, Then then, int purchase = -1, int tries = 1);
  void buyer_acts();
  void buy();
  void buy_nonsense();
  void follow_up(UserId user, OrderId order);
  void pay(UserId user, OrderId order);
  void cancel(UserId user, OrderId order);
  void look(UserId user, OrderId order);
  void seller_acts();
  void resolver_acts();
  void nemesis_acts();
  void crash();
  bool converged() const;

  World world_;
  Checker checker_{world_};
  SimGate gate_{world_, checker_};
  SaleResult result_;
  bool calm_ = false;
  int purchases_ = 0, peaceful_rounds_ = 0;
  std::int64_t ids_ = 1'000, attempts_ = 0;
  std::size_t users_ = 20, product_count_ = 2;
  Millis payment_window_{};
  std::vector<PlaceOrder> asked_;  ///< Earlier requests, to be repeated.
  std::map<AttemptId, Charge> charges_;
  std::int64_t captured_ = 0, refunded_ = 0;
};

}  // namespace market::sim
