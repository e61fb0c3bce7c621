#pragma once
/// Finds out what became of payments whose answer is missing, and gives back money that is owed; with
/// back-off, until the log knows. After a restart the open ones of the log are given to watch() again.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include "ports/payment_provider.hpp"
#include "ports/sale_gate.hpp"

namespace market::order {

struct OpenPayment {
  OrderId order;
  UserId user;
  AttemptId attempt;
  bool refund = false;  ///< The money is owed back; else the charge's outcome is unknown.
};

struct ResolverLimits {
  Millis first_wait{200};
  Millis wait_max{5'000};
  /// A charge the provider does not know of for this long is taken as declined.
  Millis unknown_max{3'600'000};
};

/// Lives on one executor that runs on one thread; must outlive what runs there. No timer while nothing is
/// open.
class PaymentResolver {
 public:
  PaymentResolver(SaleGate& gate, PaymentProvider& provider, const Clock& clock,
                  asio::any_io_executor executor, ResolverLimits limits = {});
  /// Any thread. Watching twice is fine.
  void watch(OpenPayment open);
  /// Any thread; what is under way ends by itself.
  void stop();

 private:
  struct Watched {
    OpenPayment open;
    Instant since, next;
    Millis wait;
  };
  void add(OpenPayment open);
  void schedule();
  asio::awaitable<void> serve_due();
  /// True when done; may turn a charge into a refund.
  asio::awaitable<bool> resolve(AttemptId attempt);
  asio::awaitable<bool> refund(OpenPayment open);
  asio::awaitable<bool> settle(OpenPayment open, PaymentOutcome outcome);

  SaleGate& gate_;
  PaymentProvider& provider_;
  const Clock& clock_;
  asio::any_io_executor executor_;
  ResolverLimits limits_;
  asio::steady_timer timer_;
  boost::unordered_flat_map<AttemptId, Watched> watched_;
  bool running_ = false;
  bool stopped_ = false;
};

}  // namespace market::order
