#include "services/order/mail_buyers.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace market::order {

MailBuyers::MailBuyers(Outbox& outbox, Accounts& accounts, OrderReader& orders, const ProductBoard& board,
                       IdSource& ids, const Clock& clock, std::function<void()> put)
    : outbox_(outbox),
      accounts_(accounts),
      orders_(orders),
      board_(board),
      ids_(ids),
      clock_(clock),
      put_(std::move(put)) {}

Task<std::vector<LogEffect::Follower>> MailBuyers::followers() {
  if (!at_) {
    const auto stored = co_await outbox_.followed_to();
    if (!stored) co_return fail(stored.error());
    at_ = *stored;
    if (at_) stored_ = *at_;
  }
  std::vector<Follower> one(1);
  one.front().at = at_;
  co_return one;
}

Task<std::optional<OutboxMail>> MailBuyers::mail_for(const CountedEvent& counted, const LogId& log) {
  const Fact& fact = counted.event.fact;
  const OrderId id = order_of(fact);
  const UserId user = user_of(fact);
  if (!id || order_kind_of(fact).empty()) co_return std::optional<OutboxMail>();
  const auto account = co_await accounts_.find(user);
  if (!account && account.error().code == Code::not_found) co_return std::optional<OutboxMail>();
  if (!account && account.error().code == Code::internal) {
    // It will never be read; the mails of all others must not wait for it.
    spdlog::error("buyer {} is not mailed about order {}: {}", user.text(), id.text(),
                  account.error().detail);
    co_return std::optional<OutboxMail>();
  }
  if (!account) co_return fail(account.error());
  const auto order = co_await orders_.find(user, id);
  if (!order && order.error().code == Code::order_not_found) co_return std::optional<OutboxMail>();
  if (!order) co_return fail(order.error());
  auto about =
      mail_about(counted.event, **order, account->name, [this](ProductId product, std::int64_t version) {
        return std::string(board_.name_of(product, version));
      });
  if (!about) co_return std::optional<OutboxMail>();
  OutboxMail waiting;
  waiting.id = ids_.next_as<MailId>();
  waiting.message_id =
      fmt::format("event.{:016x}{:016x}.{}.{}", log.hi, log.lo, log.generation, counted.place);
  waiting.created_at = waiting.next_at = clock_.now();
  waiting.mail.kind = std::move(about->kind);
  waiting.mail.to = account->email;
  waiting.mail.subject = std::move(about->subject);
  waiting.mail.text = std::move(about->text);
  waiting.mail.user = user;
  waiting.mail.order = id;
  co_return std::optional<OutboxMail>(std::move(waiting));
}

Task<> MailBuyers::take(std::int64_t, std::vector<CountedEvent> events, FollowedTo to) {
  std::vector<OutboxMail> mails;
  for (const CountedEvent& counted : events) {
    auto mail = co_await mail_for(counted, to.log);
    if (!mail) co_return fail(mail.error());
    if (*mail) mails.push_back(std::move(**mail));
  }
  // The first place is stored at once: it says from where on buyers are told.
  if (mails.empty() && at_ && may_stay_unstored(stored_, to, unstored_max)) {
    at_ = to;
    co_return Result<>();
  }
  const bool some = !mails.empty();
  const auto kept = co_await outbox_.put_for(std::move(mails), to);
  if (!kept) co_return fail(kept.error());
  at_ = to;
  stored_ = to;
  if (some) put_();
  co_return Result<>();
}

}  // namespace market::order
