#pragma once
/// Paying: the attempt is logged before the provider is asked, with the attempt as the provider's idempotency
/// key.

#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/failpoint.hpp"
#include "base/task_group.hpp"
#include "ports/order_reader.hpp"
#include "ports/payment_provider.hpp"
#include "ports/sale_gate.hpp"
#include "services/order/payment_resolver.hpp"

namespace market::order {

struct Paid {
  OrderPtr order;
  bool known = true;      ///< False: the provider's answer is not known yet; the resolver finds it out.
  bool replayed = false;  ///< The request's key was bound to it before.
};

class PayOrder {
 public:
  /// Refused cards and tokens of one order; then it is cancelled, or ends by itself. An order is no place to
  /// try stolen cards.
  static constexpr int declines_max = 20;
  /// Orders of which they are counted; the oldest is forgotten.
  static constexpr std::size_t declined_orders_max = 16'384;

  /// `answer_max`: how long a caller waits for the provider. `resolver` settles what is not answered then.
  PayOrder(SaleGate& gate, OrderReader& reader, PaymentProvider& provider, Millis answer_max,
           PaymentResolver* resolver = nullptr, Failpoint failpoint = {})
      : gate_(gate),
        reader_(reader),
        provider_(provider),
        answer_max_(answer_max),
        resolver_(resolver),
        failpoint_(std::move(failpoint)) {}

  /// `start`: a StartPayment, with its key, which is bound when the order is paid. The order as it is answers
  /// whoever sends the token again with which it was paid or is being paid, whatever is under way with
  /// another; at the same time, he waits for the first. Errors: order_not_found, order_not_payable (also:
  /// paid with another token, or declined too often), payment_declined, validation (the token), overloaded
  /// (the provider was not reached; nothing was charged), the gate's and the reader's.
  Task<Paid> run(Command start, std::string token);

  /// Waits for charges whose callers have gone; not on an I/O thread. False: some are still under way.
  bool wait(Millis longest) { return charges_.wait(longest); }

 private:
  struct Attempt {
    UserId user;
    OrderId order;
    AttemptId attempt;
    Money total;
    RequestKey key;
    std::uint64_t fingerprint = 0;
    bool begun_here = true;                    ///< By this request: nobody else asks for its money.
    PaymentState before = PaymentState::none;  ///< What it goes back to when nobody is charged.
    Instant pay_by{};                          ///< Of the order, a grace apart.
  };
  /// A request to pay an order that this process works on, and those who have sent it again meanwhile.
  struct UnderWay {
    UnderWay(std::string with, RequestKey its_key, std::uint64_t its_fingerprint)
        : token(std::move(with)), key(its_key), fingerprint(its_fingerprint) {}
    const std::string token;
    const RequestKey key;
    const std::uint64_t fingerprint;
    std::optional<Result<Paid>> answer;
    std::vector<std::function<void()>> waiting;
  };
  using UnderWayPtr = std::shared_ptr<UnderWay>;
  class Turn;
  struct Charging;
  /// The request that is under way; this one, when there was none: `first`.
  UnderWayPtr find_or_begin(const Command& command, const std::string& token, bool& first);
  Task<Paid> wait_for(UnderWayPtr first, StartPayment asked);
  Task<Paid> beside_another(Command start, std::string token);
  Task<Paid> start(Command start, OrderPtr order, std::string token,
                   std::optional<Paid> answered = std::nullopt);
  Task<Paid> unless_paid(Attempt asked, std::string token, Error refusal);
  Task<Paid> replay(StartPayment asked, std::string token);
  asio::awaitable<void> ask_for_money(std::shared_ptr<Charging> charging, Attempt attempt, std::string token);
  Task<Paid> charge(Attempt attempt, std::string token);
  Task<Paid> settle(Attempt attempt, PaymentOutcome outcome,
                    std::optional<PaymentState> back_to = std::nullopt);
  Task<Paid> read(Attempt attempt, bool known);
  bool may_try(OrderId order);
  void count_decline(OrderId order);

  SaleGate& gate_;
  OrderReader& reader_;
  PaymentProvider& provider_;
  Millis answer_max_;
  PaymentResolver* resolver_;
  const Failpoint failpoint_;
  std::mutex mutex_;  ///< Of the next one and of all that it leads to.
  boost::unordered_flat_map<OrderId, UnderWayPtr> under_way_;
  std::map<OrderId, int> declines_;  ///< The oldest order first.
  TaskGroup charges_{"a charge"};
};

}  // namespace market::order
