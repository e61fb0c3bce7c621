#include "adapters/kafka/end_question.hpp"

#include <fmt/format.h>

namespace market::kafka {
namespace {

constexpr int question_ms = 1'000;

}  // namespace

EndQuestion::EndQuestion(const Connection& connection, const std::string& topic)
    : topic_(topic), handle_(make_consumer(connection)), thread_([this] { run(); }) {}

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

std::optional<Millis> EndQuestion::silent_for() const {
  const std::lock_guard lock(mutex_);
  if (!heard_) return std::nullopt;
  return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - *heard_);
}

void EndQuestion::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    asked_.wait(lock, [this] { return stopping_ || wanted_ > begun_; });
    if (stopping_) return;
    ++begun_;
    lock.unlock();
    rd_kafka_poll(handle_.get(), 0);
    const auto found = watermarks_of(handle_, topic_, question_ms);
    lock.lock();
    done_ = begun_;
    if (found) {
      heard_ = std::chrono::steady_clock::now();
      answer_ = log_offset(found->high);
    } else {
      answer_ = fail(Code::unavailable,
                     fmt::format("Kafka does not say where the log ends: {}", found.error().detail));
    }
    answered_.notify_all();
  }
}

}  // namespace market::kafka
