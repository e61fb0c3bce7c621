#pragma once
/// ports/charge_book.hpp as rows of MySQL or MariaDB: all instances charge at one provider, so that a charge
/// survives the instance that made it.

#include <atomic>
#include <functional>

#include "adapters/mysql/sessions.hpp"
#include "ports/charge_book.hpp"

namespace market::mysql {

class MysqlChargeBook final : public ChargeBook {
 public:
  /// `sum`: the keyed sum of a text.
  MysqlChargeBook(const Server& server, unsigned sessions, std::function<std::string(std::string_view)> sum)
      : sessions_(server, sessions), sum_(std::move(sum)) {}

  Result<Charge> record(const Charge& charge) override;
  Result<std::optional<Charge>> find(AttemptId attempt) override;
  Result<std::string> token_sum_of(AttemptId attempt) override;
  Result<> refund(AttemptId attempt) override;
  Result<ProviderTotals> totals(Instant now) override;
  bool usable() override;

 private:
  template <class Work>
  auto run(Work work);
  Result<std::optional<Charge>> select(Session& session, AttemptId attempt, bool to_change = false) const;
  std::string mac_of(const Charge& charge) const;

  Sessions sessions_;
  const std::function<std::string(std::string_view)> sum_;
  std::atomic<bool> failing_{false};
};

}  // namespace market::mysql
