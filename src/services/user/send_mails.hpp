#pragma once
/// Sends the mails of the outbox, urgent ones first, each until the server has taken it: with back-off, one
/// at a time. A server that cannot be reached costs no mail its tries. Who asks for a mail waits for nothing.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "base/task_group.hpp"
#include "ports/mail_transport.hpp"
#include "ports/outbox.hpp"
#include "ports/random_source.hpp"

namespace market::user {

struct MailLimits {
  int unwritten_max = 1'000;  ///< Mails on their way into the outbox.
  int refusals_max = 3;       ///< So often a mail that the server refuses is tried.
  Millis retry_wait{5'000}, retry_wait_max{3'600'000};
  Millis tried_for{72 * 3'600'000};        ///< Then a mail that is not taken has failed.
  Millis pause{1'000}, pause_max{30'000};  ///< While the server cannot be reached.
  /// Of several instances with one outbox only one may send, or a mail would go out twice; none: this is the
  /// only one. Asked before each mail.
  std::function<bool()> may_send{};
};

/// Numbers for /metrics; any thread.
struct MailCounters {
  std::atomic<std::uint64_t> sent{0}, failed{0}, retried{0}, lost{0};
};

/// Lives on one executor that runs on one thread.
class SendMails final : public Mailer {
 public:
  /// `transport` null: nobody sends them; with `keep_text` they count as sent and can be looked at, otherwise
  /// they wait. `warn` gets one line, without personal data, when something goes wrong.
  SendMails(Outbox& outbox, MailTransport* transport, IdSource& ids, RandomSource& random, const Clock& clock,
            asio::any_io_executor executor, bool keep_text, std::function<void(const std::string&)> warn,
            MailLimits limits = {});
  Result<> send(Mail mail) override;
  void start();
  /// Any thread: mails were put into the outbox.
  void poke();
  /// Any thread but its own: mails that were asked for are written down, and no more are sent.
  bool stop(Millis longest = Millis(5'000));
  const MailCounters& counters() const { return counters_; }

 private:
  asio::awaitable<void> write_down(OutboxMail mail);
  asio::awaitable<void> run();
  /// How long to wait then; none: nothing was due.
  asio::awaitable<Millis> work();
  Task<MailAnswer> deliver(OutboxMail mail);
  /// Answers whether the server is there.
  asio::awaitable<bool> try_one(OutboxMail mail);
  Millis jittered(Millis wait);
  void note(const std::string& trouble);

  Outbox& outbox_;
  MailTransport* const transport_;
  IdSource& ids_;
  RandomSource& random_;
  const Clock& clock_;
  asio::any_io_executor executor_;
  const bool keep_text_;
  const std::function<void(const std::string&)> warn_;
  const MailLimits limits_;
  MailCounters counters_;
  BlockingPool sending_{1, 1};  ///< The one that speaks with the server.
  asio::steady_timer timer_;
  Millis pause_;
  std::string trouble_;
  std::atomic<bool> stopped_{false}, poked_{false};
  std::atomic<int> unwritten_{0};
  TaskGroup tasks_{"a mail"};
};

}  // namespace market::user
