#include "adapters/kafka/end_question.hpp"

#include <fmt/format.h>

#include "base/steady_time.hpp"

namespace market::kafka {
namespace {

constexpr int question_ms = 1'000;
constexpr std::int64_t silent_ms = 1'000, unanswered_ms = 500;
constexpr Millis asked_every{300};  ///< While nothing is heard.

}  // namespace

EndQuestion::EndQuestion(const Connection& connection, const std::string& topic)
    : topic_(topic), handle_(make_consumer(connection)), heard_at_(steady_ms()), thread_([this] { run(); }) {}

EndQuestion::~EndQuestion() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  asked_.notify_one();
  answered_.notify_all();
  thread_.join();
}

Result<Offset> EndQuestion::ask(Millis deadline) {
  std::unique_lock lock(mutex_);
  // One that is under way may have been answered there before we asked.
  const std::uint64_t mine = begun_ + 1;
  wanted_ = std::max(wanted_, mine);
  asked_.notify_one();
  if (!answered_.wait_for(lock, deadline, [&] { return done_ >= mine || stopping_; }) || done_ < mine)
    return fail(Code::unavailable, "Kafka does not say where the log ends");
  return answer_;
}

void EndQuestion::note_heard() {
  heard_at_.store(steady_ms(), std::memory_order_relaxed);
}

bool EndQuestion::is_silent() const {
  const auto since = unanswered_since_.load(std::memory_order_relaxed);
  const auto now = steady_ms();
  return since != 0 && now - since >= unanswered_ms &&
         now - heard_at_.load(std::memory_order_relaxed) >= silent_ms;
}

void EndQuestion::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const bool wanted = asked_.wait_for(lock, asked_every, [this] { return stopping_ || wanted_ > begun_; });
    if (stopping_) return;
    if (!wanted && steady_ms() - heard_at_.load(std::memory_order_relaxed) < asked_every.count()) continue;
    ++begun_;
    if (unanswered_since_.load(std::memory_order_relaxed) == 0)
      unanswered_since_.store(steady_ms(), std::memory_order_relaxed);
    lock.unlock();
    rd_kafka_poll(handle_.get(), 0);
    const auto found = watermarks_of(handle_, topic_, question_ms);
    lock.lock();
    done_ = begun_;
    if (found) {
      note_heard();
      unanswered_since_.store(0, std::memory_order_relaxed);
      answer_ = log_offset(found->high);
    } else {
      answer_ = fail(Code::unavailable,
                     fmt::format("Kafka does not say where the log ends: {}", found.error().detail));
    }
    answered_.notify_all();
  }
}

}  // namespace market::kafka
