#pragma once
/// Finds out what became of payments whose answer is missing, and gives back money that is owed; with
/// back-off, until the log knows. It learns from the log what is open and what is settled; what was open at
/// the start is given to watch().

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <set>

#include "base/failpoint.hpp"
#include "base/task_group.hpp"
#include "ports/log_follower.hpp"
#include "ports/payment_provider.hpp"
#include "ports/sale_gate.hpp"

namespace market::order {

struct OpenPayment {
  OrderId order;
  AttemptId attempt;
  bool refund = false;  ///< The money is owed back; else the charge's outcome is unknown.
};

struct ResolverLimits {
  /// As long as the one who charges waits for the answer, nobody else asks for it.
  Millis answer_max{5'000};
  Millis first_wait{200};
  Millis wait_max{5'000};
  /// A charge the provider does not know of for this long is taken as declined.
  Millis unknown_max{3'600'000};
  std::size_t resolver_concurrency_max = 32;  ///< Questions to the provider at once.
  /// Nobody waits beside a refund, and a bank may take days for one.
  Millis refund_wait_max{60'000};
};

/// Lives on one executor that runs on one thread; must outlive what runs there. No timer while nothing is
/// open.
class PaymentResolver final : public LogFollower {
 public:
  PaymentResolver(SaleGate& gate, PaymentProvider& provider, const Clock& clock,
                  asio::any_io_executor executor, ResolverLimits limits = {}, Failpoint failpoint = {});

  void follow(const CountedEvents& events) override;
  /// What was open at the start: nobody else waits for it. Any thread; watching twice is fine.
  void watch(OpenPayment open);
  /// Any thread: somebody says that something became of this attempt. It is asked about now, if it is open.
  void hint(AttemptId attempt);
  /// Of the request that began the attempt: bound when the attempt turns out to have succeeded. Any thread,
  /// after the log has told of the attempt. Not known any more after a restart.
  void bind(AttemptId attempt, RequestKey key, std::uint64_t fingerprint);
  /// Money that no event of the log will ever count: it goes back. Any thread. Forgotten by a restart;
  /// `market check` tells of it then.
  void give_back(OrderId order, AttemptId attempt);
  /// Any thread but its own, while the gate still answers: asks nothing more and waits for what is under way.
  /// False: longer than `longest`.
  bool stop(Millis longest = Millis(5'000));
  /// How many are open. On its own executor.
  std::size_t open() const { return unsettled_.size(); }

 private:
  /// What an event of the log means for it.
  struct News {
    OpenPayment payment;
    bool settled = false;
  };
  struct Unsettled {
    OpenPayment open;
    Instant since, next;
    Millis wait;
    bool asking = false;
    RequestKey key;
    std::uint64_t fingerprint = 0;
  };
  using UnsettledAttempts = boost::unordered_flat_map<AttemptId, Unsettled>;
  static std::optional<News> news_of(const Event& event);

  /// Runs `work` on the executor and waits. False: longer than `longest`.
  bool run_there(std::function<void()> work, Millis longest);
  void add(OpenPayment open, Millis first_wait);
  void forget(AttemptId attempt);
  void schedule();
  void serve_due();
  asio::awaitable<void> resolve(OpenPayment open, Instant since);
  /// Whether it is settled.
  asio::awaitable<bool> ask_and_settle(OpenPayment open, Instant since);
  /// What the log is to be told; none: not yet.
  Task<PaymentOutcome> ask(OpenPayment open, Instant since);
  void asked(OpenPayment open, bool done);

  SaleGate& gate_;
  PaymentProvider& provider_;
  const Clock& clock_;
  asio::any_io_executor executor_;
  ResolverLimits limits_;
  const Failpoint failpoint_;
  asio::steady_timer timer_;
  UnsettledAttempts unsettled_;
  std::set<std::pair<Instant, AttemptId>> due_;  ///< Those that are not being asked about.
  Instant armed_ = Instant::max();               ///< When the timer wakes, at the latest.
  std::size_t asking_ = 0;
  bool stopped_ = false;
  TaskGroup tasks_{"a question about a payment"};
};

}  // namespace market::order
