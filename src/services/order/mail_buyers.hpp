#pragma once
/// Mails to buyers about their orders: a follower of the log whose effect is a mail in the outbox, put there
/// together with the place. What comes again after a crash has the same Message-ID, made of its place.

#include <functional>

#include "ports/accounts.hpp"
#include "ports/order_reader.hpp"
#include "ports/outbox.hpp"
#include "ports/product_board.hpp"
#include "services/order/order_mail.hpp"

namespace market::order {

class MailBuyers final : public LogEffect {
 public:
  /// So far the place may lie behind when there was nothing to mail.
  static constexpr Place unstored_max = 4'096;

  /// `put`: called when mails were put into the outbox.
  MailBuyers(Outbox& outbox, Accounts& accounts, OrderReader& orders, const ProductBoard& board,
             IdSource& ids, const Clock& clock, std::function<void()> put);
  void rest() override { at_.reset(); }
  Task<std::vector<Follower>> followers() override;
  Task<> take(std::int64_t follower, std::vector<CountedEvent> events, FollowedTo to) override;

 private:
  /// None: nobody is to be told.
  Task<std::optional<OutboxMail>> mail_for(const CountedEvent& counted, const LogId& log);

  Outbox& outbox_;
  Accounts& accounts_;
  OrderReader& orders_;
  const ProductBoard& board_;
  IdSource& ids_;
  const Clock& clock_;
  const std::function<void()> put_;
  std::optional<FollowedTo> at_;  ///< In memory, at or behind what is stored.
  FollowedTo stored_;
};

}  // namespace market::order
