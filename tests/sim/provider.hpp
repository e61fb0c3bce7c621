#pragma once
/// The payment provider: knows attempts by their id, takes money once for each, and forgets nothing.

#include <map>

#include "domain/sale/command.hpp"

namespace market::sim {

class Provider {
 public:
  /// Takes the money, unless it was said that this attempt never will.
  PaymentOutcome charge(AttemptId attempt, std::int64_t amount, bool declines) {
    const auto [charge, fresh] = charges_.try_emplace(attempt, Charge{declines ? 0 : amount, 0});
    return charge->second.taken > 0 ? PaymentOutcome::captured : PaymentOutcome::declined;
  }
  /// What became of it. One that never came will never be charged: so it is certain.
  PaymentOutcome outcome(AttemptId attempt) { return charge(attempt, 0, true); }
  /// `again`: the mistake of a caller who names every try anew.
  void refund(AttemptId attempt, bool again) {
    Charge& charge = charges_[attempt];
    charge.given_back = again ? charge.given_back + charge.taken : charge.taken;
  }
  std::int64_t kept() const {
    std::int64_t sum = 0;
    for (const auto& [attempt, charge] : charges_) sum += charge.taken - charge.given_back;
    return sum;
  }

 private:
  struct Charge {
    std::int64_t taken = 0, given_back = 0;
  };
  std::map<AttemptId, Charge> charges_;
};

}  // namespace market::sim
