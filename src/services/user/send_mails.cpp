#include "services/user/send_mails.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <cstring>

#include "base/task_outlive.hpp"

namespace market::user {
namespace {

constexpr int batch_mails = 16;
constexpr Millis idle_max{30'000};

/// The server's words may repeat whom the mail is for.
std::string without_addresses(std::string reason) {
  for (std::string::size_type at; (at = reason.find('@')) != std::string::npos;) {
    const auto begin = reason.find_last_of(" <", at) + 1, end = reason.find_first_of(" >", at);
    reason.replace(begin, (end == std::string::npos ? reason.size() : end) - begin, "…");
  }
  return reason.substr(0, 200);
}

}  // namespace

SendMails::SendMails(Outbox& outbox, MailTransport* transport, IdSource& ids, RandomSource& random,
                     const Clock& clock, asio::any_io_executor executor, bool keep_text,
                     std::function<void(const std::string&)> warn, MailLimits limits)
    : outbox_(outbox),
      transport_(transport),
      ids_(ids),
      random_(random),
      clock_(clock),
      executor_(executor),
      keep_text_(keep_text),
      warn_(std::move(warn)),
      limits_(limits),
      timer_(executor),
      pause_(limits.pause) {}

Result<> SendMails::send(Mail mail) {
  if (unwritten_.fetch_add(1) >= limits_.unwritten_max) {
    unwritten_.fetch_sub(1);
    counters_.lost.fetch_add(1);
    warn_("too many mails are on their way; one is not sent");
    return fail(Code::overloaded, "too many mails are waiting");
  }
  OutboxMail waiting;
  waiting.id = ids_.next_as<MailId>();
  waiting.message_id = fmt::format("mail.{}", waiting.id.text());
  waiting.created_at = waiting.next_at = clock_.now();
  waiting.mail = std::move(mail);
  tasks_.spawn(executor_, write_down(std::move(waiting)));
  return {};
}

asio::awaitable<void> SendMails::write_down(OutboxMail mail) {
  const std::string kind = mail.mail.kind;
  const auto kept = co_await outlive("keeping a mail", outbox_.put(std::move(mail)));
  unwritten_.fetch_sub(1);
  if (!kept) {
    counters_.lost.fetch_add(1);
    warn_(fmt::format("a mail ({}) is not sent: {}", kind, kept.error().detail));
    co_return;
  }
  poke();
}

void SendMails::start() {
  tasks_.spawn(executor_, run());
}

void SendMails::poke() {
  if (poked_.exchange(true)) return;
  asio::post(executor_, [this] { timer_.cancel(); });
}

bool SendMails::stop(Millis longest) {
  stopped_.store(true);
  if (transport_ != nullptr) transport_->stop();
  asio::post(executor_, [this] { timer_.cancel(); });
  const bool ended = tasks_.wait(longest);
  sending_.stop();
  return ended;
}

asio::awaitable<void> SendMails::run() {
  boost::system::error_code ignored;
  while (!stopped_.load()) {
    poked_.store(false);
    const Millis wait = co_await outlive("sending mails", limits_.pause_max, work());
    if (stopped_.load()) co_return;
    timer_.expires_after(poked_.load() && pause_ == limits_.pause ? Millis(0) : wait);
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

asio::awaitable<Millis> SendMails::work() {
  constexpr Millis look_again{
      1'000};  // At whether it is this instance's turn, and at what others have put in.
  if (limits_.may_send && !limits_.may_send()) co_return look_again;
  if (transport_ == nullptr && !keep_text_) {
    const auto dropped = co_await outbox_.due(clock_.now(), 0);  // Those that have ended.
    (void)dropped;
    co_return idle_max;
  }
  auto due = co_await outbox_.due(clock_.now(), batch_mails);
  if (!due) {
    note(due.error().detail);
    co_return limits_.pause_max;
  }
  for (OutboxMail& mail : *due) {
    // One mail may take a server's whole patience; by then another instance may send the others.
    if (limits_.may_send && !limits_.may_send()) co_return look_again;
    const bool reached = co_await try_one(std::move(mail));
    if (stopped_.load()) co_return Millis(0);
    if (reached) {
      pause_ = limits_.pause;
      continue;
    }
    const Millis wait = jittered(pause_);
    pause_ = std::min(pause_ * 2, limits_.pause_max);
    co_return wait;
  }
  if (due->size() == static_cast<std::size_t>(batch_mails)) co_return Millis(0);
  if (limits_.may_send) co_return look_again;
  const auto next = co_await outbox_.next_due();
  if (!next || !*next) co_return idle_max;
  co_return std::clamp<Millis>(**next - clock_.now(), Millis(10), idle_max);
}

Task<MailAnswer> SendMails::deliver(OutboxMail mail) {
  MailToSend sending;
  sending.message_id = std::move(mail.message_id);
  sending.to = std::move(mail.mail.to);
  sending.subject = std::move(mail.mail.subject);
  sending.text = std::move(mail.mail.text);
  sending.written_at = mail.created_at;
  return sending_.run([this, sending = std::move(sending)]() -> Result<MailAnswer> {
    return transport_ == nullptr ? MailAnswer() : transport_->deliver(sending);
  });
}

asio::awaitable<bool> SendMails::try_one(OutboxMail mail) {
  const MailId id = mail.id;
  const int read_tries = mail.tries, tries = read_tries + 1;
  const Instant created_at = mail.created_at;
  const std::string kind = mail.mail.kind;
  auto answer = co_await deliver(std::move(mail));
  if (!answer) {
    note(answer.error().detail);
    co_return false;
  }
  answer->reason = without_addresses(std::move(answer->reason));
  if (answer->outcome == MailOutcome::unreachable) {
    if (!stopped_.load()) note(answer->reason);
    co_return false;
  }
  note("");
  const Instant now = clock_.now();
  if (answer->outcome == MailOutcome::accepted) {
    counters_.sent.fetch_add(1);
    const auto marked = co_await outbox_.mark_sent(id, now, keep_text_);
    if (!marked) note(marked.error().detail);  // It goes out again, with the same Message-ID.
    co_return marked.has_value();
  }
  const bool over = now - created_at >= limits_.tried_for ||
                    (answer->outcome == MailOutcome::refused && tries >= limits_.refusals_max);
  Millis wait = limits_.retry_wait;
  for (int i = 1; i < tries && wait < limits_.retry_wait_max; ++i) wait *= 2;
  std::optional<Instant> next_at;
  if (!over) next_at = now + jittered(std::min(wait, limits_.retry_wait_max));
  const auto marked = co_await outbox_.mark_failed(id, read_tries, next_at, answer->reason);
  if (!marked) note(marked.error().detail);
  if (!marked) co_return false;
  if (!*marked) co_return true;  // Another instance has it by now.
  (over ? counters_.failed : counters_.retried).fetch_add(1);
  if (over) warn_(fmt::format("a mail ({}, {}) was given up: {}", kind, id.text(), answer->reason));
  co_return true;
}

/// Between a half and the whole of it: those that wait for the same do not come back at once.
Millis SendMails::jittered(Millis wait) {
  std::array<std::uint8_t, 2> bytes;
  random_.fill(bytes);
  const int part = bytes[0] << 8 | bytes[1];
  return wait / 2 + Millis(wait.count() / 2 * part / 65'535);
}

void SendMails::note(const std::string& trouble) {
  if (trouble == trouble_) return;
  trouble_ = trouble;
  if (trouble.empty())
    warn_("mails are sent again");
  else
    warn_("mails cannot be sent for now: " + trouble);
}

}  // namespace market::user
